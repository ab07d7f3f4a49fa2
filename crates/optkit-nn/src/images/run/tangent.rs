//! Tangents: how outputs change along a direction, forward through the graph (forward mode; Pearlmutter 1994).
//!
//! ```text
//! convolution      R{z} = x * R{w} + R{x} * w + R{b}
//! largest value    R{y} = R{x} where it was
//! normalisation    with the moments' own tangents (Norm::tangent, LayerNorm::tangent)
//! ```
//!
//! A value that does not change along the direction has no tangent, and costs nothing.

use super::{Run, own_moments};
use crate::Scalar;
use crate::images::convolution::{Onto, Weights};
use crate::images::norm::NormTangent;
use crate::images::parameters::pack_bias;
use crate::images::plan::{Operation, Stage};
use crate::images::pointwise;
use crate::images::scope::Own;
use crate::images::shape::Shape;
use crate::images::state::{Activations, Model};
use crate::images::workspace::{Again, Workspace};
use crate::kernels::{Grid, padded};
use crate::layers::{log_softmax, sigmoid, tanh};

/// A direction as passes read it.
#[derive(Debug)]
pub(crate) struct Packed<S> {
    /// By stage: the tensors that it moves.
    own: Vec<Own>,
    /// By stage: R{w} and R{b}, the latter zero where it does not move the bias.
    weights: Vec<Weights<S>>,
    /// R{θ}, rounded, at the tensors that it moves, but for weights of convolutions.
    theta: Vec<S>,
}

impl<S: Scalar> Packed<S> {
    pub(crate) fn new(model: &Model<S>) -> Self {
        let stages = model.plan.stages.len();
        Self {
            own: vec![Own::default(); stages],
            weights: (0..stages).map(|_| Weights::default()).collect(),
            theta: vec![S::ZERO; model.plan.dim],
        }
    }

    /// Take over `vector`, of all parameters, at the tensors `own`.
    pub(crate) fn pack(&mut self, model: &Model<S>, own: &[Own], vector: &[f64]) {
        self.own.copy_from_slice(own);
        for (i, stage) in model.plan.stages.iter().enumerate().filter(|&(i, _)| own[i].any()) {
            let mut tensors = stage.tensors().zip([own[i].weight, own[i].bias]);
            if let Operation::Convolution { convolution, weight, .. } = &stage.operation {
                if own[i].weight {
                    let to = &mut self.weights[i].forward;
                    convolution.pack_rounded(model.kernels, &vector[weight.clone()], to);
                }
                tensors.next();
            }
            for (range, moved) in tensors {
                match moved {
                    true => (model.kernels.round)(&vector[range.clone()], &mut self.theta[range]),
                    false => self.theta[range].fill(S::ZERO),
                }
            }
            if let Operation::Convolution { bias, .. } = &stage.operation {
                pack_bias(bias.as_ref(), &self.theta, &mut self.weights[i].bias);
            }
        }
    }
}

