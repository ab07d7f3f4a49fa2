//! The final numbers: a row a configuration with mean ± standard deviation, and a row a run.

use crate::curve::mean_deviation;
use crate::figure::{Figure, Series};
use crate::log::Log;
use crate::number::{short, with_deviation};
use crate::palette;
use crate::{escape, labels};
use std::fmt::Write as _;

/// Measures of which more is better; of others the table gives what they end at.
const MORE_IS_BETTER: [&str; 6] = ["accuracy", "precision", "recall", "f1", "r2", "auc"];

/// A number of a run.
type Of = dyn Fn(&Log) -> Option<f64>;

/// A column: its heading, what it is of a run, and which end is the better one.
struct Column {
    heading: String,
    of: Box<Of>,
    better: Option<fn(f64, f64) -> bool>,
}

/// The table of an experiment, as HTML.
pub(crate) fn summary(figure: &Figure) -> String {
    let columns = columns(figure);
    let mut out =
        "<div class=\"wide sum\"><table><thead><tr><th>series</th><th class=\"n\">runs</th>".to_owned();
    for column in &columns {
        let _ = write!(out, "<th class=\"n\">{}</th>", escape::text(&column.heading));
    }
    out.push_str("<th>ended by</th></tr></thead><tbody>\n");
    let cells: Vec<Vec<Cell>> = columns
        .iter()
        .map(|column| figure.series.iter().map(|series| Cell::of(column, series)).collect())
        .collect();
    let labels = crate::chart::labels_of(figure);
    let direct = labels::direct(&labels);
    for (k, series) in figure.series.iter().enumerate() {
        let _ = write!(
            out,
            "<tr><th scope=\"row\">{}{}</th><td class=\"n\">{}</td>",
            sample(k),
            name(&labels[k], &direct[k]),
            series.runs.len()
        );
        for (column, cells) in columns.iter().zip(&cells) {
            let best = column.better.is_some_and(|better| is_best(cells, k, better));
            let (open, close) = if best { ("<b>", "</b>") } else { ("", "") };
            let _ = write!(out, "<td class=\"n\">{open}{}{close}</td>", cells[k].text);
        }
        let _ = writeln!(out, "<td>{}</td></tr>", escape::text(&statuses(series)));
    }
    out.push_str("</tbody></table></div>\n");
    out
}

/// A series' label, after the letter that stands at its line.
pub(crate) fn name(label: &str, direct: &str) -> String {
    if label == direct {
        return format!("<bdi>{}</bdi>", escape::text(label));
    }
    format!("<span class=\"key\">{}</span> <bdi>{}</bdi>", escape::text(direct), escape::text(label))
}

/// The line and marker of a series, in a table or legend.
pub(crate) fn sample(series: usize) -> String {
    let [width, height] = [28, 12];
    format!(
        "<svg class=\"smp\" viewBox=\"0 0 {width} {height}\" aria-hidden=\"true\">{}</svg>",
        crate::svg::sample(series, 1.0, 6.0)
    )
}

struct Cell {
    text: String,
    mean: Option<f64>,
}

impl Cell {
    fn of(column: &Column, series: &Series) -> Self {
        let values: Vec<f64> = series.runs.iter().filter_map(|run| (column.of)(run)).collect();
        let Some((mean, deviation)) = mean_deviation(&values) else {
            return Self { text: "–".to_owned(), mean: None };
        };
        let mut text = with_deviation(mean, deviation);
        if values.len() < series.runs.len() {
            let _ = write!(text, " <small>({} of {})</small>", values.len(), series.runs.len());
        }
        Self { text, mean: Some(mean).filter(|_| values.len() == series.runs.len()) }
    }
}

/// Whether no other row is better, and some are not as good.
fn is_best(cells: &[Cell], k: usize, better: fn(f64, f64) -> bool) -> bool {
    let Some(mine) = cells[k].mean else { return false };
    let others = || cells.iter().filter_map(|cell| cell.mean);
    !others().any(|other| better(other, mine)) && others().any(|other| better(mine, other))
}

