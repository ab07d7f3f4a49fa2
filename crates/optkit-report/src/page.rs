//! The page: everything in one file, nothing from the network.
//!
//! Its content policy forbids requests, so that what a label may smuggle in cannot make one either. Without scripts
//! it shows all there is but the values under the pointer.

use crate::chart::{self, Chart, Sections};
use crate::figure::{Band, Figure, Provenance, Settings};
use crate::number::grouped;
use crate::{escape, labels, palette, svg, table};
use serde_json::{Value, json};
use std::fmt::Write as _;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// A report: one self-contained HTML page.
///
/// For each figure its curves against every axis asked for, the trust region, work and time, the final table and every
/// run's end; then the problem file and the environment. It makes no request, follows the reader's choice of light or
/// dark, and prints.
#[must_use]
pub fn html(figures: &[Figure], settings: &Settings, provenance: &Provenance) -> String {
    let title = if provenance.title.is_empty() { "Report" } else { &provenance.title };
    let mut out = head(title);
    out.push_str(&introduction(figures, title));
    let mut ids = 0;
    for (k, figure) in figures.iter().enumerate() {
        section(&mut out, figure, settings, k, &mut ids);
    }
    if figures.iter().all(|figure| figure.series.is_empty()) {
        out.push_str("<p>No run is in this report.</p>\n");
    }
    out.push_str(&reading(settings));
    out.push_str(&origin(provenance));
    let _ = write!(
        out,
        "</main><div id=\"tip\" role=\"status\" aria-live=\"polite\" hidden></div>\n<script>{SCRIPT}</script>\n\
         </body></html>\n"
    );
    out
}

fn head(title: &str) -> String {
    let mut classes = String::new();
    for k in 0..palette::COLOURS {
        let _ = write!(
            classes,
            ".s{k}{{stroke:var(--s{k})}}.f{k}{{fill:var(--s{k})}}.b{k}{{background:var(--s{k})}}"
        );
    }
    classes.push_str(&svg::ends("var(--paper)"));
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         script-src 'unsafe-inline'; img-src data:\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"icon\" href=\"data:,\">\n\
         <title>{}</title>\n<style>:root{{{light}}}\n@media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n\
         @media print{{:root{{{light}}}}}\n{}{classes}\n{STYLE}</style></head>\n",
        escape::text(title),
        svg::STYLE,
        light = palette::variables(false),
        dark = palette::variables(true),
    )
}

fn introduction(figures: &[Figure], title: &str) -> String {
    let runs = figures.iter().flat_map(Figure::runs).count();
    let series: usize = figures.iter().map(|figure| figure.series.len()).sum();
    let mut words = vec![count(runs, "run"), count(series, "configuration")];
    let mut facts: Vec<String> = Vec::new();
    for run in figures.iter().flat_map(Figure::runs) {
        let samples = run.problem.samples.map_or(String::new(), |n| format!(", {} samples", grouped(n)));
        let variables =
            run.problem.variables.map_or(String::new(), |n| format!(", {} variables", grouped(n)));
        if let Some(objective) = &run.problem.objective {
            let fact = format!("{objective}{variables}{samples}");
            if !facts.contains(&fact) {
                facts.push(fact);
            }
        }
    }
    let many = facts.len().saturating_sub(3);
    words.extend(facts.into_iter().take(3));
    if many > 0 {
        words.push(format!("and {} more", count(many, "problem")));
    }
    let mut out = format!(
        "<body><main><h1>{}</h1>\n<p class=\"sub\">{}</p>\n",
        escape::text(title),
        escape::text(&words.join(" · "))
    );
    if figures.len() > 1 {
        out.push_str("<nav>");
        for (k, figure) in figures.iter().enumerate() {
            let _ = write!(out, "<a href=\"#f{k}\">{}</a>", escape::text(&heading(figure, k)));
        }
        out.push_str("</nav>\n");
    }
    out
}

