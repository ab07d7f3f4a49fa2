//! What an output pixel sees of the input, as rows in the order of an output channel's weights.

use std::ops::Range;

use super::Convolution;
use crate::Scalar;
use crate::kernels::padded;

impl Convolution {
    /// Weights of an output channel: values of a patch.
    pub(crate) fn patch_len(&self) -> usize {
        self.channels / self.groups * self.extents.taps()
    }

    /// Output pixels.
    pub(crate) fn pixels(&self) -> usize {
        self.extents.output().iter().product()
    }

    /// Groups of channels, each with patches of its own.
    pub(crate) fn groups(&self) -> usize {
        self.groups
    }

    /// `to` ← the patches that output pixel `pixel` sees of `some` of the `samples` of x, \[samples, groups, padded
    /// patch\]; zeros where it sees padding.
    pub(crate) fn patches<S: Scalar>(
        &self,
        (x, samples): (&[S], usize),
        pixel: usize,
        some: &Range<usize>,
        to: &mut [S],
    ) {
        let (taps, seen, stride) =
            (self.extents.taps(), self.channels / self.groups, padded(self.patch_len()));
        to[..some.len() * self.groups * stride].fill(S::ZERO);
        let [across, column] = [self.extents.kernel[1], pixel % self.extents.output()[1]];
        for (n, to) in some.clone().zip(to.chunks_exact_mut(self.groups * stride)) {
            for pair in self.reads.of(pixel) {
                let (unit, tap) = (pair.a as usize * samples + n, pair.b as usize);
                if self.image {
                    // A row of the kernel: its taps lie one behind the other.
                    let at = unit * self.image_row() + column * self.extents.stride[1] * self.channels;
                    for i in 0..across {
                        let from = &x[at + i * self.channels..][..self.channels];
                        let to = to[tap * across + i..].iter_mut().step_by(taps);
                        to.zip(from).for_each(|(to, &v)| *to = v);
                    }
                    continue;
                }
                let from = &x[unit * padded(self.channels)..][..self.channels];
                for (from, to) in from.chunks_exact(seen).zip(to.chunks_exact_mut(stride)) {
                    to[tap..].iter_mut().step_by(taps).zip(from).for_each(|(to, &v)| *to = v);
                }
            }
        }
    }
}
