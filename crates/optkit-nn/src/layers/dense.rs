//! Dense: y = Wx + b, with W of shape \[out, in\] and b of shape \[out\].

use optkit_core::vocabulary::{Entry, Kind, Operand, Support};

use super::written::Written;
use crate::initial::Start;
use crate::{Layer, LayerError};

pub(crate) const ENTRY: Entry = Entry {
    name: "dense",
    doc: "y = Wx + b, fully connected",
    operands: &[Operand {
        name: "outputs",
        kind: Kind::Integer(1, u32::MAX as u64),
        default: None,
        doc: "length of y",
    }],
    settings: &[],
    slots: &[],
    support: Support::Available,
};

pub(crate) fn make(written: &Written<'_>) -> Result<Layer, LayerError> {
    Ok(Layer::Dense { outputs: written.count(0, "outputs")? })
}

pub(crate) fn output(input: &[usize], outputs: usize) -> Result<Vec<usize>, LayerError> {
    if input.len() != 1 {
        return Err(LayerError::NotFlat { layer: ENTRY.name, shape: input.to_vec() });
    }
    if outputs == 0 {
        return Err(LayerError::NoOutputs { layer: ENTRY.name });
    }
    Ok(vec![outputs])
}

pub(crate) fn tensors(input: &[usize], outputs: usize) -> Vec<(&'static str, Vec<usize>)> {
    vec![("weight", vec![outputs, input.iter().product()]), ("bias", vec![outputs])]
}

/// PyTorch's default for `Linear`.
pub(crate) fn start(input: &[usize]) -> Start {
    Start::Uniform { bound: 1.0 / (input.iter().product::<usize>() as f64).sqrt() }
}
