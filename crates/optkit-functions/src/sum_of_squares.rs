//! Sums of squares of residuals that each see a few variables.
//!
//! ```text
//! f(x) = Σₖ Σᵣ rₖᵣ(x_{k1}, …, x_{kW})²
//! ```
//!
//! Most classics have this form (Moré, Garbow & Hillstrom 1981 write all of theirs so). A function states its
//! residuals once, over any [`Number`]; gradients, Hessian products, Jacobians and decompositions follow.

use std::array;

use crate::blocks::{Blocks, Sum};
use crate::number::{Dual, Number};
use crate::pattern::Pattern;
use crate::tallied::counted;
use crate::{Minimum, Operands, Starts, TestFunction};

/// `blocks` blocks of R residuals in W variables each.
pub(crate) trait Residuals<const W: usize, const R: usize>: Clone + Send + 'static {
    fn dim(&self) -> usize {
        W
    }
    fn blocks(&self) -> usize {
        1
    }
    /// The variables of a block, ascending.
    fn variables(&self, _block: usize) -> [usize; W] {
        array::from_fn(|i| i)
    }
    fn residuals<T: Number>(&self, block: usize, x: [T; W]) -> [T; R];
    fn starts(&self) -> Starts;
    fn minima(&self) -> Vec<Minimum>;
    /// Relative error of f near its minimum: larger than ε where residuals are small differences of large numbers.
    fn noise(&self) -> f64 {
        f64::EPSILON
    }
}

/// The function of a row.
pub(crate) fn sum_of_squares<F, const W: usize, const R: usize>(
    operands: &Operands,
    f: F,
) -> Box<dyn TestFunction>
where
    F: Residuals<W, R>,
{
    counted(operands, Sum(Squares(f)))
}

#[derive(Clone, Debug)]
struct Squares<F, const W: usize, const R: usize>(F);

impl<F: Residuals<W, R>, const W: usize, const R: usize> Blocks<W> for Squares<F, W, R> {
    fn dim(&self) -> usize {
        self.0.dim()
    }
    fn blocks(&self) -> usize {
        self.0.blocks()
    }
    #[inline]
    fn variables(&self, block: usize) -> [usize; W] {
        self.0.variables(block)
    }
    #[inline]
    fn value(&self, block: usize, x: [f64; W]) -> f64 {
        self.0.residuals(block, x).iter().map(|r| r * r).sum()
    }
    /// ∇ = 2 Σ r∇r.
    #[inline]
    fn gradient(&self, block: usize, x: [f64; W]) -> (f64, [f64; W]) {
        let residuals = self.0.residuals(block, Dual::variables(x));
        let value = residuals.iter().map(|r| r.value * r.value).sum();
        let slope = |i: usize| residuals.iter().map(|r| 2.0 * r.value * r.partials[i]).sum();
        (value, array::from_fn(slope))
    }
    /// ∇²·v = 2 Σ (∇rᵀv)∇r + r∇²r·v.
    #[inline]
    fn product(&self, block: usize, x: [f64; W], v: [f64; W]) -> [f64; W] {
        let along = array::from_fn(|i| Dual::along(x[i], v[i]));
        let residuals = self.0.residuals(block, Dual::variables(along));
        array::from_fn(|i| {
            let term = |r: &Dual<Dual<f64, 1>, W>| {
                r.value.partials[0] * r.partials[i].value + r.value.value * r.partials[i].partials[0]
            };
            2.0 * residuals.iter().map(term).sum::<f64>()
        })
    }
    fn noise(&self) -> f64 {
        self.0.noise()
    }
    fn starts(&self) -> Starts {
        self.0.starts()
    }
    fn minima(&self) -> Vec<Minimum> {
        self.0.minima()
    }
    fn residuals_a_block(&self) -> Option<usize> {
        Some(R)
    }
    fn residuals(&self, block: usize, x: [f64; W], residuals: &mut [f64]) {
        residuals.copy_from_slice(&self.0.residuals(block, x));
    }
    fn jacobian(&self, block: usize, x: [f64; W], entry: &mut dyn FnMut(usize, usize, f64)) {
        let read = self.0.residuals(block, array::from_fn(Pattern::variable));
        let residuals = self.0.residuals(block, Dual::variables(x));
        for (row, (read, residual)) in read.iter().zip(&residuals).enumerate() {
            for (at, &slope) in residual.partials.iter().enumerate().filter(|(at, _)| read.holds(*at)) {
                entry(row, at, slope);
            }
        }
    }
}
