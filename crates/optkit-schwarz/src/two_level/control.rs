//! Step 4: what keeps steps short, the damping μ or the radius Δ, by the ratio of actual and predicted reduction.

use optkit_core::GaussNewton;

use super::combine::Combined;
use super::{Control, TwoLevel};

/// A local step's length may miss the radius by this share.
const LENGTH_TOLERANCE: f64 = 0.02;

impl TwoLevel {
    /// μ of the local steps: as it is, or the multiplier at which they are Δ long.
    pub(super) fn local_damping(&mut self, levels: &mut dyn GaussNewton) -> f64 {
        if self.options.control == Control::Damping {
            return self.damping;
        }
        if self.radius.is_nan() {
            self.radius = levels.step_length(self.damping).min(self.options.rule.max_radius);
        }
        let least = self.least_damping();
        let mut low = least;
        if levels.step_length(low) <= self.radius {
            return least;
        }
        let mut high = 2.0 * low;
        while levels.step_length(high) > self.radius && high < f64::MAX / 4.0 {
            low = high;
            high *= 4.0;
        }
        for _ in 0..60 {
            let middle = (low * high).sqrt();
            let length = levels.step_length(middle);
            if (length - self.radius).abs() <= LENGTH_TOLERANCE * self.radius {
                return middle;
            }
            if length > self.radius { low = middle } else { high = middle }
        }
        high
    }

    /// Step 4.
    pub(super) fn adapt(&mut self, main: &Combined) {
        let rule = &self.options.rule;
        match self.options.control {
            Control::Damping => {
                if main.ratio.is_nan() || main.ratio < rule.shrink_below {
                    self.damping /= rule.shrink;
                } else if main.ratio > rule.grow_above {
                    self.damping = (self.damping / rule.grow).max(self.least_damping());
                }
                if !main.moved {
                    self.damping /= rule.shrink;
                }
            }
            Control::Radius if !main.moved => self.radius = main.length.max(rule.min_radius),
            Control::Radius => {
                let radius = if main.ratio.is_nan() || main.ratio < rule.shrink_below {
                    rule.shrink * main.length
                } else if main.ratio > rule.grow_above {
                    self.radius.max(rule.grow * main.length)
                } else {
                    self.radius
                };
                self.radius = radius.clamp(rule.min_radius, rule.max_radius);
            }
        }
    }
}
