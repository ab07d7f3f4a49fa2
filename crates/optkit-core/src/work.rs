//! Work, counted the same way for every objective and every part of one.

use std::ops::{Add, AddAssign, Sub};

/// Evaluations made and what they cost, in *gradient equivalents*.
///
/// A gradient equivalent (GE) is one evaluation of f with ∇f on the whole problem. A forward pass alone is ½, the
/// backward pass after it ½; a part of a network counts by its own multiply-adds on the same scale, whatever
/// kernel or sparsity computes them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Work {
    /// Values of f computed, alone or with a gradient; one that is still known is not computed again.
    pub values: u64,
    /// Gradients of f computed.
    pub gradients: u64,
    /// Products with ∇²f computed.
    pub hessian_products: u64,
    /// Cost of all of them.
    pub gradient_equivalents: f64,
}

impl Add for Work {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            values: self.values + other.values,
            gradients: self.gradients + other.gradients,
            hessian_products: self.hessian_products + other.hessian_products,
            gradient_equivalents: self.gradient_equivalents + other.gradient_equivalents,
        }
    }
}

impl AddAssign for Work {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Work {
    type Output = Self;
    /// The work between two readings of one counter.
    fn sub(self, earlier: Self) -> Self {
        Self {
            values: self.values - earlier.values,
            gradients: self.gradients - earlier.gradients,
            hessian_products: self.hessian_products - earlier.hessian_products,
            gradient_equivalents: self.gradient_equivalents - earlier.gradient_equivalents,
        }
    }
}
