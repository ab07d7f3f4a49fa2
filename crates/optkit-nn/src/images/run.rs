//! A pass through an image network, forward or back, stage by stage over the whole mini-batch.

mod back;
mod tangent;

pub(crate) use back::Passed;
pub(crate) use tangent::Packed;

use std::sync::atomic::Ordering;

use rayon::prelude::*;

use super::convolution::Weights;
use super::parameters::pack_bias;
use super::plan::{Operation, Plan, Stage};
use super::pointwise::{self, LayerNorm, Mask};
use super::scope::Scope;
use super::shape::Shape;
use super::state::{Activations, Batch, Mode, Model};
use super::workspace::{Again, Workspace};
use crate::Scalar;
use crate::head::Outputs;
use crate::kernels::{Grid, padded};
use crate::layers::log_softmax;

/// Samples whose losses are summed by one task.
const SAMPLES: usize = 64;

/// What a pass stands on.
#[derive(Clone, Copy)]
pub(crate) struct Run<'a, S: Scalar> {
    pub(crate) model: &'a Model<S>,
    pub(crate) scope: &'a Scope,
    pub(crate) batch: &'a Batch,
    /// Parameters, but for a part's own and for weights of convolutions.
    pub(crate) point: &'a [S],
    /// By stage: these weights; empty in a pass that packs them.
    pub(crate) weights: &'a [Weights<S>],
    /// What is not computed.
    pub(crate) frozen: Option<&'a Activations<S>>,
    pub(crate) mode: Mode<'a>,
}