impl<S: Scalar> Run<'_, S> {
    /// `to` ← R{outputs}, \[samples, padded outputs\], along `direction`, from the outputs in `own`.
    pub(crate) fn tangent(
        &self,
        (room, tangents): (&mut Workspace<S>, &mut Again<S>),
        own: &Activations<S>,
        direction: &Packed<S>,
        to: &mut [S],
    ) {
        let (plan, samples) = (self.plan(), self.samples());
        let mut again = std::mem::take(&mut room.again);
        for (i, stage) in plan.stages.iter().enumerate() {
            if direction.own[i].any() || stage.inputs().any(|value| tangents.is_there(value)) {
                let read = stage.inputs().chain(std::iter::once(i + 1));
                read.for_each(|value| self.make_again(value, own, room, &mut again));
                let len = plan.values[i + 1].len() * samples;
                let mut ry = tangents.take(plan.values[i + 1].len() * self.batch.most);
                self.tangent_of_stage(i, (direction, tangents), (room, &again), own, &mut ry[..len]);
                tangents.put(i + 1, ry);
            }
            for value in stage.inputs().filter(|&value| plan.last_reader[value] == i) {
                again.release(value);
                tangents.release(value);
            }
        }
        let (stride, width) = (padded(plan.outputs), plan.outputs);
        let to = &mut to[..samples * stride];
        if tangents.is_there(plan.output()) {
            to.copy_from_slice(&tangents.of(plan.output())[..samples * stride]);
            // Padding may hold anything.
            to.chunks_exact_mut(stride).for_each(|row| row[width..].fill(S::ZERO));
        } else {
            to.fill(S::ZERO);
        }
        tangents.release_all();
        again.release_all();
        room.again = again;
    }

    fn tangent_of_stage(
        &self,
        i: usize,
        (direction, tangents): (&Packed<S>, &Again<S>),
        (room, again): (&mut Workspace<S>, &Again<S>),
        own: &Activations<S>,
        ry: &mut [S],
    ) {
        let (kernels, samples, stage) = (self.model.kernels, self.samples(), &self.plan().stages[i]);
        let (shape, out) = (self.shape(stage.input), self.shape(i + 1));
        let there = |value: usize| tangents.is_there(value).then(|| tangents.of(value));
        let (rx, other) = (there(stage.input), stage.other.and_then(there));
        let (x, y) = (self.value(stage.input, own, again), self.value(i + 1, own, again));
        // Of stages with one input and no tensor: there is nothing to do without a tangent there.
        let only = rx.unwrap_or_default();
        match &stage.operation {
            Operation::Convolution { .. } => self.tangent_of_convolution(i, direction, (x, rx), room, ry),
            Operation::Norm(norm) => {
                let of = |range: &std::ops::Range<usize>, moved: bool| {
                    if moved { &direction.theta[range.clone()] } else { &[][..] }
                };
                let moved = direction.own[i];
                let (weight, bias) = (of(&norm.weight, moved.weight), of(&norm.bias, moved.bias));
                let of = NormTangent { x: rx, weight, bias, residual: other };
                let moments = own_moments(self, i, own);
                norm.tangent(kernels, shape, (self.point, x, y), moments, &of, (&mut room.norm, ry));
            }
            Operation::LayerNorm { weight, bias, .. } => {
                let moved = direction.own[i];
                let of_weight = if moved.weight { &direction.theta[weight.clone()] } else { &[][..] };
                let of_bias = if moved.bias { &direction.theta[bias.clone()] } else { &[][..] };
                let layer_norm = self.layer_norm(i, stage, self.point);
                layer_norm.tangent(x, [only, of_weight, of_bias], &mut room.of_samples, ry);
            }
            Operation::Add { relu } => {
                self.copy(out, rx.or(other).unwrap_or_default(), ry);
                if let (Some(_), Some(other)) = (rx, other) {
                    pointwise::map(out, other, ry, |other, ry| (kernels.add_scaled)(other, S::ONE, ry));
                }
                if *relu {
                    pointwise::map(out, y, ry, kernels.relu_gradient);
                }
            }
            Operation::PoolMax(pool) => {
                let at = &own.places[i][..ry.len()];
                pool.largest_tangent(kernels, (samples, shape.stride), (only, at), ry);
            }
            Operation::PoolAvg(pool) => pool.mean(kernels, (samples, shape.stride), only, ry),
            Operation::Flatten => pointwise::flatten(shape, only, ry, out.stride),
            Operation::Dropout { .. } => {
                self.copy(out, only, ry);
                self.mask(i, stage, out, ry);
            }
            _ => {
                self.copy(out, only, ry);
                self.through_slope(stage, out, (x, y), ry);
            }
        }
    }

    fn copy(&self, shape: Shape, from: &[S], to: &mut [S]) {
        pointwise::map(shape, from, to, |from, to| to.copy_from_slice(from));
    }

    /// ry ← f'(x) ry for an activation f.
    fn through_slope(&self, stage: &Stage, out: Shape, (x, y): (&[S], &[S]), ry: &mut [S]) {
        let kernels = self.model.kernels;
        match &stage.operation {
            Operation::Relu => pointwise::map(out, y, ry, kernels.relu_gradient),
            Operation::LeakyRelu { slope } => {
                pointwise::map(out, x, ry, |x, ry| pointwise::leaky_relu_gradient(*slope, x, ry));
            }
            Operation::Gelu => pointwise::map(out, x, ry, pointwise::gelu_gradient),
            Operation::Sigmoid => pointwise::map(out, y, ry, sigmoid::backward),
            Operation::Tanh => pointwise::map(out, y, ry, tanh::backward),
            Operation::LogSoftmax => {
                pointwise::map(out, y, ry, |y, ry| log_softmax::tangent(y, ry, out.channels, out.stride));
            }
            other => unreachable!("{other:?} has a tangent of its own"),
        }
    }

    fn tangent_of_convolution(
        &self,
        i: usize,
        direction: &Packed<S>,
        (x, rx): (&[S], Option<&[S]>),
        room: &Workspace<S>,
        rz: &mut [S],
    ) {
        let (kernels, samples, out) = (self.model.kernels, self.samples(), self.shape(i + 1));
        let Operation::Convolution { convolution, .. } = &self.plan().stages[i].operation else {
            unreachable!("called of convolutions")
        };
        let (moved, v) = (direction.own[i], &direction.weights[i]);
        if moved.weight {
            convolution.forward(kernels, samples, x, v, rz);
        } else {
            Grid::new(out.pixels, samples).for_each(rz, out.stride, |_, _, rows| match moved.bias {
                true => rows.chunks_exact_mut(out.stride).for_each(|row| row.copy_from_slice(&v.bias)),
                false => rows.fill(S::ZERO),
            });
        }
        if let Some(rx) = rx {
            convolution.forward_onto(kernels, samples, rx, (self.weights(i, &room.weights), Onto::There), rz);
        }
    }
}
