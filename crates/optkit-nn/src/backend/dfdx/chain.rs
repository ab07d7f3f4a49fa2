//! A network as this backend computes it: affine maps, each with the layers without parameters behind it.

use std::ops::Range;

use super::DfdxError;
use crate::{Layer, Loss, Network, SamplesError};

/// A layer without parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Activation {
    Relu,
    Sigmoid,
    Tanh,
    LogSoftmax,
}

/// z = Wa + b, and the layers up to the next dense one.
#[derive(Clone, Debug)]
pub(super) struct Dense {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    /// W in θ, of shape \[outputs, inputs\].
    pub(super) weight: Range<usize>,
    /// b in θ.
    pub(super) bias: Range<usize>,
    pub(super) after: Vec<Activation>,
}

/// The whole network, flat from the first value to the last.
#[derive(Clone, Debug)]
pub(super) struct Chain {
    /// Layers before the first dense one: they see the samples alone, and are applied once.
    pub(super) before: Vec<Activation>,
    pub(super) dense: Vec<Dense>,
}

impl Chain {
    /// Takes `network` apart; an error names the first layer that this backend cannot compute.
    pub(super) fn new(network: &Network, loss: Loss) -> Result<Self, DfdxError> {
        let tensors = network.tensors();
        let mut chain = Self { before: Vec::new(), dense: Vec::new() };
        for (index, layer) in network.layers().iter().enumerate() {
            let activation = match layer {
                Layer::Flatten => continue,
                Layer::Relu => Activation::Relu,
                Layer::Sigmoid => Activation::Sigmoid,
                Layer::Tanh => Activation::Tanh,
                Layer::LogSoftmax => Activation::LogSoftmax,
                Layer::Dense { outputs } => {
                    let mut of_layer = tensors.iter().filter(|t| t.layer == index).map(|t| t.range.clone());
                    let (weight, bias) = of_layer.next().zip(of_layer.next()).expect("dense has two tensors");
                    chain.dense.push(Dense {
                        inputs: weight.len() / outputs,
                        outputs: *outputs,
                        weight,
                        bias,
                        after: Vec::new(),
                    });
                    continue;
                }
                other => return Err(DfdxError::Layer { index, layer: other.entry().name }),
            };
            chain.dense.last_mut().map_or(&mut chain.before, |dense| &mut dense.after).push(activation);
        }
        let last = chain.dense.last_mut().ok_or(SamplesError::NoParameters)?;
        // Cross entropy takes the log-softmax itself, and log-softmax is idempotent.
        while loss == Loss::CrossEntropy && last.after.last() == Some(&Activation::LogSoftmax) {
            last.after.pop();
        }
        Ok(chain)
    }

    /// n, the length of θ.
    pub(super) fn dim(&self) -> usize {
        self.dense.last().map_or(0, |dense| dense.bias.end)
    }

    /// Whether an activation at θ could leave the range of `f32`, where inputs are at most `largest`.
    ///
    /// dfdx's `relu` turns NaN into 0, so that ∞ − ∞ inside the network would come out as an ordinary loss. This
    /// bounds ‖z‖∞ layer by layer instead, which costs O(n); it is false for every θ of a sane run.
    pub(super) fn may_overflow(&self, theta: &[f32], largest: f64) -> bool {
        // A margin for rounding, and for differences of two activations inside log-softmax.
        let limit = f64::from(f32::MAX) / 8.0;
        let mut bound = self.before.iter().fold(largest, |b, a| a.bound(b, self.dense[0].inputs));
        for dense in &self.dense {
            let rows = theta[dense.weight.clone()].chunks_exact(dense.inputs);
            let row_bounds = rows.zip(&theta[dense.bias.clone()]).map(|(row, b)| {
                row.iter().map(|w| f64::from(w.abs())).sum::<f64>() * bound + f64::from(b.abs())
            });
            let mut worst = 0.0;
            for row_bound in row_bounds {
                if row_bound.is_nan() || row_bound >= limit {
                    return true;
                }
                worst = f64::max(worst, row_bound);
            }
            bound = dense.after.iter().fold(worst, |b, a| a.bound(b, dense.outputs));
        }
        false
    }
}

impl Activation {
    /// Bound on |outputs| where inputs, `width` a sample, are at most `bound`.
    fn bound(self, bound: f64, width: usize) -> f64 {
        match self {
            Self::Relu => bound,
            Self::Sigmoid | Self::Tanh => 1.0,
            Self::LogSoftmax => 2.0 * bound + (width as f64).ln(),
        }
    }
}
