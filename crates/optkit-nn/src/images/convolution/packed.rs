//! Weights in the order in which the passes read them, and their gradient back from it.
//!
//! Large networks have few pixels where they have many weights: with small mini-batches, moving weights costs as much as
//! computing with them. So they are rounded and packed in one go, and nothing is written but the packed ones, of the taps
//! that are used: they are what a pass reads, what it keeps of its point, and what the transposed copy is made from.
//! Derivatives go from their packed form to their places in one go.

use std::ops::Range;

use rayon::prelude::*;

use super::{BLOCK, Block, Convolution, Tap};
use crate::Scalar;
use crate::buffer::Buffer;
use crate::kernels::{Interleave, Kernels, LANES, NOWHERE, RUN, Spread, Transpose, for_each_part, prefetch};

/// Weights of an output channel that are moved at a time: with those of a block's other channels, they stay in the first
/// level of cache.
const STRIP: usize = 144;

/// More derivatives of a stage than these do not stay in cache until they are read: 4 MiB.
const CACHED: usize = 1 << 19;

/// Weights as forward passes read them.
#[derive(Debug, Default)]
pub(crate) struct Weights<S> {
    pub(crate) forward: Buffer<S>,
    /// Padded; empty where there is none.
    pub(crate) bias: Buffer<S>,
}

fn len(blocks: &[Block], taps: usize) -> usize {
    blocks.last().map_or(0, |b| b.start + taps * b.terms.len() * b.width)
}

impl Convolution {
    /// Weights of an output channel.
    fn of_output(&self) -> usize {
        self.channels / self.groups * self.extents.taps()
    }

    /// Take over w, of shape \[outputs, channels of a group, taps\], for the forward pass.
    pub(crate) fn pack<S: Scalar>(&self, w: &[S], to: &mut Buffer<S>) {
        self.for_each_block(to, &|block, to| {
            self.pack_block(block, &w[block.columns.start * self.of_output()..], to, |w| w);
        });
    }

    /// The same of numbers that are rounded on the way.
    pub(crate) fn pack_rounded<S: Scalar>(&self, kernels: &Kernels<S>, w: &[f64], to: &mut Buffer<S>) {
        self.for_each_block(to, &|block, to| {
            self.round_block(kernels, block, &w[block.columns.start * self.of_output()..], to);
        });
    }

    /// `f(block, its weights)`, in parallel.
    fn for_each_block<S: Scalar>(&self, to: &mut Buffer<S>, f: &(impl Fn(&Block, &mut [S]) + Sync)) {
        let blocks = &self.forward;
        let len = |count| len(&blocks[..count], self.taps());
        to.fit(len(blocks.len()));
        let to = &mut to[..len(blocks.len())];
        for_each_part(to, 0..blocks.len(), &|b| len(b + 1), &|b, to| f(&blocks[b], to));
    }

    /// Of a block: `w` begins with its first output. Where a good part of the weights is used, squares of them go through
    /// registers.
    fn round_block<S: Scalar>(&self, kernels: &Kernels<S>, block: &Block, w: &[f64], to: &mut [S]) {
        if !self.uses_many() {
            return self.pack_block(block, w, to, S::from_f64);
        }
        let row = self.of_output();
        self.for_each_run(block, |column, rows, entry, places| {
            let from = &w[column * row + entry..];
            (kernels.interleave)(Interleave { from, row, rows, places, to });
        });
    }

    /// Whether at least a quarter of the taps meet something other than padding.
    fn uses_many(&self) -> bool {
        4 * self.used.len() >= self.extents.taps()
    }

    /// `f(column, columns, entry, places)`, a run of weights of up to sixteen columns at a time: the first of its columns,
    /// their number, the first of its weights among those of an output, and where these lie in the block, by weight. Sixteen
    /// outputs are each gone through from the first weight to the last: as many streams as memory keeps up with.
    fn for_each_run(&self, block: &Block, mut f: impl FnMut(usize, usize, usize, &[usize])) {
        let (of_output, taps) = (self.of_output(), self.extents.taps());
        let mut places = [NOWHERE; RUN];
        for (columns, first) in self.groups_of(block) {
            for from in columns.clone().step_by(LANES) {
                let (column, count) = (from - block.columns.start, (columns.end - from).min(LANES));
                for start in (0..of_output).step_by(RUN) {
                    let entries = start..(start + RUN).min(of_output);
                    let places = &mut places[..entries.len()];
                    places.fill(NOWHERE);
                    for channel in entries.start / taps..entries.end.div_ceil(taps) {
                        for tap in &self.used {
                            let entry = channel * taps + tap.tap;
                            if entries.contains(&entry) {
                                places[entry - start] = tap.first(block, first + channel) + column;
                            }
                        }
                    }
                    f(column, count, start, places);
                }
            }
        }
    }

