//! The second penalty function.
//!
//! ```text
//! f(x) = (x₁ − 0.2)² + 10⁻⁵ Σᵢ₌₂ⁿ (e^{xᵢ/10} + e^{xᵢ₋₁/10} − yᵢ)² + 10⁻⁵ Σᵢ₌₂ⁿ (e^{xᵢ/10} − e^{−1/10})² + (Σⱼ (n − j + 1)xⱼ² − 1)²
//! yᵢ = e^{i/10} + e^{(i−1)/10}
//! ```

use crate::catalog::{function, mgh};
use crate::dense::{DenseResiduals, dense_squares};
use crate::number::Number;
use crate::operands::count;
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function(
        "penalty_2",
        "penalty function II: exponentials on an ellipsoid",
        &[count("n", 2, 1000, "4", "number of variables")],
    ),
    build: |operands| Ok(dense_squares(operands, PenaltyII { n: operands.count("n") })),
    source: mgh!("function 24; after P. E. Gill, W. Murray, R. A. Pitfield, NPL report NAC 11 (1972)"),
};

const WEIGHT: f64 = 1e-5;

#[derive(Clone, Copy, Debug)]
struct PenaltyII {
    n: usize,
}

impl DenseResiduals for PenaltyII {
    fn dim(&self) -> usize {
        self.n
    }
    fn count(&self) -> usize {
        2 * self.n
    }
    fn residuals<T: Number>(&self, x: &[T], residuals: &mut [T]) {
        let n = self.n;
        residuals[0] = x[0] - 0.2;
        let mut square = x[0] * x[0] * n as f64;
        let mut before = (x[0] * 0.1).exp();
        for i in 1..n {
            let this = (x[i] * 0.1).exp();
            let y = (0.1 * (i + 1) as f64).exp() + (0.1 * i as f64).exp();
            residuals[i] = (this + before - y) * WEIGHT.sqrt();
            residuals[n - 1 + i] = (this - (-0.1_f64).exp()) * WEIGHT.sqrt();
            square = square + x[i] * x[i] * (n - i) as f64;
            before = this;
        }
        residuals[2 * n - 1] = square - 1.0;
    }
    fn pull_back<T: Number>(&self, x: &[T], residuals: &[T], pulled: &mut [T]) {
        let n = self.n;
        let excess = residuals[2 * n - 1];
        for i in 0..n {
            let mut pull = T::constant(0.0);
            if i > 0 {
                pull = pull + residuals[i] + residuals[n - 1 + i];
            }
            if i + 1 < n {
                pull = pull + residuals[i + 1];
            }
            let slope = (x[i] * 0.1).exp() * (0.1 * WEIGHT.sqrt());
            pulled[i] = pull * slope + x[i] * excess * (2.0 * (n - i) as f64);
        }
        pulled[0] = pulled[0] + residuals[0];
    }
    fn jacobian(&self, x: &[f64], entry: &mut dyn FnMut(usize, usize, f64)) {
        let slope = |i: usize| 0.1 * WEIGHT.sqrt() * (0.1 * x[i]).exp();
        entry(0, 0, 1.0);
        for i in 1..self.n {
            entry(i, i - 1, slope(i - 1));
            entry(i, i, slope(i));
        }
        for i in 1..self.n {
            entry(self.n - 1 + i, i, slope(i));
        }
        for (i, x) in x.iter().enumerate() {
            entry(2 * self.n - 1, i, 2.0 * (self.n - i) as f64 * x);
        }
    }
    fn starts(&self) -> Starts {
        Starts::one(vec![0.5; self.n])
    }
    fn minima(&self) -> Vec<Minimum> {
        match self.n {
            4 => {
                let point = [
                    0.199_999_333_350_380_4,
                    0.191_316_700_992_772_45,
                    0.480_101_485_332_623_15,
                    0.518_845_404_390_200_5,
                ];
                vec![Minimum::at(9.376_293_007_355_442e-6, point.to_vec())]
            }
            10 => vec![Minimum::value(2.936_60e-4)],
            _ => Vec::new(),
        }
    }
}
