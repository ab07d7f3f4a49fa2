//! The trials of a configuration as one curve: mean, and what lies around it, over a common axis.
//!
//! Epochs are common to all trials: the values of an epoch are averaged as they are. Work and time are not, no two
//! trials come by at the same second: there every trial is the piecewise linear function through its epochs, and all of
//! them are averaged on one even grid, from where the last has begun to where the longest ends.
//!
//! A trial that has ended keeps its last value: that is what it has to show from then on. So a line ends at the mean of
//! the final values, with no jump where a trial leaves. A trial whose log was cut off, or whose last value is not
//! finite, has none beyond its end.

use crate::figure::{Axis, Band};
use crate::log::Log;

/// How many points an even grid has at most: more are not seen in a figure.
const GRID: usize = 200;

/// Mean, lower and upper where no trial has a value.
const GAP: (f64, f64, f64) = (f64::NAN, f64::NAN, f64::NAN);

/// One quantity of one configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    /// Along the axis, ascending.
    pub x: Vec<f64>,
    /// Mean over the trials that have a value there, of their own or kept; NaN in a gap, where none has.
    pub mean: Vec<f64>,
    /// The smallest value, or one standard deviation below the mean; empty without a band.
    pub lower: Vec<f64>,
    /// The largest value, or one standard deviation above the mean; empty without a band.
    pub upper: Vec<f64>,
    /// How many trials have a value of their own there, and have not ended.
    pub runs: Vec<u32>,
}

impl Curve {
    /// The curve of `quantity`, a key of the logs, over `axis`. Values that are not finite count as missing.
    ///
    /// Without any value it is empty; a single trial has no band.
    #[must_use]
    pub fn of(runs: &[Log], quantity: &str, axis: Axis, band: Band) -> Self {
        let traces: Vec<Trace> = runs.iter().filter_map(|run| Trace::of(run, quantity, axis)).collect();
        let grid = match axis {
            Axis::Epochs | Axis::Iterations => steps(&traces),
            _ if traces.len() == 1 => traces[0].x.clone(),
            _ => even_grid(&traces),
        };
        let mut curve = Self::default();
        let banded = band != Band::None && traces.len() > 1;
        let mut cursors = vec![0; traces.len()];
        let mut values = Vec::with_capacity(traces.len());
        for x in grid {
            values.clear();
            let at = traces.iter().zip(&mut cursors).map(|(trace, cursor)| trace.at(x, cursor));
            values.extend(at.filter(|(value, _)| value.is_finite()));
            let finite: Vec<f64> = values.iter().map(|&(value, _)| value).collect();
            let Some(summary) = summary(&finite, band).or((!curve.is_empty()).then_some(GAP)) else {
                continue; // nothing yet
            };
            curve.x.push(x);
            curve.mean.push(summary.0);
            curve.runs.push(u32::try_from(values.iter().filter(|(_, own)| *own).count()).unwrap_or(u32::MAX));
            if banded {
                curve.lower.push(summary.1);
                curve.upper.push(summary.2);
            }
        }
        let end = curve.mean.iter().rposition(|mean| mean.is_finite()).map_or(0, |last| last + 1);
        for values in [&mut curve.x, &mut curve.mean, &mut curve.lower, &mut curve.upper] {
            values.truncate(end);
        }
        curve.runs.truncate(end);
        curve
    }

    /// Whether there is nothing to draw.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.x.is_empty()
    }
}

/// One trial, ascending in x, as a piecewise linear function with gaps.
struct Trace {
    x: Vec<f64>,
    y: Vec<f64>,
    /// Keeps its last value from its end on.
    ended: bool,
}

