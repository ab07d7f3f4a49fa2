//! One chunk of samples through the network and back.
//!
//! A chunk is walked tile by tile (128 samples, the unit of sparse products), a tile block by block (64 samples,
//! whose activations stay in the first cache through all layers and back). Outputs of dense layers that are kept go
//! to memory straight away; everything else is scratch.
//!
//! Over 400 lines, for up and back are one walk over the same blocks, buffers and kept outputs.

pub(crate) mod levels;
pub(crate) mod tangent;

use std::ops::Range;

use crate::Scalar;
use crate::buffer::Buffer;
use crate::head::Outputs;
use crate::kernels::{Product, SparseForward, SparseGradient, Start, padded};
use crate::layers::{log_softmax, sigmoid, tanh};
use crate::model::{Kept, Model};
use crate::plan::{Kind, Scope};
use crate::samples::Store;
use crate::weights::Weights;
use crate::worker::Worker;

/// Samples of a block: 64 rows of 32 numbers in `f32` are 8 KiB.
pub(crate) const BLOCK: usize = 64;

/// How the outputs of the lowest dense layer come about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Forward<'a, S> {
    /// By its product.
    Compute,
    /// They are there; so are all others that are kept.
    Known,
    /// They are there; the others are not.
    Above,
    /// z ← base + ratio·(z − base), with z what is kept.
    Line { base: &'a [Kept<S>], ratio: S },
}

/// What all chunks of an evaluation have in common.
pub(crate) struct Walk<'a, S: Scalar> {
    pub(crate) model: &'a Model<S>,
    pub(crate) scope: &'a Scope,
    pub(crate) weights: &'a Weights<S>,
    pub(crate) forward: Forward<'a, S>,
    /// Outputs that the lowest layers stand on, by chunk.
    pub(crate) frozen: Option<&'a [Kept<S>]>,
    pub(crate) backward: bool,
}

/// Kept outputs of the chunk, to be written or only read.
pub(crate) enum Keep<'a, S> {
    Write(&'a mut Kept<S>),
    Read(&'a Kept<S>),
}

impl<S> Keep<'_, S> {
    fn get(&self) -> &[Buffer<S>] {
        match self {
            Self::Write(kept) => kept,
            Self::Read(kept) => kept,
        }
    }
}

/// The samples of a block, and what of the chunk is frozen.
struct Block<'a, S> {
    /// Among all samples.
    rows: Range<usize>,
    in_chunk: Range<usize>,
    in_tile: Range<usize>,
    /// Outputs of dense layers that the lowest layers stand on.
    frozen: Option<&'a Kept<S>>,
    /// The lowest outputs at the base of a line.
    base: Option<&'a Buffer<S>>,
}

impl<S> Block<'_, S> {
    fn len(&self) -> usize {
        self.rows.len()
    }
}

/// Rows `range` of an array with `stride` numbers a row.
fn rows<'a, S>(array: &'a [S], range: &Range<usize>, stride: usize) -> &'a [S] {
    &array[range.start * stride..range.end * stride]
}

fn rows_mut<'a, S>(array: &'a mut [S], range: &Range<usize>, stride: usize) -> &'a mut [S] {
    &mut array[range.start * stride..range.end * stride]
}

