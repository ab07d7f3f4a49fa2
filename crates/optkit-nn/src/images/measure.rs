//! Measures of an image network: looked at sample by sample, with running averages and without dropout.

use std::sync::Arc;

use super::footprint::MEASURED as SAMPLES;
use super::objective::{Running, share};
use super::run::Run;
use super::state::{Activations, Batch, Mode, open};
use super::whole::Shared;
use crate::head::Head;
use crate::{Network, RunningAverages, Samples, Targets};

pub(crate) struct Measure {
    shared: Shared<f32>,
    batch: Batch,
    rows: Vec<u32>,
    activations: Activations<f32>,
    running: Running,
    /// As they are while it evaluates.
    averages: Vec<f64>,
}

impl Measure {
    /// Of labels hit.
    pub(crate) fn new(network: &Network, samples: &Arc<Samples>, labels: Arc<Targets>) -> Self {
        let shared = share(network, None, samples, labels, Head::Hits);
        let batch = Batch::room(&shared.model.targets, SAMPLES.min(shared.model.samples.count()));
        let running = RunningAverages::new(network).0;
        let activations = Activations::new(&shared.model.plan, false);
        Self { shared, batch, rows: Vec::new(), activations, running, averages: Vec::new() }
    }

    /// With the running averages that an objective moves.
    pub(crate) fn set_running(&mut self, running: Running) {
        self.running = running;
    }

    /// The measure's mean at `theta`.
    pub(crate) fn evaluate(&mut self, theta: &[f64]) -> f64 {
        let Shared { model, whole, rooms } = &self.shared;
        let mut room = rooms.take(&model.plan, None);
        let mut point = std::mem::take(&mut self.activations.point);
        point.take_over(&model.plan, model.kernels, theta);
        self.averages.clone_from(&open(&self.running));
        let (count, mut total) = (model.samples.count(), 0.0);
        for start in (0..count).step_by(SAMPLES) {
            let end = (start + SAMPLES).min(count);
            self.rows.clear();
            self.rows.extend(start as u32..end as u32);
            self.batch.fill(&model.targets, &self.rows, (0, 0));
            let (batch, mode) = (&self.batch, Mode::Measure(&self.averages));
            let (point, weights) = (&point.rest[..], &point.weights[..]);
            let run = Run { model, scope: whole, batch, point, weights, frozen: None, mode };
            total += run.forward(&mut room, &mut self.activations) * (end - start) as f64;
        }
        self.activations.point = point;
        rooms.give_back(room);
        total / count as f64
    }
}
