//! What all evaluators of one network on one set of samples share, and what an evaluation leaves behind.

use std::ops::Range;
use std::sync::Arc;

use crate::buffer::Buffer;
use crate::head::Head;
use crate::kernels::{Kernels, TILE, padded};
use crate::normalization::ByteValues;
use crate::plan::{Plan, Scope};
use crate::samples::Store;
use crate::{Samples, Scalar, Targets};

/// Chunks of samples, and with them gradient accumulators: a constant, so that sums do not depend on the number of
/// threads. More would cost memory and reduction time, fewer leave threads idle.
pub(crate) const CHUNKS: usize = 32;

/// A network, its samples and what it is compared with.
#[derive(Debug)]
pub(crate) struct Model<S: Scalar> {
    pub(crate) plan: Plan,
    pub(crate) samples: Arc<Samples>,
    pub(crate) targets: Arc<Targets>,
    pub(crate) head: Head,
    /// The number that each byte stands for.
    pub(crate) values: ByteValues<S>,
    /// Tiles of each chunk.
    pub(crate) chunks: Vec<Range<usize>>,
    /// Samples that a chunk may come to have, where samples come and go.
    room: Option<usize>,
    /// Samples that evaluations see: those of the chunks.
    seen: usize,
    pub(crate) kernels: &'static Kernels<S>,
}

impl<S: Scalar> Model<S> {
    pub(crate) fn new(plan: Plan, samples: Arc<Samples>, targets: Arc<Targets>, head: Head) -> Self {
        let tiles = samples.tiles();
        Self::of_tiles(plan, samples, targets, head, tiles)
    }

    /// With `samples` and `targets` for room in which samples come and go, `most` of them at the most.
    pub(crate) fn changing(like: &Self, samples: Samples, targets: Targets, most: usize) -> Self {
        let tiles = most.div_ceil(TILE);
        let (samples, targets) = (Arc::new(samples), Arc::new(targets));
        let model = Self::of_tiles(like.plan.clone(), samples, targets, like.head, tiles);
        let room = Some(tiles.div_ceil(model.chunks.len()) * TILE);
        Self { room, ..model }
    }

    fn of_tiles(plan: Plan, samples: Arc<Samples>, targets: Arc<Targets>, head: Head, tiles: usize) -> Self {
        let chunks = vec![0..0; tiles.min(CHUNKS)];
        let values = samples.byte_values();
        let kernels = S::kernels();
        let mut model = Self { plan, samples, targets, head, values, chunks, room: None, seen: 0, kernels };
        model.cut();
        model
    }

    /// Deal the tiles of the samples to the chunks; some may remain empty.
    pub(crate) fn cut(&mut self) {
        let (tiles, count) = (self.samples.tiles(), self.chunks.len());
        for (c, chunk) in self.chunks.iter_mut().enumerate() {
            *chunk = tiles * c / count..tiles * (c + 1) / count;
        }
        self.seen = self.samples.count();
    }

    /// Evaluations see `tiles` of the tiles from now on, as many of every chunk's as can be, so that threads have the same
    /// to do, and what a chunk has of its first tiles stays where it is. More tiles hold those that fewer hold.
    pub(crate) fn see(&mut self, tiles: usize) {
        let (all, count) = (self.samples.tiles(), self.chunks.len());
        // Round by round while every chunk has tiles left; then from those that have one more.
        let even = all / count;
        let in_rounds = tiles.min(even * count);
        let mut beyond = tiles.min(all) - in_rounds;
        for (c, chunk) in self.chunks.iter_mut().enumerate() {
            let (start, end) = (all * c / count, all * (c + 1) / count);
            let mut own = in_rounds / count + usize::from(c < in_rounds % count);
            if end - start > even && beyond > 0 {
                own += 1;
                beyond -= 1;
            }
            *chunk = start..start + own;
        }
        self.seen = (0..count).map(|c| self.chunk_rows(c).len()).sum();
    }

    /// Number of samples that evaluations see: all, but where some were [chosen](Self::see).
    pub(crate) fn count(&self) -> usize {
        self.seen
    }

    /// Rows of activations that a chunk needs.
    pub(crate) fn room(&self, chunk: usize) -> usize {
        self.room.unwrap_or_else(|| self.chunk_rows(chunk).len())
    }

    /// Samples of a chunk.
    pub(crate) fn chunk_rows(&self, chunk: usize) -> Range<usize> {
        let tiles = &self.chunks[chunk];
        tiles.start * TILE..(tiles.end * TILE).min(self.samples.count())
    }

    /// True where the first step is a product with sparse bytes.
    pub(crate) fn sparse(&self) -> bool {
        matches!(self.samples.store(), Store::Sparse(_)) && self.plan.dense[0].step == 0
    }
}

/// Outputs of dense layers that a chunk has kept, by dense layer: \[rows, padded outputs\], or empty.
pub(crate) type Kept<S> = Vec<Buffer<S>>;

/// What a forward pass leaves behind.
#[derive(Debug)]
pub(crate) struct Activations<S> {
    /// The variables that it was made at; empty: nothing is there yet.
    pub(crate) point: Vec<f64>,
    pub(crate) value: f64,
    /// How the lowest layer's outputs came about, where they were not computed directly.
    pub(crate) derived: Derivation,
    pub(crate) chunks: Vec<Kept<S>>,
}

/// Outputs derived along a line: z ← z_base + r·(z − z_base) for every r in `ratios`, beginning at `first`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Derivation {
    pub(crate) base: Vec<f64>,
    pub(crate) first: Vec<f64>,
    /// Empty: computed directly.
    pub(crate) ratios: Vec<f64>,
}

impl Derivation {
    /// One more step by `ratio` from `last` along the line from `base`.
    pub(crate) fn note(&mut self, base: &[f64], last: &[f64], ratio: f64) {
        if self.ratios.is_empty() {
            self.base.clear();
            self.base.extend_from_slice(base);
            self.first.clear();
            self.first.extend_from_slice(last);
        }
        self.ratios.push(ratio);
    }
}

impl<S> Activations<S> {
    /// True where the lowest outputs were computed by their product.
    pub(crate) fn is_direct(&self) -> bool {
        self.derived.ratios.is_empty()
    }
}

impl<S: Scalar> Activations<S> {
    /// Room for what `scope` keeps.
    pub(crate) fn new(model: &Model<S>, scope: &Scope) -> Self {
        let chunk = |c: usize| {
            let rows = model.room(c);
            let kept = scope.keep.iter().zip(&model.plan.dense);
            kept.map(|(&keep, d)| Buffer::new(if keep { rows * padded(d.outputs) } else { 0 })).collect()
        };
        let chunks = (0..model.chunks.len()).map(chunk).collect();
        Self { point: Vec::new(), value: f64::NAN, derived: Derivation::default(), chunks }
    }
}
