//! One chunk of samples through the network and back.
//!
//! A chunk is walked tile by tile (128 samples, the unit of sparse products), a tile block by block (64 samples,
//! whose activations stay in the first cache through all layers and back). Outputs of dense layers that are kept go
//! to memory straight away; everything else is scratch.

use std::ops::Range;

use crate::Scalar;
use crate::buffer::Buffer;
use crate::head::Outputs;
use crate::kernels::{Product, SparseForward, SparseGradient, Start, TILE, padded, paired};
use crate::layers::{log_softmax, sigmoid, tanh};
use crate::model::{Kept, Model};
use crate::plan::{Kind, Scope};
use crate::samples::Store;
use crate::weights::Weights;

/// Samples of a block: 64 rows of 32 numbers in `f32` are 8 KiB.
const BLOCK: usize = 64;

/// What a chunk writes while it is walked. Owned by an evaluator, one a chunk.
#[derive(Debug)]
pub(crate) struct Worker<S> {
    /// Outputs of steps for the block, where they are not kept.
    outs: Vec<Buffer<S>>,
    /// The block's samples, where products are dense.
    input: Buffer<S>,
    /// The tile's first outputs, where products are sparse and they are not kept.
    tile_out: Buffer<S>,
    /// Gradient with respect to the tile's first outputs, where products are sparse.
    tile_gradient: Buffer<S>,
    gradient: Buffer<S>,
    gradient_below: Buffer<S>,
    /// Sums of the gradient, by dense layer.
    pub(crate) sums: Vec<Sums<S>>,
    /// Sum of what the head gave.
    pub(crate) total: f64,
}

/// Gradient of a dense layer's tensors over a chunk, or empty.
#[derive(Debug)]
pub(crate) struct Sums<S> {
    /// \[out, padded in\]; of sparse products \[paired in, padded out\].
    pub(crate) weight: Buffer<S>,
    /// \[padded out\].
    pub(crate) bias: Buffer<S>,
}

impl<S: Scalar> Worker<S> {
    /// `gradients`: whether it will ever walk back.
    pub(crate) fn new(model: &Model<S>, scope: &Scope, gradients: bool) -> Self {
        let plan = &model.plan;
        let first = &plan.dense[scope.first];
        let room = |needed: bool, len: usize| Buffer::new(if needed { len } else { 0 });
        let outs = plan.steps.iter().enumerate().map(|(i, step)| {
            let kept = matches!(step.kind, Kind::Dense(k) if scope.keep[k]);
            room(i >= scope.from && !kept, BLOCK * padded(step.width))
        });
        let sparse = model.sparse() && scope.from == 0 && !scope.shifts();
        let sums = plan.dense.iter().zip(&scope.uses).enumerate().map(|(k, (d, uses))| {
            let paired = paired(d.inputs) * padded(d.outputs);
            let plain = d.outputs * padded(d.inputs);
            let weight = if sparse && k == 0 { paired } else { plain };
            Sums {
                weight: room(gradients && uses.weight, weight),
                bias: room(gradients && uses.bias, padded(d.outputs)),
            }
        });
        let dense_input = !sparse && scope.from == 0 && !scope.shifts();
        let tile = TILE * padded(first.outputs);
        Self {
            outs: outs.collect(),
            input: room(dense_input, BLOCK * padded(plan.inputs)),
            tile_out: room(sparse && !scope.keep[0], tile),
            tile_gradient: room(sparse && gradients, tile),
            gradient: room(gradients, BLOCK * plan.widest()),
            gradient_below: room(gradients, BLOCK * plan.widest()),
            sums: sums.collect(),
            total: 0.0,
        }
    }
}

/// How the outputs of the lowest dense layer come about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Forward<'a, S> {
    /// By its product.
    Compute,
    /// They are there; so are all others that are kept.
    Known,
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

/// The samples of a block, counted in all samples, in the chunk and in the tile.
#[derive(Clone)]
struct Block {
    rows: Range<usize>,
    in_chunk: Range<usize>,
    in_tile: Range<usize>,
}

