//! Forced decreasing loss (Trotti et al. 2023, Algorithm 1, steps 13–16).
//!
//! Where the sum of the local corrections s raises the loss, it is turned towards the scaled negative gradient g and
//! shortened, in at most five tries:
//!
//! ```text
//! w ← w + 0.2,   Δ̃ ← max(Δ_min, αΔ̃),   θ ← θᵏ + Δ̃ d/‖d‖∞   with  d = w g + (1 − w) s
//! ```

use optkit_core::Objective;
use optkit_core::vector::norm_inf;

/// Number of tries; the last has w = 1.
const TRIES: u32 = 5;

/// The point from which the tries start and their constants.
pub(crate) struct ForcedDecrease<'a> {
    pub(crate) x: &'a [f64],
    pub(crate) value: f64,
    pub(crate) gradient: &'a [f64],
    pub(crate) radius: f64,
    pub(crate) min_radius: f64,
    pub(crate) shrink: f64,
}

/// True where `value` is above `from`, or no value at all.
pub(crate) fn rises(value: f64, from: f64) -> bool {
    value.is_nan() || value > from
}

/// What the tries came to.
pub(crate) struct Forced {
    /// f at the last try.
    pub(crate) value: f64,
    pub(crate) tries: u32,
}

impl ForcedDecrease<'_> {
    /// Replaces `combined` (θ̃, with `value` f(θ̃)) by the first try that does not raise the loss, or by the last
    /// try. `s` is θ̃ − θᵏ.
    pub(crate) fn run(&self, f: &mut dyn Objective, s: &[f64], combined: &mut [f64], value: f64) -> Forced {
        let to_radius = self.radius / norm_inf(self.gradient);
        let mut forced = Forced { value, tries: 0 };
        let mut radius = self.radius;
        while rises(forced.value, self.value) && forced.tries < TRIES {
            let w = f64::from(forced.tries + 1) / f64::from(TRIES);
            radius = (self.shrink * radius).max(self.min_radius);
            let direction = |i: usize| (1.0 - w) * s[i] - w * to_radius * self.gradient[i];
            let length = (0..s.len()).fold(0.0_f64, |l, i| l.max(direction(i).abs()));
            if length == 0.0 {
                break;
            }
            for (i, (c, x)) in combined.iter_mut().zip(self.x).enumerate() {
                *c = x + radius / length * direction(i);
            }
            forced.value = f.value(combined);
            forced.tries += 1;
        }
        forced
    }
}
