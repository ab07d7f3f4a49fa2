//! The EXP6 function of Biggs.
//!
//! ```text
//! f(x) = Σᵢ (x₃e^{−tᵢx₁} − x₄e^{−tᵢx₂} + x₆e^{−tᵢx₅} − yᵢ)²
//! yᵢ = e^{−tᵢ} − 5e^{−10tᵢ} + 3e^{−4tᵢ},   tᵢ = i/10,  i = 1, …, 13
//! ```

use std::array;

use crate::catalog::{function, mgh};
use crate::number::Number;
use crate::sum_of_squares::{Residuals, sum_of_squares};
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function(
        "biggs_exp6",
        "EXP6 function of Biggs, of 6 variables: exponentials fitted to exponentials",
        &[],
    ),
    build: |operands| Ok(sum_of_squares(operands, BiggsExp6)),
    source: mgh!(
        "function 18; after M. C. Biggs, Journal of the Institute of Mathematics and its Applications 8 (1971)"
    ),
};

#[derive(Clone, Copy, Debug)]
struct BiggsExp6;

impl Residuals<6, 13> for BiggsExp6 {
    fn residuals<T: Number>(&self, _block: usize, [x1, x2, x3, x4, x5, x6]: [T; 6]) -> [T; 13] {
        array::from_fn(|i| {
            let t = 0.1 * (i + 1) as f64;
            let y = (-t).exp() - 5.0 * (-10.0 * t).exp() + 3.0 * (-4.0 * t).exp();
            x3 * (x1 * -t).exp() - x4 * (x2 * -t).exp() + x6 * (x5 * -t).exp() - y
        })
    }
    fn starts(&self) -> Starts {
        Starts::one(vec![1.0, 2.0, 1.0, 1.0, 1.0, 1.0])
    }
    fn minima(&self) -> Vec<Minimum> {
        vec![
            Minimum::at(0.0, vec![1.0, 10.0, 1.0, 5.0, 4.0, 3.0]),
            Minimum::at(0.0, vec![4.0, 10.0, 3.0, 5.0, 1.0, 1.0]),
            Minimum::at(
                5.655_649_925_499_931e-3,
                vec![
                    1.711_415_994_719_587_5,
                    17.683_198_180_949_066,
                    1.163_143_660_918_892_5,
                    5.186_561_551_993_452,
                    1.711_415_994_719_587_5,
                    1.163_143_660_918_892_5,
                ],
            ),
        ]
    }
}
