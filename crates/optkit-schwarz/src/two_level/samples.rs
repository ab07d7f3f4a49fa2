//! Step 5: samples that grow (Friedlander & Schmidt 2012; Byrd, Chin, Nocedal & Wu 2012).
//!
//! Early steps are long and their direction is seen on few samples already. An iteration, its ratio and its control are
//! over one set of samples; the set grows between two iterations and never shrinks, so that f falls from one iteration
//! to the next on the samples that both see. A model of few samples fits their noise: μ is at least N/m times the
//! smallest damping where m of N samples are seen.

use optkit_core::{GaussNewton, Seen};

use super::TwoLevel;

impl TwoLevel {
    /// Before the first evaluation.
    pub(super) fn choose_samples(&mut self, levels: &mut dyn GaussNewton) {
        (self.seen, self.grows) = (None, false);
        let (Some(growing), Some(samples)) = (self.options.samples, levels.sampled()) else { return };
        samples.grow_from(growing.seed, growing.first);
        self.seen = Some(samples.seen());
    }

    /// True while there are samples that are not seen.
    pub(super) fn can_grow(&self) -> bool {
        self.seen.is_some_and(|Seen { seen, all }| seen < all)
    }

    /// See more samples.
    pub(super) fn grow(&mut self, levels: &mut dyn GaussNewton) {
        self.grows = false;
        let (Some(growing), Some(samples)) = (self.options.samples, levels.sampled()) else { return };
        let Seen { seen, all } = samples.seen();
        // One more at least, whatever the factor.
        let next = ((seen as f64 * growing.factor).ceil() as usize).clamp(seen + 1, all.max(seen + 1));
        self.value = samples.see(next, &self.previous);
        self.seen = Some(samples.seen());
        self.gradient_is_known = false;
    }

    /// μ is never smaller.
    pub(super) fn least_damping(&self) -> f64 {
        let scarcity = self.seen.map_or(1.0, |Seen { seen, all }| all as f64 / seen as f64);
        self.options.min_damping * scarcity
    }
}
