//! Figures and pages of whatever runs there may be: well formed, and true to the data.

mod common;

use common::{figure, hostile, losses, one};
use optkit_report::{Axis, Band, Figure, Provenance, Series, Settings, charts, html};
use proptest::prelude::*;
use std::path::Path;

fn everything() -> Settings {
    let show = ["loss", "accuracy", "gradient_norm", "nothing_has_this"].map(str::to_owned).to_vec();
    Settings { show, ..Settings::default() }
}

fn provenance() -> Provenance {
    Provenance {
        title: "A <b>report</b> & more".to_owned(),
        problem_text: "apts 1\nminimize f = x^2 // </pre><script>".to_owned(),
        environment: vec![("cpu <i>".to_owned(), "\"fast\" & 'cheap'".to_owned())],
    }
}

/// Every SVG of a page, and of every file, is XML.
fn assert_well_formed(figures: &[Figure], settings: &Settings) {
    for chart in charts(figures, settings) {
        let svg = chart.svg();
        assert_drawable(&svg);
        assert!(
            chart.name().bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'),
            "{}",
            chart.name()
        );
        let columns = |line: &str| line.split(',').count();
        let csv = chart.csv();
        assert!(csv.lines().count() > 1 && columns(csv.lines().next().unwrap_or_default()) >= 3, "{csv}");
    }
    let page = html(figures, settings, &provenance());
    for piece in page.split("<svg").skip(1) {
        let (svg, _) = piece.split_once("</svg>").expect("ends");
        assert_drawable(&format!("<svg{svg}</svg>"));
    }
}

fn assert_drawable(svg: &str) {
    let document = roxmltree::Document::parse(svg).unwrap_or_else(|e| panic!("{e}\n{svg}"));
    for node in document.descendants().filter(roxmltree::Node::is_element) {
        for place in ["d", "x", "y", "width", "height", "viewBox"] {
            let numbers = node.attribute(place).unwrap_or_default();
            assert!(!numbers.contains("NaN") && !numbers.contains("inf"), "{place}: {numbers}");
        }
    }
}

#[test]
fn labels_stay_labels() {
    let figures = [hostile()];
    assert_well_formed(&figures, &everything());
    let page = html(&figures, &everything(), &provenance());
    assert_eq!(page.matches("<script").count(), 2, "the data of one figure, and the page's own");
    assert!(!page.contains("<img") && !page.contains("<b>report") && !page.contains("<i>"));
    assert!(page.contains("&lt;script&gt;document.body.dataset.hacked = 1"));
    assert!(page.contains("A &lt;b&gt;report&lt;/b&gt; &amp; more"));
}

#[test]
fn a_page_makes_no_request() {
    let page = html(&[figure("a", &["adam"], 2, 5)], &everything(), &provenance());
    assert!(page.contains("default-src 'none'"));
    assert_eq!(page.matches("://").count(), page.matches("http://www.w3.org/2000/svg").count());
    for request in ["src=", "@import", "url(http", "fetch(", "XMLHttpRequest", "<link rel=\"stylesheet\""] {
        assert!(!page.contains(request), "{request}");
    }
}

#[test]
fn what_is_missing_is_said() {
    let page = html(&[figure("a", &["adam"], 1, 3)], &everything(), &provenance());
    assert!(page.contains("No run has a value of <code>nothing_has_this</code>"));
    assert!(html(&[], &Settings::default(), &provenance()).contains("No run is in this report"));
}

