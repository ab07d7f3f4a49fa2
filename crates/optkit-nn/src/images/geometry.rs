//! Where a convolution reads and writes: its pairs of pixels, listed once for any number of samples.
//!
//! Pixel (y, x) of the output sums over the taps (j, i) of the kernel what lies at (y·s + j·d − p, x·s + i·d − p) of the
//! input, for stride s, dilation d and padding p, each by rows and by columns. Pairs that would fall on padding are left
//! out: at 8×8 pixels and a 3×3 kernel that is a sixth of the work.

use crate::kernels::Pair;

/// The extents of a convolution or a window over an image; \[rows, columns\] each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extents {
    pub(crate) input: [usize; 2],
    pub(crate) kernel: [usize; 2],
    pub(crate) stride: [usize; 2],
    pub(crate) pad: [usize; 2],
    pub(crate) dilation: [usize; 2],
}

impl Extents {
    /// A kernel as large as the image: one output pixel.
    pub(crate) fn whole(input: [usize; 2]) -> Self {
        Self { input, kernel: input, stride: [1; 2], pad: [0; 2], dilation: [1; 2] }
    }

    pub(crate) fn output(&self) -> [usize; 2] {
        let along = |i: usize| {
            let reach = self.dilation[i] * (self.kernel[i] - 1) + 1;
            (self.input[i] + 2 * self.pad[i] - reach) / self.stride[i] + 1
        };
        [along(0), along(1)]
    }

    pub(crate) fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// `f(input pixel, output pixel, tap)` for every pair, by output pixel and tap.
    pub(crate) fn for_each(&self, mut f: impl FnMut(usize, usize, usize)) {
        let [rows, columns] = self.output();
        for o in 0..rows * columns {
            for tap in 0..self.taps() {
                let at = |i: usize, o: usize, tap: usize| {
                    let padded = o * self.stride[i] + tap * self.dilation[i];
                    padded.checked_sub(self.pad[i]).filter(|&at| at < self.input[i])
                };
                let (y, x) =
                    (at(0, o / columns, tap / self.kernel[1]), at(1, o % columns, tap % self.kernel[1]));
                if let (Some(y), Some(x)) = (y, x) {
                    f(y * self.input[1] + x, o, tap);
                }
            }
        }
    }
}

/// Lists of pairs, one behind the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lists {
    ends: Vec<usize>,
    pairs: Vec<Pair>,
}

impl Lists {
    /// `count` lists of what `pairs` gives as (list, pair); within a list in the order given.
    pub(crate) fn new(count: usize, given: &[(usize, Pair)]) -> Self {
        let mut lists = vec![Vec::new(); count];
        given.iter().for_each(|&(list, pair)| lists[list].push(pair));
        let mut ends = Vec::with_capacity(count);
        let mut pairs = Vec::with_capacity(given.len());
        for list in lists {
            pairs.extend(list);
            ends.push(pairs.len());
        }
        Self { ends, pairs }
    }

    pub(crate) fn of(&self, list: usize) -> &[Pair] {
        let start = if list == 0 { 0 } else { self.ends[list - 1] };
        &self.pairs[start..self.ends[list]]
    }

    /// Of a list sorted by `b`: those with `b` in `from..to`.
    pub(crate) fn within(&self, list: usize, from: usize, to: usize) -> &[Pair] {
        let pairs = self.of(list);
        let at = |bound: usize| pairs.partition_point(|pair| (pair.b as usize) < bound);
        &pairs[at(from)..at(to)]
    }

    pub(crate) fn pairs(&self) -> usize {
        self.pairs.len()
    }
}

/// A pair of numbers of pixels or taps.
pub(crate) fn pair(a: usize, b: usize) -> Pair {
    // Networks whose images had 2³² pixels could not be stored.
    Pair { a: a as u32, b: b as u32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_absent_and_everything_else_is_there() {
        let e = Extents { input: [5, 4], kernel: [3, 2], stride: [2, 1], pad: [1, 0], dilation: [1, 2] };
        assert_eq!(e.output(), [3, 2]);
        let mut seen = Vec::new();
        e.for_each(|i, o, t| seen.push((i, o, t)));
        // Rows −1..5 of the padded image exist but for −1 and 5: 3·3 − 2 of the rows, all of the 2·2 columns.
        assert_eq!(seen.len(), 7 * 4);
        assert!(seen.contains(&(0, 0, 2)) && seen.contains(&(19, 5, 3)) && !seen.contains(&(0, 0, 0)));
    }
}
