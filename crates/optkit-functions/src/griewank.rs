//! Griewank's function.
//!
//! ```text
//! f(x) = 1 + Σᵢ xᵢ²/4000 − Πᵢ cos(xᵢ/√i)
//! ```

use crate::catalog::function;
use crate::dense::{Dense, dense};
use crate::number::Number;
use crate::operands::{START, variables};
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function(
        "griewank",
        "Griewank's function: many regular local minima",
        &[variables(1, "2"), START],
    ),
    build: |operands| Ok(dense(operands, Griewank { n: operands.count("n") })),
    source: "A. O. Griewank, Generalized descent for global optimization, \
             Journal of Optimization Theory and Applications 34 (1981)",
};

fn frequency(i: usize) -> f64 {
    1.0 / ((i + 1) as f64).sqrt()
}

#[derive(Clone, Copy, Debug)]
struct Griewank {
    n: usize,
}

impl Dense for Griewank {
    fn dim(&self) -> usize {
        self.n
    }
    fn value(&self, x: &[f64]) -> f64 {
        let bowl: f64 = x.iter().map(|x| x * x).sum();
        let product: f64 = x.iter().enumerate().map(|(i, x)| (x * frequency(i)).cos()).product();
        bowl / 4000.0 + (1.0 - product)
    }
    fn gradient<T: Number>(&self, x: &[T], gradient: &mut [T]) {
        // Products of the others from both sides: a division by a cosine would fail at its zeros.
        let mut before = T::constant(1.0);
        for (i, (gradient, x)) in gradient.iter_mut().zip(x).enumerate() {
            *gradient = before;
            before = before * (*x * frequency(i)).cos();
        }
        let mut after = T::constant(1.0);
        for (i, (gradient, x)) in gradient.iter_mut().zip(x).enumerate().rev() {
            let angle = *x * frequency(i);
            *gradient = *gradient * after * angle.sin() * frequency(i) + *x / 2000.0;
            after = after * angle.cos();
        }
    }
    fn starts(&self) -> Starts {
        Starts::cube(self.n, -600.0, 600.0)
    }
    fn minima(&self) -> Vec<Minimum> {
        vec![Minimum::at(0.0, vec![0.0; self.n])]
    }
    /// Near the minimum 1 − Π is left of a product of n rounded factors.
    fn noise(&self) -> f64 {
        self.n as f64 * f64::EPSILON
    }
}