    /// Of a block: `w` begins with its first output.
    fn pack_block<S: Copy, T: Copy>(&self, block: &Block, w: &[T], to: &mut [S], number: impl Fn(T) -> S) {
        let (of_output, taps) = (self.of_output(), self.extents.taps());
        self.for_each_strip(block, |columns, channels, first| {
            let column = columns.start - block.columns.start;
            for (k, channel) in channels.enumerate() {
                for tap in &self.used {
                    let at = tap.first(block, first + k) + column;
                    let from = w[column * of_output + channel * taps + tap.tap..].iter().step_by(of_output);
                    to[at..at + columns.len()]
                        .iter_mut()
                        .zip(from)
                        .for_each(|(to, &from)| *to = number(from));
                }
            }
        });
    }

    /// The columns of a block, group by group, each with the first of its group's channels among the block's terms.
    fn groups_of<'a>(&'a self, block: &'a Block) -> impl Iterator<Item = (Range<usize>, usize)> + 'a {
        let (own, seen) = (self.outputs / self.groups, self.channels / self.groups);
        let groups = block.columns.start / own..(block.columns.end - 1) / own + 1;
        groups.map(move |group| {
            let columns = (group * own).max(block.columns.start)..((group + 1) * own).min(block.columns.end);
            (columns, if self.image { 0 } else { group * seen - block.terms.start })
        })
    }

    /// `f(columns of one group, some channels of its group, the first of these in the block's terms)`, all that a block
    /// is made of.
    fn for_each_strip(&self, block: &Block, mut f: impl FnMut(Range<usize>, Range<usize>, usize)) {
        let seen = self.channels / self.groups;
        let strip = STRIP.div_ceil(self.used.len().max(1));
        for (columns, first) in self.groups_of(block) {
            for from in (0..seen).step_by(strip) {
                f(columns.clone(), from..(from + strip).min(seen), first + from);
            }
        }
    }

    /// Whether the packed weights from the `first` on are `w`, up to rounding. Those that are not used are any.
    pub(crate) fn holds<S: Scalar>(&self, packed: &[S], first: usize, w: &[f64]) -> bool {
        let of_output = self.of_output();
        if w.len() < self.outputs * of_output {
            let at = |i: usize| self.place(first + i).map(|place| packed[place]);
            return w.iter().enumerate().all(|(i, &w)| at(i).is_none_or(|own| own == S::from_f64(w)));
        }
        self.forward.par_iter().all(|block| {
            let (mut same, packed) = (true, &packed[block.start..]);
            let w = &w[block.columns.start * of_output..];
            self.for_each_strip(block, |columns, channels, first| {
                let column = columns.start - block.columns.start;
                for (k, channel) in channels.enumerate() {
                    for tap in &self.used {
                        let own = &packed[tap.first(block, first + k) + column..][..columns.len()];
                        let w = w[column * of_output + channel * self.extents.taps() + tap.tap..].iter();
                        let mut both = own.iter().zip(w.step_by(of_output));
                        same = same && both.all(|(&own, &w)| own == S::from_f64(w));
                    }
                }
            });
            same
        })
    }

    /// Where the weight at `index` lies among the packed ones; none where it is not used.
    fn place(&self, index: usize) -> Option<usize> {
        let (of_output, taps) = (self.of_output(), self.extents.taps());
        let (c, channel, tap) = (index / of_output, index % of_output / taps, index % taps);
        let tap = self.used[self.used.binary_search_by_key(&tap, |used| used.tap).ok()?];
        Some(self.place_of(c, channel, tap))
    }

    /// Where a weight of output `c` lies among the packed ones.
    fn place_of(&self, c: usize, channel: usize, tap: Tap) -> usize {
        let block = &self.forward[c / BLOCK];
        let group = c / (self.outputs / self.groups);
        let first = if self.image { 0 } else { group * (self.channels / self.groups) - block.terms.start };
        block.start + tap.first(block, first + channel) + c - block.columns.start
    }

    /// `to` ← packed weights, transposed, for the gradient of the input.
    pub(crate) fn pack_transposed<S: Scalar>(&self, kernels: &Kernels<S>, packed: &[S], to: &mut Buffer<S>) {
        let blocks = &self.backward;
        let len = |count| len(&blocks[..count], self.extents.taps());
        to.fit(len(blocks.len()));
        let to = &mut to[..len(blocks.len())];
        for_each_part(to, 0..blocks.len(), &|b| len(b + 1), &|b, to| {
            let block = &blocks[b];
            if self.groups > 1 || block.columns.len() < block.width {
                to.fill(S::ZERO);
            }
            match self.groups {
                1 => self.transpose_block(kernels, block, packed, to),
                _ => self.transpose_block_of_groups(block, packed, to),
            }
        });
    }

