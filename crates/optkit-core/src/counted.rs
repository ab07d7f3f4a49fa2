//! A plain function with its work counted.

use crate::{
    Archive, Bounds, Decomposition, GaussNewton, HessianProduct, LoadError, NoGaussNewton, Objective, Pass,
    Residuals, Subset, Unsupported, Work,
};

/// Wraps an objective that does not count, and counts: a value costs ½ gradient equivalent, a value with gradient
/// 1, or ½ where the value at that point was just evaluated; a product with the Hessian 1.
#[derive(Clone, Debug)]
pub struct Counted<F> {
    inner: F,
    work: Work,
    last: Vec<f64>,
}

impl<F: Objective> Counted<F> {
    /// Count the evaluations of `inner` from now on.
    pub fn new(inner: F) -> Self {
        Self { inner, work: Work::default(), last: Vec::new() }
    }

    /// The objective inside.
    pub fn into_inner(self) -> F {
        self.inner
    }

    fn at_last(&self, x: &[f64]) -> bool {
        self.last == x
    }

    fn remember(&mut self, x: &[f64]) {
        self.last.clear();
        self.last.extend_from_slice(x);
    }
}

impl<F: Objective> Objective for Counted<F> {
    fn dim(&self) -> usize {
        self.inner.dim()
    }
    fn value(&mut self, x: &[f64]) -> f64 {
        self.work.values += 1;
        self.work.gradient_equivalents += 0.5;
        self.remember(x);
        self.inner.value(x)
    }
    fn value_gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        let known = self.at_last(x);
        self.work.values += u64::from(!known);
        self.work.gradients += 1;
        self.work.gradient_equivalents += if known { 0.5 } else { 1.0 };
        self.remember(x);
        self.inner.value_gradient(x, gradient)
    }
    fn noise(&self) -> f64 {
        self.inner.noise()
    }
    fn select(&mut self, pass: Pass) {
        self.last.clear();
        self.inner.select(pass);
    }
    fn select_shared(&mut self, pass: Pass, other: Pass) -> Option<usize> {
        let shared = self.inner.select_shared(pass, other)?;
        self.last.clear();
        Some(shared)
    }
    fn batches(&self) -> usize {
        self.inner.batches()
    }
    fn hessian_product(&mut self) -> Option<&mut dyn HessianProduct> {
        self.inner.hessian_product().is_some().then_some(self)
    }
    fn residuals(&mut self) -> Option<&mut dyn Residuals> {
        self.inner.residuals()
    }
    fn bounds(&self) -> Option<Bounds<'_>> {
        self.inner.bounds()
    }
    fn accept(&mut self, x: &[f64]) {
        self.inner.accept(x);
    }
    fn decompose(&self, parts: &[Subset]) -> Result<Box<dyn Decomposition>, Unsupported> {
        self.inner.decompose(parts)
    }
    fn gauss_newton(&self, parts: &[Subset]) -> Result<Box<dyn GaussNewton>, NoGaussNewton> {
        self.inner.gauss_newton(parts)
    }
    fn work(&self) -> Work {
        self.work
    }
    fn save(&self, archive: &mut Archive) {
        archive.put_work("work", self.work);
        archive.put("last", self.last.clone());
        archive.scope("inner", |archive| self.inner.save(archive));
    }
    fn load(&mut self, archive: &Archive) -> Result<(), LoadError> {
        self.inner.load(&archive.scoped("inner"))?;
        self.work = archive.work("work")?;
        self.last = archive.array("last")?.to_vec();
        Ok(())
    }
}

impl<F: Objective> HessianProduct for Counted<F> {
    fn apply(&mut self, x: &[f64], v: &[f64], product: &mut [f64]) {
        self.work.hessian_products += 1;
        self.work.gradient_equivalents += 1.0;
        self.inner
            .hessian_product()
            .expect("handed out where the objective offers products")
            .apply(x, v, product);
    }
}
