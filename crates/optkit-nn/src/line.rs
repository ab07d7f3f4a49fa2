//! Trial points along a line, without products at the lowest layer.
//!
//! The lowest dense layer that varies is affine in its own tensors, z(θ + td) = z(θ) + t·ż. The first trial point of
//! a line is evaluated directly; from its outputs those of every further one follow in place,
//!
//! ```text
//! z(t) = z₀ + (t / t_last)·(z_last − z₀)
//! ```
//!
//! A line begins only at a point that was itself evaluated directly. So rounding does not build up from line to line,
//! and a checkpoint can say how outputs came about: base, first trial, and a few ratios.

use crate::Scalar;
use crate::evaluator::{At, Evaluator};

/// Most trial points derived from one another before one is evaluated directly again.
const MOST_DERIVED: usize = 16;
/// Longest stretch: rounding in z_last is stretched by it too.
const LONGEST_STRETCH: f64 = 4.0;

/// The line of the last `span`.
#[derive(Debug, Default)]
pub(crate) struct Line {
    pub(crate) base: Option<At>,
    pub(crate) direction: Vec<f64>,
    /// Slot and coefficient of the last trial point on it.
    pub(crate) trial: Option<(usize, f64)>,
}

impl Line {
    pub(crate) fn forget(&mut self) {
        self.base = None;
        self.trial = None;
    }

    /// Slot `slot` will hold something else.
    pub(crate) fn overwritten(&mut self, slot: usize) {
        if self.base == Some(At::Slot(slot)) {
            self.forget();
        } else if self.trial.is_some_and(|(s, _)| s == slot) {
            self.trial = None;
        }
    }
}

impl<S: Scalar> Evaluator<S> {
    /// Prepare for trial points `own` + t·`direction`; false where a line saves nothing or its base is unknown.
    pub(crate) fn begin_line(&mut self, own: &[f64], direction: &[f64]) -> bool {
        if self.scope.shifts() {
            return false;
        }
        let Some((at, _)) = self.find(own) else { return false };
        if let At::Slot(i) = at {
            let derived = |a: &_| !crate::model::Activations::is_direct(a);
            if self.slots[i].activations.as_deref().is_none_or(derived) {
                return false;
            }
        }
        if self.line.base != Some(at) || self.line.direction != direction {
            self.line.base = Some(at);
            self.line.direction.clear();
            self.line.direction.extend_from_slice(direction);
            self.line.trial = None;
        }
        // Trial points must not take the base's slot.
        self.anchor = Some(at);
        true
    }

    /// Loss at `own` = base + `t`·direction.
    pub(crate) fn value_on_line(&mut self, t: f64, own: &[f64], theta: &[f64]) -> f64 {
        if self.find(own).is_some() {
            return self.value(own, theta);
        }
        let derived = self.line.base.zip(self.line.trial).and_then(|(base, (slot, last))| {
            let ratio = t / last;
            let usable = ratio.abs() <= LONGEST_STRETCH
                && self.writable(slot)
                && self.derivations(slot) < MOST_DERIVED;
            usable.then_some((base, slot, ratio))
        });
        self.work.values += 1;
        let Some((base, slot, ratio)) = derived else {
            self.work.gradient_equivalents += 0.5 * self.cost().forward;
            let slot = self.claim();
            let value = self.direct(slot, own, theta, false);
            self.line.trial = (t != 0.0).then_some((slot, t));
            return value;
        };
        self.work.gradient_equivalents += 0.5 * self.line_cost;
        let value = self.derive(slot, base, ratio, own, theta);
        self.line.trial = (t != 0.0).then_some((slot, t));
        value
    }

    fn derivations(&self, slot: usize) -> usize {
        self.slots[slot].activations.as_ref().map_or(usize::MAX, |a| a.derived.ratios.len())
    }
}