impl<'a, S: Scalar> Run<'a, S> {
    fn plan(&self) -> &'a Plan {
        &self.model.plan
    }

    pub(crate) fn samples(&self) -> usize {
        self.batch.rows.len()
    }

    pub(crate) fn shape(&self, value: usize) -> Shape {
        let value = &self.plan().values[value];
        let (pixels, channels, stride) = (value.pixels(), value.channels, value.stride());
        let Batch { together, most, .. } = *self.batch;
        Shape { pixels, samples: self.samples(), channels, stride, together, most }
    }

    /// All parameters, with those of stage `i` as the pass reads them.
    fn parameters<'b>(&self, i: usize, theta: &'b [S]) -> &'b [S]
    where
        'a: 'b,
    {
        if self.frozen.is_some() && self.scope.own[i].any() { theta } else { self.point }
    }

    /// Whether `value` is computed again where it is read, rather than kept.
    fn is_spared(&self, value: usize) -> bool {
        let most = self.model.sparing.load(Ordering::Relaxed);
        self.plan().spared[value] && self.plan().len() * self.batch.most * size_of::<S>() > most
    }

    /// What `value` is: computed in this pass, or frozen.
    fn value<'b>(&self, value: usize, own: &'b Activations<S>, again: &'b Again<S>) -> &'b [S]
    where
        'a: 'b,
    {
        if self.is_spared(value) {
            return again.of(value);
        }
        let computed = value > 0 && self.scope.computed[value - 1];
        match self.frozen {
            Some(frozen) if !computed => &frozen.values[value],
            _ => &own.values[value],
        }
    }

    /// The weights of stage `i` as the pass reads them, of which a part's own are in `own`.
    fn weights<'b>(&self, i: usize, own: &'b [Weights<S>]) -> &'b Weights<S>
    where
        'a: 'b,
    {
        if self.frozen.is_some() && self.scope.own[i].any() { &own[i] } else { &self.weights[i] }
    }

    /// Fill `to`, and give the mean loss (or what the head measures).
    pub(crate) fn forward(&self, room: &mut Workspace<S>, to: &mut Activations<S>) -> f64 {
        self.forward_packing(room, to, None)
    }

    /// The same, of weights that are taken over from θ on the way.
    pub(crate) fn forward_packing(
        &self,
        room: &mut Workspace<S>,
        to: &mut Activations<S>,
        mut fresh: Option<(&[f64], &mut [Weights<S>])>,
    ) -> f64 {
        if self.frozen.is_none() {
            let input = &self.plan().values[0];
            to.values[0].fit(input.len() * self.batch.most);
            super::input::load(self.model, self.batch, input, &mut to.values[0]);
        }
        let mut again = std::mem::take(&mut room.again);
        for (i, stage) in self.plan().stages.iter().enumerate().filter(|&(i, _)| self.scope.computed[i]) {
            stage.inputs().for_each(|value| self.make_again(value, to, room, &mut again));
            let (spared, len) = (self.is_spared(i + 1), self.plan().values[i + 1].len() * self.batch.most);
            let mut out = if spared { again.take(len) } else { std::mem::take(&mut to.values[i + 1]) };
            out.fit(len);
            if let Some((theta, fresh)) = &mut fresh
                && let Operation::Convolution { convolution, weight, bias } = &stage.operation
            {
                let Weights { forward, bias: packed } = &mut fresh[i];
                convolution.pack_rounded(self.model.kernels, &theta[weight.clone()], forward);
                pack_bias(bias.as_ref(), self.point, packed);
            }
            let fresh = fresh.as_ref().map(|(_, fresh)| &fresh[..]);
            let run = Run { weights: fresh.unwrap_or(self.weights), ..*self };
            run.stage(i, stage, (room, &again), to, &mut out);
            if spared {
                again.put(i + 1, out);
            } else {
                to.values[i + 1] = out;
            }
            stage
                .inputs()
                .filter(|&value| self.plan().last_reader[value] == i)
                .for_each(|v| again.release(v));
        }
        let outputs = self.value(self.plan().output(), to, &again);
        let loss = self.loss(outputs, &mut [], &mut room.losses);
        again.release_all();
        room.again = again;
        loss
    }

    /// `f(stage, what it reads)` for every convolution, from the outputs in `own`.
    pub(crate) fn for_each_input(
        &self,
        room: &mut Workspace<S>,
        own: &Activations<S>,
        mut f: impl FnMut(usize, &[S]),
    ) {
        let mut again = std::mem::take(&mut room.again);
        for (i, stage) in self.plan().stages.iter().enumerate() {
            if let Operation::Convolution { .. } = stage.operation {
                self.make_again(stage.input, own, room, &mut again);
                f(i, self.value(stage.input, own, &again));
            }
            let last = stage.inputs().filter(|&value| self.plan().last_reader[value] == i);
            last.for_each(|value| again.release(value));
        }
        again.release_all();
        room.again = again;
    }

    /// Have a value that was spared there: a normalisation's outputs from its inputs, which are kept, and their moments.
    fn make_again(&self, value: usize, own: &Activations<S>, room: &mut Workspace<S>, again: &mut Again<S>) {
        if !self.is_spared(value) || again.is_there(value) {
            return;
        }
        let (i, shape) = (value - 1, self.shape(value));
        let stage = &self.plan().stages[i];
        let Operation::Norm(norm) = &stage.operation else { unreachable!("only normalisations are spared") };
        let mut y = again.take(self.plan().values[value].len() * self.batch.most);
        let Workspace { theta, norm: of_norm, .. } = room;
        let moments = own_moments(self, i, own);
        let by = (&moments.mean[..], &moments.variance[..]);
        let (theta, x) = (self.parameters(i, theta), self.value(stage.input, own, again));
        norm.apply(self.model.kernels, shape, (theta, x, &[]), by, of_norm, &mut y);
        again.put(value, y);
    }

    fn stage(
        &self,
        i: usize,
        stage: &Stage,
        (room, again): (&mut Workspace<S>, &Again<S>),
        to: &mut Activations<S>,
        y: &mut [S],
    ) {
        let (kernels, shape, samples) = (self.model.kernels, self.shape(stage.input), self.samples());
        let out = self.shape(i + 1);
        let mut moments = std::mem::take(&mut to.moments[i]);
        let mut places = std::mem::take(&mut to.places[i]);
        let x = self.value(stage.input, to, again);
        match &stage.operation {
            Operation::Convolution { convolution, .. } => {
                convolution.forward(kernels, samples, x, self.weights(i, &room.weights), y);
            }
            Operation::Norm(norm) => {
                let residual = stage.other.map_or(&[][..], |value| self.value(value, to, again));
                let theta = self.parameters(i, &room.theta);
                let (mean, variance) = match self.mode {
                    Mode::Train => {
                        norm.moments(kernels, shape, x, &mut room.norm, &mut moments);
                        (&moments.mean[..], &moments.variance[..])
                    }
                    Mode::Measure(running) => (&running[norm.mean.clone()], &running[norm.variance.clone()]),
                };
                norm.apply(kernels, shape, (theta, x, residual), (mean, variance), &mut room.norm, y);
            }
            Operation::Add { relu } => {
                let other = self.value(stage.other.unwrap_or(stage.input), to, again);
                Grid::new(shape.pixels, samples).for_each(y, shape.stride, |pixel, some, y| {
                    let at = (pixel * samples + some.start) * shape.stride;
                    let sums = x[at..].iter().zip(&other[at..]);
                    y.iter_mut().zip(sums).for_each(|(y, (&a, &b))| {
                        let sum = a + b;
                        *y = if *relu && sum < S::ZERO { S::ZERO } else { sum };
                    });
                });
            }
            Operation::Relu => pointwise::map(shape, x, y, kernels.relu),
            Operation::LeakyRelu { slope } => {
                pointwise::map(shape, x, y, |x, y| pointwise::leaky_relu(*slope, x, y));
            }
            Operation::Gelu => pointwise::map(shape, x, y, pointwise::gelu),
            Operation::Sigmoid => pointwise::map(shape, x, y, kernels.sigmoid),
            Operation::Tanh => pointwise::map(shape, x, y, kernels.tanh),
            Operation::LogSoftmax => pointwise::map(shape, x, y, |x, y| {
                log_softmax::forward(x, y, shape.channels, shape.stride);
            }),
            Operation::LayerNorm { .. } => {
                self.layer_norm(i, stage, &room.theta).forward(x, y, &mut room.of_samples);
            }
            Operation::PoolMax(pool) => {
                let len = out.pixels * samples * out.stride;
                places.fit(out.pixels * self.batch.most * out.stride);
                pool.largest(kernels, (samples, shape.stride), x, y, &mut places[..len]);
            }
            Operation::PoolAvg(pool) => pool.mean(kernels, (samples, shape.stride), x, y),
            Operation::Dropout { .. } => {
                pointwise::map(shape, x, y, |x, y| y.copy_from_slice(x));
                self.mask(i, stage, shape, y);
            }
            Operation::Flatten => pointwise::flatten(shape, x, y, out.stride),
        }
        to.moments[i] = moments;
        to.places[i] = places;
    }

    /// Apply the mask of a dropout, where there is one.
    fn mask(&self, i: usize, stage: &Stage, shape: Shape, to: &mut [S]) {
        if let (Operation::Dropout { rate }, Mode::Train) = (&stage.operation, self.mode) {
            let (seed, epoch) = (self.batch.seed, self.batch.epoch);
            Mask { rate: *rate, seed, epoch, layer: i, samples: &self.batch.rows }.apply(shape, to);
        }
    }

    pub(crate) fn layer_norm<'b>(&self, i: usize, stage: &Stage, theta: &'b [S]) -> LayerNorm<'b, S>
    where
        'a: 'b,
    {
        let Operation::LayerNorm { eps, weight, bias } = &stage.operation else {
            unreachable!("called of layer normalisations")
        };
        let theta = self.parameters(i, theta);
        let (shape, eps) = (self.shape(stage.input), *eps);
        LayerNorm { shape, eps, weight: &theta[weight.clone()], bias: &theta[bias.clone()] }
    }

    /// The head over all samples, in chunks summed in their order; `gradient`: of the outputs, or empty.
    pub(crate) fn loss(&self, outputs: &[S], gradient: &mut [S], losses: &mut Vec<f64>) -> f64 {
        let (samples, width) = (self.samples(), self.plan().outputs);
        let stride = padded(width);
        let wanted = !gradient.is_empty();
        let chunks = samples.div_ceil(SAMPLES);
        losses.clear();
        losses.reserve(self.batch.most.div_ceil(SAMPLES));
        losses.resize(chunks, 0.0);
        let chunk = |c: usize, gradient: &mut [S]| {
            let rows = c * SAMPLES..((c + 1) * SAMPLES).min(samples);
            let outputs = &outputs[rows.start * stride..rows.end * stride];
            let block = Outputs { outputs, width, rows, count: samples, gradient };
            self.model.head.run(self.model.kernels, &self.batch.targets, block)
        };
        if wanted {
            let gradients = gradient[..samples * stride].par_chunks_mut(SAMPLES * stride);
            let each = losses.par_iter_mut().zip(gradients).enumerate();
            each.for_each(|(c, (loss, gradient))| *loss = chunk(c, gradient));
        } else {
            losses.par_iter_mut().enumerate().for_each(|(c, loss)| *loss = chunk(c, &mut []));
        }
        self.model.head.factor(samples, width) * losses.iter().sum::<f64>()
    }
}

/// The moments that stage `i` was computed with.
fn own_moments<'b, 'a: 'b, S: Scalar>(
    run: &Run<'a, S>,
    i: usize,
    own: &'b Activations<S>,
) -> &'b super::norm::Moments {
    match run.frozen {
        Some(frozen) if !run.scope.computed[i] => &frozen.moments[i],
        _ => &own.moments[i],
    }
}
