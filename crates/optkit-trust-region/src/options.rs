//! Settings of the engine.

use optkit_core::StartError;

use crate::{RadiusRule, Ratio};

/// Settings of [`TrustRegion`](crate::TrustRegion).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Initial radius Δ.
    pub radius: f64,
    /// What becomes of it.
    pub rule: RadiusRule,
    /// Accept where the ratio exceeds this; in [0, ¼).
    pub acceptance: f64, // 1e-4: Conn, Gould & Toint, §6.1
    /// Trial points an iteration at the most.
    pub trials: u32,
    /// How the reduction is predicted.
    pub ratio: Ratio,
}

impl Default for Options {
    fn default() -> Self {
        Self { radius: 1.0, rule: RadiusRule::default(), acceptance: 1e-4, trials: 10, ratio: Ratio::Model }
    }
}

impl Options {
    /// Refuses settings outside their ranges.
    pub fn validate(&self) -> Result<(), StartError> {
        self.rule.validate()?;
        let refuse = |name, value, requirement| Err(StartError::Setting { name, value, requirement });
        if !(self.radius > 0.0 && self.radius.is_finite()) {
            return refuse("radius", self.radius, "positive and finite");
        }
        if self.radius > self.rule.max_radius || self.radius < self.rule.min_radius {
            return refuse("radius", self.radius, "between `min_radius` and `max_radius`");
        }
        if !(0.0..0.25).contains(&self.acceptance) {
            return refuse("acceptance", self.acceptance, "at least 0 and below ¼");
        }
        if self.trials == 0 {
            return refuse("trials", 0.0, "at least 1");
        }
        Ok(())
    }
}