fn columns(figure: &Figure) -> Vec<Column> {
    let less: fn(f64, f64) -> bool = |a, b| a < b;
    let more: fn(f64, f64) -> bool = |a, b| a > b;
    let finite = |value: f64| Some(value).filter(|value| value.is_finite());
    let mut all = vec![Column {
        heading: "final loss".to_owned(),
        of: Box::new(move |run| run.result("loss").and_then(finite)),
        better: Some(less),
    }];
    let mut measures: Vec<String> = Vec::new();
    for measure in figure.runs().flat_map(Log::measures) {
        if !measures.iter().any(|known| known == measure) {
            measures.push(measure.to_owned());
        }
    }
    for measure in measures {
        let key = measure.clone();
        if MORE_IS_BETTER.contains(&measure.as_str()) {
            all.push(Column {
                heading: format!("best {}", crate::chart::words(&measure)),
                of: Box::new(move |run| {
                    run.column(&key)?.iter().copied().filter(|value| value.is_finite()).reduce(f64::max)
                }),
                better: Some(more),
            });
        } else {
            all.push(Column {
                heading: format!("final {}", crate::chart::words(&measure)),
                of: Box::new(move |run| run.result(&key).and_then(finite)),
                better: None,
            });
        }
    }
    let unit = if figure.runs().all(|run| run.unit() == "iteration") { "iterations" } else { "epochs" };
    let cost = |heading: &str, of: fn(&Log) -> Option<f64>| Column {
        heading: heading.to_owned(),
        of: Box::new(of),
        better: None,
    };
    all.push(cost(unit, |run| run.steps().last().copied()));
    all.push(cost("gradient equivalents", |run| run.result("evaluations.gradient_equivalents")));
    all.push(cost("seconds", |run| run.result("seconds")));
    all
}

/// `9 budget, 1 diverged`, the most frequent first.
fn statuses(series: &Series) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for run in &series.runs {
        match counts.iter_mut().find(|(status, _)| *status == run.status()) {
            Some((_, count)) => *count += 1,
            None => counts.push((run.status(), 1)),
        }
    }
    counts.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    let word = |(status, count): &(&str, usize)| format!("{count} {}", status.replace('_', " "));
    counts.iter().map(word).collect::<Vec<_>>().join(", ")
}

/// Every run of an experiment with how it ended, as HTML.
pub(crate) fn runs(figure: &Figure) -> String {
    let mut out = "<div class=\"wide\"><table class=\"runs\"><thead><tr><th>series</th><th class=\"n\">trial</th>\
                   <th class=\"n\">seed</th><th class=\"n\">rows</th><th class=\"n\">loss</th><th class=\"n\">seconds</th>\
                   <th>ended by</th></tr></thead><tbody>\n"
        .to_owned();
    for (k, series) in figure.series.iter().enumerate() {
        for (index, run) in series.runs.iter().enumerate() {
            let number = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| short(value, 5));
            let trial = run.trial.unwrap_or(index as u64 + 1);
            let seed = run.problem.seed.map_or_else(|| "–".to_owned(), |seed| seed.to_string());
            let words = match &run.outcome {
                None => "unfinished: the log has no result".to_owned(),
                Some(outcome) if outcome.status_text.is_empty() => outcome.status.replace('_', " "),
                Some(outcome) => outcome.status_text.clone(),
            };
            let _ = writeln!(
                out,
                "<tr><th scope=\"row\"><span class=\"dot b{}\"></span><bdi>{}</bdi></th><td class=\"n\">{trial}</td>\
                 <td class=\"n\">{seed}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
                 <td>{}</td></tr>",
                palette::colour(k),
                escape::text(&series.label),
                run.len(),
                number(run.result("loss")),
                number(run.result("seconds")),
                escape::text(&words)
            );
        }
    }
    out.push_str("</tbody></table></div>\n");
    out
}
