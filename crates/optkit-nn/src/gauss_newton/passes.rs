//! Passes over all chunks: images under the lowest layer, outputs above it, and back.

use std::ops::Range;

use rayon::prelude::*;

use super::NetworkGaussNewton;
use super::directions::Images;
use crate::Scalar;
use crate::buffer::Buffer;
use crate::evaluator::{reduce_into, total_of};
use crate::kernels::{TILE, padded};
use crate::model::Model;
use crate::plan::Scope;
use crate::walk::levels::{Levels, Sample};
use crate::walk::{Forward, Keep, Walk};
use crate::weights::{Weights, transpose};
use crate::worker::Worker;

/// Share of a gradient equivalent that the factors of the outputs' side may cost; it chooses the samples that enter.
const FACTOR_SHARE: f64 = 0.06;
/// Fewest samples that enter, where there are as many.
const LEAST_SAMPLES: usize = 128;

/// Images under the lowest layer, by chunk.
#[derive(Debug)]
pub(super) struct Image<S> {
    pub(super) chunks: Vec<Buffer<S>>,
    /// False: zero, or nothing.
    pub(super) is_kept: bool,
}

impl<S: Scalar> Image<S> {
    pub(super) fn new(model: &Model<S>) -> Self {
        let columns = padded(model.plan.dense[0].outputs);
        let chunk = |c: usize| Buffer::new(model.room(c) * columns);
        Self { chunks: (0..model.chunks.len()).map(chunk).collect(), is_kept: false }
    }

    pub(super) fn of_chunk(&self, chunk: usize) -> &[S] {
        if self.is_kept { &self.chunks[chunk] } else { &[] }
    }
}

/// What an image is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    /// The point where it stands: the lowest outputs, with their bias.
    Point,
    New,
    Previous,
}

/// The passes over `scope`.
pub(super) fn levels<'a, S: Scalar>(
    model: &'a Model<S>,
    scope: &'a Scope,
    weights: &'a Weights<S>,
    forward: Forward<'a, S>,
    backward: bool,
) -> Levels<'a, S> {
    Levels { walk: Walk { model, scope, weights, forward, frozen: None, backward } }
}

impl<S: Scalar> NetworkGaussNewton<S> {
    /// Weights of `point` for products.
    pub(super) fn pack(&mut self, trial: bool) {
        let point = if trial { &self.trial_x } else { &self.x };
        if self.packed_at != *point {
            self.weights.pack(&self.model.plan, &self.tail, point, None);
            self.packed_at.clone_from(point);
        }
    }

    /// x·Vᵀ of the lowest layer's weights V in `vector`, for all samples that are seen or for the `fresh` ones alone.
    pub(super) fn image(&mut self, vector: &[f64], of: Of, fresh: bool) {
        let d = &self.model.plan.dense[0];
        transpose(&vector[d.weight.clone()], d.inputs, &mut self.head, padded(d.outputs));
        let bias = if of == Of::Point {
            let of_point = self.bias.iter_mut().zip(&vector[d.bias.clone()]);
            of_point.for_each(|(to, &b)| *to = S::from_f64(b));
            Some(&self.bias[..])
        } else {
            None
        };
        let (model, known) = (&*self.model, &self.known[..]);
        let tiles = |chunk: usize| seen(model, chunk, if fresh { known[chunk] } else { 0 });
        let rows = (0..model.chunks.len()).map(|c| rows_of(model, &tiles(c)).len()).sum();
        self.work.gradient_equivalents += self.costs.image(rows);
        let walk = levels(model, &self.whole, &self.weights, Forward::Known, false);
        let head = &self.head[..];
        let image = |(c, (worker, to)): (usize, (&mut Worker<S>, &mut Buffer<S>))| {
            walk.image((c, tiles(c)), (head, bias), worker, to);
        };
        let workers = self.whole_workers.par_iter_mut();
        match of {
            Of::Point => {
                let lowest = self.current.par_iter_mut().map(|kept| &mut kept[0]);
                workers.zip(lowest).enumerate().with_max_len(1).for_each(image);
            }
            Of::New => workers.zip(&mut self.new.chunks).enumerate().with_max_len(1).for_each(image),
            Of::Previous => {
                workers.zip(&mut self.previous.chunks).enumerate().with_max_len(1).for_each(image);
            }
        }
    }

    /// The moment of the lowest layer's inputs. Multiply-adds that it took.
    pub(super) fn learn_input(&mut self) -> f64 {
        let walk = levels(&self.model, &self.whole, &self.weights, Forward::Known, false);
        self.local.learn_input(&walk)
    }

    /// Outputs at x, directly; what is kept stays.
    pub(super) fn evaluate(&mut self, fresh: bool) {
        let x = std::mem::take(&mut self.x);
        self.image(&x, Of::Point, fresh);
        self.x = x;
        self.work.values += 1;
        self.work.gradient_equivalents += self.costs.trial();
        self.above();
    }

    /// Outputs of the layers above, from the lowest outputs at x.
    pub(super) fn above(&mut self) {
        self.pack(false);
        let walk = levels(&self.model, &self.tail, &self.weights, Forward::Above, false);
        let chunks = self.tail_workers.par_iter_mut().zip(&mut self.current).enumerate().with_max_len(1);
        chunks.for_each(|(c, (worker, kept))| walk.settle(c, worker, kept));
        self.value = total_of(&self.model, &self.tail_workers);
    }

    /// Back from the outputs at x, to all tensors or to those of the tail.
    pub(super) fn backward(&mut self, whole: bool, gradient: &mut [f64]) {
        self.pack(false);
        self.work.gradients += u64::from(whole);
        let (scope, workers) = if whole {
            self.work.gradient_equivalents += self.costs.gradient();
            (&self.whole, &mut self.whole_workers)
        } else {
            self.work.gradient_equivalents += self.costs.tail_gradient();
            (&self.tail, &mut self.tail_workers)
        };
        let walk = Walk {
            model: &self.model,
            scope,
            weights: &self.weights,
            forward: Forward::Known,
            frozen: None,
            backward: true,
        };
        let chunks = workers.par_iter_mut().zip(&self.current).enumerate().with_max_len(1);
        chunks.for_each(|(c, (worker, kept))| walk.chunk(c, worker, Keep::Read(kept)));
        reduce_into((&self.model, scope), workers, &mut self.reduced, gradient);
    }

    /// Images of a chunk.
    pub(super) fn images(&self, chunk: usize) -> Images<'_, S> {
        Images {
            new: self.new.of_chunk(chunk),
            total: self.total.of_chunk(chunk),
            previous: self.previous.of_chunk(chunk),
        }
    }

    /// Which samples enter the outputs' factors in iteration `number`.
    pub(super) fn sample(&self, number: u64) -> Sample {
        let count = self.model.count();
        let chosen = self.costs.samples_for(FACTOR_SHARE, self.local.factor_rows(&self.costs));
        let chosen = chosen.clamp(LEAST_SAMPLES.min(count), count);
        let stride = (count / chosen).max(1);
        Sample { stride, offset: (number % stride as u64) as usize }
    }
}

/// The tiles of a chunk that are seen, but the first `known`.
fn seen<S: Scalar>(model: &Model<S>, chunk: usize, known: usize) -> Range<usize> {
    let tiles = model.chunks[chunk].clone();
    (tiles.start + known).min(tiles.end)..tiles.end
}

/// The samples of `tiles`.
fn rows_of<S: Scalar>(model: &Model<S>, tiles: &Range<usize>) -> Range<usize> {
    let count = model.samples.count();
    (tiles.start * TILE).min(count)..(tiles.end * TILE).min(count)
}
