//! Passes of the two-level method over a chunk: images of directions, the coarse model, trial points, local factors.
//!
//! All of them stand on the lowest layer's outputs z, which are kept; none but [`Levels::image`] multiplies with the
//! input. A *direction* d has an image under the lowest layer, ż = x·V⁰ᵀ, kept as z is; from there it goes up as tangents
//! do (Pearlmutter 1994), J d being what it does to the outputs:
//!
//! ```text
//! coarse   M_ab = Σ (J d_a)ᵀ φ'' (J d_b),    β_a = Σ φ'ᵀ J d_a
//! trial    z + Σ c_a ż_a + Σ c_a v_a         and the layers above at the trial point
//! factors  A_l = Σ x xᵀ,  G_l = Σ (∂y/∂z_l)ᵀ φ'' (∂y/∂z_l), by rows √φ'' walked back (Martens & Grosse 2015)
//! ```

mod factors;
mod image;

use std::ops::Range;

use super::{BLOCK, Block, Keep, Walk, rows, rows_mut};
use crate::Scalar;
use crate::buffer::Buffer;
use crate::gauss_newton::directions::{Images, Packed, Shift};
use crate::gauss_newton::moments::{Moment, Tests};
use crate::kernels::{Product, Start, padded};
use crate::layers::{log_softmax, sigmoid, tanh};
use crate::model::{Kept, Model};
use crate::plan::Kind;
use crate::worker::Worker;

/// Rows of factors walked back together.
const FACTOR_ROWS: usize = 128;

/// What the passes write for a chunk. Owned by the two-level evaluator, one a chunk.
#[derive(Debug)]
pub(crate) struct LevelWorker<S> {
    /// Tangents of the outputs of every step, for the block and the direction at hand.
    tangents: Vec<Buffer<S>>,
    /// J d of the block, by direction, and φ'' J d.
    images: Vec<Buffer<S>>,
    curved: Vec<Buffer<S>>,
    /// M by rows, its lower triangle, and β.
    pub(crate) matrix: Vec<f64>,
    pub(crate) slopes: Vec<f64>,
    /// Rows √φ'' on their way back, and outputs repeated for them.
    factor: Buffer<S>,
    factor_below: Buffer<S>,
    repeated: Buffer<S>,
    /// A and G by dense layer; A of the lowest is not made here.
    pub(crate) inputs: Vec<Moment<S>>,
    pub(crate) outputs: Vec<Moment<S>>,
    /// Samples that entered the G.
    pub(crate) sampled: usize,
}

impl<S: Scalar> LevelWorker<S> {
    pub(crate) fn new(model: &Model<S>, tests: &Tests<S>) -> Self {
        let plan = &model.plan;
        let block = |width: usize| Buffer::new(BLOCK * padded(width));
        let rows = FACTOR_ROWS.max(plan.outputs);
        Self {
            tangents: plan.steps.iter().map(|step| block(step.width)).collect(),
            images: Vec::new(),
            curved: Vec::new(),
            matrix: Vec::new(),
            slopes: Vec::new(),
            factor: Buffer::new(rows * plan.widest()),
            factor_below: Buffer::new(rows * plan.widest()),
            repeated: Buffer::new(rows * plan.widest()),
            inputs: tests.inputs_moments(plan, BLOCK),
            outputs: tests.outputs_moments(plan, rows),
            sampled: 0,
        }
    }

    /// Room for `count` directions.
    fn reserve(&mut self, count: usize, outputs: usize) {
        while self.images.len() < count {
            self.images.push(Buffer::new(BLOCK * padded(outputs)));
            self.curved.push(Buffer::new(BLOCK * padded(outputs)));
        }
        self.matrix.clear();
        self.matrix.resize(count * count, 0.0);
        self.slopes.clear();
        self.slopes.resize(count, 0.0);
    }
}

/// A walk over known lowest outputs, for the passes of this file.
pub(crate) struct Levels<'a, S: Scalar> {
    pub(crate) walk: Walk<'a, S>,
}