    /// From the packed weights, tile by tile of one tap, some inputs and some outputs.
    fn transpose_block<S: Scalar>(&self, kernels: &Kernels<S>, block: &Block, packed: &[S], to: &mut [S]) {
        let place =
            |tap: usize, of: &Block| of.start + (tap * of.terms.len() + block.columns.start) * of.width;
        for tap in self.used.iter().map(|tap| tap.tap) {
            for (i, of) in self.forward.iter().enumerate() {
                if let Some(next) = self.forward.get(i + 1) {
                    let tile = block.columns.len() * next.width * size_of::<S>();
                    prefetch(packed.as_ptr().wrapping_add(place(tap, next)), tile);
                }
                let from = place(tap, of);
                let first = (tap * block.terms.len() + of.columns.start) * block.width;
                (kernels.transpose)(Transpose {
                    from: &packed[from..],
                    from_row: of.width,
                    rows: block.columns.len(),
                    columns: of.columns.len(),
                    to: &mut to[first..],
                    to_row: block.width,
                });
            }
        }
    }

    fn transpose_block_of_groups<S: Scalar>(&self, block: &Block, packed: &[S], to: &mut [S]) {
        let (own, seen) = (self.outputs / self.groups, self.channels / self.groups);
        for (r, c) in block.terms.clone().enumerate() {
            let group = c / own;
            // The block's channels that output c sees.
            let from = block.columns.start.max(group * seen);
            let until = block.columns.end.min((group + 1) * seen);
            for &tap in &self.used {
                let to = &mut to[(tap.tap * block.terms.len() + r) * block.width..];
                for channel in from..until {
                    to[channel - block.columns.start] = packed[self.place_of(c, channel - group * seen, tap)];
                }
            }
        }
    }

    /// Numbers of the packed weights: forward, and for the gradient of the input.
    pub(crate) fn packed(&self) -> [usize; 2] {
        [len(&self.forward, self.taps()), len(&self.backward, self.extents.taps())]
    }

    /// The beginning of `room`, for the gradient of the weights.
    pub(crate) fn gradient_room<'a, S: Scalar>(&self, room: &'a mut Buffer<S>) -> &'a mut [S] {
        let len = len(&self.forward, self.taps());
        room.fit(len);
        &mut room[..len]
    }

    /// w, of shape \[outputs, channels of a group, taps\], from its packed form; zeros where none are used.
    pub(crate) fn unpack<S: Scalar>(&self, packed: &[S], to: &mut [S]) {
        let (of_output, taps) = (self.of_output(), self.extents.taps());
        self.for_each_of_block(to, &|block, to| {
            let from = &packed[block.start..];
            self.for_each_strip(block, |columns, channels, first| {
                for c in columns {
                    let column = c - block.columns.start;
                    let to = &mut to[column * of_output + channels.start * taps..][..channels.len() * taps];
                    if self.used.len() < taps {
                        to.fill(S::ZERO);
                    }
                    for tap in &self.used {
                        let from = from[tap.first(block, first) + column..].chunks(block.width);
                        let to = to.chunks_exact_mut(taps).map(|to| &mut to[tap.tap]);
                        to.zip(from).for_each(|(to, from)| *to = from[0]);
                    }
                }
            });
        });
    }

    /// The same, or ∂ℓ/∂w, in double precision.
    pub(crate) fn unpack_widened<S: Scalar>(&self, kernels: &Kernels<S>, packed: &[S], to: &mut [f64]) {
        let past_cache = to.len() > CACHED;
        self.for_each_of_block(to, &|block, to| {
            let (from, row) = (&packed[block.start..], self.of_output());
            self.for_each_run(block, |column, rows, entry, places| {
                let to = &mut to[column * row + entry..];
                (kernels.spread)(Spread { from, places, to, row, rows, past_cache });
            });
        });
    }

    /// `f(block, weights of its outputs in their places)`, in parallel.
    fn for_each_of_block<T: Send>(&self, to: &mut [T], f: &(impl Fn(&Block, &mut [T]) + Sync)) {
        let end = |b: usize| self.forward[b].columns.end * self.of_output();
        for_each_part(to, 0..self.forward.len(), &end, &|b, to| f(&self.forward[b], to));
    }
}
