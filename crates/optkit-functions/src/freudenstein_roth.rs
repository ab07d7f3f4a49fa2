//! Freudenstein and Roth's function.
//!
//! ```text
//! f(x) = (x₁ − 13 + ((5 − x₂)x₂ − 2)x₂)² + (x₁ − 29 + ((x₂ + 1)x₂ − 14)x₂)²
//! ```
//!
//! From the standard start descent ends in the local minimum.

use crate::catalog::{function, mgh};
use crate::number::Number;
use crate::sum_of_squares::{Residuals, sum_of_squares};
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function(
        "freudenstein_roth",
        "Freudenstein and Roth's function of 2 variables: a local minimum on the way",
        &[],
    ),
    build: |operands| Ok(sum_of_squares(operands, FreudensteinRoth)),
    source: mgh!("function 2; after F. Freudenstein, B. Roth, J. ACM 10 (1963)"),
};

#[derive(Clone, Copy, Debug)]
struct FreudensteinRoth;

impl Residuals<2, 2> for FreudensteinRoth {
    fn residuals<T: Number>(&self, _block: usize, [x1, x2]: [T; 2]) -> [T; 2] {
        [x1 - 13.0 + (-(x2 - 5.0) * x2 - 2.0) * x2, x1 - 29.0 + ((x2 + 1.0) * x2 - 14.0) * x2]
    }
    fn starts(&self) -> Starts {
        Starts::one(vec![0.5, -2.0])
    }
    fn minima(&self) -> Vec<Minimum> {
        vec![
            Minimum::at(0.0, vec![5.0, 4.0]),
            Minimum::at(48.984_253_679_240_02, vec![11.412_778_986_902_094, -0.896_805_253_274_476_5]),
        ]
    }
}
