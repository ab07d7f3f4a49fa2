//! Dropout (Srivastava et al. 2014), as PyTorch's `Dropout`: while training, every value is 0 with probability p, and
//! divided by 1 − p otherwise; measures see all values as they are.
//!
//! Which values are 0 depends on seed, epoch and sample alone, so that all evaluations of an iteration are of one
//! function.

use optkit_core::vocabulary::{Entry, Kind, Operand, Range};

use super::written::Written;
use crate::{Layer, LayerError};

const RATE: &str = "at least 0 and less than 1";

fn may_be_rate(p: f64) -> bool {
    (0.0..1.0).contains(&p)
}

pub(crate) fn output(input: &[usize], rate: f64) -> Result<Vec<usize>, LayerError> {
    if may_be_rate(rate) {
        return Ok(input.to_vec());
    }
    Err(LayerError::Value { layer: ENTRY.name, name: "rate", must: RATE, text: rate.to_string() })
}

pub(crate) const ENTRY: Entry = Entry {
    name: "dropout",
    doc: "while training, sets values to zero at random and scales the others up",
    operands: &[Operand {
        name: "rate",
        kind: Kind::Real(Range { least: 0.0, open_below: false, most: 1.0, open_above: true }),
        default: None,
        doc: "probability of a zero",
    }],
    settings: &[],
    slots: &[],
    support: super::IMAGES,
};

pub(crate) fn make(written: &Written<'_>) -> Result<Layer, LayerError> {
    Ok(Layer::Dropout { rate: written.number_operand(0, "rate", RATE, may_be_rate)? })
}
