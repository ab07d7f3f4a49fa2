//! Images of many samples, \[pixels\]\[samples\]\[channels\], cut into pieces that are written in parallel.
//!
//! A piece is some samples of one pixel: rows that lie one behind the other. Pieces of the same samples are neighbours in
//! the order of work, so that what a pixel's neighbours read is still in cache. How the images are cut depends on their
//! extents alone, wherever anything is summed over pieces.
#![allow(unsafe_code)]

use std::ops::Range;

use rayon::prelude::*;

/// Samples of a piece where there are many: a multiple of the rows of a register block.
const SAMPLES: usize = 65;
/// Pieces wanted at least, so that threads can share the work.
const PIECES: usize = 16;
/// Fewer samples are not worth a piece.
const FEW: usize = 8;

/// How images are cut.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid {
    pixels: usize,
    /// All samples of the images.
    samples: usize,
    /// Those that are meant.
    of: (usize, usize),
    chunks: usize,
}

impl Grid {
    pub(crate) fn new(pixels: usize, samples: usize) -> Self {
        Self::of(pixels, samples, 0..samples)
    }

    /// Of some of the samples.
    pub(crate) fn of(pixels: usize, samples: usize, of: Range<usize>) -> Self {
        let count = of.len();
        let chunks = count.div_ceil(SAMPLES).max(PIECES.div_ceil(pixels.max(1)).min(count.div_ceil(FEW)));
        Self { pixels, samples, of: (of.start, of.end), chunks }
    }

    /// All samples, in no more pieces than the threads at hand need: for products, whose weights every piece reads anew. What
    /// is summed over pieces must not be cut so.
    pub(crate) fn by_threads(pixels: usize, samples: usize) -> Self {
        let threads = rayon::current_num_threads();
        let wanted = threads.div_ceil(pixels.max(1)).min(samples.div_ceil(FEW));
        Self { pixels, samples, of: (0, samples), chunks: samples.div_ceil(SAMPLES).max(wanted) }
    }

    pub(crate) fn pieces(&self) -> usize {
        self.chunks * self.pixels
    }

    /// Pixel and samples of piece `i`.
    fn piece(&self, i: usize) -> (usize, Range<usize>) {
        let (chunk, pixel) = (i / self.pixels, i % self.pixels);
        let (start, count) = (self.of.0, self.of.1 - self.of.0);
        (pixel, start + count * chunk / self.chunks..start + count * (chunk + 1) / self.chunks)
    }

    /// `f(pixel, samples, rows of the piece)` for every piece of `to`, rows of `stride` values.
    pub(crate) fn for_each<T: Send>(
        &self,
        to: &mut [T],
        stride: usize,
        f: impl Fn(usize, Range<usize>, &mut [T]) + Sync,
    ) {
        let to = Shared::new(self, to, stride);
        (0..self.pieces()).into_par_iter().for_each(|i| {
            let (pixel, samples) = self.piece(i);
            // SAFETY: every piece is taken by one task, once.
            let rows = unsafe { to.rows(pixel, samples.clone()) };
            f(pixel, samples, rows);
        });
    }

    /// `f(turn, pixel, samples, rows of the piece)` for every turn and every piece of `to`, pieces shared by threads; the turns
    /// outside, if `outer`: then a thread goes through its pieces once a turn, else it takes all turns of a piece.
    pub(crate) fn for_each_in_turns<T: Send>(
        &self,
        to: &mut [T],
        stride: usize,
        (turns, outer): (usize, bool),
        f: impl Fn(usize, usize, Range<usize>, &mut [T]) + Sync,
    ) {
        if !outer {
            return self.for_each(to, stride, |pixel, samples, rows| {
                (0..turns).for_each(|turn| f(turn, pixel, samples.clone(), rows));
            });
        }
        let to = Shared::new(self, to, stride);
        let shares = rayon::current_num_threads().min(self.pieces());
        (0..shares).into_par_iter().for_each(|share| {
            let pieces = self.pieces() * share / shares..self.pieces() * (share + 1) / shares;
            for turn in 0..turns {
                for i in pieces.clone() {
                    let (pixel, samples) = self.piece(i);
                    // SAFETY: every piece is in one share, every share is one task, and it takes them one by one.
                    let rows = unsafe { to.rows(pixel, samples.clone()) };
                    f(turn, pixel, samples, rows);
                }
            }
        });
    }

    /// As [`for_each`](Self::for_each), of two arrays at once.
    pub(crate) fn for_each_of_two<T: Send, U: Send>(
        &self,
        (first, first_stride): (&mut [T], usize),
        (second, second_stride): (&mut [U], usize),
        f: impl Fn(usize, Range<usize>, &mut [T], &mut [U]) + Sync,
    ) {
        let (first, second) =
            (Shared::new(self, first, first_stride), Shared::new(self, second, second_stride));
        (0..self.pieces()).into_par_iter().for_each(|i| {
            let (pixel, samples) = self.piece(i);
            // SAFETY: every piece is taken by one task, once.
            let (a, b) = unsafe { (first.rows(pixel, samples.clone()), second.rows(pixel, samples.clone())) };
            f(pixel, samples, a, b);
        });
    }

