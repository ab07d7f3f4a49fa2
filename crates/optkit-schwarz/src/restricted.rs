//! A part of an objective that does not decompose: the whole function, seen from some of its variables.

use optkit_core::{HessianProduct, Objective, Subset};

/// The point that a restriction stands on, with room for vectors of the whole.
#[derive(Debug)]
pub(crate) struct Surroundings {
    x: Vec<f64>,
    gradient: Vec<f64>,
    /// Zero but for the variables of the part that is being multiplied.
    direction: Vec<f64>,
}

impl Surroundings {
    pub(crate) fn new(n: usize) -> Self {
        Self { x: vec![0.0; n], gradient: vec![0.0; n], direction: vec![0.0; n] }
    }

    pub(crate) fn freeze(&mut self, x: &[f64]) {
        self.x.copy_from_slice(x);
        self.direction.fill(0.0);
    }
}

/// f as a function of the variables of `subset`, everything else frozen: correct, at the cost of the whole.
pub(crate) struct Restricted<'a> {
    pub(crate) whole: &'a mut dyn Objective,
    pub(crate) subset: &'a Subset,
    pub(crate) surroundings: &'a mut Surroundings,
}

impl Objective for Restricted<'_> {
    fn dim(&self) -> usize {
        self.subset.len()
    }
    fn value(&mut self, x: &[f64]) -> f64 {
        self.subset.scatter(x, &mut self.surroundings.x);
        self.whole.value(&self.surroundings.x)
    }
    fn value_gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        self.subset.scatter(x, &mut self.surroundings.x);
        let value = self.whole.value_gradient(&self.surroundings.x, &mut self.surroundings.gradient);
        self.subset.gather(&self.surroundings.gradient, gradient);
        value
    }
    fn noise(&self) -> f64 {
        self.whole.noise()
    }
    fn hessian_product(&mut self) -> Option<&mut dyn HessianProduct> {
        self.whole.hessian_product().is_some().then_some(self)
    }
}

impl HessianProduct for Restricted<'_> {
    fn apply(&mut self, x: &[f64], v: &[f64], product: &mut [f64]) {
        let Surroundings { x: whole, gradient, direction } = &mut *self.surroundings;
        self.subset.scatter(x, whole);
        self.subset.scatter(v, direction);
        if let Some(products) = self.whole.hessian_product() {
            products.apply(whole, direction, gradient);
        }
        self.subset.gather(gradient, product);
    }
}
