//! Dixon and Price's function.
//!
//! ```text
//! f(x) = (x₁ − 1)² + Σᵢ₌₂ⁿ i(2xᵢ² − xᵢ₋₁)²
//! ```
//!
//! The signs of x₂, …, xₙ do not all matter: −xₙ is as good as xₙ.

use crate::catalog::function;
use crate::number::Number;
use crate::operands::{START, variables};
use crate::sum_of_squares::{Residuals, sum_of_squares};
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function(
        "dixon_price",
        "Dixon and Price's function: a chain of parabolas",
        &[variables(2, "10"), START],
    ),
    build: |operands| Ok(sum_of_squares(operands, DixonPrice { n: operands.count("n") })),
    source: "L. C. W. Dixon, R. C. Price, The truncated Newton method for sparse unconstrained optimisation using \
             automatic differentiation, Journal of Optimization Theory and Applications 60 (1989)",
};

#[derive(Clone, Copy, Debug)]
struct DixonPrice {
    n: usize,
}

impl Residuals<2, 1> for DixonPrice {
    fn dim(&self) -> usize {
        self.n
    }
    fn blocks(&self) -> usize {
        self.n
    }
    #[inline]
    fn variables(&self, block: usize) -> [usize; 2] {
        [block.max(1) - 1, block.max(1)]
    }
    #[inline(always)] // through memory, the derivatives would take several times as long
    fn residuals<T: Number>(&self, block: usize, [x, next]: [T; 2]) -> [T; 1] {
        match block {
            0 => [x - 1.0],
            _ => [(next * next * 2.0 - x) * ((block + 1) as f64).sqrt()],
        }
    }
    fn starts(&self) -> Starts {
        Starts::cube(self.n, -10.0, 10.0)
    }
    fn minima(&self) -> Vec<Minimum> {
        // xᵢ = 2^(2^{1−i} − 1), so that 2xᵢ² = xᵢ₋₁.
        let mut point: Vec<f64> = (0..self.n).map(|i| (0.5_f64.powf(i as f64) - 1.0).exp2()).collect();
        let one = Minimum::at(0.0, point.clone());
        point[self.n - 1] *= -1.0;
        vec![one, Minimum::at(0.0, point)]
    }
}
