//! Which variables form a subdomain: the restrictions R₁, …, R_N of Trotti et al. 2023, equation (4).
//!
//! The parts are pairwise disjoint (RᵢRⱼᵀ = 0) and cover all variables.

use std::ops::Range;

use optkit_core::{Subset, SubsetError};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// A split of n variables into disjoint parts that cover them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    dim: usize,
    parts: Vec<Subset>,
}

/// In which order blocks are dealt to parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deal {
    /// By a permutation drawn from this seed.
    Random(u64),
    /// As they come.
    InOrder,
}

/// Why a split is no partition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PartitionError {
    /// More parts than there are things to split.
    #[error(
        "{parts} parts need at least {parts} {what}, but there are {blocks}; use {blocks} parts or fewer"
    )]
    TooManyParts {
        /// Parts asked for.
        parts: usize,
        /// What there is.
        blocks: usize,
        /// What is split: `variables` or `tensors`.
        what: &'static str,
    },
    /// No part at all.
    #[error("a partition has at least one part")]
    NoParts,
    /// A part is no subset of the variables.
    #[error("part {part}: {source}")]
    Part {
        /// Counted from 1.
        part: usize,
        /// What is wrong with it.
        source: SubsetError,
    },
    /// A part of another number of variables.
    #[error("part {part} is a subset of {got} variables, but {dim} are split")]
    OtherDimension {
        /// Counted from 1.
        part: usize,
        /// Variables that its subset was made for.
        got: usize,
        /// n.
        dim: usize,
    },
    /// A variable in two parts.
    #[error("parts {first} and {second} share a variable; parts must be disjoint")]
    Overlap {
        /// Counted from 1.
        first: usize,
        /// Counted from 1.
        second: usize,
    },
    /// A variable in no part.
    #[error(
        "the parts hold {covered} of {dim} variables (index {first_missing} is in none); add the others, as a part of their own if need be"
    )]
    Uncovered {
        /// Variables in some part.
        covered: usize,
        /// n.
        dim: usize,
        /// The first variable in none, counted from 0.
        first_missing: usize,
    },
}

impl Partition {
    /// Runs of neighbouring variables, as equal in length as can be.
    pub fn contiguous(dim: usize, parts: usize) -> Result<Self, PartitionError> {
        if parts > dim {
            return Err(PartitionError::TooManyParts { parts, blocks: dim, what: "variables" });
        }
        let mut start = 0;
        let run = |part: usize| {
            let end = start + (dim - start) / (parts - part);
            let run = Subset::from_ranges(dim, std::iter::once(start..end));
            start = end;
            run.map_err(|source| PartitionError::Part { part: part + 1, source })
        };
        Self::new(dim, (0..parts).map(run).collect::<Result<_, _>>()?)
    }

    /// Variables dealt at random from a seed.
    pub fn random(dim: usize, parts: usize, seed: u64) -> Result<Self, PartitionError> {
        let blocks: Vec<_> = (0..dim).map(|i| i..i + 1).collect();
        Self::deal(dim, &blocks, parts, Deal::Random(seed), "variables")
    }

    /// Whole parameter tensors, given by their ranges, dealt to parts as evenly as their number allows (Trotti et
    /// al. 2023, §3.1: about M/N tensors each).
    pub fn from_ranges(
        dim: usize,
        tensors: &[Range<usize>],
        parts: usize,
        deal: Deal,
    ) -> Result<Self, PartitionError> {
        Self::deal(dim, tensors, parts, deal, "tensors")
    }

    /// Parts as lists of indices, counted from 0.
    ///
    /// ```
    /// use optkit_schwarz::Partition;
    /// assert!(Partition::explicit(3, &[vec![0, 2], vec![1]]).is_ok());
    /// assert!(Partition::explicit(3, &[vec![0, 2], vec![2, 1]]).is_err());
    /// ```
    pub fn explicit(dim: usize, lists: &[Vec<usize>]) -> Result<Self, PartitionError> {
        let parts = lists
            .iter()
            .enumerate()
            .map(|(i, list)| {
                Subset::from_indices(dim, list).map_err(|source| PartitionError::Part { part: i + 1, source })
            })
            .collect::<Result<_, _>>()?;
        Self::new(dim, parts)
    }

