//! Dense networks on [dfdx](https://docs.rs/dfdx) 0.13 (feature `dfdx`; on a CUDA device with `dfdx-cuda`).
//!
//! Upstream has not released since July 2023: this is a second implementation to check the native one against,
//! and a way onto CUDA for dense networks, not what optkit stands on.
//!
//! Samples are held as `f32` tensors, four bytes a value (188 MB for MNIST), in micro-batches. Between evaluations z = Wa + b of every dense layer stays, so that a gradient at the
//! point of the last evaluation repeats no product.

mod block;
mod chain;
mod engine;
mod pass;
#[cfg(any(test, feature = "dfdx-cuda"))]
mod remote;

use std::sync::Arc;

use optkit_core::{Archive, LoadError, Objective, Pass, Work};

use crate::{Loss, Network, Samples, SamplesError, Targets};
use chain::Chain;

#[cfg(not(feature = "dfdx-cuda"))]
type Evaluator = engine::Engine;
#[cfg(feature = "dfdx-cuda")]
type Evaluator = remote::Remote;

/// Why there is no such objective.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DfdxError {
    /// A layer that this backend does not compute.
    #[error("layer {index}: `{layer}` is not available on dfdx; use `backend = native`")]
    Layer {
        /// Index of the layer, counted from 0.
        index: usize,
        /// Its keyword.
        layer: &'static str,
    },
    /// A loss that this backend does not compute.
    #[error("loss `{loss}` is not available on dfdx; use `backend = native`")]
    Loss {
        /// Its keyword.
        loss: &'static str,
    },
    /// Smoothed labels.
    #[error("smoothed labels are not available on dfdx; use `backend = native`")]
    Smoothing,
    /// Network, samples, targets and loss do not fit together.
    #[error(transparent)]
    Samples(#[from] SamplesError),
    /// The device refused: no driver, or too little memory.
    #[error("the dfdx device failed ({reason}); use `backend = native`")]
    Device {
        /// What dfdx says.
        reason: String,
    },
}

/// The mean loss of a dense network over its samples, as a function of the parameters θ.
///
/// Computes in `f32` and sums losses and gradients in `f64`, in an order that does not depend on the number of
/// threads. Where activations could leave the range of `f32`, the value and gradient are NaN.
///
/// ```
/// use std::sync::Arc;
/// use optkit_core::Objective;
/// use optkit_nn::{DfdxObjective, Layer, Loss, Network, Samples, Targets};
///
/// let network = Network::new(vec![2], vec![Layer::Dense { outputs: 3 }])?;
/// let samples = Arc::new(Samples::from_floats(vec![0.0, 1.0, 1.0, 0.0], 2)?);
/// let targets = Arc::new(Targets::labels(&[0, 2], 3)?);
/// let mut f = DfdxObjective::new(&network, Loss::CrossEntropy, samples, targets)?;
/// // With all parameters zero, every class has probability 1/3.
/// assert!((f.value(&[0.0; 9]) - 3.0_f64.ln()).abs() < 1e-6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Panics
///
/// An evaluation panics where the device fails in the middle of it, which on a CPU means that memory ran out.
pub struct DfdxObjective {
    chain: Chain,
    evaluator: Evaluator,
    /// The largest magnitude among the samples' values.
    largest: f64,
    /// θ in f32.
    theta: Vec<f32>,
    /// The point of the kept forward pass; empty where there is none.
    kept_at: Vec<f64>,
    /// The value there.
    kept_value: f64,
    work: Work,
}

impl DfdxObjective {
    /// Most rows of a micro-batch.
    pub const MICRO_BATCH: usize = block::MICRO_BATCH;

    /// The loss of `network` on `samples` against `targets`.
    ///
    /// The samples are copied onto the device. An error names the first layer that is not available here, or what
    /// does not fit together.
    pub fn new(
        network: &Network,
        loss: Loss,
        samples: Arc<Samples>,
        targets: Arc<Targets>,
    ) -> Result<Self, DfdxError> {
        if loss == Loss::BinaryCrossEntropy {
            return Err(DfdxError::Loss { loss: loss.name() });
        }
        if loss == Loss::CrossEntropy && targets.smoothing > 0.0 {
            return Err(DfdxError::Smoothing);
        }
        let chain = Chain::new(network, loss)?;
        let (blocks, largest) = block::cut(network, &chain, &samples, &targets, loss)?;
        drop((samples, targets)); // the device has its own copy from here on
        Ok(Self {
            evaluator: Evaluator::new(chain.clone(), blocks)?,
            chain,
            largest,
            theta: vec![0.0; network.dim()],
            kept_at: Vec::new(),
            kept_value: f64::NAN,
            work: Work::default(),
        })
    }

    /// Makes x the point to evaluate at; false where f is not defined there.
    fn move_to(&mut self, x: &[f64]) -> bool {
        assert_eq!(
            x.len(),
            self.theta.len(),
            "the point must have as many entries as the network parameters"
        );
        self.kept_at.clear();
        for (theta, x) in self.theta.iter_mut().zip(x) {
            *theta = *x as f32;
        }
        !self.chain.may_overflow(&self.theta, self.largest)
    }

    /// Remembers x as the point of the kept forward pass.
    fn keep(&mut self, x: &[f64], value: f64) -> f64 {
        self.kept_at.clear();
        self.kept_at.extend_from_slice(x);
        self.kept_value = value;
        value
    }

    fn evaluate(&mut self, x: &[f64]) -> f64 {
        if !self.move_to(x) {
            return f64::NAN;
        }
        let value = self.evaluator.value(&self.theta);
        self.keep(x, value)
    }
}

impl Objective for DfdxObjective {
    fn dim(&self) -> usize {
        self.theta.len()
    }

    /// Every pass sees all samples; the kept forward pass is forgotten.
    fn select(&mut self, _pass: Pass) {
        self.kept_at.clear();
    }

    fn value(&mut self, x: &[f64]) -> f64 {
        if self.kept_at == x {
            return self.kept_value;
        }
        self.work.values += 1;
        self.work.gradient_equivalents += 0.5;
        self.evaluate(x)
    }

    fn value_gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        let known = self.kept_at == x;
        self.work.values += u64::from(!known);
        self.work.gradients += 1;
        self.work.gradient_equivalents += if known { 0.5 } else { 1.0 };
        if !known && !self.move_to(x) {
            gradient.fill(f64::NAN);
            return f64::NAN;
        }
        let value = self.evaluator.value_gradient(&self.theta, known, gradient);
        if known { value } else { self.keep(x, value) }
    }

    fn noise(&self) -> f64 {
        1e-7
    }

    fn work(&self) -> Work {
        self.work
    }

    fn save(&self, archive: &mut Archive) {
        archive.put("kept_at", self.kept_at.clone());
        archive.put_integer("values", self.work.values);
        archive.put_integer("gradients", self.work.gradients);
        archive.put("gradient_equivalents", vec![self.work.gradient_equivalents]);
    }

    fn load(&mut self, archive: &Archive) -> Result<(), LoadError> {
        let kept_at = archive.array("kept_at")?;
        if kept_at.is_empty() {
            self.kept_at.clear();
        } else {
            let mut x = vec![0.0; self.dim()];
            archive.array_into("kept_at", &mut x)?;
            self.evaluate(&x); // leaves the same forward pass behind, to the bit
        }
        self.work.values = archive.integer("values")?;
        self.work.gradients = archive.integer("gradients")?;
        self.work.gradient_equivalents = archive.number("gradient_equivalents")?;
        Ok(())
    }
}
