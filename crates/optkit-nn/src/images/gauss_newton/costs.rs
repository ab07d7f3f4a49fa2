//! What the passes of the two-level method cost on an image network, in gradient equivalents: nominal multiply-adds, with
//! accesses to memory in multiply-adds as [`scope`](crate::images::scope) counts them, forward ones against those of a
//! forward pass and all others against those of a backward pass or of both.

use crate::images::plan::{Operation, Plan};
use crate::images::scope::{Own, work};

#[derive(Clone, Debug)]
pub(crate) struct Costs {
    /// Multiply-adds a sample of a forward pass, of a backward pass, and of a backward pass without the weights' gradients.
    forward: f64,
    backward: f64,
    below: f64,
    outputs: f64,
    /// Of R{outputs} of a sample along a direction of each part.
    tangents: Vec<f64>,
    samples: f64,
    /// Samples that passes see.
    seen: f64,
}

impl Costs {
    /// `uses`: tensors of each part, by stage.
    pub(crate) fn new(plan: &Plan, samples: usize, uses: &[Vec<Own>]) -> Self {
        let (mut stages, mut backward, mut sum_below) = (Vec::new(), 0.0, 0.0);
        for (i, stage) in plan.stages.iter().enumerate() {
            let work = work(plan, stage, i);
            let below = if stage.inputs().any(|value| value > 0) { work.below } else { 0.0 };
            backward += work.weights + below;
            sum_below += below;
            stages.push(work.forward);
        }
        Self {
            forward: stages.iter().sum(),
            below: sum_below,
            backward,
            tangents: uses.iter().map(|own| tangent(plan, &stages, own)).collect(),
            outputs: plan.outputs as f64,
            samples: samples as f64,
            seen: samples as f64,
        }
    }

    /// Passes see `count` samples from now on.
    pub(crate) fn see(&mut self, count: usize) {
        self.seen = count as f64;
    }

    /// A forward pass, or a backward pass, over `rows` samples.
    pub(crate) fn pass(&self, rows: usize) -> f64 {
        0.5 * rows as f64 / self.samples
    }

    /// R{outputs} over the samples that are seen, along a direction of a part.
    pub(crate) fn tangent(&self, part: usize) -> f64 {
        0.5 * self.tangents[part] / self.forward * self.seen / self.samples
    }

    /// M and β of `count` directions, from their J d.
    pub(crate) fn coarse(&self, count: usize) -> f64 {
        let k = count as f64;
        self.plain(self.outputs * (k * (k + 1.0) / 2.0 + 3.0 * k)) * self.seen
    }

    /// A sample forward, and back once for every output: gradient equivalents times all samples.
    pub(crate) fn factors(&self) -> f64 {
        0.5 + 0.5 * self.outputs * self.below / self.backward
    }

    /// `work` multiply-adds in all, against those of a value with its gradient on all samples.
    pub(crate) fn plain(&self, work: f64) -> f64 {
        work / (self.samples * (self.forward + self.backward))
    }

    /// Samples whose factors cost `share` of a value with its gradient on `seen` samples; `moments`: multiply-adds of the
    /// moments of one.
    pub(crate) fn samples_for(&self, share: f64, seen: usize, moments: f64) -> usize {
        (share * seen as f64 / (self.factors() + moments / (self.forward + self.backward))) as usize
    }
}

/// R{outputs} of a sample along a direction that moves the tensors `own`, from what stages cost forward: a convolution whose
/// weights move multiplies once, and once more where what it reads has a tangent.
fn tangent(plan: &Plan, stages: &[f64], own: &[Own]) -> f64 {
    let mut there = vec![false; plan.values.len()];
    let mut sum = 0.0;
    for (i, stage) in plan.stages.iter().enumerate() {
        let below = stage.inputs().any(|value| there[value]);
        there[i + 1] = below || own[i].any();
        let times = match stage.operation {
            Operation::Convolution { .. } => u8::from(below) + u8::from(own[i].weight),
            _ => u8::from(there[i + 1]),
        };
        sum += f64::from(times) * stages[i];
    }
    sum
}
