//! Branin's function.
//!
//! ```text
//! f(x) = (x₂ − bx₁² + cx₁ − 6)² + 10(1 − t)cos x₁ + 10,   b = 5.1/4π²,  c = 5/π,  t = 1/8π
//! ```
//!
//! Three equal minima in the usual box.

use std::f64::consts::PI;

use crate::catalog::function;
use crate::number::Number;
use crate::operands::START;
use crate::sum_of_terms::{Terms, sum_of_terms};
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function("branin", "Branin's function of 2 variables: three equal minima", &[START]),
    build: |operands| Ok(sum_of_terms(operands, Branin)),
    source: "F. H. Branin, Widely convergent method for finding multiple solutions of simultaneous nonlinear \
             equations, IBM Journal of Research and Development 16 (1972)",
};

/// t.
const TURN: f64 = 1.0 / (8.0 * PI);

#[derive(Clone, Copy, Debug)]
struct Branin;

impl Terms<2> for Branin {
    fn term<T: Number>(&self, _term: usize, [x1, x2]: [T; 2]) -> T {
        let parabola = x2 - x1 * x1 * (5.1 / (4.0 * PI * PI)) + x1 * (5.0 / PI) - 6.0;
        parabola * parabola + x1.cos() * (10.0 - 10.0 * TURN) + 10.0
    }
    fn starts(&self) -> Starts {
        Starts::Drawn { lower: vec![-5.0, 0.0], upper: vec![10.0, 15.0] }
    }
    fn minima(&self) -> Vec<Minimum> {
        let value = 10.0 * TURN;
        let minimum = |x1, x2| Minimum::at(value, vec![x1, x2]);
        vec![minimum(-PI, 12.275), minimum(PI, 2.275), minimum(3.0 * PI, 2.475)]
    }
}
