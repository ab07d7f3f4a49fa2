//! Measures of a network on samples: looked at, not minimised.

use std::sync::Arc;

use rayon::prelude::*;

use crate::RunningAverages;
use crate::head::Head;
use crate::images::measure::Measure;
use crate::model::Model;
use crate::objective::fits;
use crate::plan::{Plan, Scope};
use crate::targets::TargetKind;
use crate::walk::{Forward, Keep, Walk};
use crate::weights::Weights;
use crate::worker::Worker;
use crate::{Network, Samples, SamplesError, Targets};

/// Fraction of samples whose (first) largest output is at the label. Keeps its buffers from one call to the next.
///
/// ```
/// use std::sync::Arc;
/// use optkit_nn::{Accuracy, Layer, Network, Samples, Targets};
///
/// let network = Network::new(vec![2], vec![Layer::Dense { outputs: 2 }])?;
/// let samples = Arc::new(Samples::from_floats(vec![1.0, 0.0, 0.0, 1.0], 2)?);
/// let labels = Arc::new(Targets::labels(&[0, 0], 2)?);
/// let mut accuracy = Accuracy::new(&network, samples, labels)?;
/// let identity = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0];
/// assert_eq!(accuracy.evaluate(&identity), 0.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Accuracy {
    executor: Executor,
}

/// What computes a network.
enum Executor {
    Chain(Box<Chain>),
    Images(Box<Measure>),
}

struct Chain {
    model: Model<f32>,
    scope: Scope,
    weights: Weights<f32>,
    workers: Vec<Worker<f32>>,
    /// For each chunk, room for outputs that nothing keeps.
    nothing: Vec<crate::model::Kept<f32>>,
}

impl Accuracy {
    /// The accuracy of `network` on `samples` against labels.
    pub fn new(network: &Network, samples: Arc<Samples>, labels: Arc<Targets>) -> Result<Self, SamplesError> {
        if !matches!(labels.kind, TargetKind::Labels(_)) {
            return Err(SamplesError::NeedsLabels { loss: "accuracy" });
        }
        fits(network, &samples, &labels)?;
        let executor = match network.not_a_chain() {
            None => Executor::Chain(Box::new(Chain::new(network, samples, labels))),
            Some(_) => Executor::Images(Box::new(Measure::new(network, &samples, labels))),
        };
        Ok(Self { executor })
    }

    /// With the running averages of an objective, where the network has batch normalisations; without, they are what they
    /// begin as.
    #[must_use]
    pub fn with_running(mut self, averages: &RunningAverages) -> Self {
        if let Executor::Images(measure) = &mut self.executor {
            measure.set_running(averages.0.clone());
        }
        self
    }

    /// The accuracy at `theta`, in [0, 1].
    pub fn evaluate(&mut self, theta: &[f64]) -> f64 {
        match &mut self.executor {
            Executor::Chain(chain) => chain.evaluate(theta),
            Executor::Images(measure) => measure.evaluate(theta),
        }
    }
}

impl std::fmt::Debug for Accuracy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Accuracy").finish_non_exhaustive()
    }
}

impl Chain {
    fn new(network: &Network, samples: Arc<Samples>, labels: Arc<Targets>) -> Self {
        let model = Model::new(Plan::new(network, None), samples, labels, Head::Hits);
        let scope = Scope::once(&model.plan);
        let worker = |_: usize| Worker::new(&model, &scope, false);
        let workers = (0..model.chunks.len()).map(worker).collect();
        let nothing = model.chunks.iter().map(|_| scope.keep.iter().map(|_| Default::default()).collect());
        Self { weights: Weights::new(&model.plan, &scope), workers, nothing: nothing.collect(), model, scope }
    }

    fn evaluate(&mut self, theta: &[f64]) -> f64 {
        self.weights.pack(&self.model.plan, &self.scope, theta, None);
        let walk = Walk {
            model: &self.model,
            scope: &self.scope,
            weights: &self.weights,
            forward: Forward::Compute,
            frozen: None,
            backward: false,
        };
        let chunks = self.workers.par_iter_mut().zip(&self.nothing).enumerate();
        chunks.for_each(|(c, (worker, nothing))| walk.chunk(c, worker, Keep::Read(nothing)));
        self.workers.iter().map(|w| w.total).sum::<f64>() / self.model.samples.count() as f64
    }
}
