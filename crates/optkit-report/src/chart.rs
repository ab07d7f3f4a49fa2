//! Which figures an experiment has.

use crate::bars::{Bars, Row};
use crate::curve::{Curve, mean_deviation};
use crate::figure::{Axis, Band, Figure, Settings};
use crate::lines::Lines;
use crate::scale::Scale;
use crate::{csv, escape, labels, svg};
use serde_json::Value;

/// Of a figure within a page; the page scales it.
const INLINE: (f64, f64) = (380.0, 262.0);

/// Of a figure in a file of its own.
const FILE: (f64, f64) = (560.0, 380.0);

/// One figure, ready to be drawn.
#[derive(Clone, Debug)]
pub struct Chart {
    name: String,
    title: String,
    heading: String,
    labels: Vec<String>,
    kind: Kind,
    band: Band,
}

#[derive(Clone, Debug)]
enum Kind {
    Lines(Lines),
    Bars(Bars),
}

/// The figures of one experiment, by what they tell.
pub(crate) struct Sections {
    /// What was asked for: a row a quantity, a column an axis.
    pub(crate) asked: Vec<Chart>,
    /// Trust region: radius, ratio, accepted and rejected trials.
    pub(crate) region: Vec<Chart>,
    /// Work of each subdomain, time of each phase.
    pub(crate) work: Vec<Chart>,
    /// What was asked for, and no run has.
    pub(crate) missing: Vec<String>,
}

/// All figures of these experiments: what `settings` asks for, the trust region, work and time.
///
/// ```
/// # use optkit_report::{Log, Settings, charts, group};
/// let log = Log::read("run.jsonl", &b"{\"problem\": {}}\n{\"epoch\": 1, \"loss\": 0.5}"[..])?;
/// let charts = charts(&group(vec![log]), &Settings::default());
/// assert_eq!(charts[0].name(), "loss_epochs");
/// assert!(charts[0].svg().starts_with("<svg"));
/// assert_eq!(charts[0].csv(), "series,epoch,loss,min,max,runs\nrun,1,0.5,0.5,0.5,1\n");
/// # Ok::<(), optkit_report::ReportError>(())
/// ```
#[must_use]
pub fn charts(figures: &[Figure], settings: &Settings) -> Vec<Chart> {
    let mut all: Vec<Chart> = Vec::new();
    for figure in figures {
        let sections = sections(figure, settings);
        all.extend(sections.asked.into_iter().chain(sections.region).chain(sections.work));
    }
    name_apart(&mut all);
    all
}

/// Of [`charts`], those that `settings` asks for alone: a figure for each quantity against each axis.
#[must_use]
pub fn charts_asked(figures: &[Figure], settings: &Settings) -> Vec<Chart> {
    let asked = figures.iter().flat_map(|figure| sections(figure, settings).asked);
    let mut all: Vec<Chart> = asked.collect();
    name_apart(&mut all);
    all
}

/// Two experiments whose names differ in what file names cannot hold get different ones.
fn name_apart(all: &mut [Chart]) {
    for k in 0..all.len() {
        let same = |one: &Chart, name: &str| one.name == name;
        let (plain, mut suffix) = (all[k].name.clone(), 2);
        while all[..k].iter().any(|before| same(before, &all[k].name)) {
            all[k].name = format!("{plain}_{suffix}");
            suffix += 1;
        }
    }
}

pub(crate) fn sections(figure: &Figure, settings: &Settings) -> Sections {
    let axes = if settings.against.is_empty() { vec![Axis::Epochs] } else { settings.against.clone() };
    let (mut asked, mut missing) = (Vec::new(), Vec::new());
    for quantity in settings.quantities(figure) {
        let before = asked.len();
        asked.extend(axes.iter().filter_map(|&axis| lines(figure, &quantity, axis, settings.band)));
        if asked.len() == before {
            missing.push(quantity);
        }
    }
    let step = if axes[0] == Axis::Iterations { Axis::Iterations } else { Axis::Epochs };
    let region = ["radius", "ratio", "trials_accepted", "trials_rejected"].iter();
    let region = region.filter_map(|quantity| lines(figure, quantity, step, settings.band)).collect();
    let work = [work(figure), phases(figure)].into_iter().flatten().collect();
    Sections { asked, region, work, missing }
}

