//! Layer normalisation (Ba, Kiros & Hinton 2016), as PyTorch's `LayerNorm` over all values of a sample.
//!
//! ```text
//! y = γ (x − μ)/√(σ² + ε) + β        μ, σ² over the values of one sample; γ, β one a value
//! ```

use optkit_core::vocabulary::{Entry, Kind, Range};

use super::setting;
use super::written::Written;
use crate::{Layer, LayerError};

/// PyTorch's.
pub(crate) const EPS: f64 = 1e-5;

pub(crate) fn output(input: &[usize], eps: f64) -> Result<Vec<usize>, LayerError> {
    if super::is_positive(eps) {
        return Ok(input.to_vec());
    }
    Err(LayerError::Value { layer: ENTRY.name, name: "eps", must: "positive", text: eps.to_string() })
}

pub(crate) fn tensors(input: &[usize]) -> Vec<(&'static str, Vec<usize>)> {
    vec![("weight", input.to_vec()), ("bias", input.to_vec())]
}

pub(crate) const ENTRY: Entry = Entry {
    name: "layer_norm",
    doc: "the values of a sample less their mean and divided by their deviation, then scaled and shifted one by one",
    operands: &[],
    settings: &[setting("eps", Kind::Real(Range::POSITIVE), "1e-5", "added to the variance")],
    slots: &[],
    support: super::IMAGES,
};

pub(crate) fn make(written: &Written<'_>) -> Result<Layer, LayerError> {
    Ok(Layer::LayerNorm { eps: written.number("eps", EPS, "positive", super::is_positive)? })
}
