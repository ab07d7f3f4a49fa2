//! Evaluations with their work counted, for a whole function and for a part of one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use optkit_core::{
    Archive, Cost, Decomposition, HessianProduct, LoadError, Objective, Residuals, Subset, Unsupported, Work,
};

use crate::{Minimum, Operands, Starts, TestFunction};

/// Evaluations, uncounted. Slices have length `dim`.
pub(crate) trait Evaluate: Send {
    fn dim(&self) -> usize;
    fn value(&mut self, x: &[f64]) -> f64;
    /// Writes ∇f(x) and returns f(x), to the bit what `value` returns.
    fn gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64;
    /// Writes ∇²f(x)·v.
    fn product(&mut self, x: &[f64], v: &[f64], product: &mut [f64]);
    /// Relative error of a value.
    fn noise(&self) -> f64 {
        f64::EPSILON
    }
    fn decompose(&self, _parts: &[Subset]) -> Result<Box<dyn Decomposition>, Unsupported> {
        Err(Unsupported)
    }
    /// The number of residuals, where f is the sum of their squares.
    fn residual_count(&self) -> Option<usize> {
        None
    }
    fn residuals(&mut self, _x: &[f64], _residuals: &mut [f64]) {}
    /// Hands out the structural entries of the residuals' Jacobian: (row, column, value), in this order.
    fn jacobian(&mut self, _x: &[f64], _entry: &mut dyn FnMut(usize, usize, f64)) {}
}

/// A whole function: what a file of this crate defines.
pub(crate) trait Formula: Evaluate {
    fn starts(&self) -> Starts;
    fn minima(&self) -> Vec<Minimum>;
}

/// The function of a row, counted, at the start that the operands choose.
pub(crate) fn counted<F: Formula + 'static>(operands: &Operands, formula: F) -> Box<dyn TestFunction> {
    let tallied = Tallied::share(formula, Cost::WHOLE);
    Box::new(Tallied { start: operands.start(), ..tallied })
}

/// Counts: a value ½ gradient equivalent, a gradient with its value 1 (½ where the value there was the last thing
/// evaluated), a Hessian product 1, residuals as a value and a Jacobian as a gradient; a part's by its share of the
/// whole.
#[derive(Clone, Debug)]
pub(crate) struct Tallied<E> {
    pub(crate) inner: E,
    cost: Cost,
    work: Work,
    last: Vec<f64>,
    /// The start chosen, from 0.
    start: usize,
}

impl<E: Evaluate> Tallied<E> {
    pub(crate) fn share(inner: E, cost: Cost) -> Self {
        Self { inner, cost, work: Work::default(), last: Vec::new(), start: 0 }
    }

    pub(crate) fn cost(&self) -> Cost {
        self.cost
    }

    /// What surrounds the part has changed: the last value is no longer known.
    pub(crate) fn forget(&mut self) {
        self.last.clear();
    }

    fn remember(&mut self, x: &[f64]) -> bool {
        assert_eq!(x.len(), self.inner.dim(), "the point has another length than the function's dimension");
        let known = self.last == x;
        if !known {
            self.work.values += 1;
            self.work.gradient_equivalents += 0.5 * self.cost.forward;
            self.last.clear();
            self.last.extend_from_slice(x);
        }
        known
    }
}

impl<E: Evaluate> Objective for Tallied<E> {
    fn dim(&self) -> usize {
        self.inner.dim()
    }
    fn value(&mut self, x: &[f64]) -> f64 {
        self.forget(); // a value asked for again is computed again
        self.remember(x);
        self.inner.value(x)
    }
    fn value_gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        self.remember(x);
        self.work.gradients += 1;
        self.work.gradient_equivalents += 0.5 * self.cost.backward;
        self.inner.gradient(x, gradient)
    }
    fn noise(&self) -> f64 {
        self.inner.noise()
    }
    fn hessian_product(&mut self) -> Option<&mut dyn HessianProduct> {
        Some(self)
    }
    fn residuals(&mut self) -> Option<&mut dyn Residuals> {
        self.inner.residual_count().is_some().then_some(self as &mut dyn Residuals)
    }
    fn decompose(&self, parts: &[Subset]) -> Result<Box<dyn Decomposition>, Unsupported> {
        self.inner.decompose(parts)
    }
    fn work(&self) -> Work {
        self.work
    }
    fn save(&self, archive: &mut Archive) {
        archive.put_work("work", self.work);
        archive.put("last", self.last.clone());
    }
    fn load(&mut self, archive: &Archive) -> Result<(), LoadError> {
        self.work = archive.work("work")?;
        self.last = archive.array("last")?.to_vec();
        Ok(())
    }
}

impl<E: Evaluate> HessianProduct for Tallied<E> {
    fn apply(&mut self, x: &[f64], v: &[f64], product: &mut [f64]) {
        self.work.hessian_products += 1;
        self.work.gradient_equivalents += self.cost.value_gradient();
        self.inner.product(x, v, product);
    }
}

impl<E: Evaluate> Residuals for Tallied<E> {
    fn count(&self) -> usize {
        self.inner.residual_count().unwrap_or(0)
    }
    fn residuals(&mut self, x: &[f64], residuals: &mut [f64]) {
        assert_eq!(residuals.len(), self.count(), "as many places as residuals");
        self.forget();
        self.remember(x);
        self.inner.residuals(x, residuals);
    }
    fn jacobian(&mut self, x: &[f64], entry: &mut dyn FnMut(usize, usize, f64)) {
        self.remember(x);
        self.work.gradients += 1;
        self.work.gradient_equivalents += 0.5 * self.cost.backward;
        self.inner.jacobian(x, entry);
    }
}

impl<F: Formula> TestFunction for Tallied<F> {
    fn start(&self) -> Vec<f64> {
        let starts = self.inner.starts();
        starts.get(self.start).expect("the operand `start` has as many values as there are starts")
    }
    fn starts(&self) -> Starts {
        self.inner.starts()
    }
    fn minima(&self) -> Vec<Minimum> {
        self.inner.minima()
    }
}

/// A part as its decomposition and its user both hold it. The lock is never contended: the one moves the
/// surroundings only while the other does not evaluate.
pub(crate) struct Shared<E>(Arc<Mutex<Tallied<E>>>);

impl<E> Clone for Shared<E> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<E: Evaluate> Shared<E> {
    pub(crate) fn new(part: Tallied<E>) -> Self {
        Self(Arc::new(Mutex::new(part)))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Tallied<E>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E: Evaluate> Objective for Shared<E> {
    fn dim(&self) -> usize {
        self.lock().dim()
    }
    fn value(&mut self, x: &[f64]) -> f64 {
        self.lock().value(x)
    }
    fn value_gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        self.lock().value_gradient(x, gradient)
    }
    fn noise(&self) -> f64 {
        self.lock().noise()
    }
    fn hessian_product(&mut self) -> Option<&mut dyn HessianProduct> {
        Some(self)
    }
    fn work(&self) -> Work {
        self.lock().work()
    }
    fn save(&self, archive: &mut Archive) {
        self.lock().save(archive);
    }
    fn load(&mut self, archive: &Archive) -> Result<(), LoadError> {
        self.lock().load(archive)
    }
}

impl<E: Evaluate> HessianProduct for Shared<E> {
    fn apply(&mut self, x: &[f64], v: &[f64], product: &mut [f64]) {
        self.lock().apply(x, v, product);
    }
}
