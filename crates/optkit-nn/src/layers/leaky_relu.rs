//! Leaky rectified linear unit (Maas, Hannun & Ng 2013): x where x > 0, slope·x elsewhere, as PyTorch's `LeakyReLU`.

use optkit_core::vocabulary::{Entry, Kind, Range};

use super::setting;
use super::written::Written;
use crate::{Layer, LayerError};

/// PyTorch's.
pub(crate) const SLOPE: f64 = 0.01;

pub(crate) fn output(input: &[usize], slope: f64) -> Result<Vec<usize>, LayerError> {
    if slope.is_finite() {
        return Ok(input.to_vec());
    }
    Err(LayerError::Value { layer: ENTRY.name, name: "slope", must: "finite", text: slope.to_string() })
}

pub(crate) const ENTRY: Entry = Entry {
    name: "leaky_relu",
    doc: "x where x > 0, slope·x elsewhere",
    operands: &[],
    settings: &[setting(
        "slope",
        Kind::Real(Range::between(f64::NEG_INFINITY, f64::INFINITY)),
        "0.01",
        "slope below 0",
    )],
    slots: &[],
    support: super::IMAGES,
};

pub(crate) fn make(written: &Written<'_>) -> Result<Layer, LayerError> {
    Ok(Layer::LeakyRelu { slope: written.number("slope", SLOPE, "finite", f64::is_finite)? })
}