fn lines(figure: &Figure, quantity: &str, axis: Axis, band: Band) -> Option<Chart> {
    let curves: Vec<(usize, Curve)> = figure
        .series
        .iter()
        .map(|series| Curve::of(&series.runs, quantity, axis, band))
        .enumerate()
        .filter(|(_, curve)| !curve.is_empty())
        .collect();
    // A column of zeros says nothing that its absence does not.
    let dull = quantity.starts_with("trials_") || quantity == "radius";
    if curves.is_empty() || dull && curves.iter().all(|(_, curve)| curve.mean.iter().all(|&y| y == 0.0)) {
        return None;
    }
    let along = Scale::exact(curves.iter().flat_map(|(_, curve)| curve.x.iter().copied()));
    let x = Scale { whole: matches!(axis, Axis::Epochs | Axis::Iterations), ..along };
    let (y, outside) = height(&curves, quantity);
    let labels = labels_of(figure);
    let y_label = words(quantity);
    let (x_label, key) = axis_words(figure, axis);
    let lines = Lines {
        x_label: x_label.to_owned(),
        y_label: y_label.clone(),
        x,
        y,
        runs: figure.series.iter().map(|series| series.runs.len()).collect(),
        direct: labels::direct(&labels),
        curves,
        outside,
    };
    let logarithmic = if y.logarithmic { " (log)" } else { "" };
    Some(Chart {
        name: file_name(figure, &format!("{quantity}_{key}")),
        title: format!("{y_label}{logarithmic}"),
        heading: figure.name.clone(),
        labels,
        kind: Kind::Lines(lines),
        band,
    })
}

/// The vertical axis, and how many values lie beyond it.
fn height(curves: &[(usize, Curve)], quantity: &str) -> (Scale, usize) {
    let values =
        || curves.iter().flat_map(|(_, curve)| [&curve.mean, &curve.lower, &curve.upper]).flatten().copied();
    if quantity == "ratio" {
        // Where the prediction is nearly nothing the ratio is anything: what matters lies around 0 and 1.
        let near = |value: &f64| (-1.0..=3.0).contains(value);
        let means =
            || curves.iter().flat_map(|(_, curve)| curve.mean.iter().copied()).filter(|y| y.is_finite());
        let scale = Scale::airy(means().filter(near).chain([0.0, 1.0]), false);
        return (scale, means().filter(|&y| !(scale.from..=scale.to).contains(&y)).count());
    }
    let fraction = matches!(quantity, "accuracy" | "trials_accepted" | "trials_rejected");
    (Scale::airy(values(), !fraction), 0)
}

/// Mean work of each subdomain over the runs of a series.
fn work(figure: &Figure) -> Option<Chart> {
    let keys = labels::direct(&labels_of(figure));
    let mut rows = Vec::new();
    for (k, series) in figure.series.iter().enumerate() {
        let known: Vec<_> =
            series.runs.iter().filter_map(|run| run.outcome.as_ref()?.parts.as_ref()).collect();
        let count = known.iter().map(|parts| parts.len()).max().unwrap_or(0);
        let part = |index: usize| {
            let values: Vec<f64> = known
                .iter()
                .filter_map(|parts| parts.get(index))
                .map(|part| part.gradient_equivalents)
                .collect();
            let mean = mean_deviation(&values).map_or(0.0, |(mean, _)| mean);
            // Deals differ from trial to trial: tensors are named where all have the same.
            let tensors = known.first().and_then(|parts| parts.get(index)).map(|part| &part.tensors);
            let same = known.iter().all(|parts| parts.get(index).map(|part| &part.tensors) == tensors);
            let tensors = tensors.filter(|tensors| same && !tensors.is_empty());
            let tensors = tensors.map_or(String::new(), |tensors| format!(" ({})", tensors.join(", ")));
            let value = crate::number::short(mean, 4);
            (mean, format!("part {}{tensors}: {value} gradient equivalents", index + 1))
        };
        if count > 0 {
            rows.push(Row {
                series: k,
                label: series.label.clone(),
                key: keys[k].clone(),
                parts: (0..count).map(part).collect(),
            });
        }
    }
    let bars = Bars { x_label: "gradient equivalents a run".to_owned(), rows, names: Vec::new() };
    bar_chart(figure, "work_of_subdomains", "work of each subdomain", bars)
}

