//! Wood's function.
//!
//! ```text
//! f(x) = 100(x₂ − x₁²)² + (1 − x₁)² + 90(x₄ − x₃²)² + (1 − x₃)² + 10(x₂ + x₄ − 2)² + (x₂ − x₄)²/10
//! ```
//!
//! Near (−1, 1, −1, 1) a saddle point with f ≈ 7.88 holds up methods without negative curvature.

use crate::catalog::{function, mgh};
use crate::number::Number;
use crate::sum_of_squares::{Residuals, sum_of_squares};
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function("wood", "Wood's function of 4 variables: a saddle point on the way to the minimum", &[]),
    build: |operands| Ok(sum_of_squares(operands, Wood)),
    source: mgh!("function 14; after A. R. Colville, IBM report 320-2949 (1968)"),
};

#[derive(Clone, Copy, Debug)]
struct Wood;

impl Residuals<4, 6> for Wood {
    fn residuals<T: Number>(&self, _block: usize, [x1, x2, x3, x4]: [T; 4]) -> [T; 6] {
        [
            (x2 - x1 * x1) * 10.0,
            x1 - 1.0,
            (x4 - x3 * x3) * 90_f64.sqrt(),
            x3 - 1.0,
            (x2 + x4 - 2.0) * 10_f64.sqrt(),
            (x2 - x4) * 0.1_f64.sqrt(),
        ]
    }
    fn starts(&self) -> Starts {
        Starts::one(vec![-3.0, -1.0, -3.0, -1.0])
    }
    fn minima(&self) -> Vec<Minimum> {
        vec![Minimum::at(0.0, vec![1.0; 4])]
    }
}
