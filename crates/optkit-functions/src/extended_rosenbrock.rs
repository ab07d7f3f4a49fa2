//! The extended Rosenbrock function.
//!
//! ```text
//! f(x) = Σᵢ 100(x₂ᵢ − x₂ᵢ₋₁²)² + (1 − x₂ᵢ₋₁)²,   i = 1, …, n/2
//! ```
//!
//! Independent pairs; `rosenbrock` chains them.

use crate::catalog::{function, mgh};
use crate::number::Number;
use crate::operands::count;
use crate::sum_of_squares::{Residuals, sum_of_squares};
use crate::{Error, Minimum, Operands, Row, Starts, TestFunction};

pub(crate) const ROW: Row = Row {
    entry: function(
        "extended_rosenbrock",
        "extended Rosenbrock function: independent curved valleys",
        &[count("n", 2, 100_000_000, "10", "number of variables, a multiple of 2")],
    ),
    build,
    source: mgh!("functions 1 and 21; after H. H. Rosenbrock, The Computer Journal 3 (1960)"),
};

fn build(operands: &Operands) -> Result<Box<dyn TestFunction>, Error> {
    let n = operands.count("n");
    if !n.is_multiple_of(2) {
        return Err(operands.refuse("n", format!("a multiple of 2 ({} or {}, say)", n - 1, n + 1)));
    }
    Ok(sum_of_squares(operands, ExtendedRosenbrock { n }))
}

#[derive(Clone, Copy, Debug)]
struct ExtendedRosenbrock {
    n: usize,
}

impl Residuals<2, 2> for ExtendedRosenbrock {
    fn dim(&self) -> usize {
        self.n
    }
    fn blocks(&self) -> usize {
        self.n / 2
    }
    #[inline]
    fn variables(&self, block: usize) -> [usize; 2] {
        [2 * block, 2 * block + 1]
    }
    #[inline(always)] // through memory, the derivatives would take several times as long
    fn residuals<T: Number>(&self, _block: usize, [x, next]: [T; 2]) -> [T; 2] {
        [(next - x * x) * 10.0, x - 1.0]
    }
    fn starts(&self) -> Starts {
        Starts::one([-1.2, 1.0].repeat(self.n / 2))
    }
    fn minima(&self) -> Vec<Minimum> {
        vec![Minimum::at(0.0, vec![1.0; self.n])]
    }
}
