//! Beale's function.
//!
//! ```text
//! f(x) = Σᵢ₌₁³ (yᵢ − x₁(1 − x₂ⁱ))²,   y = (1.5, 2.25, 2.625)
//! ```
//!
//! Far out, along x₁(1 − x₂) ≈ 0.991, f falls towards 0.452 without a minimum: descent may run off there.

use crate::catalog::{function, mgh};
use crate::number::Number;
use crate::sum_of_squares::{Residuals, sum_of_squares};
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function("beale", "Beale's function of 2 variables: flat plains around a narrow basin", &[]),
    build: |operands| Ok(sum_of_squares(operands, Beale)),
    source: mgh!("function 5; after E. M. L. Beale, Princeton report 25 (1958)"),
};

#[derive(Clone, Copy, Debug)]
struct Beale;

impl Residuals<2, 3> for Beale {
    fn residuals<T: Number>(&self, _block: usize, [x1, x2]: [T; 2]) -> [T; 3] {
        let square = x2 * x2;
        [x1 * (x2 - 1.0) + 1.5, x1 * (square - 1.0) + 2.25, x1 * (square * x2 - 1.0) + 2.625]
    }
    fn starts(&self) -> Starts {
        Starts::one(vec![1.0, 1.0])
    }
    fn minima(&self) -> Vec<Minimum> {
        vec![Minimum::at(0.0, vec![3.0, 0.5])]
    }
}
