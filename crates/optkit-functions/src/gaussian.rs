//! A Gaussian in three variables.
//!
//! ```text
//! f(x) = Σᵢ (x₁ exp(−½x₂(tᵢ − x₃)²) − yᵢ)²,   tᵢ = (8 − i)/2,  i = 1, …, 15
//! ```

use std::array;

use crate::catalog::{function, mgh};
use crate::number::Number;
use crate::sum_of_squares::{Residuals, sum_of_squares};
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function("gaussian", "Gaussian of 3 variables, fitted to 15 values", &[]),
    build: |operands| Ok(sum_of_squares(operands, Gaussian)),
    source: mgh!("function 9"),
};

const Y: [f64; 15] = [
    0.0009, 0.0044, 0.0175, 0.0540, 0.1295, 0.2420, 0.3521, 0.3989, 0.3521, 0.2420, 0.1295, 0.0540, 0.0175,
    0.0044, 0.0009,
];

#[derive(Clone, Copy, Debug)]
struct Gaussian;

impl Residuals<3, 15> for Gaussian {
    fn residuals<T: Number>(&self, _block: usize, [x1, x2, x3]: [T; 3]) -> [T; 15] {
        array::from_fn(|i| {
            let from_centre = x3 - (3.5 - 0.5 * i as f64);
            x1 * (-(x2 * from_centre * from_centre) * 0.5).exp() - Y[i]
        })
    }
    fn starts(&self) -> Starts {
        Starts::one(vec![0.4, 1.0, 0.0])
    }
    fn minima(&self) -> Vec<Minimum> {
        vec![Minimum::at(
            1.127_932_769_618_648e-8,
            vec![0.398_956_137_838_756_66, 1.000_019_084_487_805_6, 0.0],
        )]
    }
}