#[test]
fn odd_runs_are_drawn_too() {
    let nan = f64::NAN;
    let cases: Vec<Figure> = vec![
        Figure::default(),
        Figure { name: "empty series".to_owned(), series: vec![Series::default(), Series::default()] },
        one(vec![losses("one row", &[1.0])]),
        one(vec![losses("no row", &[])]),
        one(vec![losses("all NaN", &[nan, nan, nan]), losses("fine", &[3.0, 2.0])]),
        one(vec![losses("some NaN", &[1.0, nan, 0.5, nan, nan])]),
        one(vec![losses("constant", &[0.7; 20]), losses("constant", &[0.7; 20])]),
        one(vec![losses("zero", &[0.0; 5])]),
        one(vec![losses("huge", &[1e300, -1e300, f64::MAX, f64::MIN])]),
        one(vec![losses("tiny", &[1e-300, 1e-310, 5e-324])]),
        one(vec![losses("lengths", &[3.0; 4]), losses("lengths", &[2.0; 400]), losses("lengths", &[1.0])]),
        one(vec![losses("long", &(0..5000).map(|k| 1.0 / f64::from(k + 1)).collect::<Vec<_>>())]),
    ];
    for band in [Band::MinMax, Band::Std, Band::None] {
        for against in [vec![], vec![Axis::Iterations], Settings::default().against] {
            for figure in &cases {
                assert_well_formed(
                    std::slice::from_ref(figure),
                    &Settings { band, against: against.clone(), ..Settings::default() },
                );
            }
        }
    }
    assert_well_formed(&cases, &Settings::default());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_label_and_any_losses_are_drawn(
        label in any::<String>(),
        runs in proptest::collection::vec(proptest::collection::vec(any::<f64>(), 0..8), 1..4)
    ) {
        let logs = runs.iter().map(|values| losses(&label, values)).collect();
        assert_well_formed(&[one(logs)], &Settings::default());
    }
}

#[test]
fn files_of_different_figures_have_different_names() {
    let figures = [figure("Fig 1", &["a"], 1, 3), figure("fig/1", &["a"], 1, 3), figure("∇", &["a"], 1, 3)];
    let charts = charts(&figures, &everything());
    let names: std::collections::HashSet<_> = charts.iter().map(optkit_report::Chart::name).collect();
    assert_eq!(names.len(), charts.len());
}

#[test]
fn the_data_behind_a_figure_are_the_values_of_the_runs() {
    let logs = vec![losses("a, \"b\"", &[3.0, 1.0]), losses("a, \"b\"", &[2.0])];
    let charts = charts(&[one(logs)], &Settings::default());
    let csv = charts[0].csv();
    assert_eq!(
        csv,
        "series,epoch,loss,min,max,runs\n\"a, \"\"b\"\"\",1,2.5,2,3,2\n\"a, \"\"b\"\"\",2,1,1,1,1\n"
    );
}

#[test]
fn the_table_gives_mean_deviation_and_how_runs_ended() {
    let mut figure = figure("t", &["adam", "gd"], 3, 10);
    let values: Vec<f64> = figure.series[0].runs.iter().map(|run| run.result("loss").unwrap()).collect();
    let mean = values.iter().sum::<f64>() / 3.0;
    let std = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 2.0).sqrt();
    figure.series[1].runs[0].outcome = None;
    let page = html(&[figure], &Settings::default(), &Provenance::default());
    assert!(page.contains(&format!("{mean:.3} ± {std:.2}")[..5]), "{mean} {std}");
    assert!(page.contains(">3 budget<") && page.contains(">2 budget, 1 unfinished<"));
    assert!(page.contains("unfinished: the log has no result"));
}

#[test]
fn a_hundred_runs_of_a_hundred_epochs_weigh_less_than_3_mb() {
    let labels: Vec<String> = (0..100).map(|k| format!("apts, parts = {k}, order = 2, fdl = on")).collect();
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    for figures in
        [[figure("ten of ten", &labels[..10], 10, 100)], [figure("hundred of one", &labels, 1, 100)]]
    {
        let page = html(&figures, &everything(), &provenance());
        assert!(page.len() < 3_000_000, "{}: {} bytes", figures[0].name, page.len());
    }
}

/// `OPTKIT_BLESS=1 cargo test -p optkit-report --test figures` writes what comes out now.
#[test]
fn the_small_figure_is_the_one_that_was_looked_at() {
    let logs = vec![
        losses("gd", &[2.3, 1.1, 0.7, 0.4]),
        losses("gd", &[2.1, 1.3, 0.5]),
        losses("apts, parts = 2", &[2.2, 0.4, 0.2, 0.05]),
    ];
    let svg = charts(&[one(logs)], &Settings::default())[0].svg();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots/small.svg");
    if std::env::var_os("OPTKIT_BLESS").is_some() {
        std::fs::write(&path, &svg).expect("can be written");
    }
    let blessed = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(svg, blessed, "OPTKIT_BLESS=1 writes tests/snapshots/small.svg anew; look at it");
}