/// Mean time of each phase over the runs of a series.
fn phases(figure: &Figure) -> Option<Chart> {
    let names = ["local", "combined step and fdl", "global", "measures"].map(str::to_owned).to_vec();
    let keys = labels::direct(&labels_of(figure));
    let mut rows = Vec::new();
    for (k, series) in figure.series.iter().enumerate() {
        let known: Vec<[f64; 4]> = series
            .runs
            .iter()
            .filter_map(|run| run.outcome.as_ref()?.phases)
            .map(|phases| [phases.local, phases.fdl, phases.whole, phases.measures])
            .collect();
        let mean = |phase: usize| known.iter().map(|run| run[phase]).sum::<f64>() / known.len().max(1) as f64;
        let total: f64 = (0..4).map(mean).sum();
        // Methods without phases have measures alone, which says nothing of where their time went.
        if (0..3).any(|phase| mean(phase) > 0.0) {
            let part = |phase: usize| {
                let (value, share) = (mean(phase), 100.0 * mean(phase) / total);
                (value, format!("{}: {} s, {share:.0} %", names[phase], crate::number::short(value, 3)))
            };
            rows.push(Row {
                series: k,
                label: series.label.clone(),
                key: keys[k].clone(),
                parts: (0..4).map(part).collect(),
            });
        }
    }
    let bars = Bars { x_label: "seconds a run".to_owned(), rows, names };
    bar_chart(figure, "time_of_phases", "where the time goes", bars)
}

fn bar_chart(figure: &Figure, name: &str, title: &str, bars: Bars) -> Option<Chart> {
    (!bars.rows.is_empty()).then(|| Chart {
        name: file_name(figure, name),
        title: title.to_owned(),
        heading: figure.name.clone(),
        labels: labels_of(figure),
        kind: Kind::Bars(bars),
        band: Band::None,
    })
}

pub(crate) fn labels_of(figure: &Figure) -> Vec<String> {
    figure.series.iter().map(|series| series.label.clone()).collect()
}

fn file_name(figure: &Figure, name: &str) -> String {
    let name = escape::file_part(name);
    if figure.name.is_empty() { name } else { format!("{}_{name}", escape::file_part(&figure.name)) }
}

/// A key of the log, as words.
pub(crate) fn words(quantity: &str) -> String {
    match quantity {
        "gradient_norm" => "‖∇f‖∞".to_owned(),
        "ratio" => "ratio (actual over predicted)".to_owned(),
        "radius" => "trust-region radius".to_owned(),
        _ => quantity.replace('_', " "),
    }
}

fn axis_words(figure: &Figure, axis: Axis) -> (&'static str, &'static str) {
    match axis {
        Axis::Epochs if figure.runs().all(|run| run.unit() == "iteration") => ("iteration", "iterations"),
        Axis::Epochs => ("epoch", "epochs"),
        Axis::Iterations => ("iteration", "iterations"),
        Axis::Gradients => ("gradient equivalents", "gradients"),
        Axis::Time => ("seconds", "time"),
    }
}

