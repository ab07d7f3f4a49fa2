//! Himmelblau's function.
//!
//! ```text
//! f(x) = (x₁² + x₂ − 11)² + (x₁ + x₂² − 7)²
//! ```
//!
//! Four minima, all of value 0.

use crate::catalog::function;
use crate::number::Number;
use crate::operands::START;
use crate::sum_of_squares::{Residuals, sum_of_squares};
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function("himmelblau", "Himmelblau's function of 2 variables: four equal minima", &[START]),
    build: |operands| Ok(sum_of_squares(operands, Himmelblau)),
    source: "D. M. Himmelblau, Applied Nonlinear Programming (1972)",
};

#[derive(Clone, Copy, Debug)]
struct Himmelblau;

impl Residuals<2, 2> for Himmelblau {
    fn residuals<T: Number>(&self, _block: usize, [x1, x2]: [T; 2]) -> [T; 2] {
        [x1 * x1 + x2 - 11.0, x1 + x2 * x2 - 7.0]
    }
    fn starts(&self) -> Starts {
        Starts::cube(2, -5.0, 5.0)
    }
    fn minima(&self) -> Vec<Minimum> {
        vec![
            Minimum::at(0.0, vec![3.0, 2.0]),
            Minimum::at(0.0, vec![-2.805_118_086_952_745, 3.131_312_518_250_573]),
            Minimum::at(0.0, vec![-3.779_310_253_377_747, -3.283_185_991_286_169_6]),
            Minimum::at(0.0, vec![3.584_428_340_330_491_7, -1.848_126_526_964_403_6]),
        ]
    }
}