impl Trace {
    fn of(run: &Log, quantity: &str, axis: Axis) -> Option<Self> {
        let along = match axis {
            Axis::Epochs => run.steps(),
            Axis::Iterations => run.column("iterations").unwrap_or_else(|| run.steps()),
            Axis::Gradients => run.column("evaluations.gradient_equivalents")?,
            Axis::Time => run.column("seconds")?,
        };
        let (mut x, mut y) = (Vec::new(), Vec::new());
        for (&at, &value) in along.iter().zip(run.column(quantity)?) {
            // Time may stand still between two short epochs: the later value counts.
            if x.last().is_some_and(|&before| at <= before) {
                x.pop();
                y.pop();
            }
            if at.is_finite() && x.last().is_none_or(|&before| at > before) {
                x.push(at);
                y.push(value);
            }
        }
        y.iter().any(|value| value.is_finite()).then_some(Self { x, y, ended: run.outcome.is_some() })
    }

    /// The value at `x`, NaN before the begin and in gaps, and whether it is one of a trial that still goes on. `cursor`
    /// is where the last one was found: `x` ascends from call to call.
    fn at(&self, x: f64, cursor: &mut usize) -> (f64, bool) {
        while *cursor + 1 < self.x.len() && self.x[*cursor + 1] <= x {
            *cursor += 1;
        }
        let k = *cursor;
        if self.x[k] == x {
            return (self.y[k], true);
        }
        if x < self.x[k] {
            return (f64::NAN, true);
        }
        if k + 1 == self.x.len() {
            return (if self.ended { self.y[k] } else { f64::NAN }, false);
        }
        let share = (x - self.x[k]) / (self.x[k + 1] - self.x[k]);
        (self.y[k] + share * (self.y[k + 1] - self.y[k]), true)
    }

    fn ends(&self) -> (f64, f64) {
        (self.x[0], self.x[self.x.len() - 1])
    }
}

/// Every step that any trial has.
fn steps(traces: &[Trace]) -> Vec<f64> {
    let mut all: Vec<f64> = traces.iter().flat_map(|trace| trace.x.iter().copied()).collect();
    all.sort_unstable_by(f64::total_cmp);
    all.dedup();
    all
}

fn even_grid(traces: &[Trace]) -> Vec<f64> {
    let ends = || traces.iter().map(Trace::ends);
    let last_begin = ends().map(|(begin, _)| begin).fold(f64::NEG_INFINITY, f64::max);
    let first_begin = ends().map(|(begin, _)| begin).fold(f64::INFINITY, f64::min);
    let first_end = ends().map(|(_, end)| end).fold(f64::INFINITY, f64::min);
    let last_end = ends().map(|(_, end)| end).fold(f64::NEG_INFINITY, f64::max);
    let begin = if last_begin <= first_end { last_begin } else { first_begin };
    if traces.is_empty() || last_end <= begin {
        return if traces.is_empty() { Vec::new() } else { vec![begin] };
    }
    let count = traces.iter().map(|trace| trace.x.len()).max().unwrap_or(2).clamp(2, GRID);
    let step = (last_end - begin) / (count - 1) as f64;
    let mut grid: Vec<f64> = (0..count).map(|k| begin + step * k as f64).collect();
    grid[count - 1] = last_end;
    grid
}

/// Mean, lower and upper; `None` without values.
fn summary(values: &[f64], band: Band) -> Option<(f64, f64, f64)> {
    let (mean, deviation) = mean_deviation(values)?;
    Some(match band {
        Band::Std => {
            let deviation = deviation.unwrap_or(0.0);
            (mean, mean - deviation, mean + deviation)
        }
        _ => {
            let low = values.iter().copied().fold(f64::INFINITY, f64::min);
            let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            (mean.clamp(low, high), low, high)
        }
    })
}

/// Mean, and the standard deviation of the sample (n − 1) where there are two values or more.
pub(crate) fn mean_deviation(values: &[f64]) -> Option<(f64, Option<f64>)> {
    if values.is_empty() {
        return None;
    }
    let n = values.len() as f64;
    // Shares first: the sum of two large numbers would overflow.
    let mean: f64 = values.iter().map(|value| value / n).sum();
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Some((mean, (values.len() > 1).then(|| (squares / (n - 1.0)).sqrt())))
}
