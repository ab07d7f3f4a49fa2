//! Weights in the order in which the passes read them, and their gradient back from it.
//!
//! Large networks have few pixels where they have many weights: with small mini-batches, moving weights costs as much as
//! computing with them. So they are rounded and packed in one go, a block at a time that stays in cache; the transposed
//! copy is made from the packed one, which holds only the taps that are used; and derivatives go from their packed form to
//! their places in one go.

use std::ops::Range;

use super::{Block, Convolution};
use crate::Scalar;
use crate::buffer::Buffer;
use crate::kernels::{Kernels, for_each_part, for_each_part_of_two, prefetch};

/// Weights of an output channel that are moved at a time: with those of a block's other channels, they stay in the first
/// level of cache.
const STRIP: usize = 144;

/// Weights as the passes read them.
#[derive(Debug, Default)]
pub(crate) struct Weights<S> {
    pub(crate) forward: Buffer<S>,
    /// Transposed, for the gradient of the input; empty where that is not wanted.
    pub(crate) backward: Buffer<S>,
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
    pub(crate) fn pack<S: Scalar>(&self, w: &[S], to: &mut Weights<S>) {
        let blocks = &self.forward;
        let len = |count| len(&blocks[..count], self.taps());
        to.forward.fit(len(blocks.len()));
        for_each_part(&mut to.forward[..len(blocks.len())], 0..blocks.len(), &|b| len(b + 1), &|b, to| {
            self.pack_block(&blocks[b], &w[blocks[b].columns.start * self.of_output()..], to);
        });
    }

    /// The same of numbers that are rounded to `w` on the way.
    pub(crate) fn round_and_pack<S: Scalar>(
        &self,
        kernels: &Kernels<S>,
        from: &[f64],
        w: &mut [S],
        to: &mut Weights<S>,
    ) {
        let (blocks, of_output) = (&self.forward, self.of_output());
        let len = |count| len(&blocks[..count], self.taps());
        to.forward.fit(len(blocks.len()));
        for_each_part_of_two(
            (w, &mut to.forward[..len(blocks.len())]),
            0..blocks.len(),
            &|b| (blocks[b].columns.end * of_output, len(b + 1)),
            &|b, w, to| {
                (kernels.round)(&from[blocks[b].columns.start * of_output..][..w.len()], w);
                self.pack_block(&blocks[b], w, to);
            },
        );
    }

    /// Of a block: `w` begins with its first output.
    fn pack_block<S: Scalar>(&self, block: &Block, w: &[S], to: &mut [S]) {
        let (of_output, taps) = (self.of_output(), self.extents.taps());
        self.for_each_strip(block, |columns, channels, first| {
            let column = columns.start - block.columns.start;
            for (k, channel) in channels.enumerate() {
                for tap in &self.used {
                    let at = tap.first(block, first + k) + column;
                    let from = w[column * of_output + channel * taps + tap.tap..].iter().step_by(of_output);
                    to[at..at + columns.len()].iter_mut().zip(from).for_each(|(to, &from)| *to = from);
                }
            }
        });
    }

    /// `f(columns of one group, some channels of its group, the first of these in the block's terms)`, all that a block
    /// is made of.
    fn for_each_strip(&self, block: &Block, mut f: impl FnMut(Range<usize>, Range<usize>, usize)) {
        let (own, seen) = (self.outputs / self.groups, self.channels / self.groups);
        let strip = STRIP.div_ceil(self.used.len().max(1));
        let mut column = block.columns.start;
        while column < block.columns.end {
            let group = column / own;
            let end = ((group + 1) * own).min(block.columns.end);
            for from in (0..seen).step_by(strip) {
                let first = if self.image { 0 } else { group * seen - block.terms.start };
                f(column..end, from..(from + strip).min(seen), first + from);
            }
            column = end;
        }
    }

    /// Take over w for the gradient of the input; it has been packed for the forward pass.
    pub(crate) fn pack_transposed<S: Scalar>(&self, w: &[S], weights: &mut Weights<S>) {
        let blocks = &self.backward;
        let len = |count| len(&blocks[..count], self.extents.taps());
        let Weights { forward, backward, .. } = weights;
        backward.fit(len(blocks.len()));
        for_each_part(&mut backward[..len(blocks.len())], 0..blocks.len(), &|b| len(b + 1), &|b, to| {
            match self.groups {
                1 => self.transpose_block(&blocks[b], forward, to),
                _ => self.transpose_block_of_groups(&blocks[b], w, to),
            }
        });
    }

    /// From the packed weights, tile by tile of one tap, some inputs and some outputs.
    fn transpose_block<S: Scalar>(&self, block: &Block, packed: &[S], to: &mut [S]) {
        for tap in self.used.iter().map(|tap| tap.tap) {
            for of in &self.forward {
                let first = (tap * of.terms.len() + block.columns.start) * of.width;
                let tile = &packed[of.start + first..][..block.columns.len() * of.width];
                for (column, output) in of.columns.clone().enumerate() {
                    let to = &mut to[(tap * block.terms.len() + output) * block.width..];
                    let from = tile[column..].iter().step_by(of.width);
                    to.iter_mut().zip(from).for_each(|(to, &from)| *to = from);
                }
            }
        }
    }

    fn transpose_block_of_groups<S: Scalar>(&self, block: &Block, w: &[S], to: &mut [S]) {
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

    /// ∂ℓ/∂w, of shape \[outputs, channels of a group, taps\], from its packed form.
    pub(crate) fn unpack<S: Scalar>(&self, packed: &[S], gradient: &mut [f64]) {
        let (of_output, taps) = (self.of_output(), self.extents.taps());
        let end = |b: usize| self.forward[b].columns.end * of_output;
        for_each_part(gradient, 0..self.forward.len(), &end, &|b, to| {
            let block = &self.forward[b];
            let from = &packed[block.start..];
            self.for_each_strip(block, |columns, channels, first| {
                for c in columns {
                    let column = c - block.columns.start;
                    let to = &mut to[column * of_output + channels.start * taps..][..channels.len() * taps];
                    if self.used.len() < taps {
                        to.fill(0.0);
                    }
                    for (i, tap) in self.used.iter().enumerate() {
                        let from = from[tap.first(block, first) + column..].chunks(block.width);
                        for (to, from) in to.chunks_exact_mut(taps).zip(from) {
                            if i == 0 {
                                // The same weight of the next output.
                                prefetch(to.as_ptr().wrapping_add(of_output), 1);
                            }
                            to[tap.tap] = from[0].to_f64();
                        }
                    }
                }
            });
        });
    }
}
