//! Samples and targets cut into micro-batches, still in host memory.

use std::ops::Range;

use dfdx::prelude::*;

use super::chain::Chain;
use super::pass::activate;
use crate::objective::fits;
use crate::targets::TargetKind;
use crate::{Loss, Network, Samples, SamplesError, Targets};

/// Rows of a micro-batch: its part of the samples and its activations stay near the core that works on them.
/// 256 to 1,024 take the same time on MNIST, all samples at once twice as long.
#[cfg(not(feature = "dfdx-cuda"))]
pub(super) const MICRO_BATCH: usize = 512;
/// Most rows of a micro-batch: a GPU is paid by the call. On an H100 a loss with gradient of the paper's MNIST network
/// took 112 ms in micro-batches of 512, 4.8 ms of 16,384 and 1.8 ms of these.
#[cfg(feature = "dfdx-cuda")]
pub(super) const MICRO_BATCH: usize = 65_536;

/// Numbers that a matrix of one micro-batch may hold, 256 MiB, on a GPU.
#[cfg(feature = "dfdx-cuda")]
const MOST_NUMBERS: usize = 1 << 26;

/// Rows of a micro-batch of this network.
#[cfg(not(feature = "dfdx-cuda"))]
fn micro_batch(_chain: &Chain) -> usize {
    MICRO_BATCH
}

/// Rows of a micro-batch of this network: fewer where its layers are wide.
#[cfg(feature = "dfdx-cuda")]
fn micro_batch(chain: &Chain) -> usize {
    let widest = chain.dense.iter().map(|dense| dense.outputs.max(dense.inputs + 1)).max().unwrap_or(1);
    (MOST_NUMBERS / widest / TILE * TILE).clamp(TILE, MICRO_BATCH)
}

/// Rows that [`Samples::expand`] is asked for at once; it wants them within one of its tiles.
const TILE: usize = crate::kernels::TILE;
const _: () = assert!(MICRO_BATCH.is_multiple_of(TILE));

/// The samples of one micro-batch.
pub(super) struct Block {
    pub(super) rows: usize,
    /// Each sample as the first dense layer sees it, with a 1 behind it: rows × (inputs + 1).
    pub(super) inputs: Vec<f32>,
    pub(super) target: BlockTarget,
}

/// What the network should give for them.
pub(super) enum BlockTarget {
    /// A class a row.
    Labels(Vec<usize>),
    /// Numbers, rows × outputs.
    Values(Vec<f32>),
}

/// All micro-batches in order, and the largest magnitude among the samples' values.
pub(super) fn cut(
    network: &Network,
    chain: &Chain,
    samples: &Samples,
    targets: &Targets,
    loss: Loss,
) -> Result<(Vec<Block>, f64), SamplesError> {
    if loss == Loss::CrossEntropy && matches!(targets.kind, TargetKind::Values(_)) {
        return Err(SamplesError::NeedsLabels { loss: loss.name() });
    }
    fits(network, samples, targets)?;
    if let Some(layer) = network.not_a_chain() {
        return Err(SamplesError::NotComputed { layer: layer.entry().name });
    }
    let byte_values = samples.byte_values::<f32>();
    let features = samples.features();
    let mut largest = 0.0_f32;
    let micro_batch = micro_batch(chain);
    let mut blocks = Vec::with_capacity(samples.count().div_ceil(micro_batch));
    for start in (0..samples.count()).step_by(micro_batch) {
        let rows = start..samples.count().min(start + micro_batch);
        let mut values = vec![0.0; rows.len() * features];
        for (tile, values) in values.chunks_mut(TILE * features).enumerate() {
            let first = start + tile * TILE;
            samples.expand(first..first + values.len() / features, &byte_values, values, features);
        }
        largest = values.iter().fold(largest, |m, v| m.max(v.abs()));
        if !chain.before.is_empty() {
            let device = dfdx::tensor::Cpu::default();
            let tensor = device.tensor_from_vec(values, (rows.len(), features));
            values = activate(tensor, &chain.before).as_vec();
        }
        blocks.push(Block {
            rows: rows.len(),
            inputs: with_ones(&values, features),
            target: target(targets, loss, rows),
        });
    }
    Ok((blocks, f64::from(largest)))
}

fn with_ones(values: &[f32], features: usize) -> Vec<f32> {
    let mut rows = Vec::with_capacity(values.len() / features * (features + 1));
    for row in values.chunks_exact(features) {
        rows.extend_from_slice(row);
        rows.push(1.0);
    }
    rows
}

fn target(targets: &Targets, loss: Loss, rows: Range<usize>) -> BlockTarget {
    let outputs = targets.outputs();
    match (loss, &targets.kind) {
        (_, TargetKind::Values(values)) => {
            BlockTarget::Values(values[rows.start * outputs..rows.end * outputs].to_vec())
        }
        (Loss::CrossEntropy, TargetKind::Labels(labels)) => {
            BlockTarget::Labels(labels[rows].iter().map(|&label| label as usize).collect())
        }
        (_, TargetKind::Labels(labels)) => {
            let mut one_hot = vec![0.0; rows.len() * outputs];
            let [at_label, other] = [true, false].map(|is| targets.probability(is) as f32);
            for (row, &label) in one_hot.chunks_exact_mut(outputs).zip(&labels[rows]) {
                row.fill(other);
                row[label as usize] = at_label;
            }
            BlockTarget::Values(one_hot)
        }
    }
}
