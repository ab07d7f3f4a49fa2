//! A discrete integral equation.
//!
//! ```text
//! f(x) = Σᵢ (xᵢ + h/2 ((1 − tᵢ) Σⱼ≤ᵢ tⱼcⱼ + tᵢ Σⱼ>ᵢ (1 − tⱼ)cⱼ))²,   cⱼ = (xⱼ + tⱼ + 1)³,  h = 1/(n + 1),  tᵢ = ih
//! ```
//!
//! The solution of `discrete_boundary_value`, by another equation. Running sums make it O(n).

use crate::catalog::{function, mgh};
use crate::dense::{DenseResiduals, dense_squares};
use crate::discrete_boundary_value::SOLUTION_10;
use crate::number::Number;
use crate::operands::variables;
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function(
        "discrete_integral_equation",
        "discrete integral equation function",
        &[variables(1, "10")],
    ),
    build: |operands| Ok(dense_squares(operands, DiscreteIntegralEquation { n: operands.count("n") })),
    source: mgh!("function 29; after J. J. Moré, M. Y. Cosnard, ACM TOMS 5 (1979)"),
};

#[derive(Clone, Copy, Debug)]
struct DiscreteIntegralEquation {
    n: usize,
}

impl DiscreteIntegralEquation {
    fn t(&self, i: usize) -> f64 {
        (i + 1) as f64 / (self.n + 1) as f64
    }
}

impl DenseResiduals for DiscreteIntegralEquation {
    fn dim(&self) -> usize {
        self.n
    }
    fn count(&self) -> usize {
        self.n
    }
    fn residuals<T: Number>(&self, x: &[T], residuals: &mut [T]) {
        let half = 0.5 / (self.n + 1) as f64;
        let cube = |i: usize| {
            let base = x[i] + (self.t(i) + 1.0);
            base * base * base
        };
        let mut sum = T::constant(0.0);
        for i in 0..self.n {
            sum = sum + cube(i) * self.t(i);
            residuals[i] = x[i] + sum * (half * (1.0 - self.t(i)));
        }
        let mut sum = T::constant(0.0);
        for i in (0..self.n).rev() {
            residuals[i] = residuals[i] + sum * (half * self.t(i));
            sum = sum + cube(i) * (1.0 - self.t(i));
        }
    }
    fn pull_back<T: Number>(&self, x: &[T], residuals: &[T], pulled: &mut [T]) {
        let half = 0.5 / (self.n + 1) as f64;
        let slope = |i: usize| (x[i] + (self.t(i) + 1.0)).squared() * (3.0 * half);
        let mut sum = T::constant(0.0);
        for i in 0..self.n {
            pulled[i] = residuals[i] + slope(i) * sum * (1.0 - self.t(i));
            sum = sum + residuals[i] * self.t(i);
        }
        let mut sum = T::constant(0.0);
        for i in (0..self.n).rev() {
            sum = sum + residuals[i] * (1.0 - self.t(i));
            pulled[i] = pulled[i] + slope(i) * sum * self.t(i);
        }
    }
    fn jacobian(&self, x: &[f64], entry: &mut dyn FnMut(usize, usize, f64)) {
        let half = 0.5 / (self.n + 1) as f64;
        for row in 0..self.n {
            for (j, x) in x.iter().enumerate() {
                let kernel = self.t(row.min(j)) * (1.0 - self.t(row.max(j)));
                let own = if j == row { 1.0 } else { 0.0 };
                entry(row, j, own + 3.0 * half * kernel * (x + self.t(j) + 1.0).powi(2));
            }
        }
    }
    fn starts(&self) -> Starts {
        Starts::one((0..self.n).map(|i| self.t(i) * (self.t(i) - 1.0)).collect())
    }
    fn minima(&self) -> Vec<Minimum> {
        if self.n != 10 {
            return vec![Minimum::value(0.0)];
        }
        vec![Minimum::at(0.0, SOLUTION_10.to_vec())]
    }
}
