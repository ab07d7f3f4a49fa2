//! Functions in which every variable meets every other.
//!
//! A function writes its gradient down over any [`Number`]; products with the Hessian are the gradient's derivative
//! along v, and follow by evaluating it over [`Dual`]. There is no decomposition: a part would cost as much as the
//! whole.

use crate::blocks::pairwise;
use crate::number::{Dual, Number};
use crate::tallied::{Evaluate, Formula, counted};
use crate::{Minimum, Operands, Starts, TestFunction};

/// A function with its gradient.
pub(crate) trait Dense: Clone + Send + 'static {
    fn dim(&self) -> usize;
    fn value(&self, x: &[f64]) -> f64;
    fn gradient<T: Number>(&self, x: &[T], gradient: &mut [T]);
    fn starts(&self) -> Starts;
    fn minima(&self) -> Vec<Minimum>;
    fn noise(&self) -> f64 {
        f64::EPSILON
    }
}

/// Residuals r: ℝⁿ → ℝᵐ with their Jacobian J, for f = Σ r².
pub(crate) trait DenseResiduals: Clone + Send + 'static {
    fn dim(&self) -> usize;
    /// m.
    fn count(&self) -> usize;
    fn residuals<T: Number>(&self, x: &[T], residuals: &mut [T]);
    /// `pulled` ← J(x)ᵀr; cheaper than J's entries where J has structure.
    fn pull_back<T: Number>(&self, x: &[T], residuals: &[T], pulled: &mut [T]);
    /// The structural entries of J(x), row by row, columns ascending.
    fn jacobian(&self, x: &[f64], entry: &mut dyn FnMut(usize, usize, f64));
    fn starts(&self) -> Starts;
    fn minima(&self) -> Vec<Minimum>;
    fn noise(&self) -> f64 {
        f64::EPSILON
    }
}

/// The function of a row.
pub(crate) fn dense<F: Dense>(operands: &Operands, f: F) -> Box<dyn TestFunction> {
    counted(operands, Whole { f, along: Vec::new(), slope: Vec::new() })
}

/// The function of a row.
pub(crate) fn dense_squares<F: DenseResiduals>(operands: &Operands, f: F) -> Box<dyn TestFunction> {
    let residuals = vec![0.0; f.count()];
    counted(operands, Squares { f, residuals, along: Vec::new(), slope: Vec::new(), moved: Vec::new() })
}

/// Buffers of a Hessian product, filled by the first.
type Along = Vec<Dual<f64, 1>>;

fn start_along(along: &mut Along, x: &[f64], v: &[f64]) {
    along.clear();
    along.extend(x.iter().zip(v).map(|(x, v)| Dual::along(*x, *v)));
}

struct Whole<F> {
    f: F,
    along: Along,
    slope: Along,
}

impl<F: Dense> Evaluate for Whole<F> {
    fn dim(&self) -> usize {
        self.f.dim()
    }
    fn value(&mut self, x: &[f64]) -> f64 {
        self.f.value(x)
    }
    fn gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        self.f.gradient(x, gradient);
        self.f.value(x)
    }
    fn product(&mut self, x: &[f64], v: &[f64], product: &mut [f64]) {
        start_along(&mut self.along, x, v);
        self.slope.resize(x.len(), Dual::constant(0.0));
        self.f.gradient(&self.along, &mut self.slope);
        for (product, slope) in product.iter_mut().zip(&self.slope) {
            *product = slope.partials[0];
        }
    }
    fn noise(&self) -> f64 {
        self.f.noise()
    }
}

impl<F: Dense> Formula for Whole<F> {
    fn starts(&self) -> Starts {
        self.f.starts()
    }
    fn minima(&self) -> Vec<Minimum> {
        self.f.minima()
    }
}

struct Squares<F> {
    f: F,
    residuals: Vec<f64>,
    along: Along,
    slope: Along,
    /// The residuals along a direction.
    moved: Along,
}

impl<F: DenseResiduals> Evaluate for Squares<F> {
    fn dim(&self) -> usize {
        self.f.dim()
    }
    fn value(&mut self, x: &[f64]) -> f64 {
        self.f.residuals(x, &mut self.residuals);
        pairwise(0..self.residuals.len(), &mut |i| self.residuals[i] * self.residuals[i])
    }
    fn gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        let value = self.value(x);
        self.f.pull_back(x, &self.residuals, gradient);
        for slope in gradient {
            *slope *= 2.0;
        }
        value
    }
    fn product(&mut self, x: &[f64], v: &[f64], product: &mut [f64]) {
        start_along(&mut self.along, x, v);
        self.moved.resize(self.f.count(), Dual::constant(0.0));
        self.slope.resize(x.len(), Dual::constant(0.0));
        self.f.residuals(&self.along, &mut self.moved);
        self.f.pull_back(&self.along, &self.moved, &mut self.slope);
        for (product, slope) in product.iter_mut().zip(&self.slope) {
            *product = 2.0 * slope.partials[0];
        }
    }
    fn noise(&self) -> f64 {
        self.f.noise()
    }
    fn residual_count(&self) -> Option<usize> {
        Some(self.f.count())
    }
    fn residuals(&mut self, x: &[f64], residuals: &mut [f64]) {
        self.f.residuals(x, residuals);
    }
    fn jacobian(&mut self, x: &[f64], entry: &mut dyn FnMut(usize, usize, f64)) {
        self.f.jacobian(x, entry);
    }
}

impl<F: DenseResiduals> Formula for Squares<F> {
    fn starts(&self) -> Starts {
        self.f.starts()
    }
    fn minima(&self) -> Vec<Minimum> {
        self.f.minima()
    }
}
