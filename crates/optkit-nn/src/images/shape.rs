//! The extents of a value of all samples: \[pixels\]\[samples\]\[channels, padded to `stride`\].

use std::ops::Range;

#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) pixels: usize,
    pub(crate) samples: usize,
    pub(crate) channels: usize,
    pub(crate) stride: usize,
    /// Most samples that are normalised together.
    pub(crate) together: usize,
    /// Most samples that there may come to be.
    pub(crate) most: usize,
}

impl Shape {
    /// Some samples of a pixel.
    pub(crate) fn rows<'a, S>(&self, of: &'a [S], pixel: usize, samples: &Range<usize>) -> &'a [S] {
        let at = (pixel * self.samples + samples.start) * self.stride;
        &of[at..at + samples.len() * self.stride]
    }
}
