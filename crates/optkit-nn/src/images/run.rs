//! A pass through an image network, forward or back, stage by stage over the whole mini-batch.

use std::sync::atomic::Ordering;

use rayon::prelude::*;

use super::norm::Shape;
use super::plan::{Operation, Plan, Stage};
use super::pointwise::{self, LayerNorm, Mask};
use super::scope::{Back, Scope, Way};
use super::state::{Activations, Again, Batch, Mode, Model, Workspace};
use crate::Scalar;
use crate::head::Outputs;
use crate::kernels::{Grid, padded};
use crate::layers::{log_softmax, sigmoid, tanh};

/// Samples whose losses are summed by one task.
const SAMPLES: usize = 64;

/// What a pass stands on.
#[derive(Clone, Copy)]
pub(crate) struct Run<'a, S: Scalar> {
    pub(crate) model: &'a Model<S>,
    pub(crate) scope: &'a Scope,
    pub(crate) batch: &'a Batch,
    /// Parameters, but for a part's own.
    pub(crate) point: &'a [S],
    /// What is not computed.
    pub(crate) frozen: Option<&'a Activations<S>>,
    pub(crate) mode: Mode<'a>,
}

impl<'a, S: Scalar> Run<'a, S> {
    fn plan(&self) -> &'a Plan {
        &self.model.plan
    }

    fn samples(&self) -> usize {
        self.batch.rows.len()
    }

    fn shape(&self, value: usize) -> Shape {
        let value = &self.plan().values[value];
        let (pixels, channels, stride) = (value.pixels(), value.channels, value.stride());
        Shape { pixels, samples: self.samples(), channels, stride }
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
        self.plan().spared[value] && self.plan().len() * self.samples() * size_of::<S>() > most
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

    /// Fill `to`, and give the mean loss (or what the head measures).
    pub(crate) fn forward(&self, room: &mut Workspace<S>, to: &mut Activations<S>) -> f64 {
        if self.frozen.is_none() {
            let input = &self.plan().values[0];
            to.values[0].fit(input.len() * self.samples());
            super::input::load(self.model, self.batch, input, &mut to.values[0]);
        }
        let mut again = std::mem::take(&mut room.again);
        for (i, stage) in self.plan().stages.iter().enumerate().filter(|&(i, _)| self.scope.computed[i]) {
            stage.inputs().for_each(|value| self.make_again(value, to, room, &mut again));
            let (spared, len) = (self.is_spared(i + 1), self.plan().values[i + 1].len() * self.samples());
            let mut out = if spared { again.take(len) } else { std::mem::take(&mut to.values[i + 1]) };
            out.fit(len);
            self.stage(i, stage, (room, &again), to, &mut out);
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

    /// Have a value that was spared there: a normalisation's outputs from its inputs, which are kept, and their moments.
    fn make_again(&self, value: usize, own: &Activations<S>, room: &mut Workspace<S>, again: &mut Again<S>) {
        if !self.is_spared(value) || again.is_there(value) {
            return;
        }
        let (i, shape) = (value - 1, self.shape(value));
        let stage = &self.plan().stages[i];
        let Operation::Norm(norm) = &stage.operation else { unreachable!("only normalisations are spared") };
        let mut y = again.take(self.plan().values[value].len() * self.samples());
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
                convolution.forward(kernels, samples, x, &room.weights[i], y);
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
                if places.len() < len {
                    places.resize(len, 0);
                }
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

    fn layer_norm<'b>(&self, i: usize, stage: &Stage, theta: &'b [S]) -> LayerNorm<'b, S>
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
    fn loss(&self, outputs: &[S], gradient: &mut [S], losses: &mut Vec<f64>) -> f64 {
        let (samples, width) = (self.samples(), self.plan().outputs);
        let stride = padded(width);
        let wanted = !gradient.is_empty();
        let chunks = samples.div_ceil(SAMPLES);
        losses.clear();
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

    /// The way back from the outputs in `own`; writes the gradient of the scope's tensors, each to its place in
    /// `gradient`.
    pub(crate) fn backward(&self, room: &mut Workspace<S>, own: &Activations<S>, gradient: &mut [f64]) {
        room.make_room(self.scope, self.samples());
        let mut again = std::mem::take(&mut room.again);
        let mut top = std::mem::take(&mut room.gradients[self.scope.top]);
        self.loss(self.value(self.plan().output(), own, &again), &mut top, &mut room.losses);
        room.gradients[self.scope.top] = top;
        for back in &self.scope.back {
            let reads = self.reads(back.stage);
            reads.iter().flatten().for_each(|&value| self.make_again(value, own, room, &mut again));
            self.step(*back, (room, &again), own, gradient);
            again.release(back.stage + 1);
        }
        again.release_all();
        room.again = again;
    }

    /// What the way back through stage `i` reads: what the stage read, and what it gave.
    fn reads(&self, i: usize) -> [Option<usize>; 2] {
        let stage = &self.plan().stages[i];
        let (input, output) = match &stage.operation {
            Operation::Convolution { .. } => (self.scope.own[i].weight, false),
            Operation::Norm(norm) => (true, norm.relu),
            Operation::LayerNorm { .. } | Operation::LeakyRelu { .. } | Operation::Gelu => (true, false),
            Operation::Add { relu } => (false, *relu),
            Operation::Relu | Operation::Sigmoid | Operation::Tanh | Operation::LogSoftmax => (false, true),
            Operation::PoolMax(_)
            | Operation::PoolAvg(_)
            | Operation::Dropout { .. }
            | Operation::Flatten => (false, false),
        };
        [Some(stage.input).filter(|_| input), Some(i + 1).filter(|_| output)]
    }

    fn step(
        &self,
        back: Back,
        (room, again): (&mut Workspace<S>, &Again<S>),
        own: &Activations<S>,
        gradient: &mut [f64],
    ) {
        let (i, kernels, samples) = (back.stage, self.model.kernels, self.samples());
        let stage = &self.plan().stages[i];
        let (shape, out) = (self.shape(stage.input), self.shape(i + 1));
        let [x, y] = self.reads(i).map(|read| read.map_or(&[][..], |value| self.value(value, own, again)));
        let mut d = std::mem::take(&mut room.gradients[back.gradient]);
        let len = out.pixels * samples * out.stride;
        match &stage.operation {
            Operation::Convolution { convolution, weight, bias } => {
                let dz = &d[..len];
                if self.scope.own[i].weight {
                    let packed = convolution.gradient_room(&mut room.weight_gradient);
                    convolution.weight_gradient(kernels, samples, (x, dz), packed);
                    convolution.unpack(packed, &mut gradient[weight.clone()]);
                }
                if let Some(bias) = bias.as_ref().filter(|_| self.scope.own[i].bias) {
                    room.zeros.fit(out.stride);
                    let grid = Grid::new(out.pixels, samples);
                    let (partial, sums) = room.norm.sums(&grid, 2 * out.stride);
                    let zeros = &room.zeros[..out.stride];
                    grid.sum_of(partial, sums, |pixel, some, sums| {
                        let at = (pixel * samples + some.start) * out.stride;
                        (kernels.moments)(&dz[at..at + some.len() * out.stride], zeros, sums);
                    });
                    gradient[bias.clone()].copy_from_slice(&sums[..bias.len()]);
                }
                self.into(back.input, room, |room, dx, add| {
                    let len = shape.pixels * samples * shape.stride;
                    convolution.backward(kernels, samples, (dz, &room.weights[i]), &mut dx[..len], add);
                });
            }
            Operation::Norm(norm) => {
                let moments = own_moments(self, i, own);
                let mut sums = std::mem::take(&mut room.norm_sums);
                norm.gradient_sums(
                    kernels,
                    shape,
                    (x, y),
                    moments,
                    &mut d[..len],
                    (&mut room.norm, &mut sums),
                );
                if self.scope.own[i].any() {
                    norm.tensor_gradients(shape, moments, &sums, gradient);
                }
                self.pass(back.other, &d[..len], room);
                let mut to = match back.input {
                    Some(Way::Into { buffer, .. }) => {
                        Some((buffer, std::mem::take(&mut room.gradients[buffer])))
                    }
                    _ => None,
                };
                if back.input.is_some() {
                    let Workspace { theta, norm: of_norm, .. } = &mut *room;
                    let theta = self.parameters(i, theta);
                    let to = to.as_mut().map(|(_, to)| &mut to[..len]);
                    norm.input_gradient(
                        kernels,
                        shape,
                        (theta, x),
                        (moments, &sums),
                        of_norm,
                        (&mut d[..len], to),
                    );
                }
                if let Some((buffer, to)) = to {
                    room.gradients[buffer] = to;
                } else {
                    self.pass(back.input, &d[..len], room);
                }
                room.norm_sums = sums;
            }
            Operation::Add { relu } => {
                if *relu {
                    self.change(out, &mut d, y, kernels.relu_gradient);
                }
                self.pass(back.other, &d[..len], room);
                self.pass(back.input, &d[..len], room);
            }
            Operation::PoolMax(pool) => {
                let frozen = self.frozen.filter(|_| !self.scope.computed[i]);
                let places = &frozen.unwrap_or(own).places[i];
                self.into(back.input, room, |_, dx, add| {
                    let len_in = shape.pixels * samples * shape.stride;
                    let (dy, at) = (&d[..len], &places[..len]);
                    pool.largest_gradient(kernels, (samples, shape.stride), (dy, at), &mut dx[..len_in], add);
                });
            }
            Operation::PoolAvg(pool) => self.into(back.input, room, |_, dx, add| {
                let len_in = shape.pixels * samples * shape.stride;
                pool.mean_gradient(kernels, (samples, shape.stride), &d[..len], &mut dx[..len_in], add);
            }),
            Operation::Flatten => self.into(back.input, room, |_, dx, add| {
                pointwise::unflatten(shape, &d[..len], out.stride, dx, add);
            }),
            Operation::LayerNorm { weight, bias, .. } => {
                let mut of_samples = std::mem::take(&mut room.of_samples);
                // γ's gradient and β's lie one behind the other in θ.
                let (head, tail) = gradient.split_at_mut(bias.start);
                let gradients = (&mut head[weight.clone()], &mut tail[..bias.len()]);
                let wanted = self.scope.own[i].any().then_some(gradients);
                let layer_norm = self.layer_norm(i, stage, &room.theta);
                layer_norm.backward(x, &mut d[..len], &mut of_samples, wanted);
                room.of_samples = of_samples;
                self.pass(back.input, &d[..len], room);
            }
            Operation::Relu => self.through(back, room, out, &mut d, y, kernels.relu_gradient),
            Operation::LeakyRelu { slope } => self.through(back, room, out, &mut d, x, |x, d| {
                pointwise::leaky_relu_gradient(*slope, x, d);
            }),
            Operation::Gelu => self.through(back, room, out, &mut d, x, pointwise::gelu_gradient),
            Operation::Sigmoid => self.through(back, room, out, &mut d, y, sigmoid::backward),
            Operation::Tanh => self.through(back, room, out, &mut d, y, tanh::backward),
            Operation::LogSoftmax => self.through(back, room, out, &mut d, y, |y, d| {
                log_softmax::backward(y, d, out.channels, out.stride);
            }),
            Operation::Dropout { .. } => {
                self.mask(i, stage, out, &mut d);
                self.pass(back.input, &d[..len], room);
            }
        }
        room.gradients[back.gradient] = d;
    }

    /// d ← f(value, d) piece by piece, and on.
    fn through(
        &self,
        back: Back,
        room: &mut Workspace<S>,
        shape: Shape,
        d: &mut [S],
        value: &[S],
        f: impl Fn(&[S], &mut [S]) + Sync,
    ) {
        self.change(shape, d, value, f);
        self.pass(back.input, &d[..shape.pixels * shape.samples * shape.stride], room);
    }

    fn change(&self, shape: Shape, d: &mut [S], value: &[S], f: impl Fn(&[S], &mut [S]) + Sync) {
        pointwise::map(shape, value, d, f);
    }

    /// Have a gradient written into its buffer, where it is wanted.
    fn into(
        &self,
        way: Option<Way>,
        room: &mut Workspace<S>,
        f: impl FnOnce(&mut Workspace<S>, &mut [S], bool),
    ) {
        if let Some(Way::Into { buffer, add }) = way {
            let mut to = std::mem::take(&mut room.gradients[buffer]);
            f(room, &mut to, add);
            room.gradients[buffer] = to;
        }
    }

    /// A gradient that is there, on to what was read.
    fn pass(&self, way: Option<Way>, d: &[S], room: &mut Workspace<S>) {
        let kernels = self.model.kernels;
        // Pieces of a size that stays in cache; which they are makes no difference to the sums.
        const PIECE: usize = 1 << 14;
        match way {
            // It stays where it is.
            None | Some(Way::Same) => {}
            Some(Way::AddedTo { buffer } | Way::Into { buffer, add: true }) => {
                let to = &mut room.gradients[buffer][..d.len()];
                let pieces = to.par_chunks_mut(PIECE).zip(d.par_chunks(PIECE));
                pieces.for_each(|(to, d)| (kernels.add_scaled)(d, S::ONE, to));
            }
            Some(Way::Into { buffer, add: false }) => {
                let to = &mut room.gradients[buffer][..d.len()];
                to.par_chunks_mut(PIECE).zip(d.par_chunks(PIECE)).for_each(|(to, d)| to.copy_from_slice(d));
            }
        }
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
