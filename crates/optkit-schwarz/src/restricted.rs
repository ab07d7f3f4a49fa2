//! A part of an objective that does not decompose: the whole function, seen from some of its variables.

use optkit_core::{Objective, Subset};

/// The point that a restriction stands on, with room for the whole gradient.
#[derive(Debug, Default)]
pub(crate) struct Surroundings {
    pub(crate) x: Vec<f64>,
    gradient: Vec<f64>,
}

impl Surroundings {
    pub(crate) fn freeze(&mut self, x: &[f64]) {
        self.x.clear();
        self.x.extend_from_slice(x);
        self.gradient.resize(x.len(), 0.0);
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
}
