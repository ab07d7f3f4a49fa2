//! The ratio ρ = (f(x) − f(x + s)) / (m(0) − m(s)), and when not to believe it.
//!
//! Near a minimiser both differences drown in the rounding of f. There the actual reduction is taken from
//! gradients, −(∇f(x) + ∇f(x+s))ᵀs/2, as in JSO's SolverTools (Migot, Orban & Siqueira 2022): the trapezoidal rule,
//! exact on quadratics, whose error shrinks with s where that of the values does not.

use optkit_core::vector::dot;

/// Values that differ by less than this many units of noise are not compared.
const DOUBT: f64 = 10.0;
/// A step that gradients call a descent may raise the value by this many units of noise, and no more.
const TOLERATED_RISE: f64 = 4.0;

/// How the predicted reduction of a first-order step is computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ratio {
    /// m(0) − m(s) of the model itself: equation (3) of Trotti et al. 2023.
    #[default]
    Model,
    /// ‖∇f‖∞·Δ, with acceptance from ρ ≥ ¼ on: what the authors' code computes (ML_APTS). A different optimizer,
    /// needed to reproduce their figures.
    PaperCode,
}

/// A trial value beside the value it should improve on.
pub(crate) struct Comparison {
    pub(crate) value: f64,
    pub(crate) trial: f64,
    pub(crate) predicted: f64,
    /// Radius of the ball in which the model was minimised.
    pub(crate) radius: f64,
    /// Relative error of a value.
    pub(crate) noise: f64,
}

impl Comparison {
    fn unit(&self) -> f64 {
        self.noise * self.value.abs().max(1.0)
    }

    /// True where the values are too close to say anything.
    pub(crate) fn is_doubtful(&self) -> bool {
        let limit = DOUBT * self.unit();
        self.trial.is_finite() && (self.predicted.abs() <= limit || (self.value - self.trial).abs() <= limit)
    }

    /// ρ from values; −∞ for a trial that is not finite.
    pub(crate) fn ratio(&self) -> f64 {
        if self.trial.is_finite() { (self.value - self.trial) / self.predicted } else { f64::NEG_INFINITY }
    }

    /// ρ from the gradients at both ends of `step`.
    pub(crate) fn ratio_from_gradients(&self, gradient: &[f64], trial_gradient: &[f64], step: &[f64]) -> f64 {
        let reduction = -0.5 * (dot(gradient, step) + dot(trial_gradient, step));
        let rises = self.trial - self.value > TOLERATED_RISE * self.unit();
        if rises || !reduction.is_finite() { f64::NEG_INFINITY } else { reduction / self.predicted }
    }

    /// The reduction predicted for a step of relative length √noise, and the error of a value, where nothing is left to
    /// gain. At that length curvature alone changes f by its noise; a shorter trial predicts little whatever the
    /// gradient, and says nothing. `size` is ‖x‖∞.
    pub(crate) fn lost_in_noise(&self, size: f64) -> Option<(f64, f64)> {
        let length = self.noise.sqrt() * size.max(1.0);
        let predicted = self.predicted * (length / self.radius).max(1.0);
        (predicted <= DOUBT * self.unit()).then_some((predicted, self.unit()))
    }
}
