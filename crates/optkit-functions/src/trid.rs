//! The Trid function.
//!
//! ```text
//! f(x) = Σᵢ₌₁ⁿ (xᵢ − 1)² − Σᵢ₌₂ⁿ xᵢxᵢ₋₁
//! ```
//!
//! A convex quadratic with a tridiagonal Hessian; at the minimiser xᵢ = i(n + 1 − i).

use crate::catalog::function;
use crate::number::Number;
use crate::operands::{START, count};
use crate::sum_of_terms::{Terms, sum_of_terms};
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function(
        "trid",
        "Trid function: a convex quadratic with a tridiagonal Hessian",
        &[count("n", 2, 1_000_000, "10", "number of variables"), START],
    ),
    build: |operands| Ok(sum_of_terms(operands, Trid { n: operands.count("n") })),
    source: "A. Neumaier, cited by A.-R. Hedar, Test functions for unconstrained global optimization (2005)",
};

#[derive(Clone, Copy, Debug)]
struct Trid {
    n: usize,
}

impl Terms<2> for Trid {
    fn dim(&self) -> usize {
        self.n
    }
    fn terms(&self) -> usize {
        self.n
    }
    #[inline]
    fn variables(&self, term: usize) -> [usize; 2] {
        [term.max(1) - 1, term.max(1)]
    }
    #[inline(always)] // through memory, the derivatives would take several times as long
    fn term<T: Number>(&self, term: usize, [x, next]: [T; 2]) -> T {
        match term {
            0 => (x - 1.0).squared(),
            _ => (next - 1.0).squared() - x * next,
        }
    }
    fn starts(&self) -> Starts {
        let reach = (self.n * self.n) as f64;
        Starts::cube(self.n, -reach, reach)
    }
    fn minima(&self) -> Vec<Minimum> {
        let n = self.n as f64;
        let point = (1..=self.n).map(|i| (i * (self.n + 1 - i)) as f64).collect();
        vec![Minimum::at(-n * (n + 4.0) * (n - 1.0) / 6.0, point)]
    }
    /// At the minimiser the two sums are n²/5 times the size of their difference.
    fn noise(&self) -> f64 {
        (0.2 * (self.n * self.n) as f64).max(1.0) * f64::EPSILON
    }
}
