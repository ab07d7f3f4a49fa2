//! Chebyquad.
//!
//! ```text
//! f(x) = Σᵢ₌₁ⁿ (1/n Σⱼ Tᵢ(xⱼ) − ∫₀¹ Tᵢ)²
//! ```
//!
//! Tᵢ is Chebyshev’s polynomial shifted to [0, 1]; its integral is 0 for odd i and −1/(i² − 1) for even i. The minimum is
//! 0 for n up to 7 and n = 9: the nodes of Chebyshev’s quadrature of equal weights.

use crate::catalog::{function, mgh};
use crate::dense::{DenseResiduals, dense_squares};
use crate::number::Number;
use crate::operands::count;
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function(
        "chebyquad",
        "Chebyquad: the nodes of Chebyshev's quadrature",
        &[count("n", 1, 10_000, "8", "number of variables")],
    ),
    build: |operands| Ok(dense_squares(operands, Chebyquad { n: operands.count("n") })),
    source: mgh!("function 35; after R. Fletcher, The Computer Journal 8 (1965)"),
};

#[derive(Clone, Copy, Debug)]
struct Chebyquad {
    n: usize,
}

impl DenseResiduals for Chebyquad {
    fn dim(&self) -> usize {
        self.n
    }
    fn count(&self) -> usize {
        self.n
    }
    fn residuals<T: Number>(&self, x: &[T], residuals: &mut [T]) {
        for (i, r) in residuals.iter_mut().enumerate() {
            let i = (i + 1) as f64;
            *r = T::constant(if i % 2.0 == 0.0 { 1.0 / (i * i - 1.0) } else { 0.0 });
        }
        for x in x {
            let twice = *x * 4.0 - 2.0;
            let (mut before, mut last) = (T::constant(1.0), *x * 2.0 - 1.0);
            for r in &mut *residuals {
                *r = *r + last * (1.0 / self.n as f64);
                (before, last) = (last, twice * last - before);
            }
        }
    }
    fn pull_back<T: Number>(&self, x: &[T], residuals: &[T], pulled: &mut [T]) {
        for (pulled, x) in pulled.iter_mut().zip(x) {
            let twice = *x * 4.0 - 2.0;
            let (mut before, mut last) = (T::constant(1.0), *x * 2.0 - 1.0);
            let (mut slope_before, mut slope) = (T::constant(0.0), T::constant(2.0));
            let mut sum = T::constant(0.0);
            for r in residuals {
                sum = sum + *r * slope;
                (slope_before, slope) = (slope, last * 4.0 + twice * slope - slope_before);
                (before, last) = (last, twice * last - before);
            }
            *pulled = sum * (1.0 / self.n as f64);
        }
    }
    fn jacobian(&self, x: &[f64], entry: &mut dyn FnMut(usize, usize, f64)) {
        // Row after row, so that every variable keeps its place in the recurrence.
        let mut terms: Vec<[f64; 4]> = x.iter().map(|x| [1.0, 2.0 * x - 1.0, 0.0, 2.0]).collect();
        for row in 0..self.n {
            for (j, (x, term)) in x.iter().zip(&mut terms).enumerate() {
                let ([before, last, slope_before, slope], twice) = (*term, 4.0 * x - 2.0);
                entry(row, j, slope / self.n as f64);
                *term = [last, twice * last - before, slope, 4.0 * last + twice * slope - slope_before];
            }
        }
    }
    fn starts(&self) -> Starts {
        let n = self.n as f64;
        Starts::one((1..=self.n).map(|j| j as f64 / (n + 1.0)).collect())
    }
    fn minima(&self) -> Vec<Minimum> {
        match self.n {
            1 => vec![Minimum::at(0.0, vec![0.5])],
            8 => {
                let half = [0.043_152_760_151_016_63, 0.193_090_840_384_186_1, 0.266_328_706_890_272_94, 0.5];
                let mirrored = half.iter().rev().map(|x| 1.0 - x);
                let point = half.iter().copied().chain(mirrored).collect();
                vec![Minimum::at(3.516_873_725_677_931_6e-3, point)]
            }
            2..=7 | 9 => vec![Minimum::value(0.0)],
            10 => vec![Minimum::value(6.503_95e-3)],
            _ => Vec::new(),
        }
    }
}
