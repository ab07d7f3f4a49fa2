//! Brown and Dennis' function.
//!
//! ```text
//! f(x) = Σᵢ ((x₁ + tᵢx₂ − e^{tᵢ})² + (x₃ + x₄sin tᵢ − cos tᵢ)²)²,   tᵢ = i/5,  i = 1, …, m
//! ```

use crate::catalog::{function, mgh};
use crate::number::Number;
use crate::operands::count;
use crate::sum_of_squares::{Residuals, sum_of_squares};
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function(
        "brown_dennis",
        "Brown and Dennis' function of 4 variables: large residuals",
        &[count("m", 4, 1000, "20", "number of residuals")],
    ),
    build: |operands| Ok(sum_of_squares(operands, BrownDennis { m: operands.count("m") })),
    source: mgh!("function 16; after K. M. Brown, J. E. Dennis, Numerische Mathematik 18 (1971)"),
};

#[derive(Clone, Copy, Debug)]
struct BrownDennis {
    m: usize,
}

impl Residuals<4, 1> for BrownDennis {
    fn blocks(&self) -> usize {
        self.m
    }
    fn residuals<T: Number>(&self, block: usize, [x1, x2, x3, x4]: [T; 4]) -> [T; 1] {
        let t = 0.2 * (block + 1) as f64;
        let (line, wave) = (x1 + x2 * t - t.exp(), x3 + x4 * t.sin() - t.cos());
        [line * line + wave * wave]
    }
    fn starts(&self) -> Starts {
        Starts::one(vec![25.0, 5.0, -5.0, -1.0])
    }
    fn minima(&self) -> Vec<Minimum> {
        if self.m != 20 {
            return Vec::new();
        }
        let point = [
            -11.594_439_904_762_165,
            13.203_630_051_207_204,
            -0.403_439_488_176_859_54,
            0.236_778_774_455_736_3,
        ];
        vec![Minimum::at(85_822.201_626_356_34, point.to_vec())]
    }
}