    /// Groups of pieces whose sums are kept apart; as many for any number of threads.
    pub(crate) fn groups(&self) -> usize {
        self.pieces().min(4 * PIECES)
    }

    /// As [`for_each`](Self::for_each), with sums: `partial` has [`groups`](Self::groups) rows of `width`, which are
    /// added up, in their order, into `sums`.
    pub(crate) fn sum<T: Send>(
        &self,
        to: &mut [T],
        stride: usize,
        (partial, sums): (&mut [f64], &mut [f64]),
        f: impl Fn(usize, Range<usize>, &mut [T], &mut [f64]) + Sync,
    ) {
        let (groups, width) = (self.groups(), sums.len());
        let to = Shared::new(self, to, stride);
        partial[..groups * width].par_chunks_mut(width).enumerate().for_each(|(g, partial)| {
            partial.fill(0.0);
            for i in self.pieces() * g / groups..self.pieces() * (g + 1) / groups {
                let (pixel, samples) = self.piece(i);
                // SAFETY: every piece is in one group, and every group is one task.
                let rows = unsafe { to.rows(pixel, samples.clone()) };
                f(pixel, samples, rows, partial);
            }
        });
        sums.fill(0.0);
        for partial in partial[..groups * width].chunks_exact(width) {
            sums.iter_mut().zip(partial).for_each(|(sum, part)| *sum += part);
        }
    }
}

impl Grid {
    /// As [`sum`](Self::sum), of images that are read only.
    pub(crate) fn sum_of(
        &self,
        partial: &mut [f64],
        sums: &mut [f64],
        f: impl Fn(usize, Range<usize>, &mut [f64]) + Sync,
    ) {
        // Nothing, as often as there are rows: takes no memory.
        let mut nothing = vec![(); self.pixels * self.samples];
        self.sum(&mut nothing, 1, (partial, sums), |pixel, samples, _, sums| f(pixel, samples, sums));
    }
}

/// Images whose pieces are given out to several threads.
struct Shared<'a, T> {
    start: *mut T,
    samples: usize,
    stride: usize,
    of: std::marker::PhantomData<&'a mut [T]>,
}

// SAFETY: what is given out are disjoint parts of a slice that this holds alone, by the promise of `rows`.
unsafe impl<T: Send> Sync for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    fn new(grid: &Grid, to: &'a mut [T], stride: usize) -> Self {
        assert!(
            to.len() >= grid.pixels * grid.samples * stride,
            "images: fewer values than pixels and samples"
        );
        Self { start: to.as_mut_ptr(), samples: grid.samples, stride, of: std::marker::PhantomData }
    }

    /// # Safety
    /// `pixel` and `samples` lie inside the grid, and no rows that overlap are given out while these live.
    #[allow(clippy::mut_from_ref)] // the promise above
    unsafe fn rows(&self, pixel: usize, samples: Range<usize>) -> &mut [T] {
        let (at, len) = ((pixel * self.samples + samples.start) * self.stride, samples.len() * self.stride);
        // SAFETY: inside the slice, by the assertion in `new` and the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(at), len) }
    }
}

/// `f(i, part i)` for parts of `to` that lie one behind the other, part i ending before `end(i)`; in parallel.
pub(crate) fn for_each_part<T: Send>(
    to: &mut [T],
    parts: Range<usize>,
    end: &(impl Fn(usize) -> usize + Sync),
    f: &(impl Fn(usize, &mut [T]) + Sync),
) {
    match parts.len() {
        0 => {}
        1 => f(parts.start, to),
        count => {
            let middle = parts.start + count / 2;
            let start = if parts.start == 0 { 0 } else { end(parts.start - 1) };
            let (left, right) = to.split_at_mut(end(middle - 1) - start);
            rayon::join(
                || for_each_part(left, parts.start..middle, end, f),
                || for_each_part(right, middle..parts.end, end, f),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_in_one_piece() {
        for (pixels, samples, of) in
            [(1, 1, 0..1), (4, 64, 0..64), (3, 200, 65..195), (1, 2975, 0..2975), (300, 7, 0..7)]
        {
            let grid = Grid::of(pixels, samples, of.clone());
            let stride = 3;
            let mut seen = vec![0_u8; pixels * samples * stride];
            grid.for_each(&mut seen, stride, |_, _, rows| rows.iter_mut().for_each(|v| *v += 1));
            let (mut partial, mut sums) = (vec![1.0; grid.groups()], [7.0]);
            grid.sum(&mut seen, stride, (&mut partial, &mut sums), |_, samples, rows, sum| {
                assert_eq!(rows.len(), samples.len() * stride);
                sum[0] += samples.len() as f64;
                rows.iter_mut().for_each(|v| *v += 1);
            });
            assert_eq!(sums[0], (pixels * of.len()) as f64);
            let whole = Grid::by_threads(pixels, samples);
            whole.for_each(&mut seen, stride, |_, _, rows| rows.iter_mut().for_each(|v| *v += 4));
            for (i, &v) in seen.iter().enumerate() {
                let inside = of.contains(&(i / stride % samples));
                assert_eq!(v, if inside { 6 } else { 4 });
            }
        }
    }
}
