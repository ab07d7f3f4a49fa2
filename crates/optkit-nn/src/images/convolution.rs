//! Convolutions, and dense layers as convolutions whose kernel is the whole image.
//!
//! ```text
//! z[o, n, c] = bias[c] + Σ over the taps t and the channels k of c's group   x[i(o, t), n, k] · w[c, k, t]
//! ```
//!
//! Weights are packed as \[block of 32 outputs\]\[tap\]\[input channel\]\[32\]. With groups, a block reads the channels of all
//! groups that it touches, with zeros where an output does not see an input: one kernel for all, at the price of
//! multiplications with zero where groups are narrower than a block.
//!
//! **The first layer** has few channels, too few to be summed over tap by tap. It reads the padded image
//! \[rows\]\[samples\]\[columns·channels\], in which the taps of a row of the kernel lie one behind the other.

use std::ops::Range;

use super::geometry::{Extents, Lists, pair};
use crate::Scalar;
use crate::buffer::Buffer;
use crate::kernels::{Grid, Kernels, Pair, PairProduct, Start, for_each_part, padded};

/// Output channels of a block: two vectors.
const BLOCK: usize = 32;
/// Input channels that are packed at a time: with all taps of a block, they stay in the first level of cache.
const STRIP: usize = 16;
/// Values of input and gradient that a weight gradient goes through before it begins with the next tap: half of a
/// second level of cache of 2 MiB.
const CACHED: usize = 1 << 18;
/// Samples that a weight gradient sums in registers.
const SAMPLES: usize = 64;

/// Some channels of one side, what they see of the other, and where their weights lie.
#[derive(Clone, Debug)]
struct Block {
    columns: Range<usize>,
    /// Columns with their padding.
    width: usize,
    terms: Range<usize>,
    /// Where the weights of the first tap begin.
    start: usize,
}

/// A convolution, made ready.
#[derive(Clone, Debug)]
pub(crate) struct Convolution {
    pub(crate) extents: Extents,
    pub(crate) channels: usize,
    pub(crate) outputs: usize,
    groups: usize,
    /// Reads the padded image.
    pub(crate) image: bool,
    forward: Vec<Block>,
    backward: Vec<Block>,
    /// By output pixel: (input pixel, tap). Of the image: (row of the image, row of the kernel).
    reads: Lists,
    /// By input pixel: (output pixel, tap).
    writes: Lists,
    /// By tap: (input pixel, output pixel). Of the image, by row of the kernel and column of the output: (row, pixel).
    meets: Lists,
    /// The taps that meet something other than padding.
    used: Vec<Tap>,
}

/// A tap of the kernel, and where its weights lie in a block: from term `block · terms + term` on.
#[derive(Clone, Copy, Debug)]
struct Tap {
    tap: usize,
    block: usize,
    term: usize,
}

/// Weights as the passes read them.
#[derive(Debug, Default)]
pub(crate) struct Weights<S> {
    pub(crate) forward: Buffer<S>,
    /// Transposed, for the gradient of the input; empty where that is not wanted.
    pub(crate) backward: Buffer<S>,
    /// Padded; empty where there is none.
    pub(crate) bias: Buffer<S>,
}

/// Blocks of `columns` channels that see `terms` others, in `groups`.
fn blocks(columns: usize, terms: usize, groups: usize, taps: usize) -> Vec<Block> {
    let (own, seen) = (columns / groups, terms / groups);
    let mut start = 0;
    let block = |from: usize| {
        let to = (from + BLOCK).min(columns);
        let width = BLOCK.min(padded(columns) - from);
        let terms = from / own * seen..((to - 1) / own + 1) * seen;
        let block = Block { columns: from..to, width, start, terms };
        start += taps * block.terms.len() * width;
        block
    };
    (0..columns).step_by(BLOCK).map(block).collect()
}

impl Tap {
    /// Where the weights of the block's term `k` begin.
    #[inline(always)]
    fn first(self, block: &Block, k: usize) -> usize {
        (self.block * block.terms.len() + self.term + k) * block.width
    }
}

