//! Configurations side by side: mean and standard deviation over their trials.

use std::io::{self, Write};

use optkit::run_folder::Summary;
use serde_json::{Value, json};

use crate::columns::grouped;

/// A run of a configuration; without numbers where it has not ended.
pub(crate) struct Entry {
    pub(crate) experiment: Option<String>,
    pub(crate) configuration: String,
    pub(crate) summary: Option<Summary>,
}

/// The runs of one configuration.
pub(crate) struct Group {
    experiment: Option<String>,
    configuration: String,
    ended: Vec<Summary>,
    /// Runs that have not ended.
    open: usize,
}

/// Mean and standard deviation of a sample; the latter of two values at least.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Spread {
    mean: f64,
    std: Option<f64>,
}

impl Spread {
    /// By two passes. Equal values deviate by nothing, whatever their sum is rounded to.
    fn of(values: &[f64]) -> Self {
        let count = values.len() as f64;
        let are_equal = values.windows(2).all(|pair| pair[0] == pair[1]);
        let mean = if are_equal { values[0] } else { values.iter().sum::<f64>() / count };
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Self { mean, std: (values.len() > 1).then(|| (squares / (count - 1.0)).sqrt()) }
    }

    /// `0.1234 ± 0.0012`, in `digits` after the point, or with exponents where these show nothing.
    fn text(&self, factor: f64, digits: usize, unit: &str) -> String {
        let (mean, std) = (factor * self.mean, self.std.map(|std| factor * std));
        let plain = mean == 0.0 || (10_f64.powi(1 - digits as i32)..1e6).contains(&mean.abs());
        let number = |value: f64| {
            if plain || !value.is_finite() { format!("{value:.digits$}") } else { format!("{value:.2e}") }
        };
        match std {
            Some(std) => format!("{} ± {}{unit}", number(mean), number(std)),
            None => format!("{}{unit}", number(mean)),
        }
    }
}

/// By experiment and configuration, in the order in which they come.
pub(crate) fn groups(entries: impl Iterator<Item = Entry>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for Entry { experiment, configuration, summary } in entries {
        let known = |g: &&mut Group| g.experiment == experiment && g.configuration == configuration;
        let group = match groups.iter_mut().rev().find(known) {
            Some(group) => group,
            None => {
                groups.push(Group { experiment, configuration, ended: Vec::new(), open: 0 });
                groups.last_mut().expect("one was pushed")
            }
        };
        match summary {
            Some(summary) => group.ended.push(summary),
            None => group.open += 1,
        }
    }
    groups
}

impl Group {
    fn spread(&self, of: impl Fn(&Summary) -> f64) -> Option<Spread> {
        let values: Vec<f64> = self.ended.iter().map(of).collect();
        (!values.is_empty()).then(|| Spread::of(&values))
    }

    fn measure(&self, name: &str) -> Option<Spread> {
        let value = |s: &Summary| s.measures.iter().find(|(n, _)| n == name).map_or(f64::NAN, |(_, v)| *v);
        self.spread(value)
    }

    /// `budget`, or `9 budget, 1 diverged`.
    fn statuses(&self) -> String {
        let mut counts: Vec<(&str, usize)> = Vec::new();
        for summary in &self.ended {
            match counts.iter_mut().find(|(status, _)| *status == summary.status) {
                Some((_, count)) => *count += 1,
                None => counts.push((&summary.status, 1)),
            }
        }
        match counts.as_slice() {
            [(status, _)] => (*status).to_owned(),
            _ => counts.iter().map(|(s, n)| format!("{n} {s}")).collect::<Vec<_>>().join(", "),
        }
    }
}

/// Names of the measures in their order.
fn measures<'a>(groups: impl IntoIterator<Item = &'a Group>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (name, _) in groups.into_iter().flat_map(|g| &g.ended).flat_map(|s| &s.measures) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

/// A table an experiment.
pub(crate) fn table(out: &mut impl Write, groups: &[Group]) -> io::Result<()> {
    for same in groups.chunk_by(|a, b| a.experiment == b.experiment) {
        if let Some(name) = &same[0].experiment {
            writeln!(out, "\n{name}")?;
        }
        let measures = measures(same);
        let mut rows = vec![heading(&measures)];
        rows.extend(same.iter().map(|group| row(group, &measures)));
        aligned(out, &rows)?;
    }
    Ok(())
}