impl Block {
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
            for sums in &mut worker.sums {
                sums.weight.fill(S::ZERO);
                sums.bias.fill(S::ZERO);
            }
        }
        let frozen = self.frozen.map(|chunks| &chunks[chunk][..]);
        let base = match self.forward {
            Forward::Line { base, .. } => Some(&base[chunk][self.scope.first]),
            Forward::Compute | Forward::Known => None,
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
                };
                self.forward_block(&block, worker, &mut kept, frozen, base.map(|b| &b[..]));
                self.head(&block, worker, &kept);
                if self.backward {
                    self.backward_block(&block, worker, &kept, frozen);
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
    fn forward_block(
        &self,
        block: &Block,
        worker: &mut Worker<S>,
        kept: &mut Keep<'_, S>,
        frozen: Option<&[Buffer<S>]>,
        base: Option<&[S]>,
    ) {
        let steps = &self.model.plan.steps;
        if !worker.input.is_empty() && (self.backward || matches!(self.forward, Forward::Compute)) {
            let stride = padded(self.model.plan.inputs);
            self.model.samples.expand(block.rows.clone(), &self.model.values, &mut worker.input, stride);
        }
        for (i, step) in steps.iter().enumerate().skip(self.scope.from) {
            let stride = padded(step.width);
            let Kind::Dense(k) = step.kind else {
                // Taken out while it is written, so that the others can be read.
                let mut out = std::mem::take(&mut worker.outs[i]);
                let x = self.before(i, block, worker, kept, frozen);
                let y = &mut out[..block.len() * stride];
                match step.kind {
                    Kind::Relu => (self.model.kernels.relu)(x, y),
                    Kind::Sigmoid => sigmoid::forward(x, y),
                    Kind::Tanh => tanh::forward(x, y),
                    Kind::LogSoftmax => log_softmax::forward(x, y, step.width, stride),
                    Kind::Dense(_) => {}
                }
                worker.outs[i] = out;
                continue;
            };
            let lowest = k == self.scope.first;
            let is_kept = !kept.get()[k].is_empty();
            match self.forward {
                Forward::Known if is_kept => continue,
                Forward::Compute if lowest && self.sparse() => continue,
                Forward::Line { ratio, .. } if lowest => {
                    if let (Keep::Write(kept), Some(base)) = (&mut *kept, base) {
                        let z = rows_mut(&mut kept[k], &block.in_chunk, stride);
                        (self.model.kernels.along_line)(z, rows(base, &block.in_chunk, stride), ratio);
                    }
                    continue;
                }
                _ => {}
            }
            let mut out = match kept {
                Keep::Write(kept) if is_kept => std::mem::take(&mut kept[k]),
                _ => std::mem::take(&mut worker.outs[i]),
            };
            let range = if is_kept { block.in_chunk.clone() } else { 0..block.len() };
            let y = rows_mut(&mut out, &range, stride);
            match frozen {
                Some(frozen) if lowest && self.scope.shifts() => {
                    (self.model.kernels.shift)(
                        rows(&frozen[k], &block.in_chunk, stride),
                        &self.weights.dense[k].bias,
                        y,
                    );
                }
                _ => self.product(k, self.before(i, block, worker, kept, frozen), block.len(), y),
            }
            match kept {
                Keep::Write(kept) if is_kept => kept[k] = out,
                _ => worker.outs[i] = out,
            }
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
        block: &Block,
        worker: &'b Worker<S>,
        kept: &'b Keep<'_, S>,
        frozen: Option<&'b [Buffer<S>]>,
    ) -> &'b [S] {
        let stride = padded(self.model.plan.width_before(i));
        if i == 0 {
            return &worker.input[..block.len() * stride];
        }
        if i == self.scope.from {
            // Below the first step computed lies a frozen dense layer.
            if let (Some(frozen), Kind::Dense(k)) = (frozen, self.model.plan.steps[i - 1].kind) {
                return rows(&frozen[k], &block.in_chunk, stride);
            }
        }
        self.after(i - 1, block, worker, kept)
    }

    /// What comes out of step `i`, computed or kept.
    fn after<'b>(&self, i: usize, block: &Block, worker: &'b Worker<S>, kept: &'b Keep<'_, S>) -> &'b [S] {
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
    fn head(&self, block: &Block, worker: &mut Worker<S>, kept: &Keep<'_, S>) {
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
                count: self.model.samples.count(),
                gradient: &mut gradient[..wanted],
            },
        );
        worker.gradient = gradient;
        worker.total += total;
    }

    /// All steps back to the lowest dense layer with a tensor that varies.
    fn backward_block(
        &self,
        block: &Block,
        worker: &mut Worker<S>,
        kept: &Keep<'_, S>,
        frozen: Option<&[Buffer<S>]>,
    ) {
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
                    self.dense_gradient(i, k, g, block, worker, kept, frozen);
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
    #[allow(clippy::too_many_arguments)] // the pieces of one borrow that cannot be passed as one
    fn dense_gradient(
        &self,
        i: usize,
        k: usize,
        g: &[S],
        block: &Block,
        worker: &mut Worker<S>,
        kept: &Keep<'_, S>,
        frozen: Option<&[Buffer<S>]>,
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
            b: self.before(i, block, worker, kept, frozen),
            c: &mut sum,
            rows: d.outputs,
            inner: block.len(),
            columns: padded(d.inputs),
            start: Start::Accumulate,
        });
        worker.sums[k].weight = sum;
    }
}
