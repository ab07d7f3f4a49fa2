//! How many numbers an optimizer holds, told before it holds any.
//!
//! Vectors of n numbers are most of what an optimizer needs of memory. Each says for itself how many there are
//! ([`Optimizer::storage`](crate::Optimizer::storage)), beside the buffers that it speaks of; a test holds every method of
//! the language to what an allocator counts.

use std::ops::{Add, AddAssign};

/// Numbers (`f64`) that an optimizer holds.
///
/// ```
/// use optkit_core::Storage;
/// let iterate = Storage { held: 300, saved: 200 };
/// assert_eq!(iterate + Storage::held(100), Storage { held: 400, saved: 200 });
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Storage {
    /// In all buffers together, once they are as large as they will be.
    pub held: usize,
    /// In the copies that [`save`](crate::Optimizer::save) makes, at the most.
    pub saved: usize,
}

impl Storage {
    /// Numbers that no saved state has.
    #[must_use]
    pub const fn held(held: usize) -> Self {
        Self { held, saved: 0 }
    }
}

impl Add for Storage {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { held: self.held + other.held, saved: self.saved + other.saved }
    }
}

impl AddAssign for Storage {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// What of an objective decides how much an optimizer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// n.
    pub dim: usize,
    /// It shows one batch of its samples after another.
    pub batches: bool,
    /// It offers products with its Hessian.
    pub products: bool,
    /// How its parts are evaluated; none where it does not decompose.
    pub parts: Option<Turns>,
    /// Most columns of the matrix that a part's model begins with ([`Begin::model`](crate::Begin::model)); 0 for a whole.
    pub columns: usize,
}

/// How the parts of a decomposition are evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turns {
    /// Side by side: [`Decomposition::concurrent`](crate::Decomposition::concurrent).
    Together,
    /// One after another.
    InTurn,
}
