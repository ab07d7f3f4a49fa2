//! Pages that the command writes, in a real browser; pictures and tables beside them; and what it says of bad logs.

#[path = "../../optkit-report/tests/chromium/mod.rs"]
mod chromium;
mod common;

use std::fmt::Write as _;
use std::path::Path;

use chromium::{chromium, open, seen};
use common::{FUNCTION, NETWORK, file, folder, run};
use serde_json::Value;

/// Writes what a reader with a pointer sees.
const READER: &str = r#"<script>addEventListener("load", () => {
  const seen = { ms: performance.now(), width: document.documentElement.scrollWidth - innerWidth };
  const texts = selector => [...document.querySelectorAll(selector)].map(found => found.textContent.trim());
  seen.title = document.title;
  seen.figures = texts("figure svg text.tt");
  seen.headings = texts("h2");
  seen.environment = texts("dt");
  seen.problem = texts("pre").join();
  seen.series = texts(".sum tbody th");
  const svg = document.querySelector("figure[data-c] svg"), box = svg.getBoundingClientRect();
  svg.dispatchEvent(new PointerEvent("pointermove",
    { clientX: box.left + box.width * 0.5, clientY: box.top + 30, bubbles: true }));
  seen.tip = document.getElementById("tip").innerText;
  document.body.dataset.seen = JSON.stringify(seen);
});</script></body>"#;

/// Opens a page that the command wrote; nothing may appear on the console, and nothing be wider than the window.
fn read(name: &str, page: &Path, options: &[&str]) -> Option<Value> {
    let browser = chromium()?;
    let page = std::fs::read_to_string(page).expect("a page was written");
    let (document, console) = open(&browser, name, &page.replace("</body>", READER), options);
    assert_eq!(console, Vec::<String>::new(), "{name}: errors on the console");
    let seen = seen(name, &document);
    assert!(seen["width"].as_f64().is_some_and(|beyond| beyond <= 0.0), "{name}: {seen}");
    Some(seen)
}

