//! Whether a problem can fit this machine at all, asked before anything is allocated: an allocation that fails
//! would end the process without a word of what to change.

use optkit_nn::{Layer, Network};

use super::Subject;
use crate::machine;

/// Vectors of n numbers that every run holds at the least: the point, its gradient and step, the trial point, the
/// combined one, and the local solvers' own.
const VECTORS: u128 = 8;

/// Assumed where the system does not tell: 1 TiB.
const UNKNOWN: u64 = 1 << 40;

/// Refuses what is larger than the machine. `samples`: how many are trained on, where that is known.
pub(super) fn fits(subject: &Subject, samples: usize) -> Result<(), String> {
    let available = machine::memory().unwrap_or(UNKNOWN);
    let needed = least(subject, samples);
    if needed <= u128::from(available) {
        return Ok(());
    }
    let n = subject.dim();
    Err(format!(
        "n = {n} needs at least {} of memory, but this machine has {}",
        gigabytes(needed),
        gigabytes(available.into())
    ))
}

/// Bytes that a run cannot do without.
fn least(subject: &Subject, samples: usize) -> u128 {
    let vectors = 8 * VECTORS * subject.dim() as u128;
    match subject {
        Subject::Function { .. } => vectors,
        Subject::Network(subject) => {
            let number = if subject.double { 8 } else { 4 };
            vectors + number * samples as u128 * activations(&subject.network)
        }
    }
}

/// Activations of one sample that the backward pass comes back to.
fn activations(network: &Network) -> u128 {
    let dense = network.layers().iter().zip(network.shapes());
    dense
        .filter(|(layer, _)| matches!(layer, Layer::Dense { .. }))
        .map(|(_, shape)| shape.iter().product::<usize>() as u128)
        .sum()
}

#[allow(clippy::cast_precision_loss)] // for people
fn gigabytes(bytes: u128) -> String {
    format!("{:.1} GB", bytes as f64 / 1e9)
}
