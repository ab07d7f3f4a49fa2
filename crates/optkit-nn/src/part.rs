//! One part of a decomposed network: the loss as a function of some of the parameters, the others frozen.

use std::sync::Arc;

use optkit_core::{Archive, HessianProduct, LoadError, Objective, Span, Subset, Work};

use crate::Scalar;
use crate::decomposition::{Cell, Tally, open, share};
use crate::evaluator::Evaluator;
use crate::model::Model;

pub(crate) struct Part<S: Scalar> {
    evaluator: Evaluator<S>,
    subset: Subset,
    cell: Cell<S>,
    /// All samples: what the evaluator has at rest.
    all: Arc<Model<S>>,
    tally: Tally,
    /// Version of the cell that the fields below belong to.
    version: u64,
    /// All parameters: the frozen ones, and the part's own as last evaluated.
    theta: Vec<f64>,
    /// Gradient of all parameters, written where tensors are the part's.
    gradient: Vec<f64>,
    /// A direction among all parameters, zero where they are not the part's; made when first needed.
    direction: Vec<f64>,
}

impl<S: Scalar> Part<S> {
    pub(crate) fn new(evaluator: Evaluator<S>, subset: Subset, cell: Cell<S>) -> Self {
        let n = subset.dim();
        let (theta, gradient) = (vec![0.0; n], vec![0.0; n]);
        let (all, tally) = (evaluator.model.clone(), Tally::default());
        Self { evaluator, subset, cell, all, tally, version: 0, theta, gradient, direction: Vec::new() }
    }

    /// Take up what is frozen, for the time of one evaluation.
    fn take_up(&mut self) {
        let frozen = open(&self.cell);
        let activations = frozen.activations.clone().expect("`freeze` comes before the first use of a part");
        if frozen.version != self.version {
            self.version = frozen.version;
            if let Some(batch) = &frozen.batch {
                self.tally.settle(self.evaluator.work, share(batch, &self.all));
            }
            let moved = !frozen.moved.is_empty();
            self.theta.copy_from_slice(if moved { &frozen.moved } else { &activations.point });
            self.evaluator.forget();
            self.evaluator.snapshot_point.clear();
            if !moved {
                self.evaluator.snapshot_point.resize(self.subset.len(), 0.0);
                self.subset.gather(&self.theta, &mut self.evaluator.snapshot_point);
            }
        }
        self.evaluator.snapshot = Some(activations);
        if let Some(batch) = &frozen.batch {
            self.evaluator.model = batch.clone();
        }
    }

    /// Let go, so that the memory can be used again after the next `freeze`.
    fn let_go(&mut self) {
        self.evaluator.snapshot = None;
        self.evaluator.model = self.all.clone();
    }
}

impl<S: Scalar> Objective for Part<S> {
    fn dim(&self) -> usize {
        self.subset.len()
    }

    fn value(&mut self, x: &[f64]) -> f64 {
        self.take_up();
        self.subset.scatter(x, &mut self.theta);
        let value = self.evaluator.value(x, &self.theta);
        self.let_go();
        value
    }

    fn value_gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        self.take_up();
        self.subset.scatter(x, &mut self.theta);
        let value = self.evaluator.value_gradient(x, &self.theta, &mut self.gradient);
        self.subset.gather(&self.gradient, gradient);
        self.let_go();
        value
    }

    fn noise(&self) -> f64 {
        S::NOISE
    }

    fn span(&mut self, x: &[f64], directions: &[&[f64]]) -> Option<&mut dyn Span> {
        let [direction] = directions else { return None };
        self.take_up();
        let begun = self.evaluator.begin_line(x, direction);
        self.let_go();
        begun.then_some(self as &mut dyn Span)
    }

    fn hessian_product(&mut self) -> Option<&mut dyn HessianProduct> {
        Some(self)
    }

    fn work(&self) -> Work {
        self.tally.total(self.evaluator.work)
    }

    /// Everything else ends with the next `freeze`.
    fn save(&self, archive: &mut Archive) {
        self.tally.save(archive);
        self.evaluator.save_forgotten(archive);
    }

    fn load(&mut self, archive: &Archive) -> Result<(), LoadError> {
        self.tally = Tally::load(archive)?;
        self.evaluator.load_forgotten(archive)
    }
}

/// With the diagonal block of the Hessian that belongs to the part's variables.
impl<S: Scalar> HessianProduct for Part<S> {
    fn apply(&mut self, x: &[f64], v: &[f64], product: &mut [f64]) {
        self.take_up();
        self.subset.scatter(x, &mut self.theta);
        self.direction.resize(self.subset.dim(), 0.0);
        self.subset.scatter(v, &mut self.direction);
        self.evaluator.hessian_product(x, &self.theta, &self.direction, &mut self.gradient);
        self.subset.gather(&self.gradient, product);
        self.let_go();
    }
}

impl<S: Scalar> Span for Part<S> {
    fn value(&mut self, coefficients: &[f64], point: &[f64]) -> f64 {
        self.take_up();
        self.subset.scatter(point, &mut self.theta);
        let value = self.evaluator.value_on_line(coefficients[0], point, &self.theta);
        self.let_go();
        value
    }
}
