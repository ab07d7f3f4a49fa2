//! Log-softmax over a sample's values: yᵢ = xᵢ − log Σⱼ exp xⱼ.

use optkit_core::vocabulary::Entry;

use crate::LayerError;

pub(crate) const ENTRY: Entry = super::plain("log_softmax", "x - log(sum(exp(x))) over a sample's values.");

pub(crate) fn output(input: &[usize]) -> Result<Vec<usize>, LayerError> {
    if input.len() == 1 {
        Ok(input.to_vec())
    } else {
        Err(LayerError::NotFlat { layer: ENTRY.name, shape: input.to_vec() })
    }
}