/// Which samples enter the factors of the outputs' side: those at `offset`, `offset` + `stride`, …
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) stride: usize,
    pub(crate) offset: usize,
}

/// Buffers of a chunk that a trial reads and writes.
pub(crate) struct TrialChunk<'a, S> {
    pub(crate) current: &'a Kept<S>,
    pub(crate) images: Images<'a, S>,
    pub(crate) to: &'a mut Kept<S>,
    pub(crate) total: &'a mut Buffer<S>,
}

impl<S: Scalar> Levels<'_, S> {
    fn model(&self) -> &Model<S> {
        self.walk.model
    }

    /// The blocks of a chunk.
    fn blocks(&self, chunk: usize) -> impl Iterator<Item = (usize, Block<'static, S>)> {
        self.blocks_of(chunk, self.walk.model.chunks[chunk].clone())
    }

    /// The blocks of some of its tiles.
    fn blocks_of(
        &self,
        chunk: usize,
        tiles: Range<usize>,
    ) -> impl Iterator<Item = (usize, Block<'static, S>)> {
        let model = self.walk.model;
        let start = model.chunk_rows(chunk).start;
        tiles.flat_map(move |tile| {
            let tile_rows = model.samples.tile_rows(tile);
            (0..tile_rows.len()).step_by(BLOCK).map(move |at| {
                let in_tile = at..(at + BLOCK).min(tile_rows.len());
                let rows = tile_rows.start + in_tile.start..tile_rows.start + in_tile.end;
                let in_chunk = rows.start - start..rows.end - start;
                (tile, Block { rows, in_chunk, in_tile, frozen: None, base: None })
            })
        })
    }

    /// Outputs of the layers above the lowest; the loss into `worker.total`.
    pub(crate) fn settle(&self, chunk: usize, worker: &mut Worker<S>, kept: &mut Kept<S>) {
        worker.total = 0.0;
        let mut kept = Keep::Write(kept);
        for (_, block) in self.blocks(chunk) {
            self.walk.forward_block(&block, worker, &mut kept);
            self.walk.head(&block, worker, &kept);
        }
    }

    /// Outputs at a trial point into `io`, the loss into `worker.total`. The weights of the walk are the trial point's.
    pub(crate) fn trial(
        &self,
        chunk: usize,
        shift: &Shift<S>,
        worker: &mut Worker<S>,
        io: TrialChunk<'_, S>,
    ) {
        worker.total = 0.0;
        let columns = padded(self.model().plan.dense[0].outputs);
        let TrialChunk { current, images, to, total } = io;
        let mut kept = Keep::Write(to);
        for (_, block) in self.blocks(chunk) {
            if let Keep::Write(to) = &mut kept {
                let z = rows(&current[0], &block.in_chunk, columns);
                let sum = rows_mut(total, &block.in_chunk, columns);
                let of_block = images.rows(&block.in_chunk, columns);
                let to = rows_mut(&mut to[0], &block.in_chunk, columns);
                shift.apply(self.model().kernels, z, of_block, to, sum);
            }
            self.walk.forward_block(&block, worker, &mut kept);
            self.walk.head(&block, worker, &kept);
        }
    }

    /// M and β over `directions` into `levels`, all but what the mean divides by.
    pub(crate) fn coarse(
        &self,
        chunk: usize,
        directions: &[Packed<S>],
        (kept, images): (&Kept<S>, Images<'_, S>),
        (worker, levels): (&mut Worker<S>, &mut LevelWorker<S>),
    ) {
        let (model, k) = (self.model(), directions.len());
        levels.reserve(k, model.plan.outputs);
        let mut kept = Keep::Read(kept);
        for (_, block) in self.blocks(chunk) {
            self.walk.forward_block(&block, worker, &mut kept);
            self.walk.head(&block, worker, &kept);
            let len = block.len() * padded(model.plan.outputs);
            for (a, direction) in directions.iter().enumerate() {
                self.tangents(direction, &images, &block, (worker, &kept), levels);
                let last = levels.tangents.last().expect("a network has steps");
                levels.images[a][..len].copy_from_slice(&last[..len]);
                model.head.tangent(
                    model.kernels,
                    &model.targets,
                    crate::head::Tangent {
                        gradient: &worker.gradient[..len],
                        outputs: &levels.images[a][..len],
                        width: model.plan.outputs,
                        rows: block.rows.clone(),
                        count: model.count(),
                        to: &mut levels.curved[a][..len],
                    },
                );
                levels.slopes[a] += (model.kernels.dot)(&worker.gradient[..len], &levels.images[a][..len]);
                for b in 0..=a {
                    levels.matrix[a * k + b] +=
                        (model.kernels.dot)(&levels.curved[a][..len], &levels.images[b][..len]);
                }
            }
        }
    }

    /// Tangents of all outputs along `direction`, from the lowest layer that it moves.
    fn tangents(
        &self,
        direction: &Packed<S>,
        images: &Images<'_, S>,
        block: &Block<'_, S>,
        (worker, kept): (&Worker<S>, &Keep<'_, S>),
        levels: &mut LevelWorker<S>,
    ) {
        let (plan, kernels) = (&self.model().plan, self.model().kernels);
        let lowest = plan.dense[direction.lowest].step;
        for (i, step) in plan.steps.iter().enumerate().skip(lowest) {
            let stride = padded(step.width);
            let mut out = std::mem::take(&mut levels.tangents[i]);
            let ry = &mut out[..block.len() * stride];
            if let Kind::Dense(k) = step.kind {
                let below = if k > direction.lowest { &levels.tangents[i - 1][..] } else { &[] };
                self.dense_tangent(i, direction, (images, below), block, (worker, kept), ry);
            } else {
                ry.copy_from_slice(&levels.tangents[i - 1][..block.len() * stride]);
                let y = self.walk.after(i, block, worker, kept);
                match step.kind {
                    Kind::Relu => (kernels.relu_gradient)(y, ry),
                    Kind::Sigmoid => sigmoid::backward(y, ry),
                    Kind::Tanh => tanh::backward(y, ry),
                    Kind::LogSoftmax => log_softmax::tangent(y, ry, step.width, stride),
                    Kind::Dense(_) => {}
                }
            }
            levels.tangents[i] = out;
        }
    }

    /// ż = x·Vᵀ + ẋ·Wᵀ + v of the dense layer of step `i`, what it does not move left out.
    fn dense_tangent(
        &self,
        i: usize,
        direction: &Packed<S>,
        (images, below): (&Images<'_, S>, &[S]),
        block: &Block<'_, S>,
        (worker, kept): (&Worker<S>, &Keep<'_, S>),
        rz: &mut [S],
    ) {
        let model = self.model();
        let Kind::Dense(k) = model.plan.steps[i].kind else { return };
        let d = &model.plan.dense[k];
        let (columns, inputs) = (padded(d.outputs), padded(d.inputs));
        let bias = &direction.biases[k];
        let product = |x: &[S], weights: &[S], start: Start<'_, S>, rz: &mut [S]| {
            (model.kernels.product)(Product {
                a: x,
                a_row: inputs,
                a_inner: 1,
                b: weights,
                c: rz,
                rows: block.len(),
                inner: d.inputs,
                columns,
                start,
            });
        };
        let moved = direction.uses[k].weight;
        if moved && k == 0 {
            let image = rows(images.of(direction.source), &block.in_chunk, columns);
            (model.kernels.shift)(image, bias, rz);
        } else if moved {
            product(self.walk.before(i, block, worker, kept), &direction.weights[k], Start::Row(bias), rz);
        } else {
            rz.chunks_exact_mut(columns).for_each(|row| row.copy_from_slice(bias));
        }
        if k > direction.lowest {
            product(below, &self.walk.weights.dense[k].forward, Start::Accumulate, rz);
        }
    }
}
