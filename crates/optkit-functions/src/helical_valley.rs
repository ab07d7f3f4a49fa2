//! The helical valley of Fletcher and Powell.
//!
//! ```text
//! f(x) = 100(x₃ − 10θ)² + 100(r − 1)² + x₃²,   x₁ + ix₂ = r·exp(2πiθ),  −¼ < θ ≤ ¾
//! ```
//!
//! θ jumps where x₁ = 0 and x₂ < 0.

use std::f64::consts::{FRAC_PI_2, PI};

use crate::catalog::{function, mgh};
use crate::number::Number;
use crate::sum_of_squares::{Residuals, sum_of_squares};
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function("helical_valley", "helical valley of 3 variables", &[]),
    build: |operands| Ok(sum_of_squares(operands, HelicalValley)),
    source: mgh!("function 7; after R. Fletcher, M. J. D. Powell, The Computer Journal 6 (1963)"),
};

/// θ by whichever quotient is at most 1, so that neither axis divides by zero.
fn turns<T: Number>(x1: T, x2: T) -> T {
    let (a, b) = (x1.real(), x2.real());
    let angle = if b.abs() <= a.abs() {
        (x2 / x1).atan() + if a < 0.0 { PI } else { 0.0 }
    } else if b < 0.0 && a < 0.0 {
        -(x1 / x2).atan() + 1.5 * PI
    } else {
        -(x1 / x2).atan() + FRAC_PI_2.copysign(b)
    };
    angle / (2.0 * PI)
}

#[derive(Clone, Copy, Debug)]
struct HelicalValley;

impl Residuals<3, 3> for HelicalValley {
    fn residuals<T: Number>(&self, _block: usize, [x1, x2, x3]: [T; 3]) -> [T; 3] {
        let radius = (x1 * x1 + x2 * x2).sqrt();
        [(x3 - turns(x1, x2) * 10.0) * 10.0, (radius - 1.0) * 10.0, x3]
    }
    fn starts(&self) -> Starts {
        Starts::one(vec![-1.0, 0.0, 0.0])
    }
    fn minima(&self) -> Vec<Minimum> {
        vec![Minimum::at(0.0, vec![1.0, 0.0, 0.0])]
    }
}
