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

mod packed;
mod passes;
mod patches;

use std::ops::Range;

pub(crate) use packed::Weights;
pub(crate) use passes::Onto;

use super::geometry::{Extents, Lists, pair};
use crate::kernels::padded;

/// Output channels of a block: two vectors.
const BLOCK: usize = 32;

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
}
