//! Kowalik and Osborne's function.
//!
//! ```text
//! f(x) = Σᵢ (yᵢ − x₁(uᵢ² + uᵢx₂)/(uᵢ² + uᵢx₃ + x₄))²,   i = 1, …, 11
//! ```
//!
//! Far out, f falls towards 0.00102734.

use std::array;

use crate::catalog::{function, mgh};
use crate::number::Number;
use crate::sum_of_squares::{Residuals, sum_of_squares};
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function(
        "kowalik_osborne",
        "Kowalik and Osborne's function of 4 variables, fitted to 11 values",
        &[],
    ),
    build: |operands| Ok(sum_of_squares(operands, KowalikOsborne)),
    source: mgh!("function 15; after J. S. Kowalik, M. R. Osborne (1968)"),
};

const Y: [f64; 11] = [0.1957, 0.1947, 0.1735, 0.1600, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246];
const U: [f64; 11] = [4.0, 2.0, 1.0, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625];

#[derive(Clone, Copy, Debug)]
struct KowalikOsborne;

impl Residuals<4, 11> for KowalikOsborne {
    fn residuals<T: Number>(&self, _block: usize, [x1, x2, x3, x4]: [T; 4]) -> [T; 11] {
        array::from_fn(|i| {
            let u = U[i];
            -(x1 * (x2 * u + u * u) / (x3 * u + u * u + x4)) + Y[i]
        })
    }
    fn starts(&self) -> Starts {
        Starts::one(vec![0.25, 0.39, 0.415, 0.39])
    }
    fn minima(&self) -> Vec<Minimum> {
        vec![Minimum::at(
            3.075_056_038_492_374_5e-4,
            vec![
                0.192_806_934_579_037_86,
                0.191_282_328_734_366_96,
                0.123_056_506_926_320_66,
                0.136_062_330_683_794_84,
            ],
        )]
    }
}
