//! The chained Rosenbrock function.
//!
//! ```text
//! f(x) = Σᵢ₌₁ⁿ⁻¹ 100(xᵢ₊₁ − xᵢ²)² + (1 − xᵢ)²
//! ```
//!
//! A curved valley. For n from 4 to 30 a second, local minimum near (−1, 1, …, 1) is known (Y.-W. Shang, Y.-H. Qiu,
//! Evolutionary Computation 14, 2006).

use crate::catalog::function;
use crate::number::Number;
use crate::operands::variables;
use crate::sum_of_squares::{Residuals, sum_of_squares};
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function("rosenbrock", "chained Rosenbrock function: a curved valley", &[variables(2, "2")]),
    build: |operands| Ok(sum_of_squares(operands, Rosenbrock { n: operands.count("n") })),
    source: "H. H. Rosenbrock, An automatic method for finding the greatest or least value of a function, \
             The Computer Journal 3 (1960); chained as in Ph. L. Toint, Mathematics of Computation 32 (1978)",
};

#[derive(Clone, Copy, Debug)]
struct Rosenbrock {
    n: usize,
}

impl Residuals<2, 2> for Rosenbrock {
    fn dim(&self) -> usize {
        self.n
    }
    fn blocks(&self) -> usize {
        self.n - 1
    }
    #[inline]
    fn variables(&self, block: usize) -> [usize; 2] {
        [block, block + 1]
    }
    #[inline(always)] // through memory, the derivatives would take several times as long
    fn residuals<T: Number>(&self, _block: usize, [x, next]: [T; 2]) -> [T; 2] {
        [(next - x * x) * 10.0, x - 1.0]
    }
    fn starts(&self) -> Starts {
        Starts::one((0..self.n).map(|i| if i % 2 == 0 { -1.2 } else { 1.0 }).collect())
    }
    fn minima(&self) -> Vec<Minimum> {
        vec![Minimum::at(0.0, vec![1.0; self.n])]
    }
}
