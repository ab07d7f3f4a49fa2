//! The way back through an image network, in the order of its [`Scope`](crate::images::scope).

use rayon::prelude::*;

use super::{Run, own_moments};
use crate::Scalar;
use crate::images::plan::{Norm, Operation};
use crate::images::pointwise;
use crate::images::scope::{Back, Way};
use crate::images::shape::Shape;
use crate::images::state::Activations;
use crate::images::workspace::{Again, Workspace};
use crate::kernels::Grid;
use crate::layers::{log_softmax, sigmoid, tanh};

/// A stage on the way back.
pub(crate) struct Passed<'a, S> {
    pub(crate) stage: usize,
    /// What the stage read and what it gave; empty where the way back does not read it.
    pub(crate) x: &'a [S],
    pub(crate) y: &'a [S],
    /// Derivatives by what it gave.
    pub(crate) d: &'a [S],
}

impl<S: Scalar> Run<'_, S> {
    /// The way back from the outputs in `own`; writes the gradient of the scope's tensors, each to its place in
    /// `gradient`.
    pub(crate) fn backward(&self, room: &mut Workspace<S>, own: &Activations<S>, gradient: &mut [f64]) {
        self.back_from(
            (room, own),
            gradient,
            |room, outputs, top| {
                self.loss(outputs, top, &mut room.losses);
            },
            |_, _| {},
        );
    }

    /// The way back from derivatives by the outputs that `begin(room, outputs, to)` writes, with `see` looking at every
    /// stage before it is passed. Where no tensor of the scope varies, `gradient` is not written and may be empty.
    pub(crate) fn back_from(
        &self,
        (room, own): (&mut Workspace<S>, &Activations<S>),
        gradient: &mut [f64],
        begin: impl FnOnce(&mut Workspace<S>, &[S], &mut [S]),
        mut see: impl FnMut(&mut Workspace<S>, Passed<'_, S>),
    ) {
        room.make_room(self.scope, self.batch.most);
        let mut again = std::mem::take(&mut room.again);
        let mut top = std::mem::take(&mut room.gradients[self.scope.top]);
        begin(room, self.value(self.plan().output(), own, &again), &mut top);
        room.gradients[self.scope.top] = top;
        for back in &self.scope.back {
            let reads = self.reads(back.stage);
            reads.iter().flatten().for_each(|&value| self.make_again(value, own, room, &mut again));
            let d = std::mem::take(&mut room.gradients[back.gradient]);
            let [x, y] = reads.map(|read| read.map_or(&[][..], |value| self.value(value, own, &again)));
            let len = self.plan().values[back.stage + 1].len() * self.samples();
            see(room, Passed { stage: back.stage, x, y, d: &d[..len] });
            room.gradients[back.gradient] = d;
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
            Operation::Convolution { .. } => self.convolution(back, x, &d[..len], room, gradient),
            Operation::Norm(norm) => self.norm(norm, back, (x, y), (&mut d[..len], own), room, gradient),
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
                let wanted = self.scope.own[i].any().then(|| {
                    // γ's gradient and β's lie one behind the other in θ.
                    let (head, tail) = gradient.split_at_mut(bias.start);
                    (&mut head[weight.clone()], &mut tail[..bias.len()])
                });
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

    /// Through a convolution, from x and ∂ℓ/∂z.
    fn convolution(&self, back: Back, x: &[S], dz: &[S], room: &mut Workspace<S>, gradient: &mut [f64]) {
        let (i, kernels, samples) = (back.stage, self.model.kernels, self.samples());
        let stage = &self.plan().stages[i];
        let Operation::Convolution { convolution, weight, bias } = &stage.operation else {
            unreachable!("called of convolutions")
        };
        let (shape, out) = (self.shape(stage.input), self.shape(i + 1));
        if self.scope.own[i].weight {
            let packed = convolution.gradient_room(&mut room.of_weights);
            convolution.weight_gradient(kernels, samples, (x, dz), packed);
            convolution.unpack_widened(kernels, packed, &mut gradient[weight.clone()]);
        }
        if let Some(bias) = bias.as_ref().filter(|_| self.scope.own[i].bias) {
            room.zeros.fit(out.stride);
            let grid = Grid::new(out.pixels, samples);
            let (partial, sums) = room.norm.sums(out, 2 * out.stride);
            let zeros = &room.zeros[..out.stride];
            grid.sum_of(partial, sums, |pixel, some, sums| {
                let at = (pixel * samples + some.start) * out.stride;
                (kernels.moments)(&dz[at..at + some.len() * out.stride], zeros, sums);
            });
            gradient[bias.clone()].copy_from_slice(&sums[..bias.len()]);
        }
        self.into(back.input, room, |room, dx, add| {
            let Workspace { weights, transposed, of_weights, .. } = room;
            let transposed = if self.frozen.is_some() {
                &transposed[i]
            } else {
                convolution.pack_transposed(kernels, &self.weights(i, weights).forward, of_weights);
                &*of_weights
            };
            let len = shape.pixels * samples * shape.stride;
            convolution.backward(kernels, samples, (dz, transposed), &mut dx[..len], add);
        });
    }

    /// Through a normalisation: d is ∂ℓ/∂y, and becomes ∂ℓ/∂x where that stays in its place.
    fn norm(
        &self,
        norm: &Norm,
        back: Back,
        (x, y): (&[S], &[S]),
        (d, own): (&mut [S], &Activations<S>),
        room: &mut Workspace<S>,
        gradient: &mut [f64],
    ) {
        let (i, kernels) = (back.stage, self.model.kernels);
        let shape = self.shape(self.plan().stages[i].input);
        let moments = own_moments(self, i, own);
        let mut sums = std::mem::take(&mut room.norm_sums);
        norm.gradient_sums(kernels, shape, (x, y), moments, d, (&mut room.norm, &mut sums));
        if self.scope.own[i].any() {
            norm.tensor_gradients(shape, moments, &sums, gradient);
        }
        self.pass(back.other, d, room);
        let mut to = match back.input {
            Some(Way::Into { buffer, .. }) => Some((buffer, std::mem::take(&mut room.gradients[buffer]))),
            _ => None,
        };
        if back.input.is_some() {
            let Workspace { theta, norm: of_norm, .. } = &mut *room;
            let theta = self.parameters(i, theta);
            let to = to.as_mut().map(|(_, to)| &mut to[..d.len()]);
            norm.input_gradient(kernels, shape, (theta, x), (moments, &sums), of_norm, (d, to));
        }
        match to {
            Some((buffer, to)) => room.gradients[buffer] = to,
            None => self.pass(back.input, d, room),
        }
        room.norm_sums = sums;
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
