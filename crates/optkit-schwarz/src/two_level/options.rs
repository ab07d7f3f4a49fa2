//! Settings of the two-level method.

use optkit_core::StartError;
use optkit_trust_region::RadiusRule;

/// Settings of [`TwoLevel`](crate::TwoLevel).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TwoLevelOptions {
    /// μ₀, damping of the first local models, relative to their mean eigenvalue.
    pub damping: f64,
    /// μ is never smaller.
    pub min_damping: f64,
    /// What is made of the parts' steps.
    pub combine: Combine,
    /// ν, sweeps after the combined step: over the tail, or over [chosen parts](crate::TwoLevel::with_swept_parts).
    pub sweeps: u32,
    /// Sweeps over the tail are made where its share of a value is at most this: where it is large, a sweep costs as much as an
    /// iteration brings.
    pub sweep_below: f64,
    /// What makes the steps short enough.
    pub control: Control,
    /// Thresholds and factors of whichever is controlled; the limits of the radius are for [`Control::Radius`].
    pub rule: RadiusRule,
    /// Which samples iterations see, where f is a mean over samples; none: all of them.
    pub samples: Option<Growing>,
}

/// Samples that grow: the first of a shuffle, `factor` times as many in every iteration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Growing {
    /// Samples of the first iteration.
    pub first: usize,
    /// How many times as many the next iteration sees; above 1.
    pub factor: f64,
    /// Of the shuffle.
    pub seed: u64,
}

impl Default for Growing {
    /// 2,000 samples, half as many again in every iteration.
    fn default() -> Self {
        Self { first: 2000, factor: 1.5, seed: 0 }
    }
}

/// What is made of the parts' steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Combine {
    /// Their sum, halved until f falls.
    Additive,
    /// The minimiser of the coarse model over them and, where `previous`, the parts of the last total step.
    Coarse {
        /// Whether the last total step is in the span.
        previous: bool,
    },
}

/// What makes the steps short enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// The damping μ: doubled where the model promised too much, halved where it kept its promise (Levenberg 1944,
    /// Marquardt 1963); a step that does not reduce f is halved.
    Damping,
    /// A radius Δ in the metric of the local models: μ is the multiplier at which the local steps are Δ long, and the
    /// combined step is the coarse model's minimiser in the ball.
    Radius,
}

impl Default for TwoLevelOptions {
    /// For networks. Chosen on the last sixth of the training samples of MNIST, Fashion-MNIST and digits (docs/src/two_level.md
    /// has the command), never on test samples.
    fn default() -> Self {
        Self {
            damping: 3.0,
            min_damping: 3.0,
            combine: Combine::Coarse { previous: true },
            sweeps: 2,
            sweep_below: 0.1,
            control: Control::Damping,
            rule: RadiusRule::default(),
            samples: None,
        }
    }
}

impl TwoLevelOptions {
    /// For sums of squares: light damping, because local models are exact and there is nothing to over-fit.
    #[must_use]
    pub fn least_squares() -> Self {
        Self { damping: 1e-3, min_damping: 1e-10, sweeps: 0, ..Self::default() }
    }

    /// Refuses settings outside their ranges.
    pub fn validate(&self) -> Result<(), StartError> {
        let refuse = |name, value, requirement| Err(StartError::Setting { name, value, requirement });
        if !(self.damping > 0.0 && self.damping.is_finite()) {
            return refuse("damping", self.damping, "positive and finite");
        }
        if !(self.min_damping > 0.0 && self.min_damping <= self.damping) {
            return refuse("min_damping", self.min_damping, "positive and at most `damping`");
        }
        if let Some(Growing { first, factor, .. }) = self.samples {
            if first == 0 {
                return refuse("first", 0.0, "at least 1");
            }
            if !(factor > 1.0 && factor.is_finite()) {
                return refuse("factor", factor, "above 1 and finite");
            }
        }
        self.rule.validate()
    }
}