fn list(seen: &Value, key: &str) -> Vec<String> {
    let all = seen[key].as_array().expect("a list");
    all.iter().map(|text| text.as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn the_report_of_a_run_has_all_that_it_is_to_have() {
    let folder = folder("report-run");
    let page = folder.join("page.html");
    let report = format!("report \"{}\" {{ title = \"Two epochs\" }}\n", page.display());
    let path = file(&folder, "network.apts", format!("{NETWORK}{report}"));
    let ran = run(&["solve", &path]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    let last = ran.out.lines().last().unwrap_or_default();
    assert!(last.starts_with("report ") && last.contains("page.html"), "{last}");

    let files = |ending: &str| {
        let entries = std::fs::read_dir(folder.join("page")).expect("a folder beside the page");
        let paths = entries.map(|entry| entry.expect("readable").path());
        paths.filter(|path| path.extension().is_some_and(|e| e == ending)).count()
    };
    assert_eq!([files("svg"), files("png"), files("csv")], [12, 12, 12]);
    let loss = std::fs::read_to_string(folder.join("page/loss_epochs.csv")).expect("a table");
    assert_eq!(loss.lines().count(), 3, "a header and two epochs\n{loss}");

    for (scheme, width) in [(1, 1200), (0, 400)] {
        let options =
            [format!("--window-size={width},900"), format!("--blink-settings=preferredColorScheme={scheme}")];
        let Some(seen) = read("report_run", &page, &[&options[0], &options[1]]) else { return };
        assert_eq!(seen["title"], "Two epochs");
        let titles = [
            "loss (log)",
            "loss (log)",
            "loss (log)",
            "accuracy",
            "accuracy",
            "accuracy",
            "trust-region radius",
            "ratio (actual over predicted)",
            "work of each subdomain",
            "trials accepted",
            "trials rejected",
            "where the time goes",
        ];
        for title in titles {
            let plain = title.trim_end_matches(" (log)");
            assert!(list(&seen, "figures").iter().any(|found| found.starts_with(plain)), "{title}: {seen}");
        }
        assert_eq!(list(&seen, "figures").len(), titles.len());
        for entry in ["optkit", "kernel", "seeds", "data", "system"] {
            assert!(list(&seen, "environment").iter().any(|name| name == entry), "{entry}: {seen}");
        }
        let problem = seen["problem"].as_str().expect("a text");
        assert!(problem.contains("shrink_below = 0.25"), "defaults are filled in\n{problem}");
        assert!(seen["tip"].as_str().is_some_and(|tip| tip.contains("epoch")), "{seen}");
    }
}

#[test]
fn the_objective_is_drawn_under_whatever_name_it_has() {
    let folder = folder("report-name");
    let page = folder.join("bowl.html");
    let text = format!(
        "{FUNCTION}report \"{}\" {{ show = [f, gradient_norm], against = [gradients] }}\n",
        page.display()
    );
    let path = file(&folder, "bowl.apts", text);
    assert_eq!(run(&["solve", &path, "--quiet"]).code, Some(0));
    for name in ["loss_gradients", "gradient_norm_gradients"] {
        let table =
            std::fs::read_to_string(folder.join("bowl").join(format!("{name}.csv"))).expect("a table");
        assert!(table.lines().count() > 3, "{name}\n{table}");
    }
}

/// Two solvers, one with two settings, two trials each.
const EXPERIMENTS: &str = "
solver slow = sgd { lr = 0.001 }
experiment radii { trials = 2  vary solver.radius in [0.01, 0.1] }
experiment rates { solvers = [slow]  trials = 2 }
stop when iterations >= 6
";

#[test]
fn the_report_of_experiments_compares_their_configurations() {
    let folder = folder("report-experiments");
    let at = |name: &str| folder.join(name).to_str().expect("UTF-8").to_owned();
    let bowl = FUNCTION.replace("stop when norm(grad) <= 1e-6 or iterations >= 1000\n", "");
    let reports = format!(
        "report \"{}\"\nreport \"{}\" {{ experiments = [rates], against = [iterations] }}\n",
        at("all.html"),
        at("rates.html")
    );
    let path = file(&folder, "bowl.apts", format!("{bowl}{EXPERIMENTS}{reports}"));
    let ran = run(&["solve", &path, "--runs", &at("runs"), "--threads", "2"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let last = ran.out.lines().last().unwrap_or_default();
    assert!(
        last.starts_with("report ") && last.contains("all.html") && last.contains("rates.html"),
        "{last}"
    );
    let table = std::fs::read_to_string(folder.join("all/radii_loss_iterations.csv")).expect("a table");
    assert!(table.contains("\"apts, radius = 0.01\",6,") && table.contains(",2\n"), "{table}");
    assert!(folder.join("all/rates_loss_gradients.png").exists());
    assert!(
        folder.join("rates/rates_loss_iterations.svg").exists()
            && !folder.join("rates/radii_loss_iterations.svg").exists()
    );

    // The same command runs nothing, and writes the same page.
    let page = std::fs::read_to_string(at("all.html")).expect("a page");
    std::fs::remove_file(at("all.html")).expect("is there");
    assert_eq!(run(&["solve", &path, "--runs", &at("runs")]).code, Some(0));
    assert!(
        std::fs::read_to_string(at("all.html")).expect("a page") == page,
        "a page depends on its runs alone"
    );

    let Some(seen) = read("report_experiments", Path::new(&at("all.html")), &["--window-size=1200,900"])
    else {
        return;
    };
    assert_eq!(list(&seen, "headings")[..2], ["radii", "rates"]);
    let series = list(&seen, "series");
    assert_eq!(series.len(), 3);
    assert!(series[0].ends_with("radius = 0.01") && series[1].ends_with("radius = 0.1"), "{series:?}");
}

#[test]
fn a_report_that_cannot_be_written_is_an_error_with_its_place() {
    let folder = folder("report-place");
    let place = file(&folder, "taken", "a file where a folder would have to be");
    let path = file(&folder, "bowl.apts", format!("{FUNCTION}report \"{place}/page.html\"\n"));
    let ran = run(&["solve", &path]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.out.contains("status       converged"), "the run itself is shown\n{}", ran.out);
    assert!(
        ran.err.starts_with("error: ") && ran.err.contains("taken/page.html: cannot be written"),
        "{}",
        ran.err
    );
}

/// A log as `optkit solve --log` writes it.
fn log(experiment: &str, series: &str, trial: u32, epochs: u32) -> String {
    let mut text = format!(
        "{{\"problem\":{{\"schema\":1,\"experiment\":\"{experiment}\",\"series\":\"{series}\",\"trial\":{trial}}}}}\n"
    );
    for epoch in 1..=epochs {
        let loss = 2.0 / f64::from(epoch) + 0.01 * f64::from(trial);
        let _ = writeln!(
            text,
            "{{\"epoch\":{epoch},\"loss\":{loss},\"accuracy\":{},\"radius\":0.1,\"ratio\":0.5,\"trials_accepted\":3,\
             \"trials_rejected\":1,\"gradient_norm\":{loss},\"evaluations\":{{\"gradient_equivalents\":{}}},\"seconds\":{}}}",
            1.0 - loss / 4.0,
            2 * epoch,
            0.1 * f64::from(epoch)
        );
    }
    let _ = writeln!(text, "{{\"status\":\"budget\",\"loss\":0.02,\"seconds\":10.0}}");
    text
}

#[test]
fn a_hundred_runs_of_a_hundred_epochs_are_drawn_small_and_open_within_two_seconds() {
    let folder = folder("plot-hundred");
    for series in 1..=10 {
        for trial in 1..=10 {
            let text = log("hundred", &format!("apts, parts = {series}"), trial, 100);
            file(&folder, &format!("{series}-{trial}.jsonl"), text);
        }
    }
    let page = folder.join("hundred.html");
    let (from, to) = (folder.to_str().expect("UTF-8"), page.to_str().expect("UTF-8"));
    let ran = run(&["plot", from, "--out", to]);
    assert_eq!(
        (ran.code, ran.out.as_str(), ran.err.as_str()),
        (Some(0), format!("wrote {to}\n").as_str(), "")
    );
    let bytes = std::fs::metadata(&page).expect("a page").len();
    assert!(bytes < 3_000_000, "{bytes} bytes");
    let Some(seen) = read("plot_hundred", &page, &["--window-size=1200,900"]) else { return };
    assert!(seen["ms"].as_f64().is_some_and(|ms| ms < 2000.0), "{seen}");
    let series = list(&seen, "series");
    assert_eq!(series.len(), 10);
    assert!(
        series[1].ends_with("parts = 2") && series[9].ends_with("parts = 10"),
        "numbers in order: {series:?}"
    );
}

#[test]
fn plot_writes_what_the_endings_say_and_reads_files_folders_and_patterns() {
    let folder = folder("plot-forms");
    let at = |name: &str| folder.join(name).to_str().expect("UTF-8").to_owned();
    for name in ["adam", "gd"] {
        std::fs::create_dir_all(folder.join("runs").join(name)).expect("a folder");
        let plain =
            log("", "", 1, 5).replace("\"experiment\":\"\",\"series\":\"\",\"trial\":1", "\"solver\":\"x\"");
        file(&folder, &format!("runs/{name}/run.jsonl"), plain);
    }
    let one = ["--show", "loss", "--against", "epochs", "--out"];
    for logs in
        [vec![at("runs")], vec![at("runs/*/run.jsonl")], vec![at("runs/adam/run.jsonl"), at("runs/gd")]]
    {
        let table = at("loss.csv");
        let logs: Vec<&str> = logs.iter().map(String::as_str).collect();
        let ran = run(&[&["plot"], &logs[..], &one, &[table.as_str()]].concat());
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{logs:?}");
        let text = std::fs::read_to_string(&table).expect("a table");
        assert_eq!(text.lines().count(), 11, "{text}");
        assert!(text.contains("\nadam,1,") && text.contains("\ngd,5,"), "series are told apart\n{text}");
    }
    let (svg, png) = (at("x.svg"), at("x.png"));
    let ran = run(&[
        "plot",
        &at("runs"),
        "--show",
        "loss,accuracy",
        "--against",
        "epochs",
        "--out",
        &svg,
        "--out",
        &png,
    ]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let wrote: Vec<&str> = ran.out.lines().map(|line| line.rsplit('/').next().unwrap_or_default()).collect();
    assert_eq!(
        wrote,
        ["x_loss_epochs.svg", "x_accuracy_epochs.svg", "x_loss_epochs.png", "x_accuracy_epochs.png"]
    );
    assert!(std::fs::read(at("x_loss_epochs.png")).expect("an image").starts_with(b"\x89PNG"));
    assert!(std::fs::read_to_string(at("x_loss_epochs.svg")).expect("a drawing").starts_with("<svg"));
}

#[test]
fn what_cannot_be_drawn_is_said_with_a_remedy() {
    let folder = folder("plot-wrong");
    let good = file(&folder, "run.jsonl", log("e", "s", 1, 3));
    let at = |name: &str| folder.join(name).to_str().expect("UTF-8").to_owned();
    let csv = file(&folder, "run.csv", "epoch,loss\n1,2\n");
    let notes = file(&folder, "notes.jsonl", "hello\n");
    std::fs::create_dir_all(folder.join("empty")).expect("a folder");
    let page = at("p.html");
    let cases: [(&[&str], &[&str]); 9] = [
        (&[&at("rum.jsonl")], &["rum.jsonl: there is no such file or folder", "run.jsonl"]),
        (&[&at("empty")], &["there is no log", "optkit solve FILE --log run.jsonl"]),
        (&[&at("*.log")], &["nothing fits this pattern"]),
        (&[&at("[")], &["[: "]),
        (&[&csv], &["plot reads JSON Lines alone"]),
        (&[&notes], &["notes.jsonl:1: not a JSON object"]),
        (&[&good, "--show", "acuracy"], &["no run has a value of `acuracy`", "accuracy", "radius"]),
        (&[&good, "--against", "days"], &["epochs, iterations, gradients, time"]),
        (&[&good, "--out", "p.pdf"], &["….html, ….svg, ….png or ….csv"]),
    ];
    for (arguments, said) in cases {
        let ran = run(&[&["plot"], arguments, &["--out", &page]].concat());
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{arguments:?}");
        for part in said {
            assert!(ran.err.contains(part), "{arguments:?}: {part}\n{}", ran.err);
        }
    }
    assert!(!Path::new(&page).exists(), "nothing is written where something is wrong");
    // In a folder, what is no log is left out with a word.
    let ran = run(&["plot", folder.to_str().expect("UTF-8"), "--out", &page]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.err.starts_with("left out: ") && ran.err.contains("notes.jsonl:1"), "{}", ran.err);
}
