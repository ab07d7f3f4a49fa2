//! The model Hessian B at one point, as a subproblem solver sees it.

/// A symmetric n×n matrix that can be multiplied.
pub trait Operator {
    /// Writes Bv into `bv`; both of length n.
    fn apply(&mut self, v: &[f64], bv: &mut [f64]);

    /// True where B = 0: the model is the gradient alone, and its products need not be formed.
    fn is_zero(&self) -> bool {
        false
    }
}

/// B = 0, the Hessian of a first-order model.
#[derive(Clone, Copy, Debug, Default)]
pub struct Zero;

impl Operator for Zero {
    fn apply(&mut self, _v: &[f64], bv: &mut [f64]) {
        bv.fill(0.0);
    }
    fn is_zero(&self) -> bool {
        true
    }
}
