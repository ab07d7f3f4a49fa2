//! Broyden's tridiagonal function.
//!
//! ```text
//! f(x) = Σᵢ ((3 − 2xᵢ)xᵢ − xᵢ₋₁ − 2xᵢ₊₁ + 1)²,   x₀ = xₙ₊₁ = 0
//! ```

use crate::catalog::{function, mgh};
use crate::number::Number;
use crate::operands::variables;
use crate::sum_of_squares::{Residuals, sum_of_squares};
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function("broyden_tridiagonal", "Broyden's tridiagonal function", &[variables(3, "10")]),
    build: |operands| Ok(sum_of_squares(operands, BroydenTridiagonal { n: operands.count("n") })),
    source: mgh!("function 30; after C. G. Broyden, Mathematics of Computation 19 (1965)"),
};

#[derive(Clone, Copy, Debug)]
struct BroydenTridiagonal {
    n: usize,
}

impl Residuals<3, 1> for BroydenTridiagonal {
    fn dim(&self) -> usize {
        self.n
    }
    fn blocks(&self) -> usize {
        self.n
    }
    /// At the ends the window stays inside.
    #[inline]
    fn variables(&self, block: usize) -> [usize; 3] {
        let first = block.saturating_sub(1).min(self.n - 3);
        [first, first + 1, first + 2]
    }
    #[inline(always)] // through memory, the derivatives would take several times as long
    fn residuals<T: Number>(&self, block: usize, [a, b, c]: [T; 3]) -> [T; 1] {
        let own = |x: T| (-(x * 2.0) + 3.0) * x + 1.0;
        match block - self.variables(block)[0] {
            0 => [own(a) - b * 2.0],
            1 => [own(b) - a - c * 2.0],
            _ => [own(c) - b],
        }
    }
    fn starts(&self) -> Starts {
        Starts::one(vec![-1.0; self.n])
    }
    fn minima(&self) -> Vec<Minimum> {
        if self.n != 10 {
            return vec![Minimum::value(0.0)];
        }
        let point = [
            -0.570_722_132_011_224_8,
            -0.681_806_949_984_275,
            -0.702_210_076_017_660_1,
            -0.705_510_629_895_080_4,
            -0.704_906_155_728_743_7,
            -0.701_496_607_029_851_2,
            -0.691_889_322_354_798_3,
            -0.665_796_514_405_853_7,
            -0.596_035_109_026_365_7,
            -0.416_412_257_528_693_4,
        ];
        vec![Minimum::at(0.0, point.to_vec())]
    }
}
