//! What multiplies with the input: images of directions under the lowest layer, and the moment of its inputs.

use std::ops::Range;

use super::Levels;
use crate::Scalar;
use crate::buffer::Buffer;
use crate::gauss_newton::moments::Moment;
use crate::kernels::{Product, SparseForward, Start, padded};
use crate::layers::log_softmax;
use crate::plan::Kind;
use crate::samples::Store;
use crate::walk::{BLOCK, Block, rows_mut};
use crate::worker::Worker;

impl<S: Scalar> Levels<'_, S> {
    /// ż = x·Vᵀ of the lowest layer for `tiles` of chunk `chunk`, V packed as weights are; plus a bias, where there is one.
    pub(crate) fn image(
        &self,
        (chunk, tiles): (usize, Range<usize>),
        (v, bias): (&[S], Option<&[S]>),
        worker: &mut Worker<S>,
        to: &mut Buffer<S>,
    ) {
        let model = self.model();
        let d = &model.plan.dense[0];
        let columns = padded(d.outputs);
        let add = |rows: &mut [S]| {
            let Some(bias) = bias else { return };
            for row in rows.chunks_exact_mut(bias.len()) {
                row.iter_mut().zip(bias).for_each(|(z, &b)| *z += b);
            }
        };
        if let (Store::Sparse(stored), true) = (model.samples.store(), model.sparse()) {
            let start = model.chunk_rows(chunk).start;
            for tile in tiles {
                let of_tile = model.samples.tile_rows(tile);
                let z = rows_mut(to, &(of_tile.start - start..of_tile.end - start), columns);
                z.fill(S::ZERO);
                (model.kernels.sparse_forward)(SparseForward {
                    tile: &stored[tile],
                    values: &model.values,
                    weights: v,
                    columns,
                    z,
                });
                add(z);
            }
            return;
        }
        for (_, block) in self.blocks_of(chunk, tiles) {
            let x = self.input(&block, worker);
            let z = rows_mut(to, &block.in_chunk, columns);
            (model.kernels.product)(Product {
                a: x,
                a_row: padded(d.inputs),
                a_inner: 1,
                b: v,
                c: z,
                rows: block.len(),
                inner: d.inputs,
                columns,
                start: Start::Zero,
            });
            add(z);
        }
    }

    /// What comes into the lowest dense layer, where products are dense.
    fn input<'b>(&self, block: &Block<'_, S>, worker: &'b mut Worker<S>) -> &'b [S] {
        let (model, plan) = (self.model(), &self.model().plan);
        let stride = padded(plan.inputs);
        model.samples.expand(block.rows.clone(), &model.values, &mut worker.input, stride);
        let first = plan.dense[0].step;
        for i in 0..first {
            let width = plan.steps[i].width;
            let stride = padded(width);
            let mut out = std::mem::take(&mut worker.outs[i]);
            let x = if i == 0 { &worker.input } else { &worker.outs[i - 1] };
            let (x, y) = (&x[..block.len() * stride], &mut out[..block.len() * stride]);
            match plan.steps[i].kind {
                Kind::Relu => (model.kernels.relu)(x, y),
                Kind::Sigmoid => (model.kernels.sigmoid)(x, y),
                Kind::Tanh => (model.kernels.tanh)(x, y),
                Kind::LogSoftmax => log_softmax::forward(x, y, width, stride),
                Kind::Dense(_) => {}
            }
            worker.outs[i] = out;
        }
        let x = if first == 0 { &worker.input } else { &worker.outs[first - 1] };
        &x[..block.len() * padded(plan.width_before(first))]
    }

    /// The moment of what comes into the lowest layer, of the samples of `tile`; `room` holds a block of it where products
    /// are sparse.
    pub(crate) fn input_moment(
        &self,
        tile: usize,
        (worker, room): (&mut Worker<S>, &mut Buffer<S>),
        to: &mut Moment<S>,
    ) {
        let model = self.model();
        let of_tile = model.samples.tile_rows(tile);
        for at in of_tile.clone().step_by(BLOCK) {
            let rows = at..(at + BLOCK).min(of_tile.end);
            let len = rows.len();
            if model.sparse() {
                let stride = padded(model.plan.inputs);
                model.samples.expand(rows, &model.values, room, stride);
                to.add(model.kernels, &room[..len * stride], len);
            } else {
                let block = Block { rows, in_chunk: 0..len, in_tile: 0..len, frozen: None, base: None };
                let x = self.input(&block, worker);
                to.add(model.kernels, x, len);
            }
        }
    }
}
