//! What becomes of the radius after a trial (Conn, Gould & Toint 2000, Alg. 6.1.1, step 4).
//!
//! ```text
//! Δ ← max(Δ_min, αΔ)   where ρ < η₁
//! Δ ← min(Δ_max, βΔ)   where ρ > η₂ and the step reached the boundary
//! ```

use optkit_core::StartError;

/// The radius rule with its constants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RadiusRule {
    /// α: factor of a shrink; in (0, 1).
    pub shrink: f64, // ½: Trotti et al. 2023, §3.1
    /// β: factor of a growth; at least 1.
    pub grow: f64, // 2: the same
    /// η₁: shrink where the ratio is below; in (0, 1).
    pub shrink_below: f64, // ¼: the same
    /// η₂: grow where the ratio is above; in [η₁, 1).
    pub grow_above: f64, // ¾: the same
    /// Δ_min; 0 leaves underflow to be judged by the rounding of x.
    pub min_radius: f64,
    /// Δ_max.
    pub max_radius: f64,
}

impl Default for RadiusRule {
    fn default() -> Self {
        Self {
            shrink: 0.5,
            grow: 2.0,
            shrink_below: 0.25,
            grow_above: 0.75,
            min_radius: 0.0,
            max_radius: f64::INFINITY,
        }
    }
}

impl RadiusRule {
    /// The radius after a trial of ratio `ratio` at `radius`. A ratio that is NaN or −∞ shrinks.
    #[must_use]
    pub fn next(&self, radius: f64, ratio: f64, on_boundary: bool) -> f64 {
        if ratio > self.grow_above && on_boundary {
            (self.grow * radius).min(self.max_radius).max(radius.min(self.max_radius))
        } else if ratio >= self.shrink_below {
            radius
        } else {
            (self.shrink * radius).max(self.min_radius)
        }
    }

    /// Refuses constants outside their ranges.
    pub fn validate(&self) -> Result<(), StartError> {
        let refuse = |name, value, requirement| Err(StartError::Setting { name, value, requirement });
        if !(self.shrink > 0.0 && self.shrink < 1.0) {
            return refuse("shrink", self.shrink, "between 0 and 1");
        }
        if !(self.grow >= 1.0 && self.grow.is_finite()) {
            return refuse("grow", self.grow, "at least 1 and finite");
        }
        if !(self.shrink_below > 0.0 && self.shrink_below < 1.0) {
            return refuse("shrink_below", self.shrink_below, "between 0 and 1");
        }
        if !(self.grow_above >= self.shrink_below && self.grow_above < 1.0) {
            return refuse("grow_above", self.grow_above, "at least `shrink_below` and below 1");
        }
        if !(self.min_radius >= 0.0 && self.min_radius.is_finite()) {
            return refuse("min_radius", self.min_radius, "zero or positive");
        }
        if self.max_radius.is_nan() || self.max_radius <= 0.0 || self.max_radius < self.min_radius {
            return refuse("max_radius", self.max_radius, "positive and at least `min_radius`");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_radius_stays_in_its_range_and_a_nan_shrinks_it() {
        let rule = RadiusRule { min_radius: 1e-4, max_radius: 0.1, ..RadiusRule::default() };
        assert_eq!(rule.next(0.08, 0.9, true), 0.1);
        assert_eq!(rule.next(0.08, 0.9, false), 0.08);
        assert_eq!(rule.next(0.08, 0.5, true), 0.08);
        assert_eq!(rule.next(0.08, f64::NAN, true), 0.04);
        assert_eq!(rule.next(1.5e-4, f64::NEG_INFINITY, true), 1e-4);
    }
}
