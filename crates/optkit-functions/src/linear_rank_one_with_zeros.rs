//! A linear function of rank one with zero columns and rows.
//!
//! ```text
//! f(x) = 2 + Σᵢ₌₂ᵐ⁻¹ ((i − 1)s − 1)²,   s = Σⱼ₌₂ⁿ⁻¹ jxⱼ
//! ```
//!
//! Minimal wherever s = 3/(2m − 3).

use crate::catalog::{function, mgh};
use crate::dense::{DenseResiduals, dense_squares};
use crate::number::Number;
use crate::operands::count;
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function(
        "linear_rank_one_with_zeros",
        "linear least squares of rank one, with zero columns and rows",
        &[
            count("n", 3, 10_000_000, "10", "number of variables"),
            count("m", 3, 10_000_000, "20", "number of residuals"),
        ],
    ),
    build: |operands| {
        Ok(dense_squares(operands, LinearRankOneWithZeros { n: operands.count("n"), m: operands.count("m") }))
    },
    source: mgh!("function 34"),
};

#[derive(Clone, Copy, Debug)]
struct LinearRankOneWithZeros {
    n: usize,
    m: usize,
}

impl DenseResiduals for LinearRankOneWithZeros {
    fn dim(&self) -> usize {
        self.n
    }
    fn count(&self) -> usize {
        self.m
    }
    fn residuals<T: Number>(&self, x: &[T], residuals: &mut [T]) {
        let inner = x.iter().enumerate().take(self.n - 1).skip(1);
        let s = inner.fold(T::constant(0.0), |s, (j, x)| s + *x * (j + 1) as f64);
        for (i, r) in residuals.iter_mut().enumerate() {
            *r = if i + 1 < self.m { s * i as f64 - 1.0 } else { T::constant(-1.0) };
        }
    }
    fn pull_back<T: Number>(&self, x: &[T], residuals: &[T], pulled: &mut [T]) {
        let each = |sum: T, (i, r): (usize, &T)| sum + *r * i as f64;
        let pull = residuals.iter().enumerate().take(self.m - 1).fold(T::constant(0.0), each);
        for (j, pulled) in pulled.iter_mut().enumerate() {
            let inner = j > 0 && j + 1 < x.len();
            *pulled = if inner { pull * (j + 1) as f64 } else { T::constant(0.0) };
        }
    }
    fn jacobian(&self, x: &[f64], entry: &mut dyn FnMut(usize, usize, f64)) {
        for row in 1..self.m - 1 {
            for j in 1..x.len() - 1 {
                entry(row, j, row as f64 * (j + 1) as f64);
            }
        }
    }
    fn starts(&self) -> Starts {
        Starts::one(vec![1.0; self.n])
    }
    fn minima(&self) -> Vec<Minimum> {
        let m = self.m as f64;
        let mut point = vec![0.0; self.n];
        point[1] = 1.5 / (2.0 * m - 3.0);
        vec![Minimum::at((m * m + 3.0 * m - 6.0) / (2.0 * (2.0 * m - 3.0)), point)]
    }
}
