//! Ackley's function.
//!
//! ```text
//! f(x) = 20(1 − e^{−q/5}) + e(1 − e^{c}),   q = √(Σᵢ xᵢ²/n),  c = −2/n Σᵢ sin²πxᵢ
//! ```
//!
//! The usual −20e^{−q/5} − exp(1/n Σ cos 2πxᵢ) + 20 + e without its cancellation. Not differentiable at the minimiser: the
//! gradient is set to 0 there.

use std::f64::consts::{E, PI};

use crate::catalog::function;
use crate::dense::{Dense, dense};
use crate::number::Number;
use crate::operands::{START, variables};
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function(
        "ackley",
        "Ackley's function: a cone in a field of local minima",
        &[variables(1, "2"), START],
    ),
    build: |operands| Ok(dense(operands, Ackley { n: operands.count("n") })),
    source: "D. H. Ackley, A Connectionist Machine for Genetic Hillclimbing (1987)",
};

#[derive(Clone, Copy, Debug)]
struct Ackley {
    n: usize,
}

impl Dense for Ackley {
    fn dim(&self) -> usize {
        self.n
    }
    fn value(&self, x: &[f64]) -> f64 {
        let n = self.n as f64;
        let radius = (x.iter().map(|x| x * x).sum::<f64>() / n).sqrt();
        let waves: f64 = x.iter().map(|x| (PI * x).sin().powi(2)).sum();
        -20.0 * (-0.2 * radius).exp_m1() - E * (-2.0 / n * waves).exp_m1()
    }
    fn gradient<T: Number>(&self, x: &[T], gradient: &mut [T]) {
        let n = self.n as f64;
        let zero = T::constant(0.0);
        let square = x.iter().fold(zero, |sum, x| sum + *x * *x) / n;
        let waves = x.iter().fold(zero, |sum, x| sum + (*x * PI).sin().squared());
        let wave_slope = (waves * (-2.0 / n)).exp() * (2.0 * PI * E / n);
        let radius = square.sqrt();
        let cone_slope = if square.real() == 0.0 { zero } else { (radius * -0.2).exp() * (4.0 / n) / radius };
        for (gradient, x) in gradient.iter_mut().zip(x) {
            *gradient = cone_slope * *x + wave_slope * (*x * (2.0 * PI)).sin();
        }
    }
    fn starts(&self) -> Starts {
        Starts::cube(self.n, -32.768, 32.768)
    }
    fn minima(&self) -> Vec<Minimum> {
        vec![Minimum::at(0.0, vec![0.0; self.n])]
    }
}
