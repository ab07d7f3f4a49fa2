//! A network bound to its samples: the objective, the measures, and where a run begins.

use std::sync::Arc;

use optkit_core::{Objective, Optimizer};
use optkit_data::{Fetch, Locations};
use optkit_lang::Split;
use optkit_nn::{Accuracy, NetworkObjective, RunningAverages, Scalar, Targets, WeightDecay};

use super::data::Loaded;
use super::{Backend, NetworkSubject, Prepared};
use crate::assemble::{Assembly, LoadPlanError};
use crate::run::Measure;
use crate::weights::Weights;

impl NetworkSubject {
    /// Everything bound to its samples, of which at most so many are evaluated at a time.
    pub(in crate::assemble) fn bind(
        &self,
        seed: u64,
        optimizer: Box<dyn Optimizer>,
        prepared: &Prepared,
        micro_batch: Option<usize>,
    ) -> Result<Assembly, LoadPlanError> {
        let of = |split: Split| {
            let loaded = match split {
                Split::Train => &prepared.train,
                Split::Test => &prepared.test,
            };
            loaded.clone().expect("what is needed was prepared")
        };
        // Measures read the running averages that the objective moves.
        let averages = RunningAverages::new(&self.network);
        let start = match &self.weights {
            None => self.network.initial(seed),
            Some(path) => {
                let weights = Weights::read(path, &self.network)?;
                averages.set(&weights.averages);
                weights.parameters
            }
        };
        let mut measures: Vec<(String, Box<dyn Measure>)> = Vec::new();
        for (name, split) in &self.measures {
            let Loaded { samples, targets } = of(*split);
            let accuracy = Accuracy::new(&self.network, samples, targets).map_err(refused)?;
            measures.push((name.clone(), Box::new(AccuracyMeasure(accuracy.with_running(&averages)))));
        }
        let trained = of(self.split);
        let samples = trained.samples.count();
        Ok(Assembly {
            objective: self.objective(trained, (seed, micro_batch), &averages)?,
            optimizer,
            start,
            measures,
            samples: Some(samples),
            data_checksum: Some(prepared.checksum.clone()),
        })
    }

    /// The objective by our own kernels in `f64`.
    pub(in crate::assemble) fn load_double(
        &self,
        locations: &Locations,
        fetch: Fetch<'_>,
    ) -> Result<Box<dyn Objective>, LoadPlanError> {
        let data = self.prepare_split(locations, fetch)?;
        let all = Self { double: true, backend: Backend::Native, batch: None, ..self.clone() };
        all.objective(data, (0, None), &RunningAverages::new(&self.network))
    }

    fn objective(
        &self,
        data: Loaded,
        (seed, micro_batch): (u64, Option<usize>),
        averages: &RunningAverages,
    ) -> Result<Box<dyn Objective>, LoadPlanError> {
        let loss = match (self.backend, self.double) {
            #[cfg(feature = "dfdx")]
            (Backend::Dfdx, _) => {
                let Loaded { samples, targets } = data;
                let made = optkit_nn::DfdxObjective::new(&self.network, self.loss, samples, targets);
                Box::new(made.map_err(refused)?)
            }
            (_, true) => self.native::<f64>(data, (seed, micro_batch), averages)?,
            (_, false) => self.native::<f32>(data, (seed, micro_batch), averages)?,
        };
        Ok(match self.weight_decay {
            0.0 => loss,
            decay => Box::new(WeightDecay::new(loss, decay)),
        })
    }

    fn native<S: Scalar>(
        &self,
        data: Loaded,
        (seed, micro_batch): (u64, Option<usize>),
        averages: &RunningAverages,
    ) -> Result<Box<dyn Objective>, LoadPlanError> {
        let Loaded { samples, mut targets } = data;
        if self.smoothing > 0.0 {
            targets = Arc::new(Targets::clone(&targets).smoothed(self.smoothing).map_err(refused)?);
        }
        let made = NetworkObjective::<S>::new(&self.network, self.loss, samples, targets).map_err(refused)?;
        let made = made.with_running(averages);
        let made = match micro_batch {
            Some(most) => made.in_micro_batches(most).map_err(refused)?,
            None => made,
        };
        Ok(Box::new(match self.batch {
            Some(dealing) => made.dealt(dealing, seed),
            None => made,
        }))
    }
}

pub(super) fn refused(error: impl std::fmt::Display) -> LoadPlanError {
    LoadPlanError::Backend(error.to_string())
}

struct AccuracyMeasure(Accuracy);

impl Measure for AccuracyMeasure {
    fn measure(&mut self, x: &[f64]) -> f64 {
        self.0.evaluate(x)
    }
}
