//! Parameters as passes read them: weights of convolutions packed, all others in their places.
//!
//! Packed weights are what a pass keeps of its point, too: a copy of θ beside them would cost as much memory traffic as the
//! products of a small mini-batch cost time. Of weights that meet nothing but padding nothing is kept, for nothing depends
//! on them.

use std::ops::Range;

use super::convolution::Weights;
use super::plan::{Operation, Plan};
use crate::Scalar;
use crate::buffer::Buffer;
use crate::kernels::{Kernels, padded};

/// A point of an image network.
#[derive(Debug, Default)]
pub(crate) struct Parameters<S> {
    /// By place in θ; what a convolution's weights would take is neither written nor read, so that it takes no memory.
    pub(crate) rest: Vec<S>,
    /// By stage.
    pub(crate) weights: Vec<Weights<S>>,
    is_there: bool,
}

impl<S: Scalar> Parameters<S> {
    pub(crate) fn is_empty(&self) -> bool {
        !self.is_there
    }

    pub(crate) fn clear(&mut self) {
        self.is_there = false;
    }

    /// Take over θ, rounded, but for the weights of convolutions: a pass packs these stage by stage
    /// ([`Run::forward_packing`](super::run::Run::forward_packing)), and reads them while they are in cache.
    pub(crate) fn begin(&mut self, plan: &Plan, kernels: &Kernels<S>, theta: &[f64]) {
        if self.rest.len() != theta.len() {
            self.rest = vec![S::ZERO; theta.len()];
        }
        self.weights.resize_with(plan.stages.len(), Weights::default);
        for range in &plan.rest {
            (kernels.round)(&theta[range.clone()], &mut self.rest[range.clone()]);
        }
        self.is_there = true;
    }

    /// Take over all of θ, rounded.
    pub(crate) fn take_over(&mut self, plan: &Plan, kernels: &Kernels<S>, theta: &[f64]) {
        self.begin(plan, kernels, theta);
        for (i, stage) in plan.stages.iter().enumerate() {
            if let Operation::Convolution { convolution, weight, bias } = &stage.operation {
                let weights = &mut self.weights[i];
                convolution.pack_rounded(kernels, &theta[weight.clone()], &mut weights.forward);
                pack_bias(bias.as_ref(), &self.rest, &mut weights.bias);
            }
        }
    }

    /// True where they are θ, up to rounding to `S`.
    pub(crate) fn are(&self, plan: &Plan, theta: &[f64]) -> bool {
        self.is_there && self.rest.len() == theta.len() && self.hold(plan, 0, theta)
    }

    /// True where those from place `first` on are `x`, up to rounding to `S`.
    pub(crate) fn hold(&self, plan: &Plan, first: usize, x: &[f64]) -> bool {
        let all = first..first + x.len();
        let common = |range: &Range<usize>| {
            let (start, end) = (range.start.max(all.start), range.end.min(all.end));
            (start < end).then_some(start..end)
        };
        let rest = plan.rest.iter().filter_map(common).all(|range| {
            let x = &x[range.start - first..range.end - first];
            self.rest[range].iter().zip(x).all(|(&own, &x)| own == S::from_f64(x))
        });
        rest && plan.stages.iter().zip(&self.weights).all(|(stage, weights)| {
            let Operation::Convolution { convolution, weight, .. } = &stage.operation else { return true };
            common(weight).is_none_or(|range| {
                let x = &x[range.start - first..range.end - first];
                convolution.holds(&weights.forward, range.start - weight.start, x)
            })
        })
    }

    /// The tensors of stage `i` into their places.
    pub(crate) fn read(&self, plan: &Plan, i: usize, to: &mut [S]) {
        let stage = &plan.stages[i];
        let mut tensors = stage.tensors();
        if let Operation::Convolution { convolution, weight, .. } = &stage.operation {
            convolution.unpack(&self.weights[i].forward, &mut to[weight.clone()]);
            tensors.next();
        }
        tensors.for_each(|range| to[range.clone()].copy_from_slice(&self.rest[range]));
    }

    /// All of them, in their places; zeros for weights that nothing depends on.
    pub(crate) fn values(&self, plan: &Plan, kernels: &Kernels<S>) -> Vec<f64> {
        if !self.is_there {
            return Vec::new();
        }
        let mut values = vec![0.0; plan.dim];
        for range in &plan.rest {
            let own = self.rest[range.clone()].iter().map(|v| v.to_f64());
            values[range.clone()].iter_mut().zip(own).for_each(|(to, v)| *to = v);
        }
        for (stage, weights) in plan.stages.iter().zip(&self.weights) {
            if let Operation::Convolution { convolution, weight, .. } = &stage.operation {
                convolution.unpack_widened(kernels, &weights.forward, &mut values[weight.clone()]);
            }
        }
        values
    }
}

/// Padded, at `bias` in `theta`; nothing where there is none.
pub(crate) fn pack_bias<S: Scalar>(bias: Option<&Range<usize>>, theta: &[S], to: &mut Buffer<S>) {
    if let Some(bias) = bias {
        to.fit(padded(bias.len()));
        to[..bias.len()].copy_from_slice(&theta[bias.clone()]);
    }
}
