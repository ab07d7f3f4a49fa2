//! The model Hessian B at one point, as a subproblem solver sees it.

use crate::Subset;

/// A symmetric n×n matrix that can be multiplied.
pub trait Operator {
    /// Writes Bv into `bv`; both of length n.
    fn apply(&mut self, v: &[f64], bv: &mut [f64]);

    /// True where B = 0: the model is the gradient alone, and its products need not be formed.
    fn is_zero(&self) -> bool {
        false
    }

    /// B written as γI + ΨMΨᵀ, where it is of that form.
    fn compact(&self) -> Option<&dyn Compact> {
        None
    }
}

/// B = γI + ΨMΨᵀ with Ψ n×m, m small: the compact form of limited-memory quasi-Newton matrices (Byrd, Nocedal &
/// Schnabel 1994).
pub trait Compact: Sync {
    /// n.
    fn dim(&self) -> usize;

    /// m, the number of columns of Ψ; 0 where B = γI.
    fn rank(&self) -> usize;

    /// The largest m that this matrix may come to have; whoever works on it can make room once.
    fn most_rank(&self) -> usize {
        self.rank()
    }

    /// γ.
    fn gamma(&self) -> f64;

    /// Column j of Ψ.
    fn column(&self, j: usize) -> Column<'_>;

    /// M, symmetric, m×m, by columns.
    fn middle(&self) -> &[f64];

    /// ΨᵀΨ, symmetric, m×m, by columns, where it is known without a pass over Ψ. It may carry the cancellation of
    /// Y − γS: an error of about ε(‖y‖ + |γ|‖s‖)² in each entry.
    fn gram(&self) -> Option<&[f64]> {
        None
    }
}

/// A matrix of the whole restricted to the variables of a part: RBRᵀ = γI + (RΨ)M(RΨ)ᵀ with the whole's own M.
#[derive(Clone, Copy)]
pub struct Restriction<'a> {
    /// B.
    pub whole: &'a dyn Compact,
    /// The variables that R keeps.
    pub part: &'a Subset,
}

/// A column of Ψ, of length n.
#[derive(Clone, Copy, Debug)]
pub enum Column<'a> {
    /// y − γs of the secant pair (s, y), γ that of the matrix; not formed, because γ changes with every pair.
    Pair {
        /// s.
        s: &'a [f64],
        /// y.
        y: &'a [f64],
    },
    /// The column itself.
    Vector(&'a [f64]),
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
