//! Trial points: evaluated, judged, learnt from.

use optkit_core::Objective;

use super::{PAPER_CODE_ACCEPTANCE, TrustRegion};
use crate::passes::{add, difference, norm_inf};
use crate::ratio::Comparison;
use crate::{Ratio, Solved};

/// A trial point, judged.
pub(super) struct Trial {
    pub(super) ratio: f64,
    pub(super) accepted: bool,
    pub(super) gradient_known: bool,
    pub(super) comparison: Comparison,
    /// The step is lost in the rounding of x: x + s = x.
    pub(super) unmoved: bool,
}

impl TrustRegion {
    fn trial_value(&mut self, f: &mut dyn Objective, solved: &Solved) -> f64 {
        if let Some(t) = solved.along_gradient
            && let Some(line) = f.span(&self.now.x, &[&self.now.gradient])
        {
            return line.value(&[-t], &self.trial.x);
        }
        f.value(&self.trial.x)
    }

    /// Evaluate x + s and judge it. Everything that may be NaN or infinite is decided here.
    pub(super) fn attempt(&mut self, f: &mut dyn Objective, solved: &Solved) -> Trial {
        self.trial.size = add(&self.now.x, &self.step, &mut self.trial.x);
        let unmoved = self.trial.x == self.now.x;
        let value = if unmoved { self.now.value } else { self.trial_value(f, solved) };
        self.trial.value = value;
        let comparison = Comparison {
            value: self.now.value,
            trial: value,
            predicted: solved.predicted_reduction,
            radius: self.radius,
            noise: f.noise(),
        };
        let mut gradient_known = false;
        let ratio = if unmoved {
            f64::NAN // neither a success, whatever the gradient says, nor worth an evaluation
        } else if comparison.is_doubtful() {
            f.value_gradient(&self.trial.x, &mut self.trial.gradient);
            self.trial.slope = norm_inf(&self.trial.gradient);
            gradient_known = self.trial.slope.is_finite();
            comparison.ratio_from_gradients(&self.now.gradient, &self.trial.gradient, &self.step)
        } else {
            comparison.ratio()
        };
        let accepted = match self.options.ratio {
            Ratio::Model => ratio > self.options.acceptance,
            Ratio::PaperCode => ratio >= PAPER_CODE_ACCEPTANCE && value < self.now.value,
        };
        Trial { ratio, accepted, gradient_known, comparison, unmoved }
    }

    /// The length that a shrink starts from: a step that ended inside the ball and failed would be proposed again by
    /// any ball that still holds it.
    pub(super) fn tried(&self, radius: f64, judged: f64, solved: &Solved) -> f64 {
        if solved.on_boundary || judged >= self.options.rule.shrink_below {
            radius
        } else {
            self.setup.distance(&self.trial.x, &self.now.x).min(radius)
        }
    }

    /// A secant model learns most where it was wrong (Nocedal & Wright 2006, Alg. 6.2): the pair of a rejected trial, for
    /// one gradient more. The authors' code does not, and neither does `Ratio::PaperCode`. True where something new was
    /// offered to the model.
    pub(super) fn learn_rejected(&mut self, f: &mut dyn Objective, trial: &Trial) -> bool {
        let wanted = self.learns_own_pairs() && self.options.ratio == Ratio::Model;
        if !wanted || trial.unmoved || !self.trial.value.is_finite() {
            return false;
        }
        if !trial.gradient_known {
            f.value_gradient(&self.trial.x, &mut self.trial.gradient);
            self.trial.slope = norm_inf(&self.trial.gradient);
        }
        if !self.trial.slope.is_finite() {
            return false;
        }
        difference(&self.trial.x, &self.now.x, &mut self.step);
        for (y, g) in self.trial.gradient.iter_mut().zip(&self.now.gradient) {
            *y -= g;
        }
        self.setup.learn(&mut self.step, &mut self.trial.gradient, f.noise());
        true
    }
}
