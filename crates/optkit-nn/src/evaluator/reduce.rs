//! Losses and gradients of the chunks, summed in their order: one result for any number of threads.

use rayon::prelude::*;

use crate::Scalar;
use crate::kernels::padded;
use crate::model::Model;
use crate::plan::Scope;
use crate::worker::Worker;

/// The mean loss, summed in the order of the chunks.
pub(crate) fn total_of<S: Scalar>(model: &Model<S>, workers: &[Worker<S>]) -> f64 {
    let factor = model.head.factor(model.count(), model.plan.outputs);
    factor * workers.iter().map(|w| w.total).sum::<f64>()
}

/// Sum the chunks' gradients in their order, in `f64`, into the tensors' places; `reduced` is room for those of a layer.
pub(crate) fn reduce_into<S: Scalar>(
    (model, scope): (&Model<S>, &Scope),
    workers: &[Worker<S>],
    reduced: &mut [f64],
    gradient: &mut [f64],
) {
    for (k, (d, uses)) in model.plan.dense.iter().zip(&scope.uses).enumerate() {
        let columns = padded(d.outputs);
        if uses.weight {
            let sums = &mut reduced[..workers[0].sums[k].weight.len()];
            sum_chunks(workers, |w| &w.sums[k].weight, sums);
            let rows = gradient[d.weight.clone()].chunks_exact_mut(d.inputs);
            if k == 0 && model.sparse() {
                transpose(sums, columns, rows);
            } else {
                rows.zip(sums.chunks_exact(padded(d.inputs))).for_each(|(to, from)| {
                    to.copy_from_slice(&from[..d.inputs]);
                });
            }
        }
        if uses.bias {
            let sums = &mut reduced[..columns];
            sum_chunks(workers, |w| &w.sums[k].bias, sums);
            gradient[d.bias.clone()].copy_from_slice(&sums[..d.outputs]);
        }
    }
}

/// Rows `to` ← the columns of `from`, in blocks that stay in cache.
fn transpose<'a>(from: &[f64], columns: usize, mut to: impl Iterator<Item = &'a mut [f64]>) {
    const BLOCK: usize = 8;
    let mut first = 0;
    loop {
        let mut rows: [&mut [f64]; BLOCK] = std::array::from_fn(|_| to.next().unwrap_or_default());
        let used = rows.iter().filter(|r| !r.is_empty()).count();
        for (i, from) in from.chunks_exact(columns).take(rows[0].len()).enumerate() {
            for (row, &v) in rows[..used].iter_mut().zip(&from[first..]) {
                row[i] = v;
            }
        }
        if used < BLOCK {
            return;
        }
        first += BLOCK;
    }
}

/// `to` ← the sum over all chunks, in their order.
fn sum_chunks<S: Scalar>(workers: &[Worker<S>], of: impl Fn(&Worker<S>) -> &[S] + Sync, to: &mut [f64]) {
    const PIECE: usize = 4096;
    let piece = |(piece, to): (usize, &mut [f64])| {
        to.fill(0.0);
        for worker in workers {
            let from = &of(worker)[piece * PIECE..];
            to.iter_mut().zip(from).for_each(|(to, &from)| *to += from.to_f64());
        }
    };
    // One chunk is what mini-batches have: it is copied sooner than another thread has woken up.
    if workers.len() == 1 {
        to.chunks_mut(PIECE).enumerate().for_each(piece);
    } else {
        to.par_chunks_mut(PIECE).enumerate().for_each(piece);
    }
}
