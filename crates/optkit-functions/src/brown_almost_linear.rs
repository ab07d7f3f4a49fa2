//! Brown's almost linear function.
//!
//! ```text
//! f(x) = Σᵢ₌₁ⁿ⁻¹ (xᵢ + Σⱼ xⱼ − (n + 1))² + (Πⱼ xⱼ − 1)²
//! ```
//!
//! Zero at (α, …, α, α^{1−n}) for every root α of nαⁿ − (n + 1)αⁿ⁻¹ + 1 = 0, of which 1 is one; a local minimum of
//! value 1 at (0, …, 0, n + 1).

use crate::catalog::{function, mgh};
use crate::dense::{DenseResiduals, dense_squares};
use crate::number::Number;
use crate::operands::count;
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function(
        "brown_almost_linear",
        "Brown's almost linear function",
        &[count("n", 2, 1_000_000, "10", "number of variables")],
    ),
    build: |operands| Ok(dense_squares(operands, BrownAlmostLinear { n: operands.count("n") })),
    source: mgh!("function 27; after K. M. Brown, SIAM Journal on Numerical Analysis 6 (1969)"),
};

#[derive(Clone, Copy, Debug)]
struct BrownAlmostLinear {
    n: usize,
}

impl DenseResiduals for BrownAlmostLinear {
    fn dim(&self) -> usize {
        self.n
    }
    fn count(&self) -> usize {
        self.n
    }
    fn residuals<T: Number>(&self, x: &[T], residuals: &mut [T]) {
        let zero = T::constant(0.0);
        let sum = x.iter().fold(zero, |sum, x| sum + *x) - (self.n + 1) as f64;
        let product = x.iter().fold(T::constant(1.0), |product, x| product * *x);
        for (r, x) in residuals.iter_mut().zip(x) {
            *r = *x + sum;
        }
        residuals[self.n - 1] = product - 1.0;
    }
    fn pull_back<T: Number>(&self, x: &[T], residuals: &[T], pulled: &mut [T]) {
        // Products of the others from both sides: a division by xᵢ would fail at 0.
        let last = residuals[self.n - 1];
        let mut before = T::constant(1.0);
        for (pulled, x) in pulled.iter_mut().zip(x) {
            *pulled = before;
            before = before * *x;
        }
        let linear = &residuals[..self.n - 1];
        let sum = linear.iter().fold(T::constant(0.0), |sum, r| sum + *r);
        let mut after = last;
        for (i, (pulled, x)) in pulled.iter_mut().zip(x).enumerate().rev() {
            let own = linear.get(i).map_or(sum, |r| sum + *r);
            *pulled = *pulled * after + own;
            after = after * *x;
        }
    }
    fn jacobian(&self, x: &[f64], entry: &mut dyn FnMut(usize, usize, f64)) {
        for row in 0..self.n - 1 {
            for i in 0..self.n {
                entry(row, i, if i == row { 2.0 } else { 1.0 });
            }
        }
        let others = |i: usize| x.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, x)| x).product();
        for i in 0..self.n {
            entry(self.n - 1, i, others(i));
        }
    }
    fn starts(&self) -> Starts {
        Starts::one(vec![0.5; self.n])
    }
    fn minima(&self) -> Vec<Minimum> {
        let mut far = vec![0.0; self.n];
        far[self.n - 1] = (self.n + 1) as f64;
        vec![Minimum::at(0.0, vec![1.0; self.n]), Minimum::at(1.0, far)]
    }
}