impl Convolution {
    /// `image`: it reads the padded image of the samples, and no gradient is wanted there.
    pub(crate) fn new(extents: Extents, channels: usize, outputs: usize, groups: usize, image: bool) -> Self {
        let image = image && groups == 1 && extents.dilation[1] == 1;
        let (taps, columns) = (extents.taps(), extents.output()[1]);
        let pixels = extents.output()[0] * columns;
        let (mut reads, mut writes, mut meets) = (Vec::new(), Vec::new(), Vec::new());
        let mut used = vec![false; taps];
        if image {
            for o in 0..pixels {
                for j in 0..extents.kernel[0] {
                    let row = o / columns * extents.stride[0] + j * extents.dilation[0];
                    reads.push((o, pair(row, j)));
                    meets.push((j * columns + o % columns, pair(row, o)));
                }
            }
            used.fill(true);
        } else {
            extents.for_each(|i, o, t| {
                reads.push((o, pair(i, t)));
                writes.push((i, pair(o, t)));
                meets.push((t, pair(i, o)));
                used[t] = true;
            });
        }
        let (of_taps, terms) =
            if image { (extents.kernel[0], extents.kernel[1] * channels) } else { (taps, channels) };
        let across = extents.kernel[1];
        let place = |tap: usize| match image {
            true => Tap { tap, block: tap / across, term: tap % across * channels },
            false => Tap { tap, block: tap, term: 0 },
        };
        let lists = if image { extents.kernel[0] * columns } else { taps };
        Self {
            forward: blocks(outputs, terms, groups, of_taps),
            backward: if image { Vec::new() } else { blocks(channels, outputs, groups, taps) },
            reads: Lists::new(pixels, &reads),
            writes: Lists::new(extents.input[0] * extents.input[1], &writes),
            meets: Lists::new(lists, &meets),
            extents,
            channels,
            outputs,
            groups,
            image,
            used: (0..taps).filter(|&t| used[t]).map(place).collect(),
        }
    }

    /// Whether it can read the padded image: the taps of a row of its kernel lie one behind the other there.
    pub(crate) fn reads_image(&self) -> bool {
        self.groups == 1 && self.extents.dilation[1] == 1
    }

    /// Multiply-adds a sample of a forward pass, padding not counted.
    pub(crate) fn work(&self) -> f64 {
        let mut pairs = 0;
        if self.image {
            self.extents.for_each(|_, _, _| pairs += 1);
        } else {
            pairs = self.reads.pairs();
        }
        pairs as f64 * (self.channels / self.groups) as f64 * self.outputs as f64
    }

    /// Taps of the packed weights: rows of the kernel, where the image is read.
    fn taps(&self) -> usize {
        if self.image { self.extents.kernel[0] } else { self.extents.taps() }
    }

    /// Values of a row of the padded image.
    pub(crate) fn image_row(&self) -> usize {
        (self.extents.input[1] + 2 * self.extents.pad[1]) * self.channels
    }

    fn len(blocks: &[Block], taps: usize) -> usize {
        blocks.last().map_or(0, |b| b.start + taps * b.terms.len() * b.width)
    }

    /// Take over w, of shape \[outputs, channels of a group, taps\], for the forward pass.
    pub(crate) fn pack<S: Scalar>(&self, w: &[S], to: &mut Weights<S>) {
        let (blocks, taps) = (&self.forward, self.taps());
        let len = Self::len(blocks, taps);
        to.forward.fit(len);
        for_each_part(
            &mut to.forward[..len],
            0..blocks.len(),
            &|b| Self::len(&blocks[..=b], taps),
            &|b, to| {
                self.pack_forward(&blocks[b], w, to);
            },
        );
    }

    /// The same for the gradient of the input.
    pub(crate) fn pack_transposed<S: Scalar>(&self, w: &[S], to: &mut Weights<S>) {
        let (blocks, taps) = (&self.backward, self.taps());
        let len = Self::len(blocks, taps);
        to.backward.fit(len);
        for_each_part(
            &mut to.backward[..len],
            0..blocks.len(),
            &|b| Self::len(&blocks[..=b], taps),
            &|b, to| {
                self.pack_backward(&blocks[b], w, to);
            },
        );
    }

