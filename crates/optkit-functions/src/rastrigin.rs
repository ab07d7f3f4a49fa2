//! Rastrigin's function.
//!
//! ```text
//! f(x) = Σᵢ xᵢ² + 10(1 − cos 2πxᵢ) = Σᵢ xᵢ² + 20sin²πxᵢ
//! ```
//!
//! Evaluated as the second form: a sum of squares without cancellation. A local minimum near every point of integers.

use std::f64::consts::PI;

use crate::catalog::function;
use crate::number::Number;
use crate::operands::{START, variables};
use crate::sum_of_squares::{Residuals, sum_of_squares};
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function(
        "rastrigin",
        "Rastrigin's function: a lattice of local minima",
        &[variables(1, "2"), START],
    ),
    build: |operands| Ok(sum_of_squares(operands, Rastrigin { n: operands.count("n") })),
    source: "L. A. Rastrigin, Systems of Extremal Control (1974); generalised by H. Mühlenbein, M. Schomisch, J. Born, \
             Parallel Computing 17 (1991)",
};

#[derive(Clone, Copy, Debug)]
struct Rastrigin {
    n: usize,
}

impl Residuals<1, 2> for Rastrigin {
    fn dim(&self) -> usize {
        self.n
    }
    fn blocks(&self) -> usize {
        self.n
    }
    #[inline]
    fn variables(&self, block: usize) -> [usize; 1] {
        [block]
    }
    #[inline(always)] // through memory, the derivatives would take several times as long
    fn residuals<T: Number>(&self, _block: usize, [x]: [T; 1]) -> [T; 2] {
        [x, (x * PI).sin() * 20_f64.sqrt()]
    }
    fn starts(&self) -> Starts {
        Starts::cube(self.n, -5.12, 5.12)
    }
    fn minima(&self) -> Vec<Minimum> {
        vec![Minimum::at(0.0, vec![0.0; self.n])]
    }
}