impl<S: Scalar> Walk<'_, S> {
    /// Walk chunk `chunk`; `worker` receives the sums, `kept` the outputs.
    pub(crate) fn chunk(&self, chunk: usize, worker: &mut Worker<S>, mut kept: Keep<'_, S>) {
        worker.total = 0.0;
        if self.backward {
            worker.clear_sums();
        }
        let frozen = self.frozen.map(|chunks| &chunks[chunk]);
        let base = match self.forward {
            Forward::Line { base, .. } => Some(&base[chunk][self.scope.first]),
            Forward::Compute | Forward::Known | Forward::Above => None,
        };
        let start = self.model.chunk_rows(chunk).start;
        for tile in self.model.chunks[chunk].clone() {
            let tile_rows = self.model.samples.tile_rows(tile);
            let in_chunk = tile_rows.start - start..tile_rows.end - start;
            if self.sparse() && matches!(self.forward, Forward::Compute) {
                self.sparse_forward(tile, &in_chunk, worker, &mut kept);
            }
            for at in (0..tile_rows.len()).step_by(BLOCK) {
                let in_tile = at..(at + BLOCK).min(tile_rows.len());
                let block = Block {
                    rows: tile_rows.start + in_tile.start..tile_rows.start + in_tile.end,
                    in_chunk: in_chunk.start + in_tile.start..in_chunk.start + in_tile.end,
                    in_tile,
                    frozen,
                    base,
                };
                self.forward_block(&block, worker, &mut kept);
                self.head(&block, worker, &kept);
                if self.backward {
                    self.backward_block(&block, worker, &kept);
                }
            }
            if self.backward && self.sparse() && self.scope.uses[0].weight {
                self.sparse_gradient(tile, worker);
            }
        }
    }

    /// True where the lowest step computed is a product with sparse bytes.
    fn sparse(&self) -> bool {
        self.model.sparse() && self.scope.from == 0 && !self.scope.shifts()
    }

    /// First outputs of a whole tile: the bias, and the product with sparse bytes.
    fn sparse_forward(
        &self,
        tile: usize,
        in_chunk: &Range<usize>,
        worker: &mut Worker<S>,
        kept: &mut Keep<'_, S>,
    ) {
        let Store::Sparse(tiles) = self.model.samples.store() else { return };
        let packed = &self.weights.dense[0];
        let columns = packed.bias.len();
        let z = match kept {
            Keep::Write(kept) if !kept[0].is_empty() => rows_mut(&mut kept[0], in_chunk, columns),
            _ => rows_mut(&mut worker.tile_out, &(0..in_chunk.len()), columns),
        };
        for row in z.chunks_exact_mut(columns) {
            row.copy_from_slice(&packed.bias);
        }
        (self.model.kernels.sparse_forward)(SparseForward {
            tile: &tiles[tile],
            values: &self.model.values,
            weights: &packed.forward,
            columns,
            z,
        });
    }

    fn sparse_gradient(&self, tile: usize, worker: &mut Worker<S>) {
        let Store::Sparse(tiles) = self.model.samples.store() else { return };
        (self.model.kernels.sparse_gradient)(SparseGradient {
            tile: &tiles[tile],
            values: &self.model.values,
            d: &worker.tile_gradient,
            columns: self.weights.dense[0].bias.len(),
            gradient: &mut worker.sums[0].weight,
        });
    }

    /// All steps from the lowest that is computed.
    fn forward_block(&self, block: &Block<'_, S>, worker: &mut Worker<S>, kept: &mut Keep<'_, S>) {
        let steps = &self.model.plan.steps;
        if !worker.input.is_empty() && (self.backward || matches!(self.forward, Forward::Compute)) {
            let stride = padded(self.model.plan.inputs);
            self.model.samples.expand(block.rows.clone(), &self.model.values, &mut worker.input, stride);
        }
        for (i, step) in steps.iter().enumerate().skip(self.scope.from) {
            if let Kind::Dense(k) = step.kind {
                self.dense_outputs(i, k, block, worker, kept);
                continue;
            }
            let stride = padded(step.width);
            // Taken out while it is written, so that the others can be read.
            let mut out = std::mem::take(&mut worker.outs[i]);
            let x = self.before(i, block, worker, kept);
            let y = &mut out[..block.len() * stride];
            match step.kind {
                Kind::Relu => (self.model.kernels.relu)(x, y),
                Kind::Sigmoid => (self.model.kernels.sigmoid)(x, y),
                Kind::Tanh => (self.model.kernels.tanh)(x, y),
                Kind::LogSoftmax => log_softmax::forward(x, y, step.width, stride),
                Kind::Dense(_) => {}
            }
            worker.outs[i] = out;
        }
    }

    /// Outputs of dense layer `k`, step `i`, unless they are there.
    fn dense_outputs(
        &self,
        i: usize,
        k: usize,
        block: &Block<'_, S>,
        worker: &mut Worker<S>,
        kept: &mut Keep<'_, S>,
    ) {
        let stride = padded(self.model.plan.steps[i].width);
        let lowest = k == self.scope.first;
        let is_kept = !kept.get()[k].is_empty();
        match self.forward {
            Forward::Known if is_kept => return,
            Forward::Above if lowest => return,
            Forward::Compute if lowest && self.sparse() => return,
            Forward::Line { ratio, .. } if lowest => {
                if let (Keep::Write(kept), Some(base)) = (&mut *kept, block.base) {
                    let z = rows_mut(&mut kept[k], &block.in_chunk, stride);
                    (self.model.kernels.along_line)(z, rows(base, &block.in_chunk, stride), ratio);
                }
                return;
            }
            _ => {}
        }
        let mut out = match kept {
            Keep::Write(kept) if is_kept => std::mem::take(&mut kept[k]),
            _ => std::mem::take(&mut worker.outs[i]),
        };
        let range = if is_kept { block.in_chunk.clone() } else { 0..block.len() };
        let y = rows_mut(&mut out, &range, stride);
        match block.frozen {
            Some(frozen) if lowest && self.scope.shifts() => {
                let z = rows(&frozen[k], &block.in_chunk, stride);
                (self.model.kernels.shift)(z, &self.weights.dense[k].bias, y);
            }
            _ => self.product(k, self.before(i, block, worker, kept), block.len(), y),
        }
        match kept {
            Keep::Write(kept) if is_kept => kept[k] = out,
            _ => worker.outs[i] = out,
        }
    }

    /// y = b + x·Wᵀ for dense layer `k`.
    fn product(&self, k: usize, x: &[S], rows: usize, y: &mut [S]) {
        let (d, packed) = (&self.model.plan.dense[k], &self.weights.dense[k]);
        (self.model.kernels.product)(Product {
            a: x,
            a_row: padded(d.inputs),
            a_inner: 1,
            b: &packed.forward,
            c: y,
            rows,
            inner: d.inputs,
            columns: padded(d.outputs),
            start: Start::Row(&packed.bias),
        });
    }

    /// What comes into step `i`.
    fn before<'b>(
        &self,
        i: usize,
        block: &Block<'b, S>,
        worker: &'b Worker<S>,
        kept: &'b Keep<'_, S>,
    ) -> &'b [S] {
        let stride = padded(self.model.plan.width_before(i));
        if i == 0 {
            return &worker.input[..block.len() * stride];
        }
        if i == self.scope.from {
            // Below the first step computed lies a frozen dense layer.
            if let (Some(frozen), Kind::Dense(k)) = (block.frozen, self.model.plan.steps[i - 1].kind) {
                return rows(&frozen[k], &block.in_chunk, stride);
            }
        }
        self.after(i - 1, block, worker, kept)
    }

    /// What comes out of step `i`, computed or kept.
    fn after<'b>(
        &self,
        i: usize,
        block: &Block<'_, S>,
        worker: &'b Worker<S>,
        kept: &'b Keep<'_, S>,
    ) -> &'b [S] {
        let step = &self.model.plan.steps[i];
        let stride = padded(step.width);
        if let Kind::Dense(k) = step.kind {
            if !kept.get()[k].is_empty() {
                return rows(&kept.get()[k], &block.in_chunk, stride);
            }
            if k == 0 && !worker.tile_out.is_empty() {
                return rows(&worker.tile_out, &block.in_tile, stride);
            }
        }
        &worker.outs[i][..block.len() * stride]
    }

    /// Loss of the block, and the gradient of the last outputs where it is wanted.
    fn head(&self, block: &Block<'_, S>, worker: &mut Worker<S>, kept: &Keep<'_, S>) {
        let plan = &self.model.plan;
        let mut gradient = std::mem::take(&mut worker.gradient);
        let wanted = if self.backward { block.len() * padded(plan.outputs) } else { 0 };
        let outputs = self.after(plan.steps.len() - 1, block, worker, kept);
        let total = self.model.head.run(
            self.model.kernels,
            &self.model.targets,
            Outputs {
                outputs,
                width: plan.outputs,
                rows: block.rows.clone(),
                count: self.model.count(),
                gradient: &mut gradient[..wanted],
            },
        );
        worker.gradient = gradient;
        worker.total += total;
    }

    /// All steps back to the lowest dense layer with a tensor that varies.
    fn backward_block(&self, block: &Block<'_, S>, worker: &mut Worker<S>, kept: &Keep<'_, S>) {
        let plan = &self.model.plan;
        for (i, step) in plan.steps.iter().enumerate().skip(self.scope.from).rev() {
            let stride = padded(step.width);
            let len = block.len() * stride;
            let mut gradient = std::mem::take(&mut worker.gradient);
            let g = &mut gradient[..len];
            match step.kind {
                Kind::Relu => (self.model.kernels.relu_gradient)(self.after(i, block, worker, kept), g),
                Kind::Sigmoid => sigmoid::backward(self.after(i, block, worker, kept), g),
                Kind::Tanh => tanh::backward(self.after(i, block, worker, kept), g),
                Kind::LogSoftmax => {
                    log_softmax::backward(self.after(i, block, worker, kept), g, step.width, stride);
                }
                Kind::Dense(k) => {
                    self.dense_gradient(i, k, g, block, worker, kept);
                    if k == self.scope.first {
                        worker.gradient = gradient;
                        return;
                    }
                    let d = &plan.dense[k];
                    (self.model.kernels.product)(Product {
                        a: g,
                        a_row: stride,
                        a_inner: 1,
                        b: &self.weights.dense[k].backward,
                        c: &mut worker.gradient_below[..block.len() * padded(d.inputs)],
                        rows: block.len(),
                        inner: d.outputs,
                        columns: padded(d.inputs),
                        start: Start::Zero,
                    });
                    std::mem::swap(&mut gradient, &mut worker.gradient_below);
                }
            }
            worker.gradient = gradient;
        }
    }

    /// Gradient of the tensors of dense layer `k`, step `i`, from that of its outputs.
    fn dense_gradient(
        &self,
        i: usize,
        k: usize,
        g: &[S],
        block: &Block<'_, S>,
        worker: &mut Worker<S>,
        kept: &Keep<'_, S>,
    ) {
        let d = &self.model.plan.dense[k];
        let columns = padded(d.outputs);
        let uses = self.scope.uses[k];
        if uses.bias {
            (self.model.kernels.sum_rows)(g, &mut worker.sums[k].bias);
        }
        if !uses.weight {
            return;
        }
        if k == 0 && self.sparse() {
            rows_mut(&mut worker.tile_gradient, &block.in_tile, columns).copy_from_slice(g);
            return;
        }
        let mut sum = std::mem::take(&mut worker.sums[k].weight);
        (self.model.kernels.product)(Product {
            a: g,
            a_row: 1,
            a_inner: columns,
            b: self.before(i, block, worker, kept),
            c: &mut sum,
            rows: d.outputs,
            inner: block.len(),
            columns: padded(d.inputs),
            start: Start::Accumulate,
        });
        worker.sums[k].weight = sum;
    }
}
