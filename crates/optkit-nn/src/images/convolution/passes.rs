//! The three passes of a convolution, each one product over pairs of pixels.

use std::ops::Range;

use super::{Block, Convolution, Weights};
use crate::Scalar;
use crate::kernels::{Grid, Kernels, Pair, PairProduct, Start, for_each_part, padded};

/// Values of input and gradient that a weight gradient goes through before it begins with the next tap: half of a
/// second level of cache of 2 MiB.
const CACHED: usize = 1 << 18;
/// Samples that a weight gradient sums in registers.
const SAMPLES: usize = 64;

/// Values of weights, or of what they are multiplied with, that stay in cache while one goes through the others.
const STAYS: usize = 1 << 17;

/// How many blocks there are, and whether a thread goes through its pieces block by block, rather than through the blocks
/// piece by piece. What is gone through again and again is read anew where it does not stay in cache: `read` values a
/// block, or the weights of all blocks a piece.
fn turns(grid: &Grid, blocks: &[Block], read: usize, of_a_column: usize) -> (usize, bool) {
    let threads = rayon::current_num_threads();
    let weights: usize = blocks.iter().map(|block| block.width * of_a_column).sum();
    let read = read / threads;
    let by_blocks = if read <= STAYS { read } else { blocks.len() * read };
    let by_pieces = if weights <= STAYS { weights } else { grid.pieces() / threads * weights };
    (blocks.len(), by_blocks < by_pieces)
}

/// What the products of a forward pass are added to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Onto {
    /// The bias, where there is one.
    Bias,
    /// What is there.
    There,
}

impl Convolution {
    /// What an output pixel reads: its pairs, and where they begin in a row of the image.
    fn reads(&self, pixel: usize) -> (&[Pair], usize) {
        let column = pixel % self.extents.output()[1];
        (self.reads.of(pixel), if self.image { column * self.extents.stride[1] * self.channels } else { 0 })
    }

    /// Values between the samples of the input.
    fn input_row(&self) -> usize {
        if self.image { self.image_row() } else { padded(self.channels) }
    }

    /// z ← the convolution of x, for `samples`.
    pub(crate) fn forward<S: Scalar>(
        &self,
        kernels: &Kernels<S>,
        samples: usize,
        x: &[S],
        w: &Weights<S>,
        z: &mut [S],
    ) {
        self.forward_onto(kernels, samples, x, (w, Onto::Bias), z);
    }

    /// z ← the convolution of x, added to its bias or to z.
    pub(crate) fn forward_onto<S: Scalar>(
        &self,
        kernels: &Kernels<S>,
        samples: usize,
        x: &[S],
        (w, onto): (&Weights<S>, Onto),
        z: &mut [S],
    ) {
        let [rows, columns] = self.extents.output();
        let (row, out) = (self.input_row(), padded(self.outputs));
        let grid = Grid::by_threads(rows * columns, samples);
        let read = samples * self.extents.input.iter().product::<usize>() * row;
        let turns = turns(&grid, &self.forward, read, self.used.len() * self.channels / self.groups);
        grid.for_each_in_turns(z, out, turns, |block, pixel, some, z| {
            let (block, (pairs, start)) = (&self.forward[block], self.reads(pixel));
            let first = if self.image { 0 } else { block.terms.start };
            (kernels.pairs)(PairProduct {
                pairs,
                a: &x[some.start * row + start + first..],
                a_unit: samples * row,
                a_row: row,
                a_inner: 1,
                b: &w.forward[block.start..],
                b_unit: block.terms.len() * block.width,
                b_inner: block.width,
                c: &mut z[block.columns.start..],
                c_row: out,
                rows: some.len(),
                inner: block.terms.len(),
                columns: block.width,
                start: match w.bias.get(block.columns.start..).filter(|b| !b.is_empty()) {
                    _ if onto == Onto::There => Start::Accumulate,
                    Some(bias) => Start::Row(bias),
                    None => Start::Zero,
                },
            });
        });
    }

