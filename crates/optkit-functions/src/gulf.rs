//! The Gulf Research and Development function.
//!
//! ```text
//! f(x) = Σᵢ (exp(−|yᵢ − x₂|^x₃ / x₁) − tᵢ)²,   tᵢ = i/100,  yᵢ = 25 + (−50 ln tᵢ)^⅔,  i = 1, …, m
//! ```
//!
//! The publication’s `yᵢmi` is a misprint for `yᵢ −` (Hock & Schittkowski 1981, problem 67, has it right).

use crate::catalog::{function, mgh};
use crate::number::Number;
use crate::operands::count;
use crate::sum_of_squares::{Residuals, sum_of_squares};
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function(
        "gulf",
        "Gulf Research and Development function of 3 variables",
        &[count("m", 3, 100, "99", "number of residuals")],
    ),
    build: |operands| Ok(sum_of_squares(operands, Gulf { m: operands.count("m") })),
    source: mgh!("function 11; after M. J. Box (1966)"),
};

#[derive(Clone, Copy, Debug)]
struct Gulf {
    m: usize,
}

impl Residuals<3, 1> for Gulf {
    fn blocks(&self) -> usize {
        self.m
    }
    fn residuals<T: Number>(&self, block: usize, [x1, x2, x3]: [T; 3]) -> [T; 1] {
        let t = 0.01 * (block + 1) as f64;
        let y = 25.0 + (-50.0 * t.ln()).cbrt().powi(2);
        let difference = x2 - y;
        let distance = if difference.real() < 0.0 { -difference } else { difference };
        [(-(distance.ln() * x3).exp() / x1).exp() - t]
    }
    fn starts(&self) -> Starts {
        Starts::one(vec![5.0, 2.5, 0.15])
    }
    fn minima(&self) -> Vec<Minimum> {
        vec![Minimum::at(0.0, vec![50.0, 25.0, 1.5])]
    }
}
