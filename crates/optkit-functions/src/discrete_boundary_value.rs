//! A discrete boundary value problem.
//!
//! ```text
//! f(x) = Σᵢ (2xᵢ − xᵢ₋₁ − xᵢ₊₁ + h²(xᵢ + tᵢ + 1)³/2)²,   h = 1/(n + 1),  tᵢ = ih,  x₀ = xₙ₊₁ = 0
//! ```

use crate::catalog::{function, mgh};
use crate::number::Number;
use crate::operands::variables;
use crate::sum_of_squares::{Residuals, sum_of_squares};
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function(
        "discrete_boundary_value",
        "discrete boundary value function: ill-conditioned as n grows",
        &[variables(3, "10")],
    ),
    build: |operands| Ok(sum_of_squares(operands, DiscreteBoundaryValue { n: operands.count("n") })),
    source: mgh!("function 28; after J. J. Moré, M. Y. Cosnard, ACM TOMS 5 (1979)"),
};

/// The solution for n = 10, in 80 digits by `tests/reference.py`.
pub(crate) const SOLUTION_10: [f64; 10] = [
    -0.043_164_982_518_764_87,
    -0.081_577_156_535_386_89,
    -0.114_485_714_380_529_29,
    -0.140_973_576_862_596_68,
    -0.159_908_696_181_983_1,
    -0.169_877_202_312_774_92,
    -0.169_089_983_781_208_35,
    -0.155_249_535_221_831_82,
    -0.125_355_891_678_935,
    -0.075_416_533_685_892_09,
];

#[derive(Clone, Copy, Debug)]
struct DiscreteBoundaryValue {
    n: usize,
}

impl Residuals<3, 1> for DiscreteBoundaryValue {
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
        let h = 1.0 / (self.n + 1) as f64;
        let own = |x: T| {
            let base = x + ((block + 1) as f64 * h + 1.0);
            x * 2.0 + base * base * base * (0.5 * h * h)
        };
        match block - self.variables(block)[0] {
            0 => [own(a) - b],
            1 => [own(b) - a - c],
            _ => [own(c) - b],
        }
    }
    fn starts(&self) -> Starts {
        let t = |i: usize| i as f64 / (self.n + 1) as f64;
        Starts::one((1..=self.n).map(|i| t(i) * (t(i) - 1.0)).collect())
    }
    fn minima(&self) -> Vec<Minimum> {
        if self.n != 10 {
            return vec![Minimum::value(0.0)];
        }
        vec![Minimum::at(0.0, SOLUTION_10.to_vec())]
    }
}