    fn deal(
        dim: usize,
        blocks: &[Range<usize>],
        parts: usize,
        deal: Deal,
        what: &'static str,
    ) -> Result<Self, PartitionError> {
        if parts > blocks.len() {
            return Err(PartitionError::TooManyParts { parts, blocks: blocks.len(), what });
        }
        let mut order: Vec<usize> = (0..blocks.len()).collect();
        if let Deal::Random(seed) = deal {
            let mut stream = ChaCha8Rng::seed_from_u64(seed);
            // The first stream of a seed draws initial parameters: a deal must not follow them.
            stream.set_stream(1);
            order.shuffle(&mut stream);
        }
        let mut subsets = Vec::with_capacity(parts);
        let mut dealt = 0;
        for part in 0..parts {
            let take = (blocks.len() - dealt) / (parts - part);
            let ranges = order[dealt..dealt + take].iter().map(|&i| blocks[i].clone());
            let subset = Subset::from_ranges(dim, ranges)
                .map_err(|source| PartitionError::Part { part: part + 1, source })?;
            subsets.push(subset);
            dealt += take;
        }
        Self::new(dim, subsets)
    }

    /// From subsets, which must be disjoint and cover all variables.
    pub fn new(dim: usize, parts: Vec<Subset>) -> Result<Self, PartitionError> {
        if parts.is_empty() {
            return Err(PartitionError::NoParts);
        }
        // By ranges, not by variables: a network of millions has a few dozen.
        let mut ranges = Vec::new();
        for (i, part) in parts.iter().enumerate() {
            if part.dim() != dim {
                return Err(PartitionError::OtherDimension { part: i + 1, got: part.dim(), dim });
            }
            ranges.extend(part.ranges().iter().map(|range| (range.start, range.end, i + 1)));
        }
        ranges.sort_unstable();
        let (mut end, mut owner, mut first_missing) = (0, 0, None);
        for (start, its_end, part) in ranges {
            if start < end {
                return Err(PartitionError::Overlap { first: part.min(owner), second: part.max(owner) });
            }
            if start > end {
                first_missing.get_or_insert(end);
            }
            (end, owner) = (its_end, part);
        }
        if end < dim {
            first_missing.get_or_insert(end);
        }
        if let Some(first_missing) = first_missing {
            let covered = parts.iter().map(Subset::len).sum();
            return Err(PartitionError::Uncovered { covered, dim, first_missing });
        }
        Ok(Self { dim, parts })
    }

    /// n.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The parts.
    #[must_use]
    pub fn parts(&self) -> &[Subset] {
        &self.parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said() {
        let too_many = Partition::contiguous(3, 4).unwrap_err();
        assert_eq!(
            too_many.to_string(),
            "4 parts need at least 4 variables, but there are 3; use 3 parts or fewer"
        );
        assert_eq!(
            Partition::explicit(4, &[vec![0, 1], vec![1, 3]]).unwrap_err(),
            PartitionError::Overlap { first: 1, second: 2 }
        );
        assert_eq!(
            Partition::explicit(4, &[vec![0, 1], vec![3]]).unwrap_err(),
            PartitionError::Uncovered { covered: 3, dim: 4, first_missing: 2 }
        );
        assert_eq!(Partition::contiguous(3, 0).unwrap_err(), PartitionError::NoParts);
        let of_five = Subset::from_indices(5, &[0, 1, 2]).unwrap();
        assert_eq!(
            Partition::new(3, vec![of_five]).unwrap_err(),
            PartitionError::OtherDimension { part: 1, got: 5, dim: 3 }
        );
    }

    #[test]
    fn every_variable_is_dealt_once_and_evenly() {
        for (dim, parts) in [(10, 3), (7, 7), (1000, 4), (5, 1)] {
            for partition in
                [Partition::contiguous(dim, parts).unwrap(), Partition::random(dim, parts, 9).unwrap()]
            {
                let sizes: Vec<_> = partition.parts().iter().map(Subset::len).collect();
                assert_eq!(sizes.iter().sum::<usize>(), dim);
                assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1, "{sizes:?}");
            }
        }
        assert_ne!(Partition::random(50, 5, 1).unwrap(), Partition::random(50, 5, 2).unwrap());
        assert_eq!(Partition::random(50, 5, 1).unwrap(), Partition::random(50, 5, 1).unwrap());
    }
}
