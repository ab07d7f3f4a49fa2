//! One chunk of samples differentiated along a direction v in θ: products with the Hessian (Pearlmutter 1994).
//!
//! Every quantity q of the walk has a tangent R{q} = d/dt q(θ + tv) at t = 0. The R-operator obeys the rules of
//! differentiation, so it walks as the network does, once up and once back, and ∇²f·v = R{∇f}:
//!
//! ```text
//! up     R{z} = x·Vᵀ + R{x}·Wᵀ + v_b                               z = x·Wᵀ + b
//! back   R{∂W} = R{δ}ᵀx + δᵀR{x},  R{∂b} = Σ R{δ},  R{∂x} = R{δ}·W + δ·V
//! ```
//!
//! At the lowest layer that varies R{x} = 0: there, both passes are the products of a forward pass and of a gradient.
//! Outputs of a pass made before are read, not computed again.

use super::{BLOCK, Block, Keep, Walk, rows_mut};
use crate::Scalar;
use crate::buffer::{Buffer, Make};
use crate::kernels::{Product, SparseForward, Start, TILE, padded};
use crate::layers::{log_softmax, sigmoid, tanh};
use crate::model::Model;
use crate::plan::{Kind, Plan, Scope};
use crate::samples::Store;
use crate::weights::Weights;
use crate::worker::Worker;

/// Tangents of what a chunk writes while it is walked. Owned by an evaluator, one a chunk.
#[derive(Debug)]
pub(crate) struct Tangents<S> {
    /// R{outputs} of every step from the lowest dense layer that varies, for the block.
    outs: Vec<Buffer<S>>,
    /// R{first outputs} of the tile, where products are sparse.
    tile_out: Buffer<S>,
    gradient: Buffer<S>,
    gradient_below: Buffer<S>,
}

impl<S: Scalar> Tangents<S> {
    pub(crate) fn new(model: &Model<S>, scope: &Scope) -> Self {
        Self::made(&model.plan, (scope, model.sparse()), &mut Buffer::new)
    }

    /// The same, of buffers from elsewhere; on sparse samples or others.
    pub(crate) fn made(plan: &Plan, (scope, sparse): (&Scope, bool), make: Make<'_, S>) -> Self {
        let first = &plan.dense[scope.first];
        let outs = plan.steps.iter().enumerate();
        let outs = outs.map(|(i, step)| make(if i >= first.step { BLOCK * padded(step.width) } else { 0 }));
        let outs = outs.collect();
        let sparse = sparse && scope.from == 0 && !scope.shifts();
        Self {
            outs,
            tile_out: make(if sparse { TILE * padded(first.outputs) } else { 0 }),
            gradient: make(BLOCK * plan.widest()),
            gradient_below: make(BLOCK * plan.widest()),
        }
    }
}

/// A walk back over known outputs, and the direction along which it is differentiated.
pub(crate) struct TangentWalk<'a, S: Scalar> {
    /// Back, from outputs that are known.
    pub(crate) walk: Walk<'a, S>,
    /// v, packed as the weights are; zero where nothing varies.
    pub(crate) direction: &'a Weights<S>,
    /// By dense layer: whether anything below its inputs' gradient depends on it.
    pub(crate) below: &'a [bool],
}

/// A block with everything that its tangents are computed from.
struct At<'a, 'b, S> {
    block: &'a Block<'b, S>,
    kept: &'a Keep<'b, S>,
}