fn count(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

fn heading(figure: &Figure, k: usize) -> String {
    if figure.name.is_empty() { format!("Runs {}", k + 1) } else { figure.name.clone() }
}

fn section(out: &mut String, figure: &Figure, settings: &Settings, k: usize, ids: &mut usize) {
    let Sections { asked, region, work, missing } = chart::sections(figure, settings);
    let name = if figure.name.is_empty() { "Runs".to_owned() } else { figure.name.clone() };
    let _ = write!(
        out,
        "<section class=\"fig\" id=\"f{k}\"><h2>{}</h2>\n{}",
        escape::text(&name),
        legend(figure)
    );
    let mut data: Vec<Value> = Vec::new();
    grid(out, &asked, ids, &mut data);
    if !missing.is_empty() {
        let names =
            missing.iter().map(|name| format!("<code>{}</code>", escape::text(name))).collect::<Vec<_>>();
        let _ = writeln!(out, "<p class=\"note\">No run has a value of {}.</p>", names.join(", "));
    }
    out.push_str(&table::summary(figure));
    if !region.is_empty() || !work.is_empty() {
        let title = if region.is_empty() { "Work and time" } else { "Trust region, work and time" };
        let _ = writeln!(out, "<h3>{title}</h3>");
        grid(out, &[region, work].concat(), ids, &mut data);
    }
    let _ = write!(
        out,
        "<details><summary>{}</summary>\n{}</details>\n",
        match figure.runs().count() {
            1 => "The run with how it ended".to_owned(),
            runs => format!("All {} with how they ended", count(runs, "run")),
        },
        table::runs(figure)
    );
    let names: Vec<Value> =
        figure.series.iter().map(|series| escape::cut(&series.label, 40).into()).collect();
    let keys = labels::direct(&chart::labels_of(figure));
    let runs: Vec<usize> = figure.series.iter().map(|series| series.runs.len()).collect();
    let all = json!({ "names": names, "keys": keys, "runs": runs, "charts": data });
    let _ = writeln!(
        out,
        "<script type=\"application/json\">{}</script></section>",
        escape::json(&all.to_string())
    );
}

fn grid(out: &mut String, charts: &[Chart], ids: &mut usize, data: &mut Vec<Value>) {
    out.push_str("<div class=\"grid\">\n");
    for chart in charts {
        *ids += 1;
        let index = chart.data().map_or(String::new(), |values| {
            data.push(values);
            format!(" data-c=\"{}\"", data.len() - 1)
        });
        let _ = writeln!(out, "<figure{index}>{}</figure>", chart.inline(&format!("c{ids}")));
    }
    out.push_str("</div>\n");
}

/// Buttons, so that a series can be hidden by pointer and by keyboard.
fn legend(figure: &Figure) -> String {
    let labels = chart::labels_of(figure);
    let direct = labels::direct(&labels);
    let mut out = "<div class=\"legend\" role=\"group\" aria-label=\"series shown\">".to_owned();
    for (k, label) in labels.iter().enumerate() {
        let _ = write!(
            out,
            "<button type=\"button\" aria-pressed=\"true\" data-s=\"{k}\">{}{}</button>",
            table::sample(k),
            table::name(label, &direct[k])
        );
    }
    out.push_str("</div>\n");
    out
}

/// How the figures are to be read.
fn reading(settings: &Settings) -> String {
    let dashed = match settings.band {
        Band::MinMax => "Dashed lines are the smallest and the largest value of any trial at each point.",
        Band::Std => "Dashed lines are one standard deviation (of the sample, n − 1) to each side.",
        Band::None => "",
    };
    format!(
        "<section class=\"read\"><h2>How to read this</h2>\n<p>Solid lines are means over the trials of a \
         configuration. {dashed} Where some trials have ended the line is dotted: they keep their last value, \
         so that it ends at the mean of the final values. Values of an epoch are averaged as they are; against gradient \
         equivalents and seconds every trial is interpolated linearly between its epochs onto one even grid. A \
         gradient equivalent is the work of one gradient over all samples and variables; seconds are those of training \
         alone. Tables give mean ± standard deviation of the sample; the best mean of a column is bold.</p></section>\n"
    )
}

fn origin(provenance: &Provenance) -> String {
    let mut out = String::new();
    if !provenance.problem_text.is_empty() {
        let _ = write!(
            out,
            "<section><h2>Problem file</h2>\n<pre tabindex=\"0\">{}</pre></section>\n",
            escape::text(&provenance.problem_text)
        );
    }
    if !provenance.environment.is_empty() {
        out.push_str("<section><h2>Environment</h2>\n<dl>");
        for (name, value) in &provenance.environment {
            let _ = write!(out, "<dt>{}</dt><dd>{}</dd>", escape::text(name), escape::text(value));
        }
        out.push_str("</dl></section>\n");
    }
    out
}
