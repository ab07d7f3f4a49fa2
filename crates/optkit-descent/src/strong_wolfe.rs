//! A step along a direction: Moré & Thuente's search with a limit on evaluations, for values that may be rounded or
//! not finite.

use optkit_core::Objective;
use optkit_core::vector::{all_finite, dot};

use crate::iterate::Iterate;
use crate::more_thuente::{MoreThuente, Sample, Verdict};

/// Values that differ by less than this many units of noise are not compared.
const DOUBT: f64 = 10.0;
/// A step that slopes call a descent may raise the value by this many units of noise, and no more.
const TOLERATED_RISE: f64 = 4.0;

/// A point on the line with its gradient.
#[derive(Clone, Debug, Default)]
struct End {
    x: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
}

/// How a search ended.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Searched {
    /// The step found: t, or `None` where none decreases f.
    pub(crate) step: Option<f64>,
    /// Evaluations, each of a value with its gradient.
    pub(crate) evaluations: u32,
    /// The longest t tried.
    pub(crate) longest: f64,
    /// Whether the limit on evaluations ended it.
    pub(crate) cut_short: bool,
}

/// Buffers of a search.
#[derive(Clone, Debug, Default)]
pub(crate) struct StrongWolfe {
    trial: End,
    low: End,
}

impl StrongWolfe {
    /// Vectors of n numbers.
    pub(crate) const VECTORS: usize = 4;

    pub(crate) fn resize(&mut self, n: usize) {
        for end in [&mut self.trial, &mut self.low] {
            end.x.resize(n, 0.0);
            end.gradient.resize(n, 0.0);
        }
    }

    /// Searches from `now`, whose gradient has the slope `slope` < 0 along `d`, beginning with t = `first`, and moves it
    /// to the step found: one where both conditions hold, or the lowest trial where only the first one does. At most
    /// `most` evaluations.
    pub(crate) fn search(
        &mut self,
        f: &mut dyn Objective,
        now: &mut Iterate,
        (d, slope): (&[f64], f64),
        first: f64,
        most: u32,
    ) -> Searched {
        let mut state = MoreThuente::new(now.value, slope, first);
        let unit = f.noise() * now.value.abs().max(1.0);
        let mut searched = Searched { step: None, evaluations: 0, longest: 0.0, cut_short: true };
        let mut t = first;
        while searched.evaluations < most {
            for ((trial, x), d) in self.trial.x.iter_mut().zip(&now.x).zip(d) {
                *trial = x + t * d;
            }
            if self.trial.x == now.x {
                searched.cut_short = false;
                break; // lost in the rounding of x
            }
            self.trial.value = f.value_gradient(&self.trial.x, &mut self.trial.gradient);
            searched.evaluations += 1;
            searched.longest = searched.longest.max(t);
            let sample = Sample { t, value: self.trial.value, slope: dot(&self.trial.gradient, d) };
            let finite =
                sample.value.is_finite() && sample.slope.is_finite() && all_finite(&self.trial.gradient);
            let verdict = if finite {
                // Where values are lost in rounding, slopes tell (the approximate Wolfe conditions of Hager & Zhang 2005).
                let doubtful = (sample.value - now.value).abs() <= DOUBT * unit
                    && sample.value <= now.value + TOLERATED_RISE * unit;
                if doubtful && state.is_flat(&sample) { Verdict::Accept } else { state.judge(sample) }
            } else {
                state.retreat(t)
            };
            match verdict {
                Verdict::Accept => {
                    searched.step = Some(t);
                    searched.cut_short = false;
                    take(now, &mut self.trial);
                    return searched;
                }
                Verdict::Next { t: next, lowest } => {
                    self.keep(lowest);
                    t = next;
                }
                Verdict::Exhausted { lowest } => {
                    self.keep(lowest);
                    searched.cut_short = false;
                    break;
                }
            }
        }
        let low = state.low();
        if low.value < now.value && state.decreases(&low) {
            searched.step = Some(low.t);
            take(now, &mut self.low);
        }
        searched
    }

    fn keep(&mut self, lowest: bool) {
        if lowest {
            std::mem::swap(&mut self.low, &mut self.trial);
        }
    }
}

fn take(now: &mut Iterate, end: &mut End) {
    std::mem::swap(&mut now.x, &mut end.x);
    std::mem::swap(&mut now.gradient, &mut end.gradient);
    now.value = end.value;
}
