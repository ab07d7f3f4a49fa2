//! Booth's function.
//!
//! ```text
//! f(x) = (x₁ + 2x₂ − 7)² + (2x₁ + x₂ − 5)²
//! ```

use crate::catalog::function;
use crate::number::Number;
use crate::operands::START;
use crate::sum_of_squares::{Residuals, sum_of_squares};
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function("booth", "Booth's function of 2 variables: a convex quadratic", &[START]),
    build: |operands| Ok(sum_of_squares(operands, Booth)),
    source: "M. Jamil, X.-S. Yang, A literature survey of benchmark functions for global optimisation problems, \
             International Journal of Mathematical Modelling and Numerical Optimisation 4 (2013)",
};

#[derive(Clone, Copy, Debug)]
struct Booth;

impl Residuals<2, 2> for Booth {
    fn residuals<T: Number>(&self, _block: usize, [x1, x2]: [T; 2]) -> [T; 2] {
        [x1 + x2 * 2.0 - 7.0, x1 * 2.0 + x2 - 5.0]
    }
    fn starts(&self) -> Starts {
        Starts::cube(2, -10.0, 10.0)
    }
    fn minima(&self) -> Vec<Minimum> {
        vec![Minimum::at(0.0, vec![1.0, 3.0])]
    }
}
