//! The trigonometric function.
//!
//! ```text
//! f(x) = Σᵢ (n − Σⱼ cos xⱼ + i(1 − cos xᵢ) − sin xᵢ)²
//! ```
//!
//! From the standard start, descent for n = 10 ends in a local minimum.

use crate::catalog::{function, mgh};
use crate::dense::{DenseResiduals, dense_squares};
use crate::number::Number;
use crate::operands::variables;
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function(
        "trigonometric",
        "trigonometric function: local minima beside the global ones",
        &[variables(1, "10")],
    ),
    build: |operands| Ok(dense_squares(operands, Trigonometric { n: operands.count("n") })),
    source: mgh!("function 26; after E. Spedicato, CISE report N-175 (1975)"),
};

#[derive(Clone, Copy, Debug)]
struct Trigonometric {
    n: usize,
}

impl DenseResiduals for Trigonometric {
    fn dim(&self) -> usize {
        self.n
    }
    fn count(&self) -> usize {
        self.n
    }
    fn residuals<T: Number>(&self, x: &[T], residuals: &mut [T]) {
        let mut versines = T::constant(0.0); // n − Σ cos
        for (i, (r, x)) in residuals.iter_mut().zip(x).enumerate() {
            let versine = -(*x).cos() + 1.0;
            versines = versines + versine;
            *r = versine * (i + 1) as f64 - (*x).sin();
        }
        for r in residuals {
            *r = *r + versines;
        }
    }
    fn pull_back<T: Number>(&self, x: &[T], residuals: &[T], pulled: &mut [T]) {
        let sum = residuals.iter().fold(T::constant(0.0), |sum, r| sum + *r);
        for (i, ((pulled, r), x)) in pulled.iter_mut().zip(residuals).zip(x).enumerate() {
            *pulled = (*x).sin() * (sum + *r * (i + 1) as f64) - *r * (*x).cos();
        }
    }
    fn jacobian(&self, x: &[f64], entry: &mut dyn FnMut(usize, usize, f64)) {
        for row in 0..self.n {
            for (i, x) in x.iter().enumerate() {
                let own = if i == row { (row + 1) as f64 * x.sin() - x.cos() } else { 0.0 };
                entry(row, i, x.sin() + own);
            }
        }
    }
    fn starts(&self) -> Starts {
        Starts::one(vec![1.0 / self.n as f64; self.n])
    }
    fn minima(&self) -> Vec<Minimum> {
        let global = Minimum::at(0.0, vec![0.0; self.n]);
        if self.n != 10 {
            return vec![global];
        }
        let local = [
            0.055_150_903_980_691_29,
            0.056_840_616_794_738_56,
            0.058_764_001_762_695_084,
            0.060_990_608_656_760_81,
            0.063_626_213_695_854_51,
            0.066_843_179_452_758_79,
            0.208_161_518_569_881_16,
            0.164_363_095_885_647_74,
            0.085_006_895_688_507_44,
            0.091_431_450_714_707_94,
        ];
        vec![global, Minimum::at(2.795_056_121_879_456_3e-5, local.to_vec())]
    }
}
