//! Passes over long vectors in fixed chunks: one result for any number of threads, bit for bit.
//!
//! A pass runs a kernel on every chunk of [`CHUNK`] rows. The kernel adds to its chunk's own partial sums, and the
//! partial sums are added in index order at the end. Inside a chunk the kernel walks in [`BLOCK`]s that stay in the
//! second-level cache, so that every column is read from memory once however many sums want it.

use std::ops::Range;

use rayon::prelude::*;

/// Rows of a chunk, the unit that threads share out.
pub const CHUNK: usize = 16_384; // 128 KiB a vector: an eighth of a millisecond's work with ten columns

/// Rows of a block, the unit that is worked on in cache.
pub(crate) const BLOCK: usize = 4_096; // 32 KiB a vector: long enough runs for the prefetcher, measured

/// Shorter vectors are not worth waking a thread for.
const PARALLEL: usize = 100_000;

/// The partial sums of a pass, kept between passes.
#[derive(Clone, Debug, Default)]
pub struct Passes {
    partials: Vec<f64>,
}

impl Passes {
    /// Make room for passes over n rows with this many sums.
    pub fn reserve(&mut self, n: usize, sums: usize) {
        self.zeroed(n.div_ceil(CHUNK) * sums);
    }

    /// Sums that `kernel` adds up over the rows 0..n into `totals`.
    pub(crate) fn sum(
        &mut self,
        n: usize,
        totals: &mut [f64],
        kernel: impl Fn(Range<usize>, &mut [f64]) + Sync,
    ) {
        let width = totals.len();
        if width == 0 {
            return;
        }
        let partials = self.zeroed(n.div_ceil(CHUNK) * width);
        let chunk = |(c, partial): (usize, &mut [f64])| {
            kernel(c * CHUNK..n.min((c + 1) * CHUNK), partial);
        };
        if n < PARALLEL {
            partials.chunks_mut(width).enumerate().for_each(chunk);
        } else {
            partials.par_chunks_mut(width).enumerate().for_each(chunk);
        }
        gather(partials, totals);
    }

    /// As [`sum`](Self::sum), where `kernel` also writes its chunk of `out`, which holds `columns` values a row
    /// (a chunk's values lie together).
    pub(crate) fn write(
        &mut self,
        out: &mut [f64],
        columns: usize,
        totals: &mut [f64],
        kernel: impl Fn(Range<usize>, &mut [f64], &mut [f64]) + Sync,
    ) {
        let n = out.len() / columns;
        let width = totals.len().max(1);
        let partials = self.zeroed(n.div_ceil(CHUNK) * width);
        let chunk = |(c, (out, partial)): (usize, (&mut [f64], &mut [f64]))| {
            kernel(c * CHUNK..n.min((c + 1) * CHUNK), out, partial);
        };
        if n < PARALLEL {
            out.chunks_mut(CHUNK * columns).zip(partials.chunks_mut(width)).enumerate().for_each(chunk);
        } else {
            out.par_chunks_mut(CHUNK * columns)
                .zip(partials.par_chunks_mut(width))
                .enumerate()
                .for_each(chunk);
        }
        if !totals.is_empty() {
            gather(partials, totals);
        }
    }

    fn zeroed(&mut self, length: usize) -> &mut [f64] {
        if self.partials.len() < length {
            self.partials.resize(length, 0.0);
        }
        let partials = &mut self.partials[..length];
        partials.fill(0.0);
        partials
    }
}

fn gather(partials: &[f64], totals: &mut [f64]) {
    totals.fill(0.0);
    for partial in partials.chunks(totals.len()) {
        for (total, p) in totals.iter_mut().zip(partial) {
            *total += p;
        }
    }
}

/// `to` ← `from`.
pub(crate) fn copy(from: &[f64], to: &mut [f64]) {
    if to.len() < PARALLEL {
        to.copy_from_slice(from);
    } else {
        to.par_chunks_mut(CHUNK).zip(from.par_chunks(CHUNK)).for_each(|(to, from)| to.copy_from_slice(from));
    }
}

/// The blocks of a range of rows.
pub(crate) fn blocks(rows: Range<usize>, size: usize) -> impl Iterator<Item = Range<usize>> {
    let end = rows.end;
    rows.step_by(size).map(move |start| start..end.min(start + size))
}
