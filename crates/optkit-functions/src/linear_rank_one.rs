//! A linear function of rank one.
//!
//! ```text
//! f(x) = Σᵢ₌₁ᵐ (is − 1)²,   s = Σⱼ jxⱼ
//! ```
//!
//! Minimal wherever s = 3/(2m + 1).

use crate::catalog::{function, mgh};
use crate::dense::{DenseResiduals, dense_squares};
use crate::number::Number;
use crate::operands::count;
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function(
        "linear_rank_one",
        "linear least squares of rank one: a hyperplane of minimisers",
        &[
            count("n", 1, 10_000_000, "10", "number of variables"),
            count("m", 1, 10_000_000, "20", "number of residuals"),
        ],
    ),
    build: |operands| {
        Ok(dense_squares(operands, LinearRankOne { n: operands.count("n"), m: operands.count("m") }))
    },
    source: mgh!("function 33"),
};

#[derive(Clone, Copy, Debug)]
struct LinearRankOne {
    n: usize,
    m: usize,
}

impl DenseResiduals for LinearRankOne {
    fn dim(&self) -> usize {
        self.n
    }
    fn count(&self) -> usize {
        self.m
    }
    fn residuals<T: Number>(&self, x: &[T], residuals: &mut [T]) {
        let s = x.iter().enumerate().fold(T::constant(0.0), |s, (j, x)| s + *x * (j + 1) as f64);
        for (i, r) in residuals.iter_mut().enumerate() {
            *r = s * (i + 1) as f64 - 1.0;
        }
    }
    fn pull_back<T: Number>(&self, x: &[T], residuals: &[T], pulled: &mut [T]) {
        let each = |sum: T, (i, r): (usize, &T)| sum + *r * (i + 1) as f64;
        let pull = residuals.iter().enumerate().fold(T::constant(0.0), each);
        debug_assert_eq!(x.len(), self.n);
        for (j, pulled) in pulled.iter_mut().enumerate() {
            *pulled = pull * (j + 1) as f64;
        }
    }
    fn jacobian(&self, x: &[f64], entry: &mut dyn FnMut(usize, usize, f64)) {
        for row in 0..self.m {
            for j in 0..x.len() {
                entry(row, j, (row + 1) as f64 * (j + 1) as f64);
            }
        }
    }
    fn starts(&self) -> Starts {
        Starts::one(vec![1.0; self.n])
    }
    fn minima(&self) -> Vec<Minimum> {
        let m = self.m as f64;
        let mut point = vec![0.0; self.n];
        point[0] = 3.0 / (2.0 * m + 1.0);
        vec![Minimum::at(m * (m - 1.0) / (2.0 * (2.0 * m + 1.0)), point)]
    }
}
