//! The extended Powell singular function.
//!
//! ```text
//! f(x) = Σ (x₁ + 10x₂)² + 5(x₃ − x₄)² + (x₂ − 2x₃)⁴ + 10(x₁ − x₄)⁴   over groups of four variables
//! ```
//!
//! The Hessian at the minimiser has rank 2 a group: Newton's method converges only linearly.

use crate::catalog::{function, mgh};
use crate::number::Number;
use crate::operands::count;
use crate::sum_of_squares::{Residuals, sum_of_squares};
use crate::{Error, Minimum, Operands, Row, Starts, TestFunction};

pub(crate) const ROW: Row = Row {
    entry: function(
        "powell_singular",
        "extended Powell singular function: the Hessian at the minimiser is singular",
        &[count("n", 4, 100_000_000, "4", "number of variables, a multiple of 4")],
    ),
    build,
    source: mgh!("functions 13 and 22"),
};

fn build(operands: &Operands) -> Result<Box<dyn TestFunction>, Error> {
    let n = operands.count("n");
    if !n.is_multiple_of(4) {
        let below = n - n % 4;
        return Err(operands.refuse("n", format!("a multiple of 4 ({below} or {}, say)", below + 4)));
    }
    Ok(sum_of_squares(operands, PowellSingular { groups: n / 4 }))
}

#[derive(Clone, Copy, Debug)]
struct PowellSingular {
    groups: usize,
}

impl Residuals<4, 4> for PowellSingular {
    fn dim(&self) -> usize {
        4 * self.groups
    }
    fn blocks(&self) -> usize {
        self.groups
    }
    #[inline]
    fn variables(&self, block: usize) -> [usize; 4] {
        [0, 1, 2, 3].map(|i| 4 * block + i)
    }
    #[inline(always)] // through memory, the derivatives would take several times as long
    fn residuals<T: Number>(&self, _block: usize, [x1, x2, x3, x4]: [T; 4]) -> [T; 4] {
        let (between, across) = (x2 - x3 * 2.0, x1 - x4);
        [x1 + x2 * 10.0, (x3 - x4) * 5_f64.sqrt(), between * between, across * across * 10_f64.sqrt()]
    }
    fn starts(&self) -> Starts {
        Starts::one([3.0, -1.0, 0.0, 1.0].repeat(self.groups))
    }
    fn minima(&self) -> Vec<Minimum> {
        vec![Minimum::at(0.0, vec![0.0; self.dim()])]
    }
}
