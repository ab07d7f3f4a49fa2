//! Brown's badly scaled function.
//!
//! ```text
//! f(x) = (x₁ − 10⁶)² + (x₂ − 2·10⁻⁶)² + (x₁x₂ − 2)²
//! ```

use crate::catalog::{function, mgh};
use crate::number::Number;
use crate::sum_of_squares::{Residuals, sum_of_squares};
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function("brown_badly_scaled", "Brown's badly scaled function of 2 variables", &[]),
    build: |operands| Ok(sum_of_squares(operands, BrownBadlyScaled)),
    source: mgh!("function 4"),
};

#[derive(Clone, Copy, Debug)]
struct BrownBadlyScaled;

impl Residuals<2, 3> for BrownBadlyScaled {
    fn residuals<T: Number>(&self, _block: usize, [x1, x2]: [T; 2]) -> [T; 3] {
        [x1 - 1e6, x2 - 2e-6, x1 * x2 - 2.0]
    }
    fn starts(&self) -> Starts {
        Starts::one(vec![1.0, 1.0])
    }
    fn minima(&self) -> Vec<Minimum> {
        vec![Minimum::at(0.0, vec![1e6, 2e-6])]
    }
}
