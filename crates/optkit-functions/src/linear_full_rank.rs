//! A linear function of full rank.
//!
//! ```text
//! f(x) = Σᵢ₌₁ⁿ (xᵢ − s − 1)² + (m − n)(s + 1)²,   s = 2/m Σⱼ xⱼ
//! ```

use crate::catalog::{function, mgh};
use crate::dense::{DenseResiduals, dense_squares};
use crate::number::Number;
use crate::operands::{count, variables};
use crate::{Error, Minimum, Operands, Row, Starts, TestFunction};

pub(crate) const ROW: Row = Row {
    entry: function(
        "linear_full_rank",
        "linear least squares of full rank",
        &[variables(1, "10"), count("m", 1, 100_000_000, "20", "number of residuals, n at least")],
    ),
    build,
    source: mgh!("function 32"),
};

fn build(operands: &Operands) -> Result<Box<dyn TestFunction>, Error> {
    let (n, m) = (operands.count("n"), operands.count("m"));
    if m < n {
        return Err(operands.refuse("m", format!("at least n ({n})")));
    }
    Ok(dense_squares(operands, LinearFullRank { n, m }))
}

#[derive(Clone, Copy, Debug)]
struct LinearFullRank {
    n: usize,
    m: usize,
}

impl LinearFullRank {
    /// s + 1.
    fn shift<T: Number>(&self, x: &[T]) -> T {
        x.iter().fold(T::constant(0.0), |sum, x| sum + *x) * (2.0 / self.m as f64) + 1.0
    }
}

impl DenseResiduals for LinearFullRank {
    fn dim(&self) -> usize {
        self.n
    }
    fn count(&self) -> usize {
        self.m
    }
    fn residuals<T: Number>(&self, x: &[T], residuals: &mut [T]) {
        let shift = self.shift(x);
        for (i, r) in residuals.iter_mut().enumerate() {
            *r = if i < self.n { x[i] - shift } else { -shift };
        }
    }
    fn pull_back<T: Number>(&self, x: &[T], residuals: &[T], pulled: &mut [T]) {
        let sum = residuals.iter().fold(T::constant(0.0), |sum, r| sum + *r) * (2.0 / self.m as f64);
        debug_assert_eq!(x.len(), self.n);
        for (pulled, r) in pulled.iter_mut().zip(residuals) {
            *pulled = *r - sum;
        }
    }
    fn jacobian(&self, x: &[f64], entry: &mut dyn FnMut(usize, usize, f64)) {
        for row in 0..self.m {
            for i in 0..x.len() {
                entry(row, i, f64::from(u8::from(i == row)) - 2.0 / self.m as f64);
            }
        }
    }
    fn starts(&self) -> Starts {
        Starts::one(vec![1.0; self.n])
    }
    fn minima(&self) -> Vec<Minimum> {
        vec![Minimum::at((self.m - self.n) as f64, vec![-1.0; self.n])]
    }
}
