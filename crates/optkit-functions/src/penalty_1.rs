//! The first penalty function.
//!
//! ```text
//! f(x) = 10⁻⁵ Σᵢ (xᵢ − 1)² + (Σⱼ xⱼ² − ¼)²
//! ```
//!
//! All coordinates of the minimiser are the same root t of 10⁻⁵(t − 1) + 2t(nt² − ¼) = 0.

use crate::catalog::{function, mgh};
use crate::dense::{DenseResiduals, dense_squares};
use crate::number::Number;
use crate::operands::variables;
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function(
        "penalty_1",
        "penalty function I: minimise the distance to (1, ..., 1) on a sphere",
        &[variables(1, "4")],
    ),
    build: |operands| Ok(dense_squares(operands, PenaltyI { n: operands.count("n") })),
    source: mgh!("function 23; after P. E. Gill, W. Murray, R. A. Pitfield, NPL report NAC 11 (1972)"),
};

const WEIGHT: f64 = 1e-5;

#[derive(Clone, Copy, Debug)]
struct PenaltyI {
    n: usize,
}

impl DenseResiduals for PenaltyI {
    fn dim(&self) -> usize {
        self.n
    }
    fn count(&self) -> usize {
        self.n + 1
    }
    fn residuals<T: Number>(&self, x: &[T], residuals: &mut [T]) {
        let mut square = T::constant(0.0);
        for (r, x) in residuals.iter_mut().zip(x) {
            *r = (*x - 1.0) * WEIGHT.sqrt();
            square = square + *x * *x;
        }
        residuals[self.n] = square - 0.25;
    }
    fn pull_back<T: Number>(&self, x: &[T], residuals: &[T], pulled: &mut [T]) {
        let excess = residuals[self.n];
        for ((pulled, r), x) in pulled.iter_mut().zip(residuals).zip(x) {
            *pulled = *r * WEIGHT.sqrt() + *x * excess * 2.0;
        }
    }
    fn jacobian(&self, x: &[f64], entry: &mut dyn FnMut(usize, usize, f64)) {
        for i in 0..self.n {
            entry(i, i, WEIGHT.sqrt());
        }
        for (i, x) in x.iter().enumerate() {
            entry(self.n, i, 2.0 * x);
        }
    }
    fn starts(&self) -> Starts {
        Starts::one((1..=self.n).map(|j| j as f64).collect())
    }
    fn minima(&self) -> Vec<Minimum> {
        let n = self.n as f64;
        let mut t = 0.5 / n.sqrt(); // the sphere's; Newton's method, from above or below, has one root to go to
        for _ in 0..20 {
            let excess = n * t * t - 0.25;
            t -= (WEIGHT * (t - 1.0) + 2.0 * t * excess) / (WEIGHT + 2.0 * excess + 4.0 * n * t * t);
        }
        let value = WEIGHT * n * (t - 1.0).powi(2) + (n * t * t - 0.25).powi(2);
        vec![Minimum::at(value, vec![t; self.n])]
    }
}