fn heading(measures: &[String]) -> Vec<String> {
    let own = ["configuration", "runs", "loss"].map(str::to_owned).into_iter();
    let rest = ["epochs", "gradients", "time", "ended by"].map(str::to_owned);
    own.chain(measures.iter().cloned()).chain(rest).collect()
}

fn row(group: &Group, measures: &[String]) -> Vec<String> {
    let ended = grouped(group.ended.len());
    let runs = if group.open > 0 { format!("{ended} of {}", group.ended.len() + group.open) } else { ended };
    let text = |spread: Option<Spread>, factor: f64, digits: usize, unit: &str| {
        spread.map_or_else(|| "-".to_owned(), |spread| spread.text(factor, digits, unit))
    };
    let mut row = vec![group.configuration.clone(), runs, text(group.spread(|s| s.loss), 1.0, 4, "")];
    row.extend(measures.iter().map(|name| text(group.measure(name), 100.0, 2, "%")));
    let mean = |of: fn(&Summary) -> f64, write: fn(f64) -> String| {
        group.spread(of).map_or_else(|| "-".to_owned(), |spread| write(spread.mean))
    };
    row.push(mean(|s| s.epochs as f64, count));
    row.push(mean(|s| s.gradient_equivalents, count));
    row.push(mean(|s| s.seconds, |seconds| format!("{seconds:.2} s")));
    row.push(group.statuses());
    row
}

/// A mean of counts: `100`, `66.3`.
fn count(mean: f64) -> String {
    if mean.fract() == 0.0 { format!("{mean:.0}") } else { format!("{mean:.1}") }
}

/// The first column and the last to the left, the others to the right.
pub(crate) fn aligned(out: &mut impl Write, rows: &[Vec<String>]) -> io::Result<()> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in rows {
        let cells = row.iter().enumerate().map(|(column, cell)| {
            let width = widths[column];
            if column == 0 || column + 1 == columns {
                format!("{cell:<width$}")
            } else {
                format!("{cell:>width$}")
            }
        });
        writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}

/// A configuration as an object; docs/src/json.md explains the keys.
pub(crate) fn object(group: &Group) -> Value {
    let spread = |spread: Option<Spread>| {
        json!({
            "mean": spread.and_then(|s| finite(s.mean)),
            "std": spread.and_then(|s| s.std).and_then(finite),
        })
    };
    let mut object = json!({
        "experiment": group.experiment,
        "configuration": group.configuration,
        "runs": group.ended.len(),
        "unfinished": group.open,
        "loss": spread(group.spread(|s| s.loss)),
        "gradient_norm": spread(group.spread(|s| s.gradient_norm)),
        "epochs": spread(group.spread(|s| s.epochs as f64)),
        "iterations": spread(group.spread(|s| s.iterations as f64)),
        "gradient_equivalents": spread(group.spread(|s| s.gradient_equivalents)),
        "seconds": spread(group.spread(|s| s.seconds)),
        "statuses": group.ended.iter().map(|s| s.status.as_str()).collect::<Vec<_>>(),
    });
    for name in measures([group]) {
        if object.get(&name).is_none() {
            object[&name] = spread(group.measure(&name));
        }
    }
    object
}

/// A number that JSON has.
pub(crate) fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_that_of_a_sample() {
        // numpy.std([1, 2, 3, 4], ddof=1)
        let spread = Spread::of(&[1.0, 2.0, 3.0, 4.0]);
        assert_eq!(spread.mean, 2.5);
        assert!((spread.std.unwrap() - 1.290_994_448_735_805_6).abs() < 1e-15);
        assert_eq!(Spread::of(&[0.1; 7]).std, Some(0.0));
        assert_eq!(Spread::of(&[7.0]), Spread { mean: 7.0, std: None });
    }

    #[test]
    fn numbers_are_as_short_as_they_can_be() {
        let text = |mean, std| Spread { mean, std }.text(1.0, 4, "");
        assert_eq!(text(0.123_456, Some(0.001)), "0.1235 ± 0.0010");
        assert_eq!(text(1.5e-9, Some(2e-10)), "1.50e-9 ± 2.00e-10");
        assert_eq!(text(f64::NAN, None), "NaN");
        assert_eq!(Spread { mean: 0.951, std: Some(0.002) }.text(100.0, 2, "%"), "95.10 ± 0.20%");
    }
}
