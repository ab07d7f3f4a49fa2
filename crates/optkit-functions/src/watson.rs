//! Watson's function.
//!
//! ```text
//! f(x) = Σᵢ₌₁²⁹ (Σⱼ₌₂ⁿ (j − 1)xⱼtᵢ^{j−2} − (Σⱼ xⱼtᵢ^{j−1})² − 1)² + x₁² + (x₂ − x₁² − 1)²,   tᵢ = i/29
//! ```
//!
//! A polynomial fitted to the solution of a differential equation; the larger n, the worse its condition.

use crate::catalog::{function, mgh};
use crate::dense::{DenseResiduals, dense_squares};
use crate::number::Number;
use crate::operands::count;
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function(
        "watson",
        "Watson's function: a polynomial fit, the worse conditioned the larger n",
        &[count("n", 2, 31, "6", "number of variables")],
    ),
    build: |operands| Ok(dense_squares(operands, Watson { n: operands.count("n") })),
    source: mgh!("function 20; after J. S. Kowalik, M. R. Osborne (1968)"),
};

fn time(i: usize) -> f64 {
    (i + 1) as f64 / 29.0
}

/// Σ xⱼ₊₁tʲ and its derivative in t, by Horner's rule.
fn polynomial<T: Number>(x: &[T], t: f64) -> (T, T) {
    let zero = T::constant(0.0);
    x.iter().rev().fold((zero, zero), |(value, slope), x| (value * t + *x, slope * t + value))
}

#[derive(Clone, Copy, Debug)]
struct Watson {
    n: usize,
}

impl DenseResiduals for Watson {
    fn dim(&self) -> usize {
        self.n
    }
    fn count(&self) -> usize {
        31
    }
    fn residuals<T: Number>(&self, x: &[T], residuals: &mut [T]) {
        for (i, r) in residuals.iter_mut().take(29).enumerate() {
            let (value, slope) = polynomial(x, time(i));
            *r = slope - value * value - 1.0;
        }
        residuals[29] = x[0];
        residuals[30] = x[1] - x[0] * x[0] - 1.0;
    }
    fn pull_back<T: Number>(&self, x: &[T], residuals: &[T], pulled: &mut [T]) {
        pulled.fill(T::constant(0.0));
        for (i, r) in residuals.iter().take(29).enumerate() {
            let t = time(i);
            let (value, _) = polynomial(x, t);
            let (mut power, mut before) = (1.0, 0.0); // tʲ and its derivative's tʲ⁻¹
            for (j, pulled) in pulled.iter_mut().enumerate() {
                *pulled = *pulled + *r * (-(value * (2.0 * power)) + j as f64 * before);
                before = power;
                power *= t;
            }
        }
        pulled[0] = pulled[0] + residuals[29] - x[0] * residuals[30] * 2.0;
        pulled[1] = pulled[1] + residuals[30];
    }
    fn jacobian(&self, x: &[f64], entry: &mut dyn FnMut(usize, usize, f64)) {
        for i in 0..29 {
            let t = time(i);
            let (value, _) = polynomial(x, t);
            let (mut power, mut before) = (1.0, 0.0);
            for j in 0..self.n {
                entry(i, j, j as f64 * before - 2.0 * value * power);
                before = power;
                power *= t;
            }
        }
        entry(29, 0, 1.0);
        entry(30, 0, -2.0 * x[0]);
        entry(30, 1, 1.0);
    }
    fn starts(&self) -> Starts {
        Starts::one(vec![0.0; self.n])
    }
    fn minima(&self) -> Vec<Minimum> {
        match self.n {
            6 => {
                let point = [
                    -0.015_725_086_401_458_456,
                    1.012_434_869_369_109_9,
                    -0.232_991_625_956_737_7,
                    1.260_430_087_799_608_4,
                    -1.513_728_922_722_279_7,
                    0.992_996_432_431_134_6,
                ];
                vec![Minimum::at(2.287_670_053_552_436_3e-3, point.to_vec())]
            }
            9 => vec![Minimum::value(1.399_760_138_099_02e-6)],
            12 => vec![Minimum::value(4.722_38e-10)],
            _ => Vec::new(),
        }
    }
}
