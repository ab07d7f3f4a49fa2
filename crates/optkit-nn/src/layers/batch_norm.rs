//! Batch normalisation (Ioffe & Szegedy 2015), as PyTorch's `BatchNorm1d` and `BatchNorm2d`.
//!
//! ```text
//! y = γ (x − μ)/√(σ² + ε) + β        channel by channel
//! ```
//!
//! In training, μ and σ² (divided by the count) are those of all values of a channel in the mini-batch, or in each of
//! its groups of `ghost` samples (Hoffer, Hubara & Soudry 2017). Measures take running averages of them, with σ² divided
//! by the count less one, which move where an optimizer accepts a point: r ← (1 − m) r + m·new.

use optkit_core::vocabulary::{Entry, Kind, Range};
use serde::{Deserialize, Serialize};

use super::setting;
use super::written::Written;
use crate::{Layer, LayerError};

/// A batch normalisation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatchNorm {
    /// ε, added to the variance.
    pub eps: f64,
    /// m, the weight of a new batch in the running averages.
    pub momentum: f64,
    /// Samples of a group that is normalised on its own; none: the whole mini-batch.
    pub ghost: Option<usize>,
}

impl Default for BatchNorm {
    /// PyTorch's.
    fn default() -> Self {
        Self { eps: 1e-5, momentum: 0.1, ghost: None }
    }
}

const EPS: &str = "positive";
const MOMENTUM: &str = "greater than 0 and at most 1";

fn may_be_momentum(m: f64) -> bool {
    m > 0.0 && m <= 1.0
}

impl BatchNorm {
    pub(crate) fn output(&self, input: &[usize]) -> Result<Vec<usize>, LayerError> {
        let layer = ENTRY.name;
        let wrong = |name, must, text: String| Err(LayerError::Value { layer, name, must, text });
        if !matches!(input.len(), 1 | 3) {
            return Err(LayerError::NoChannels { layer, shape: input.to_vec() });
        }
        if !super::is_positive(self.eps) {
            return wrong("eps", EPS, self.eps.to_string());
        }
        if !may_be_momentum(self.momentum) {
            return wrong("momentum", MOMENTUM, self.momentum.to_string());
        }
        if self.ghost == Some(0) {
            return wrong("ghost", "a whole number of at least 1", "0".to_owned());
        }
        Ok(input.to_vec())
    }

    pub(crate) fn settings(&self) -> String {
        let plain = Self::default();
        let mut text = String::new();
        if self.eps != plain.eps {
            text += &format!(" eps={}", self.eps);
        }
        if self.momentum != plain.momentum {
            text += &format!(" momentum={}", self.momentum);
        }
        if let Some(ghost) = self.ghost {
            text += &format!(" ghost={ghost}");
        }
        text.trim_start().to_owned()
    }
}

/// γ and β, one a channel.
pub(crate) fn tensors(input: &[usize]) -> Vec<(&'static str, Vec<usize>)> {
    vec![("weight", vec![input[0]]), ("bias", vec![input[0]])]
}

/// The running averages, one a channel, and what they begin as.
pub(crate) fn buffers(input: &[usize]) -> Vec<(&'static str, Vec<usize>, f64)> {
    vec![("running_mean", vec![input[0]], 0.0), ("running_var", vec![input[0]], 1.0)]
}

pub(crate) const ENTRY: Entry = Entry {
    name: "batch_norm",
    doc: "every channel less its mean over the mini-batch and divided by its deviation, then scaled and shifted",
    operands: &[],
    settings: &[
        setting("eps", Kind::Real(Range::POSITIVE), "1e-5", "added to the variance"),
        setting(
            "momentum",
            Kind::Real(Range { least: 0.0, open_below: true, most: 1.0, open_above: false }),
            "0.1",
            "weight of a new mini-batch in the running averages that measures use",
        ),
        setting(
            "ghost",
            Kind::Integer(1, u32::MAX as u64),
            "",
            "samples of a group that is normalised on its own; the whole mini-batch unless given",
        ),
    ],
    slots: &[],
    support: super::IMAGES,
};

pub(crate) fn make(written: &Written<'_>) -> Result<Layer, LayerError> {
    let plain = BatchNorm::default();
    Ok(Layer::BatchNorm(BatchNorm {
        eps: written.number("eps", plain.eps, EPS, super::is_positive)?,
        momentum: written.number("momentum", plain.momentum, MOMENTUM, may_be_momentum)?,
        ghost: written.whole("ghost")?,
    }))
}
