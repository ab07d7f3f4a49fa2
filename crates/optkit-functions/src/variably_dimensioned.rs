//! The variably dimensioned function.
//!
//! ```text
//! f(x) = Σᵢ (xᵢ − 1)² + s² + s⁴,   s = Σⱼ j(xⱼ − 1)
//! ```

use crate::catalog::{function, mgh};
use crate::dense::{DenseResiduals, dense_squares};
use crate::number::Number;
use crate::operands::variables;
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function(
        "variably_dimensioned",
        "variably dimensioned function: one stiff direction",
        &[variables(1, "10")],
    ),
    build: |operands| Ok(dense_squares(operands, VariablyDimensioned { n: operands.count("n") })),
    source: mgh!("function 25"),
};

#[derive(Clone, Copy, Debug)]
struct VariablyDimensioned {
    n: usize,
}

impl DenseResiduals for VariablyDimensioned {
    fn dim(&self) -> usize {
        self.n
    }
    fn count(&self) -> usize {
        self.n + 2
    }
    fn residuals<T: Number>(&self, x: &[T], residuals: &mut [T]) {
        let mut s = T::constant(0.0);
        for (i, (r, x)) in residuals.iter_mut().zip(x).enumerate() {
            *r = *x - 1.0;
            s = s + *r * (i + 1) as f64;
        }
        residuals[self.n] = s;
        residuals[self.n + 1] = s * s;
    }
    fn pull_back<T: Number>(&self, x: &[T], residuals: &[T], pulled: &mut [T]) {
        let (s, square) = (residuals[self.n], residuals[self.n + 1]);
        debug_assert_eq!(x.len(), self.n);
        let pull = s + s * square * 2.0;
        for (i, (pulled, r)) in pulled.iter_mut().zip(residuals).enumerate() {
            *pulled = *r + pull * (i + 1) as f64;
        }
    }
    fn jacobian(&self, x: &[f64], entry: &mut dyn FnMut(usize, usize, f64)) {
        let mut s = 0.0;
        for (i, x) in x.iter().enumerate() {
            s += (i + 1) as f64 * (x - 1.0);
            entry(i, i, 1.0);
        }
        for (row, slope) in [(self.n, 1.0), (self.n + 1, 2.0 * s)] {
            for i in 0..self.n {
                entry(row, i, slope * (i + 1) as f64);
            }
        }
    }
    fn starts(&self) -> Starts {
        let n = self.n as f64;
        Starts::one((1..=self.n).map(|j| 1.0 - j as f64 / n).collect())
    }
    fn minima(&self) -> Vec<Minimum> {
        vec![Minimum::at(0.0, vec![1.0; self.n])]
    }
}