    /// ∂ℓ/∂x ← (or +=) from ∂ℓ/∂z.
    pub(crate) fn backward<S: Scalar>(
        &self,
        kernels: &Kernels<S>,
        samples: usize,
        (dz, transposed): (&[S], &[S]),
        dx: &mut [S],
        add: bool,
    ) {
        let (row, out) = (padded(self.outputs), padded(self.channels));
        let pixels = self.extents.input[0] * self.extents.input[1];
        let grid = Grid::by_threads(pixels, samples);
        let read = samples * self.pixels() * row;
        let turns = turns(&grid, &self.backward, read, self.used.len() * self.outputs / self.groups);
        grid.for_each_in_turns(dx, out, turns, |block, pixel, some, dx| {
            let (block, pairs) = (&self.backward[block], self.writes.of(pixel));
            if add && pairs.is_empty() {
                return;
            }
            (kernels.pairs)(PairProduct {
                pairs,
                a: &dz[some.start * row + block.terms.start..],
                a_unit: samples * row,
                a_row: row,
                a_inner: 1,
                b: &transposed[block.start..],
                b_unit: block.terms.len() * block.width,
                b_inner: block.width,
                c: &mut dx[block.columns.start..],
                c_row: out,
                rows: some.len(),
                inner: block.terms.len(),
                columns: block.width,
                start: if add { Start::Accumulate } else { Start::Zero },
            });
        });
    }

    /// ∂ℓ/∂w, packed ← from x and ∂ℓ/∂z. Every sum runs over chunks of samples and runs of pixels in a fixed order.
    pub(crate) fn weight_gradient<S: Scalar>(
        &self,
        kernels: &Kernels<S>,
        samples: usize,
        (x, dz): (&[S], &[S]),
        gradient: &mut [S],
    ) {
        let taps = self.taps();
        let tiles = self.forward.len() * taps;
        let shares = rayon::current_num_threads().min(tiles);
        // Tile i is tap i % taps of block i / taps.
        let tile_end = |i: usize| {
            let block = &self.forward[i / taps];
            block.start + (i % taps + 1) * block.terms.len() * block.width
        };
        let end = |share: usize| tile_end(tiles * (share + 1) / shares - 1);
        for_each_part(gradient, 0..shares, &end, &|share, to| {
            let share = tiles * share / shares..tiles * (share + 1) / shares;
            self.tiles(kernels, samples, (x, dz), share, to);
        });
    }

    /// Some tiles of the weight gradient, added to `to`.
    fn tiles<S: Scalar>(
        &self,
        kernels: &Kernels<S>,
        samples: usize,
        (x, dz): (&[S], &[S]),
        tiles: Range<usize>,
        to: &mut [S],
    ) {
        let [rows, columns] = self.extents.output();
        let (taps, row, out) = (self.taps(), self.input_row(), padded(self.outputs));
        let chunks = samples.div_ceil(SAMPLES);
        // Rows of output pixels whose inputs and gradients stay in cache.
        let of_a_row = samples.div_ceil(chunks) * columns * (row + out);
        let run = if self.image { rows } else { (CACHED / of_a_row).clamp(1, rows) };
        if self.image {
            to.fill(S::ZERO);
        }
        for chunk in 0..chunks {
            let some = samples * chunk / chunks..samples * (chunk + 1) / chunks;
            for top in (0..rows).step_by(run) {
                let (from, until) = (top * columns, (top + run).min(rows) * columns);
                let mut rest = &mut *to;
                for tile in tiles.clone() {
                    let (block, tap) = (&self.forward[tile / taps], tile % taps);
                    let (own, others) = rest.split_at_mut(block.terms.len() * block.width);
                    rest = others;
                    for column in 0..if self.image { columns } else { 1 } {
                        let list = if self.image { tap * columns + column } else { tap };
                        let pairs = self.meets.within(list, from, until);
                        if pairs.is_empty() {
                            continue;
                        }
                        let first = if self.image {
                            column * self.extents.stride[1] * self.channels
                        } else {
                            block.terms.start
                        };
                        // Tiles begin with their first pairs; those of taps that have none are never read.
                        let begins = !self.image && chunk == 0 && pairs[0] == self.meets.of(list)[0];
                        (kernels.pairs)(PairProduct {
                            pairs,
                            a: &x[some.start * row + first..],
                            a_unit: samples * row,
                            a_row: 1,
                            a_inner: row,
                            b: &dz[some.start * out + block.columns.start..],
                            b_unit: samples * out,
                            b_inner: out,
                            c: &mut *own,
                            c_row: block.width,
                            rows: block.terms.len(),
                            inner: some.len(),
                            columns: block.width,
                            start: if begins { Start::Zero } else { Start::Accumulate },
                        });
                    }
                }
            }
        }
    }
}
