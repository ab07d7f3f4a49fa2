//! Powell's badly scaled function.
//!
//! ```text
//! f(x) = (10⁴x₁x₂ − 1)² + (e^{−x₁} + e^{−x₂} − 1.0001)²
//! ```
//!
//! The minimiser’s coordinates differ by a factor of a million.

use crate::catalog::{function, mgh};
use crate::number::Number;
use crate::sum_of_squares::{Residuals, sum_of_squares};
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function("powell_badly_scaled", "Powell's badly scaled function of 2 variables", &[]),
    build: |operands| Ok(sum_of_squares(operands, PowellBadlyScaled)),
    source: mgh!("function 3; after M. J. D. Powell, A hybrid method for nonlinear equations (1970)"),
};

#[derive(Clone, Copy, Debug)]
struct PowellBadlyScaled;

impl Residuals<2, 2> for PowellBadlyScaled {
    fn residuals<T: Number>(&self, _block: usize, [x1, x2]: [T; 2]) -> [T; 2] {
        [x1 * x2 * 1e4 - 1.0, (-x1).exp() + (-x2).exp() - 1.0001]
    }
    fn starts(&self) -> Starts {
        Starts::one(vec![0.0, 1.0])
    }
    fn minima(&self) -> Vec<Minimum> {
        vec![Minimum::at(0.0, vec![1.098_159_329_699_817_5e-5, 9.106_146_739_866_524])]
    }
}
