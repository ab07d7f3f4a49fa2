//! Secant pairs for the model: of its own steps, and of what others tell.

use super::TrustRegion;
use crate::passes::difference;

impl TrustRegion {
    pub(super) fn learns_own_pairs(&self) -> bool {
        self.own_pairs && self.setup.learns()
    }

    /// The pair of the last step, once both of its gradients are known; `step` and `trial` are free then.
    pub(super) fn learn_step(&mut self, noise: f64) {
        if !self.learns_own_pairs() {
            return;
        }
        difference(&self.now.x, &self.before.x, &mut self.step);
        difference(&self.now.gradient, &self.before.gradient, &mut self.trial.gradient);
        self.setup.learn(&mut self.step, &mut self.trial.gradient, noise);
    }

    /// A pair that somebody else knows of.
    pub(super) fn learn(&mut self, s: &[f64], y: &[f64], noise: f64) {
        if self.setup.learns() {
            self.step.copy_from_slice(s);
            self.trial.gradient.copy_from_slice(y);
            self.setup.learn(&mut self.step, &mut self.trial.gradient, noise);
        }
    }
}
