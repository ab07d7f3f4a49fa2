//! Zakharov's function.
//!
//! ```text
//! f(x) = Σᵢ xᵢ² + s² + s⁴,   s = ½ Σⱼ jxⱼ
//! ```

use crate::catalog::function;
use crate::dense::{DenseResiduals, dense_squares};
use crate::number::Number;
use crate::operands::{START, variables};
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function("zakharov", "Zakharov's function: one stiff direction", &[variables(1, "10"), START]),
    build: |operands| Ok(dense_squares(operands, Zakharov { n: operands.count("n") })),
    source: "V. V. Zakharov, cited by A.-R. Hedar, Test functions for unconstrained global optimization (2005)",
};

#[derive(Clone, Copy, Debug)]
struct Zakharov {
    n: usize,
}

impl DenseResiduals for Zakharov {
    fn dim(&self) -> usize {
        self.n
    }
    fn count(&self) -> usize {
        self.n + 2
    }
    fn residuals<T: Number>(&self, x: &[T], residuals: &mut [T]) {
        let mut s = T::constant(0.0);
        for (i, (r, x)) in residuals.iter_mut().zip(x).enumerate() {
            *r = *x;
            s = s + *x * (0.5 * (i + 1) as f64);
        }
        residuals[self.n] = s;
        residuals[self.n + 1] = s * s;
    }
    fn pull_back<T: Number>(&self, x: &[T], residuals: &[T], pulled: &mut [T]) {
        let (s, square) = (residuals[self.n], residuals[self.n + 1]);
        let pull = s + s * square * 2.0;
        for (i, (pulled, x)) in pulled.iter_mut().zip(x).enumerate() {
            *pulled = *x + pull * (0.5 * (i + 1) as f64);
        }
    }
    fn jacobian(&self, x: &[f64], entry: &mut dyn FnMut(usize, usize, f64)) {
        let mut s = 0.0;
        for (i, x) in x.iter().enumerate() {
            s += 0.5 * (i + 1) as f64 * x;
            entry(i, i, 1.0);
        }
        for (row, slope) in [(self.n, 0.5), (self.n + 1, s)] {
            for i in 0..self.n {
                entry(row, i, slope * (i + 1) as f64);
            }
        }
    }
    fn starts(&self) -> Starts {
        Starts::cube(self.n, -5.0, 10.0)
    }
    fn minima(&self) -> Vec<Minimum> {
        vec![Minimum::at(0.0, vec![0.0; self.n])]
    }
}
