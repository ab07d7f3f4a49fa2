//! Evaluations with their work counted, for a whole function and for a part of one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use optkit_core::{
    Archive, Cost, Decomposition, HessianProduct, LoadError, Objective, Subset, Unsupported, Work,
};

use crate::{Minimum, TestFunction};

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
}

/// A whole function: what a file of this crate defines.
pub(crate) trait Formula: Evaluate {
    fn start(&self) -> Vec<f64>;
    fn minima(&self) -> Vec<Minimum>;
}

/// Counts: a value ½ gradient equivalent, a gradient with its value 1 (½ where the value there was the last thing
/// evaluated), a Hessian product 1; a part's by its share of the whole.
#[derive(Clone, Debug)]
pub(crate) struct Tallied<E> {
    pub(crate) inner: E,
    cost: Cost,
    work: Work,
    last: Vec<f64>,
}

impl<E: Evaluate> Tallied<E> {
    pub(crate) fn whole(inner: E) -> Self {
        Self::share(inner, Cost::WHOLE)
    }

    pub(crate) fn share(inner: E, cost: Cost) -> Self {
        Self { inner, cost, work: Work::default(), last: Vec::new() }
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

impl<F: Formula> TestFunction for Tallied<F> {
    fn start(&self) -> Vec<f64> {
        self.inner.start()
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
