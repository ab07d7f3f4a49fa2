//! Goldstein and Price's function.
//!
//! ```text
//! f(x) = (1 + (x₁ + x₂ + 1)²(19 − 14x₁ + 3x₁² − 14x₂ + 6x₁x₂ + 3x₂²))
//!      · (30 + (2x₁ − 3x₂)²(18 − 32x₁ + 12x₁² + 48x₂ − 36x₁x₂ + 27x₂²))
//! ```

use crate::catalog::function;
use crate::number::Number;
use crate::operands::START;
use crate::sum_of_terms::{Terms, sum_of_terms};
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function(
        "goldstein_price",
        "Goldstein and Price's function of 2 variables: four minima",
        &[START],
    ),
    build: |operands| Ok(sum_of_terms(operands, GoldsteinPrice)),
    source: "A. A. Goldstein, J. F. Price, On descent from local minima, Mathematics of Computation 25 (1971)",
};

#[derive(Clone, Copy, Debug)]
struct GoldsteinPrice;

impl Terms<2> for GoldsteinPrice {
    fn term<T: Number>(&self, _term: usize, [x1, x2]: [T; 2]) -> T {
        let first = (x1 * 3.0 - 14.0 + x2 * 6.0) * x1 + (x2 * 3.0 - 14.0) * x2 + 19.0;
        let second = (x1 * 12.0 - 32.0 - x2 * 36.0) * x1 + (x2 * 27.0 + 48.0) * x2 + 18.0;
        let (sum, difference) = (x1 + x2 + 1.0, x1 * 2.0 - x2 * 3.0);
        (sum * sum * first + 1.0) * (difference * difference * second + 30.0)
    }
    fn starts(&self) -> Starts {
        Starts::cube(2, -2.0, 2.0)
    }
    fn minima(&self) -> Vec<Minimum> {
        vec![
            Minimum::at(3.0, vec![0.0, -1.0]),
            Minimum::at(30.0, vec![-0.6, -0.4]),
            Minimum::at(84.0, vec![1.8, 0.2]),
            Minimum::at(840.0, vec![1.2, 0.8]),
        ]
    }
    /// At the minimum 30 − 27 is left of either factor's terms.
    fn noise(&self) -> f64 {
        64.0 * f64::EPSILON
    }
}
