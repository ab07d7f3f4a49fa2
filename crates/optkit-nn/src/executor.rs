//! The seam between a network's objective and what computes it.
//!
//! A trait object made by [`Scalar::executor`], which is not generic: what computes is compiled here, once for `f32` and
//! once for `f64`, and not anew in every crate that makes a [`NetworkObjective`](crate::NetworkObjective).

use std::sync::Arc;

use optkit_core::Objective;

use crate::chain::Chain;
use crate::images::objective::Images;
use crate::{Dealing, Loss, Network, RunningAverages, Samples, Scalar, Targets};

/// What computes a network on samples, with numbers of one kind.
pub trait Executor: Objective {
    /// Number of samples.
    fn samples(&self) -> usize;

    /// With the samples dealt to mini-batches.
    fn dealt(self: Box<Self>, dealing: Dealing, seed: u64) -> Box<dyn Executor>;

    /// The running averages, shared; empty where there are none.
    fn running(&self) -> RunningAverages {
        RunningAverages::default()
    }

    /// Share these running averages from now on.
    fn set_running(&mut self, _averages: &RunningAverages) {}

    /// Compute again, rather than keep, what need not be kept, where activations take more than `bytes`.
    fn spare_beyond(&mut self, _bytes: usize) {}

    /// Evaluate at most so many samples at a time; what is evaluated in blocks anyway does not mind.
    fn evaluate_at_most(&mut self, _samples: usize) {}
}

/// Dense layers and activations: chunks of samples through all layers. Everything else: stage by stage over all samples.
pub(crate) fn new<S: Scalar>(
    network: &Network,
    loss: Loss,
    samples: Arc<Samples>,
    targets: Arc<Targets>,
) -> Box<dyn Executor> {
    match network.not_a_chain() {
        None => Box::new(Chain::<S>::new(network, loss, samples, targets)),
        Some(_) => Box::new(Images::<S>::new(network, loss, &samples, targets)),
    }
}

impl<S: Scalar> Executor for Chain<S> {
    fn samples(&self) -> usize {
        self.samples()
    }

    fn dealt(self: Box<Self>, dealing: Dealing, seed: u64) -> Box<dyn Executor> {
        Box::new((*self).dealt(dealing, seed))
    }
}

impl<S: Scalar> Executor for Images<S> {
    fn samples(&self) -> usize {
        self.samples()
    }

    fn dealt(self: Box<Self>, dealing: Dealing, seed: u64) -> Box<dyn Executor> {
        Box::new((*self).dealt(dealing, seed))
    }

    fn running(&self) -> RunningAverages {
        RunningAverages(self.running().clone())
    }

    fn set_running(&mut self, averages: &RunningAverages) {
        self.set_running(averages.0.clone());
    }

    fn spare_beyond(&mut self, bytes: usize) {
        self.spare_beyond(bytes);
    }

    fn evaluate_at_most(&mut self, samples: usize) {
        self.evaluate_at_most(samples);
    }
}
