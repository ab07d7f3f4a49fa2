//! Matyas' function.
//!
//! ```text
//! f(x) = 0.26(x₁² + x₂²) − 0.48x₁x₂ = (½(x₁ − x₂))² + (x₁ + x₂)²/100
//! ```

use crate::catalog::function;
use crate::number::Number;
use crate::operands::START;
use crate::sum_of_squares::{Residuals, sum_of_squares};
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function("matyas", "Matyas' function of 2 variables: a flat convex quadratic", &[START]),
    build: |operands| Ok(sum_of_squares(operands, Matyas)),
    source: "M. Jamil, X.-S. Yang, A literature survey of benchmark functions for global optimisation problems, \
             International Journal of Mathematical Modelling and Numerical Optimisation 4 (2013); after J. Matyas (1965)",
};

#[derive(Clone, Copy, Debug)]
struct Matyas;

impl Residuals<2, 2> for Matyas {
    fn residuals<T: Number>(&self, _block: usize, [x1, x2]: [T; 2]) -> [T; 2] {
        [(x1 - x2) * 0.5, (x1 + x2) * 0.1]
    }
    fn starts(&self) -> Starts {
        Starts::cube(2, -10.0, 10.0)
    }
    fn minima(&self) -> Vec<Minimum> {
        vec![Minimum::at(0.0, vec![0.0, 0.0])]
    }
}
