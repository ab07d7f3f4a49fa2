//! Bard's function.
//!
//! ```text
//! f(x) = Σᵢ (yᵢ − x₁ − uᵢ/(vᵢx₂ + wᵢx₃))²,   uᵢ = i,  vᵢ = 16 − i,  wᵢ = min(uᵢ, vᵢ),  i = 1, …, 15
//! ```
//!
//! Far out, f falls towards 17.4286.

use std::array;

use crate::catalog::{function, mgh};
use crate::number::Number;
use crate::sum_of_squares::{Residuals, sum_of_squares};
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function("bard", "Bard's function of 3 variables, fitted to 15 values", &[]),
    build: |operands| Ok(sum_of_squares(operands, Bard)),
    source: mgh!("function 8; after Y. Bard, SIAM Journal on Numerical Analysis 7 (1970)"),
};

const Y: [f64; 15] =
    [0.14, 0.18, 0.22, 0.25, 0.29, 0.32, 0.35, 0.39, 0.37, 0.58, 0.73, 0.96, 1.34, 2.10, 4.39];

#[derive(Clone, Copy, Debug)]
struct Bard;

impl Residuals<3, 15> for Bard {
    fn residuals<T: Number>(&self, _block: usize, [x1, x2, x3]: [T; 3]) -> [T; 15] {
        array::from_fn(|i| {
            let u = (i + 1) as f64;
            let v = 16.0 - u;
            -(x1 + T::constant(u) / (x2 * v + x3 * u.min(v))) + Y[i]
        })
    }
    fn starts(&self) -> Starts {
        Starts::one(vec![1.0, 1.0, 1.0])
    }
    fn minima(&self) -> Vec<Minimum> {
        vec![Minimum::at(
            0.008_214_877_306_578_975,
            vec![0.082_410_559_749_788_93, 1.133_036_092_029_721_6, 2.343_695_178_642_537],
        )]
    }
}
