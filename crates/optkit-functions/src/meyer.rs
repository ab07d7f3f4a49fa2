//! Meyer's function.
//!
//! ```text
//! f(x) = Σᵢ (x₁ exp(x₂/(tᵢ + x₃)) − yᵢ)²,   tᵢ = 45 + 5i,  i = 1, …, 16
//! ```
//!
//! The resistance of a thermistor; the same data as NIST’s MGH10.

use std::array;

use crate::catalog::{function, mgh};
use crate::number::Number;
use crate::sum_of_squares::{Residuals, sum_of_squares};
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function("meyer", "Meyer's function of 3 variables, fitted to 16 values: badly scaled", &[]),
    build: |operands| Ok(sum_of_squares(operands, Meyer)),
    source: mgh!(
        "function 10; after R. R. Meyer, Theoretical and computational aspects of nonlinear regression (1970)"
    ),
};

const Y: [f64; 16] = [
    34_780.0, 28_610.0, 23_650.0, 19_630.0, 16_370.0, 13_720.0, 11_540.0, 9_744.0, 8_261.0, 7_030.0, 6_005.0,
    5_147.0, 4_427.0, 3_820.0, 3_307.0, 2_872.0,
];

#[derive(Clone, Copy, Debug)]
struct Meyer;

impl Residuals<3, 16> for Meyer {
    fn residuals<T: Number>(&self, _block: usize, [x1, x2, x3]: [T; 3]) -> [T; 16] {
        array::from_fn(|i| x1 * (x2 / (x3 + (50.0 + 5.0 * i as f64))).exp() - Y[i])
    }
    fn starts(&self) -> Starts {
        Starts::one(vec![0.02, 4000.0, 250.0])
    }
    fn minima(&self) -> Vec<Minimum> {
        vec![Minimum::at(
            87.945_855_170_851_12,
            vec![0.005_609_636_471_028_053, 6_181.346_346_286_372, 345.223_634_624_136_5],
        )]
    }
    /// Residuals of 2 are what is left of values of 30,000.
    fn noise(&self) -> f64 {
        1e-11
    }
}