    /// The beginning of `room`, for the gradient of the weights.
    pub(crate) fn gradient_room<'a, S: Scalar>(&self, room: &'a mut Buffer<S>) -> &'a mut [S] {
        let len = Self::len(&self.forward, self.taps());
        room.fit(len);
        &mut room[..len]
    }

    fn pack_forward<S: Scalar>(&self, block: &Block, w: &[S], to: &mut [S]) {
        let (seen, taps) = (self.channels / self.groups, self.extents.taps());
        self.for_each_strip(block, |columns, channels, first| {
            let column = columns.start - block.columns.start;
            for (k, channel) in channels.enumerate() {
                for tap in &self.used {
                    let at = tap.first(block, first + k) + column;
                    let from =
                        w[(columns.start * seen + channel) * taps + tap.tap..].iter().step_by(seen * taps);
                    to[at..at + columns.len()].iter_mut().zip(from).for_each(|(to, &from)| *to = from);
                }
            }
        });
    }

    /// `f(columns of one group, some channels of its group, the first of these in the block's terms)`, all that a block
    /// is made of.
    fn for_each_strip(&self, block: &Block, mut f: impl FnMut(Range<usize>, Range<usize>, usize)) {
        let (own, seen) = (self.outputs / self.groups, self.channels / self.groups);
        let mut column = block.columns.start;
        while column < block.columns.end {
            let group = column / own;
            let end = ((group + 1) * own).min(block.columns.end);
            for strip in (0..seen).step_by(STRIP) {
                let first = if self.image { 0 } else { group * seen - block.terms.start };
                f(column..end, strip..(strip + STRIP).min(seen), first + strip);
            }
            column = end;
        }
    }

    fn pack_backward<S: Scalar>(&self, block: &Block, w: &[S], to: &mut [S]) {
        let (own, seen) = (self.outputs / self.groups, self.channels / self.groups);
        let (taps, rows, width) = (self.extents.taps(), block.terms.len(), block.width);
        for (r, c) in block.terms.clone().enumerate() {
            let group = c / own;
            // The block's channels that output c sees.
            let from = block.columns.start.max(group * seen);
            let until = block.columns.end.min((group + 1) * seen);
            let w = &w[(c * seen + from - group * seen) * taps..][..until.saturating_sub(from) * taps];
            for t in self.used.iter().map(|tap| tap.tap) {
                let to = &mut to[(t * rows + r) * width + from - block.columns.start..];
                for (to, w) in to.iter_mut().zip(w[t.min(w.len())..].iter().step_by(taps)) {
                    *to = *w;
                }
            }
        }
    }

    /// ∂ℓ/∂w, of shape \[outputs, channels of a group, taps\], from its packed form.
    pub(crate) fn unpack<S: Scalar>(&self, packed: &[S], gradient: &mut [f64]) {
        let taps = self.extents.taps();
        let seen = self.channels / self.groups;
        let end = |b: usize| self.forward[b].columns.end * seen * taps;
        for_each_part(gradient, 0..self.forward.len(), &end, &|b, to| {
            let block = &self.forward[b];
            let from = &packed[block.start..];
            self.for_each_strip(block, |columns, channels, first| {
                for c in columns {
                    let column = c - block.columns.start;
                    let to = &mut to[(column * seen + channels.start) * taps..][..channels.len() * taps];
                    if self.used.len() < taps {
                        to.fill(0.0);
                    }
                    for (k, to) in to.chunks_exact_mut(taps).enumerate() {
                        for tap in &self.used {
                            to[tap.tap] = from[tap.first(block, first + k) + column].to_f64();
                        }
                    }
                }
            });
        });
    }

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
        let [rows, columns] = self.extents.output();
        let (row, out) = (self.input_row(), padded(self.outputs));
        Grid::new(rows * columns, samples).for_each(z, out, |pixel, some, z| {
            let (pairs, start) = self.reads(pixel);
            for block in &self.forward {
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
                    start: w
                        .bias
                        .get(block.columns.start..)
                        .filter(|b| !b.is_empty())
                        .map_or(Start::Zero, Start::Row),
                });
            }
        });
    }

    /// ∂ℓ/∂x ← (or +=) from ∂ℓ/∂z.
    pub(crate) fn backward<S: Scalar>(
        &self,
        kernels: &Kernels<S>,
        samples: usize,
        (dz, w): (&[S], &Weights<S>),
        dx: &mut [S],
        add: bool,
    ) {
        let (row, out) = (padded(self.outputs), padded(self.channels));
        let pixels = self.extents.input[0] * self.extents.input[1];
        Grid::new(pixels, samples).for_each(dx, out, |pixel, some, dx| {
            let pairs = self.writes.of(pixel);
            if add && pairs.is_empty() {
                return;
            }
            for block in &self.backward {
                (kernels.pairs)(PairProduct {
                    pairs,
                    a: &dz[some.start * row + block.terms.start..],
                    a_unit: samples * row,
                    a_row: row,
                    a_inner: 1,
                    b: &w.backward[block.start..],
                    b_unit: block.terms.len() * block.width,
                    b_inner: block.width,
                    c: &mut dx[block.columns.start..],
                    c_row: out,
                    rows: some.len(),
                    inner: block.terms.len(),
                    columns: block.width,
                    start: if add { Start::Accumulate } else { Start::Zero },
                });
            }
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
        let mut rest = &mut *to;
        for tile in tiles.clone() {
            let block = &self.forward[tile / taps];
            let (own, others) = rest.split_at_mut(block.terms.len() * block.width);
            rest = others;
            // Of taps that meet nothing but padding, nothing is read.
            if self.image || !self.meets.of(tile % taps).is_empty() {
                own.fill(S::ZERO);
            }
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
                            start: Start::Accumulate,
                        });
                    }
                }
            }
        }
    }
}