impl Chart {
    /// A name for files, without an ending: `fig1a_loss_epochs`. No two of one call to [`charts`] are the same.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What is drawn, in words.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// A file of its own, with its legend, on white.
    #[must_use]
    pub fn svg(&self) -> String {
        let (width, top) = (FILE.0, 34.0);
        let heading = if self.heading.is_empty() { String::new() } else { format!("{}: ", self.heading) };
        let title = escape::cut(&format!("{heading}{}", self.title), 64);
        let mut body = svg::text(12.0, 20.0, "tt", "start", &title);
        body.push('\n');
        let height = match &self.kind {
            Kind::Bars(bars) => {
                let frame = bars.frame(width, top - 6.0, true);
                body.push_str(&bars.draw(&frame, true));
                frame.height
            }
            Kind::Lines(lines) => {
                let frame = lines.frame(width, FILE.1, top);
                body.push_str(&lines.draw(&frame, "c"));
                let legend: Vec<(usize, String)> =
                    lines.curves.iter().map(|(k, _)| (*k, self.legend_label(lines, *k))).collect();
                let (legend, height) = svg::legend(&legend, 16.0, FILE.1 + 4.0, width - 32.0);
                body.push_str(&legend);
                let note = self.note(lines);
                body.push_str(&svg::text(16.0, FILE.1 + height + 20.0, "nt", "start", &note));
                FILE.1 + height + 30.0
            }
        };
        svg::file(width, height, &title, &body)
    }

    fn legend_label(&self, lines: &Lines, series: usize) -> String {
        let label = escape::cut(&self.labels[series], 72);
        if lines.direct[series] == self.labels[series] {
            label
        } else {
            format!("{}   {label}", lines.direct[series])
        }
    }

    /// What the lines are, for a reader without the page around.
    fn note(&self, lines: &Lines) -> String {
        let most = lines.runs.iter().max().copied().unwrap_or(1);
        if most < 2 {
            return String::new();
        }
        let dashed = match self.band {
            Band::MinMax => "; dashed: best and worst",
            Band::Std => "; dashed: one standard deviation to each side",
            Band::None => "",
        };
        let some_end =
            lines.curves.iter().any(|(k, curve)| curve.runs.iter().any(|&n| (n as usize) < lines.runs[*k]));
        let dotted = if some_end { "; dotted: some have ended, and keep their last value" } else { "" };
        format!("Solid: mean of up to {most} runs{dashed}{dotted}")
    }

    /// The data behind the figure, as CSV with a heading.
    #[must_use]
    pub fn csv(&self) -> String {
        match &self.kind {
            Kind::Lines(lines) => csv::lines(lines, &self.labels, self.band),
            Kind::Bars(bars) => csv::bars(bars),
        }
    }

    /// For a page, whose style it takes; `id` is one that nothing else in the page has.
    pub(crate) fn inline(&self, id: &str) -> String {
        let (width, top) = (INLINE.0, 26.0);
        let mut body = svg::text(2.0, 13.0, "tt", "start", &self.title);
        match &self.kind {
            Kind::Bars(bars) => {
                let frame = bars.frame(width, top - 4.0, false);
                body.push_str(&bars.draw(&frame, false));
                svg::inline(width, frame.height, &self.title, false, &body)
            }
            Kind::Lines(lines) => {
                let frame = lines.frame(width, INLINE.1, top);
                body.push_str(&lines.draw(&frame, id));
                let label = format!("{} over {}", lines.y_label, lines.x_label);
                svg::inline(frame.width, frame.height, &label, true, &body)
            }
        }
    }

    /// What the page's script shows under the pointer; nothing for bars, which have tooltips.
    pub(crate) fn data(&self) -> Option<Value> {
        match &self.kind {
            Kind::Bars(_) => None,
            Kind::Lines(lines) => {
                let mut data = lines.data(&lines.frame(INLINE.0, INLINE.1, 26.0));
                data["t"] = lines.x_label.clone().into();
                Some(data)
            }
        }
    }
}
