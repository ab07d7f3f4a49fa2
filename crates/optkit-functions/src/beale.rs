//! Beale's function.
//!
//! ```text
//! f(x) = Σᵢ₌₁³ (yᵢ − x₁(1 − x₂ⁱ))²,   y = (1.5, 2.25, 2.625)
//! ```
//!
//! Far out, along x₁(1 − x₂) ≈ 0.991, f falls towards 0.452 without a minimum: descent may run off there.

use optkit_core::vocabulary::{Entry, Support};

use crate::number::Number;
use crate::sum_of_squares::{Residuals, SumOfSquares};
use crate::tallied::Tallied;
use crate::{Minimum, Row};

pub(crate) const ROW: Row = Row {
    entry: Entry {
        name: "beale",
        doc: "Beale's function of 2 variables: flat plains around a narrow basin",
        operands: &[],
        settings: &[],
        slots: &[],
        support: Support::Available,
    },
    build: |_| Ok(Box::new(Tallied::whole(SumOfSquares(Beale)))),
    source: "J. J. Moré, B. S. Garbow, K. E. Hillstrom, Testing unconstrained optimization software, \
             ACM TOMS 7 (1981), function 5; after E. M. L. Beale, Princeton report 25 (1958)",
};

#[derive(Clone, Copy, Debug)]
struct Beale;

impl Residuals<2, 3> for Beale {
    fn dim(&self) -> usize {
        2
    }
    fn blocks(&self) -> usize {
        1
    }
    fn variables(&self, _block: usize) -> [usize; 2] {
        [0, 1]
    }
    fn residuals<T: Number>(&self, _block: usize, [x1, x2]: [T; 2]) -> [T; 3] {
        let square = x2 * x2;
        [x1 * (x2 - 1.0) + 1.5, x1 * (square - 1.0) + 2.25, x1 * (square * x2 - 1.0) + 2.625]
    }
    fn start(&self) -> Vec<f64> {
        vec![1.0, 1.0]
    }
    fn minima(&self) -> Vec<Minimum> {
        vec![Minimum { value: 0.0, point: Some(vec![3.0, 0.5]) }]
    }
}