impl<S: Scalar> TangentWalk<'_, S> {
    /// Walk chunk `chunk`; the sums of `worker` receive R{∇f}.
    pub(crate) fn chunk(
        &self,
        chunk: usize,
        worker: &mut Worker<S>,
        tangents: &mut Tangents<S>,
        mut kept: Keep<'_, S>,
    ) {
        let (walk, model) = (&self.walk, self.walk.model);
        worker.clear_sums();
        let frozen = walk.frozen.map(|chunks| &chunks[chunk]);
        let start = model.chunk_rows(chunk).start;
        for tile in model.chunks[chunk].clone() {
            let tile_rows = model.samples.tile_rows(tile);
            if walk.sparse() {
                self.sparse_forward(tile, tile_rows.len(), tangents);
            }
            for at in (0..tile_rows.len()).step_by(BLOCK) {
                let in_tile = at..(at + BLOCK).min(tile_rows.len());
                let rows = tile_rows.start + in_tile.start..tile_rows.start + in_tile.end;
                let in_chunk = rows.start - start..rows.end - start;
                let block = Block { rows, in_chunk, in_tile, frozen, base: None };
                walk.forward_block(&block, worker, &mut kept);
                walk.head(&block, worker, &kept);
                let at = At { block: &block, kept: &kept };
                self.forward_block(&at, worker, tangents);
                self.head(&block, worker, tangents);
                self.backward_block(&at, worker, tangents);
            }
            if walk.sparse() && walk.scope.uses[0].weight {
                walk.sparse_gradient(tile, worker);
            }
        }
    }

    /// R{first outputs} of a whole tile.
    fn sparse_forward(&self, tile: usize, rows: usize, tangents: &mut Tangents<S>) {
        let model = self.walk.model;
        let Store::Sparse(tiles) = model.samples.store() else { return };
        let packed = &self.direction.dense[0];
        let columns = packed.bias.len();
        let z = rows_mut(&mut tangents.tile_out, &(0..rows), columns);
        for row in z.chunks_exact_mut(columns) {
            row.copy_from_slice(&packed.bias);
        }
        (model.kernels.sparse_forward)(SparseForward {
            tile: &tiles[tile],
            values: &model.values,
            weights: &packed.forward,
            columns,
            z,
        });
    }

    /// Tangents of all outputs from the lowest dense layer that varies.
    fn forward_block(&self, at: &At<'_, '_, S>, worker: &Worker<S>, tangents: &mut Tangents<S>) {
        let (plan, kernels) = (&self.walk.model.plan, self.walk.model.kernels);
        let lowest = plan.dense[self.walk.scope.first].step;
        for (i, step) in plan.steps.iter().enumerate().skip(lowest) {
            let stride = padded(step.width);
            let mut out = std::mem::take(&mut tangents.outs[i]);
            let ry = &mut out[..at.block.len() * stride];
            if let Kind::Dense(k) = step.kind {
                self.dense_outputs(i, k, at, worker, tangents, ry);
            } else {
                // Activations act value by value, or linearly: R{y} = y'(x)·R{x} is what their way back does.
                ry.copy_from_slice(&tangents.outs[i - 1][..at.block.len() * stride]);
                let y = self.walk.after(i, at.block, worker, at.kept);
                match step.kind {
                    Kind::Relu => (kernels.relu_gradient)(y, ry),
                    Kind::Sigmoid => sigmoid::backward(y, ry),
                    Kind::Tanh => tanh::backward(y, ry),
                    Kind::LogSoftmax => log_softmax::tangent(y, ry, step.width, stride),
                    Kind::Dense(_) => {}
                }
            }
            tangents.outs[i] = out;
        }
    }

    /// R{z} = x·Vᵀ + R{x}·Wᵀ + v_b for dense layer `k`, step `i`.
    fn dense_outputs(
        &self,
        i: usize,
        k: usize,
        at: &At<'_, '_, S>,
        worker: &Worker<S>,
        tangents: &Tangents<S>,
        rz: &mut [S],
    ) {
        let (walk, rows) = (&self.walk, at.block.len());
        let (d, uses, lowest) = (&walk.model.plan.dense[k], walk.scope.uses[k], k == walk.scope.first);
        let (columns, inputs) = (padded(d.outputs), padded(d.inputs));
        let v = &self.direction.dense[k];
        if lowest && walk.sparse() {
            rz.copy_from_slice(super::rows(&tangents.tile_out, &at.block.in_tile, columns));
            return;
        }
        let product = |x: &[S], weights: &[S], start: Start<'_, S>, rz: &mut [S]| {
            (walk.model.kernels.product)(Product {
                a: x,
                a_row: inputs,
                a_inner: 1,
                b: weights,
                c: rz,
                rows,
                inner: d.inputs,
                columns,
                start,
            });
        };
        if uses.weight {
            let x = walk.before(i, at.block, worker, at.kept);
            product(x, &v.forward, Start::Row(&v.bias), rz);
        } else {
            rz.chunks_exact_mut(columns).for_each(|row| row.copy_from_slice(&v.bias));
        }
        if !lowest {
            product(&tangents.outs[i - 1], &walk.weights.dense[k].forward, Start::Accumulate, rz);
        }
    }

    /// R{∂ℓ/∂y} of the last outputs.
    fn head(&self, block: &Block<'_, S>, worker: &Worker<S>, tangents: &mut Tangents<S>) {
        let model = self.walk.model;
        let len = block.len() * padded(model.plan.outputs);
        let last = model.plan.steps.len() - 1;
        model.head.tangent(
            model.kernels,
            &model.targets,
            crate::head::Tangent {
                gradient: &worker.gradient[..len],
                outputs: &tangents.outs[last][..len],
                width: model.plan.outputs,
                rows: block.rows.clone(),
                count: model.count(),
                to: &mut tangents.gradient[..len],
            },
        );
    }

    /// All steps back to the lowest dense layer that varies.
    fn backward_block(&self, at: &At<'_, '_, S>, worker: &mut Worker<S>, tangents: &mut Tangents<S>) {
        let (plan, kernels) = (&self.walk.model.plan, self.walk.model.kernels);
        // False from where the gradient itself is used no more, only its tangent.
        let mut wanted = true;
        for (i, step) in plan.steps.iter().enumerate().skip(self.walk.scope.from).rev() {
            let (width, stride) = (step.width, padded(step.width));
            let len = at.block.len() * stride;
            let mut gradient = std::mem::take(&mut worker.gradient);
            let mut tangent = std::mem::take(&mut tangents.gradient);
            let (g, rg) = (&mut gradient[..len], &mut tangent[..len]);
            if let Kind::Dense(k) = step.kind {
                self.dense_gradient(i, k, [g, rg], at, worker, tangents);
                if k > self.walk.scope.first {
                    wanted = self.below[k];
                    self.input_gradient(k, [g, rg], at.block.len(), worker, tangents);
                    std::mem::swap(&mut gradient, &mut worker.gradient_below);
                    std::mem::swap(&mut tangent, &mut tangents.gradient_below);
                }
            } else {
                let y = self.walk.after(i, at.block, worker, at.kept);
                let ry = &tangents.outs[i][..len];
                match step.kind {
                    Kind::Relu => {
                        (kernels.relu_gradient)(y, rg);
                        if wanted {
                            (kernels.relu_gradient)(y, g);
                        }
                    }
                    Kind::Sigmoid => sigmoid::backward_tangent([y, ry], [g, rg]),
                    Kind::Tanh => tanh::backward_tangent([y, ry], [g, rg]),
                    Kind::LogSoftmax => log_softmax::backward_tangent([y, ry], [g, rg], width, stride),
                    Kind::Dense(_) => {}
                }
            }
            worker.gradient = gradient;
            tangents.gradient = tangent;
            if step.kind == Kind::Dense(self.walk.scope.first) {
                return;
            }
        }
    }

    /// R{∂W} and R{∂b} of dense layer `k`, step `i`, added to the sums.
    fn dense_gradient(
        &self,
        i: usize,
        k: usize,
        [g, rg]: [&[S]; 2],
        at: &At<'_, '_, S>,
        worker: &mut Worker<S>,
        tangents: &Tangents<S>,
    ) {
        // R{δ}ᵀx and Σ R{δ} are what a gradient adds up, with R{δ} in place of δ.
        self.walk.dense_gradient(i, k, rg, at.block, worker, at.kept);
        if k == self.walk.scope.first || !self.walk.scope.uses[k].weight {
            return;
        }
        let d = &self.walk.model.plan.dense[k];
        (self.walk.model.kernels.product)(Product {
            a: g,
            a_row: 1,
            a_inner: padded(d.outputs),
            b: &tangents.outs[i - 1],
            c: &mut worker.sums[k].weight,
            rows: d.outputs,
            inner: at.block.len(),
            columns: padded(d.inputs),
            start: Start::Accumulate,
        });
    }

    /// R{∂x} = R{δ}·W + δ·V of dense layer `k`, and ∂x = δ·W where it is wanted.
    fn input_gradient(
        &self,
        k: usize,
        [g, rg]: [&[S]; 2],
        rows: usize,
        worker: &mut Worker<S>,
        tangents: &mut Tangents<S>,
    ) {
        let d = &self.walk.model.plan.dense[k];
        let columns = padded(d.inputs);
        let len = rows * columns;
        let product = |a: &[S], weights: &[S], start: Start<'_, S>, to: &mut [S]| {
            (self.walk.model.kernels.product)(Product {
                a,
                a_row: padded(d.outputs),
                a_inner: 1,
                b: weights,
                c: to,
                rows,
                inner: d.outputs,
                columns,
                start,
            });
        };
        let (w, v) = (&self.walk.weights.dense[k].backward, &self.direction.dense[k].backward);
        let below = &mut tangents.gradient_below[..len];
        product(rg, w, Start::Zero, below);
        if self.walk.scope.uses[k].weight {
            product(g, v, Start::Accumulate, below);
        }
        if self.below[k] {
            product(g, w, Start::Zero, &mut worker.gradient_below[..len]);
        }
    }
}
