//! Broyden's banded function.
//!
//! ```text
//! f(x) = Σᵢ (xᵢ(2 + 5xᵢ²) + 1 − Σⱼ xⱼ(1 + xⱼ))²,   j ≠ i,  i − 5 ≤ j ≤ i + 1
//! ```

use std::array;

use crate::catalog::{function, mgh};
use crate::number::Number;
use crate::operands::variables;
use crate::sum_of_squares::{Residuals, sum_of_squares};
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function("broyden_banded", "Broyden's banded function", &[variables(7, "10")]),
    build: |operands| Ok(sum_of_squares(operands, BroydenBanded { n: operands.count("n") })),
    source: mgh!("function 31; after C. G. Broyden, Mathematics of Computation 25 (1971)"),
};

#[derive(Clone, Copy, Debug)]
struct BroydenBanded {
    n: usize,
}

impl Residuals<7, 1> for BroydenBanded {
    fn dim(&self) -> usize {
        self.n
    }
    fn blocks(&self) -> usize {
        self.n
    }
    /// At the ends the window stays inside.
    #[inline]
    fn variables(&self, block: usize) -> [usize; 7] {
        let first = block.saturating_sub(5).min(self.n - 7);
        array::from_fn(|i| first + i)
    }
    #[inline(always)] // through memory, the derivatives would take several times as long
    fn residuals<T: Number>(&self, block: usize, x: [T; 7]) -> [T; 1] {
        let at = block - self.variables(block)[0];
        let mut r = x[at] * (x[at] * x[at] * 5.0 + 2.0) + 1.0;
        for j in (at.saturating_sub(5)..=(at + 1).min(6)).filter(|j| *j != at) {
            r = r - x[j] * (x[j] + 1.0);
        }
        [r]
    }
    fn starts(&self) -> Starts {
        Starts::one(vec![-1.0; self.n])
    }
    fn minima(&self) -> Vec<Minimum> {
        if self.n != 10 {
            return vec![Minimum::value(0.0)];
        }
        let point = [
            -0.428_302_863_587_250_3,
            -0.476_596_424_356_290_24,
            -0.519_652_463_646_861_7,
            -0.558_099_324_832_180_9,
            -0.592_506_156_829_457_4,
            -0.624_503_682_199_468,
            -0.623_239_471_440_591_1,
            -0.621_393_841_796_573_5,
            -0.620_453_596_659_087_4,
            -0.586_469_270_720_435_1,
        ];
        vec![Minimum::at(0.0, point.to_vec())]
    }
}
