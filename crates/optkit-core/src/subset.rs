//! A set of variables: the index set behind a restriction Rᵢ: ℝⁿ → ℝⁿⁱ.

use std::ops::Range;

/// A non-empty set of variable indices, stored as disjoint ascending ranges.
///
/// The variables of a part are the subset's indices in ascending order.
///
/// ```
/// use optkit_core::Subset;
/// let s = Subset::from_ranges(5, [3..5, 0..1]).unwrap();
/// assert_eq!(s.len(), 3);
/// let mut part = [0.0; 3];
/// s.gather(&[10.0, 11.0, 12.0, 13.0, 14.0], &mut part);
/// assert_eq!(part, [10.0, 13.0, 14.0]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subset {
    ranges: Vec<Range<usize>>,
    len: usize,
    dim: usize,
}

/// Why a set of indices is no subset of the variables.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubsetError {
    /// An index beyond the last variable.
    #[error("index {index} is out of range: the problem has {dim} variables (indices 0 to {})", dim.saturating_sub(1))]
    OutOfRange {
        /// The index.
        index: usize,
        /// n.
        dim: usize,
    },
    /// The same index twice.
    #[error("index {index} appears twice; a subset holds each variable once")]
    Duplicate {
        /// The index.
        index: usize,
    },
    /// No index at all.
    #[error("a subset needs at least one variable")]
    Empty,
}

impl Subset {
    /// From ranges in any order; empty ranges are dropped, adjacent ones joined.
    pub fn from_ranges(
        dim: usize,
        ranges: impl IntoIterator<Item = Range<usize>>,
    ) -> Result<Self, SubsetError> {
        let mut sorted: Vec<_> = ranges.into_iter().filter(|r| r.start < r.end).collect();
        sorted.sort_by_key(|r| r.start);
        let mut joined: Vec<Range<usize>> = Vec::with_capacity(sorted.len());
        for range in sorted {
            if range.end > dim {
                return Err(SubsetError::OutOfRange { index: range.start.max(dim), dim });
            }
            match joined.last_mut() {
                Some(last) if range.start < last.end => {
                    return Err(SubsetError::Duplicate { index: range.start });
                }
                Some(last) if range.start == last.end => last.end = range.end,
                _ => joined.push(range),
            }
        }
        let len = joined.iter().map(Range::len).sum();
        if len == 0 {
            return Err(SubsetError::Empty);
        }
        Ok(Self { ranges: joined, len, dim })
    }

    /// From single indices in any order.
    pub fn from_indices(dim: usize, indices: &[usize]) -> Result<Self, SubsetError> {
        if let Some(&index) = indices.iter().find(|&&i| i >= dim) {
            return Err(SubsetError::OutOfRange { index, dim });
        }
        Self::from_ranges(dim, indices.iter().map(|&i| i..i + 1))
    }

    /// nᵢ, the number of variables in the subset.
    #[must_use]
    #[allow(clippy::len_without_is_empty)] // a subset is never empty
    pub fn len(&self) -> usize {
        self.len
    }

    /// n, the number of variables of the whole.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The disjoint ranges in ascending order.
    #[must_use]
    pub fn ranges(&self) -> &[Range<usize>] {
        &self.ranges
    }

    /// The indices in ascending order.
    pub fn indices(&self) -> impl Iterator<Item = usize> + '_ {
        self.ranges.iter().cloned().flatten()
    }

    /// `part` ← Rᵢx.
    pub fn gather(&self, x: &[f64], part: &mut [f64]) {
        assert!(x.len() == self.dim && part.len() == self.len, "gather: lengths do not fit the subset");
        let mut at = 0;
        for range in &self.ranges {
            part[at..at + range.len()].copy_from_slice(&x[range.clone()]);
            at += range.len();
        }
    }

    /// The subset's coordinates of x ← `part`; the others stay.
    pub fn scatter(&self, part: &[f64], x: &mut [f64]) {
        assert!(x.len() == self.dim && part.len() == self.len, "scatter: lengths do not fit the subset");
        let mut at = 0;
        for range in &self.ranges {
            x[range.clone()].copy_from_slice(&part[at..at + range.len()]);
            at += range.len();
        }
    }

    /// True where the two share a variable.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let (mut a, mut b) = (0, 0);
        while a < self.ranges.len() && b < other.ranges.len() {
            let (r, s) = (&self.ranges[a], &other.ranges[b]);
            if r.end <= s.start {
                a += 1;
            } else if s.end <= r.start {
                b += 1;
            } else {
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_indices_are_named() {
        assert_eq!(Subset::from_indices(3, &[0, 3]), Err(SubsetError::OutOfRange { index: 3, dim: 3 }));
        assert_eq!(Subset::from_indices(3, &[1, 0, 1]), Err(SubsetError::Duplicate { index: 1 }));
        assert_eq!(Subset::from_indices(3, &[]), Err(SubsetError::Empty));
    }

    #[test]
    fn scatter_undoes_gather_and_adjacent_ranges_join() {
        let s = Subset::from_ranges(8, [5..7, 0..2, 2..3]).unwrap();
        assert_eq!(s.ranges(), &[0..3, 5..7]);
        let x: Vec<f64> = (0..8).map(f64::from).collect();
        let (mut part, mut back) = (vec![0.0; s.len()], vec![-1.0; 8]);
        s.gather(&x, &mut part);
        s.scatter(&part, &mut back);
        assert_eq!(back, [0.0, 1.0, 2.0, -1.0, -1.0, 5.0, 6.0, -1.0]);
    }
}
