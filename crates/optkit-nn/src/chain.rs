//! The loss of a chain of dense layers over all samples, as an objective: walked block by block.

pub(crate) mod footprint;

use std::sync::Arc;

use optkit_core::{
    Archive, Decomposition, GaussNewton, HessianProduct, LoadError, NoGaussNewton, Objective, Pass, Span,
    Subset, Unsupported, Work,
};

use crate::batches::{self, Batches};
use crate::decomposition::{BatchDecomposition, NetworkDecomposition};
use crate::evaluator::{Evaluator, Published};
use crate::gauss_newton::NetworkGaussNewton;
use crate::head::Head;
use crate::model::Model;
use crate::plan::{Plan, Scope};
use crate::selected::Selected;
use crate::{Dealing, Loss, Network, Samples, Scalar, Targets};

pub(crate) struct Chain<S: Scalar> {
    evaluator: Evaluator<S>,
    published: Published<S>,
    batches: Option<Box<Batches<S>>>,
}

impl<S: Scalar> Chain<S> {
    /// The loss of `network` on `samples` against `targets`, which fit.
    pub(crate) fn new(network: &Network, loss: Loss, samples: Arc<Samples>, targets: Arc<Targets>) -> Self {
        let model = Model::new(Plan::new(network, Some(loss)), samples, targets, Head::Loss(loss));
        let scope = Scope::whole(&model.plan);
        let published = Published::default();
        let evaluator = Evaluator::new(Arc::new(model), scope, Some(published.clone()));
        Self { evaluator, published, batches: None }
    }

    /// With the samples dealt to mini-batches.
    pub(crate) fn dealt(self, dealing: Dealing, seed: u64) -> Self {
        let model = &self.evaluator.model;
        let several = dealing.count(model.samples.count()) > 1;
        let batches = several.then(|| Box::new(Batches::new(model, dealing, seed)));
        Self { batches, ..self }
    }

    /// What evaluates the samples that are selected.
    fn selected(&mut self) -> &mut Evaluator<S> {
        match &mut self.batches {
            Some(batches) if batches.is_selected() => &mut batches.evaluator,
            _ => &mut self.evaluator,
        }
    }

    /// Number of samples.
    pub(crate) fn samples(&self) -> usize {
        self.evaluator.model.samples.count()
    }

    #[cfg(test)]
    pub(crate) fn model(&self) -> Arc<Model<S>> {
        self.evaluator.model.clone()
    }
}

impl<S: Scalar> Objective for Chain<S> {
    fn dim(&self) -> usize {
        self.evaluator.model.plan.dim
    }

    fn value(&mut self, x: &[f64]) -> f64 {
        self.selected().value(x, x)
    }

    fn value_gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        self.selected().value_gradient(x, x, gradient)
    }

    fn noise(&self) -> f64 {
        S::NOISE
    }

    /// What earlier evaluations left behind is forgotten. Where there are no mini-batches, and for a first few, every
    /// pass sees all samples.
    fn select(&mut self, pass: Pass) {
        self.evaluator.forget();
        if let Some(batches) = &mut self.batches {
            match Selected::of(pass) {
                Some(selected) => _ = batches.select(selected), // no batch is empty
                None => batches.select_none(),
            }
        }
    }

    fn select_shared(&mut self, pass: Pass, other: Pass) -> Option<usize> {
        let shared = self.batches.as_mut()?.select(Selected::shared(pass, other)?)?;
        self.evaluator.forget();
        Some(shared)
    }

    fn batches(&self) -> usize {
        self.batches.as_ref().map_or(1, |batches| batches.count())
    }

    /// Along one direction only.
    fn span(&mut self, x: &[f64], directions: &[&[f64]]) -> Option<&mut dyn Span> {
        let [direction] = directions else { return None };
        self.selected().begin_line(x, direction).then_some(self as &mut dyn Span)
    }

    /// By the R-operator; nothing of the forward pass repeated at the last point.
    fn hessian_product(&mut self) -> Option<&mut dyn HessianProduct> {
        Some(self)
    }

    /// Any subsets; those that are unions of whole tensors waste nothing.
    fn decompose(&self, parts: &[Subset]) -> Result<Box<dyn Decomposition>, Unsupported> {
        if parts.is_empty() || parts.iter().any(|p| p.dim() != self.dim()) {
            return Err(Unsupported);
        }
        let (model, published, parts) =
            (self.evaluator.model.clone(), self.published.clone(), parts.to_vec());
        let Some(batches) = &self.batches else {
            return Ok(Box::new(NetworkDecomposition::new(model, published, &parts)));
        };
        let (room, left) = (&batches.evaluator.model, batches.published.clone());
        let of_batch = NetworkDecomposition::of_batches(&model, room, left, &parts);
        let make_all = move || NetworkDecomposition::new(model.clone(), published.clone(), &parts);
        Ok(Box::new(BatchDecomposition::new(batches.shown.clone(), of_batch, Box::new(make_all))))
    }

    /// Parts are unions of whole tensors.
    fn gauss_newton(&self, parts: &[Subset]) -> Result<Box<dyn GaussNewton>, NoGaussNewton> {
        Ok(Box::new(NetworkGaussNewton::new(self.evaluator.model.clone(), parts)?))
    }

    fn work(&self) -> Work {
        self.evaluator.work + self.batches.as_ref().map_or_else(Work::default, |batches| batches.work())
    }

    fn save(&self, archive: &mut Archive) {
        self.evaluator.save(archive);
        if let Some(batches) = &self.batches {
            archive.scope("batches", |archive| batches.save(archive));
        }
    }

    fn load(&mut self, archive: &Archive) -> Result<(), LoadError> {
        let saved = archive.scoped("batches");
        match &mut self.batches {
            Some(batches) => batches.load(&saved)?,
            None if saved.integer("size").is_ok() => batches::fits(&saved, Dealing::Of(self.samples()))?,
            None => {}
        }
        self.evaluator.load(archive)
    }
}

/// Where a relu has a kink, its slope there is taken to be 0, as in the gradient.
impl<S: Scalar> HessianProduct for Chain<S> {
    fn apply(&mut self, x: &[f64], v: &[f64], product: &mut [f64]) {
        self.selected().hessian_product(x, x, v, product);
    }
}

impl<S: Scalar> Span for Chain<S> {
    fn value(&mut self, coefficients: &[f64], point: &[f64]) -> f64 {
        self.selected().value_on_line(coefficients[0], point, point)
    }
}
