//! What the passes of the two-level method cost, in gradient equivalents: nominal multiply-adds, forward ones against
//! those of a forward pass and all others against those of a backward pass or of both.

use crate::plan::{Dense, Plan, Use};

/// Multiply-adds a sample, and what they are measured against.
#[derive(Clone, Debug)]
pub(crate) struct Costs {
    layers: Vec<f64>,
    outputs: f64,
    forward: f64,
    backward: f64,
    samples: f64,
    /// Samples that passes see; all others cost nothing.
    seen: f64,
}

impl Costs {
    pub(crate) fn new(plan: &Plan, samples: usize) -> Self {
        let layers: Vec<f64> = plan.dense.iter().map(|d| d.inputs as f64 * d.outputs as f64).collect();
        let forward: f64 = layers.iter().sum();
        Self {
            backward: 2.0 * forward - layers[0],
            forward,
            layers,
            outputs: plan.outputs as f64,
            samples: samples as f64,
            seen: samples as f64,
        }
    }

    /// Passes see `count` samples from now on.
    pub(crate) fn see(&mut self, count: usize) {
        self.seen = count as f64;
    }

    /// Share of all samples that passes see.
    fn share(&self) -> f64 {
        self.seen / self.samples
    }

    fn tail(&self) -> f64 {
        self.layers[1..].iter().sum()
    }

    /// A product of the lowest layer's size with the input of `rows` samples.
    pub(crate) fn image(&self, rows: usize) -> f64 {
        0.5 * self.layers[0] / self.forward * (rows as f64 / self.samples)
    }

    /// A value at a trial point: all layers but the lowest.
    pub(crate) fn trial(&self) -> f64 {
        self.tail_share() * 0.5 * self.share()
    }

    /// The same as a share of a value at a point elsewhere.
    pub(crate) fn tail_share(&self) -> f64 {
        self.tail() / self.forward
    }

    pub(crate) fn gradient(&self) -> f64 {
        0.5 * self.share()
    }

    pub(crate) fn tail_gradient(&self) -> f64 {
        0.5 * 2.0 * self.tail() / self.backward * self.share()
    }

    /// J d of a direction that moves `uses`, up from dense layer `lowest`.
    pub(crate) fn direction(&self, uses: &[Use], lowest: usize) -> f64 {
        let mut sum = 0.0;
        for (k, work) in self.layers.iter().enumerate().skip(lowest) {
            sum += if k > lowest { *work } else { 0.0 };
            sum += if k > 0 && uses[k].weight { *work } else { 0.0 };
        }
        0.5 * sum / self.forward * self.share()
    }

    /// M and β of `count` directions, from their J d.
    pub(crate) fn coarse(&self, count: usize) -> f64 {
        let k = count as f64;
        self.plain(self.outputs * (k * (k + 1.0) / 2.0 + 3.0 * k)) * self.seen
    }

    /// `work` multiply-adds in all, against those of a value with its gradient on all samples.
    pub(crate) fn plain(&self, work: f64) -> f64 {
        work / (self.samples * (self.forward + self.backward))
    }

    /// Multiply-adds of the rows of one sample walked back, with their moments.
    pub(crate) fn factor_rows(&self, widths: impl Iterator<Item = f64>) -> f64 {
        self.outputs * (self.tail() + widths.sum::<f64>())
    }

    /// Samples whose factor rows cost `share` of a value with its gradient on the samples that are seen.
    pub(crate) fn samples_for(&self, share: f64, of_one: f64) -> usize {
        (share * self.seen * (self.forward + self.backward) / of_one) as usize
    }
}

/// Multiply-adds that a moment of rows of this width costs a row.
pub(crate) fn of_moment(width: usize) -> f64 {
    let (w, rank) = (width as f64, super::moments::RANK as f64);
    if width > super::moments::WIDE { 2.0 * w * rank } else { w * w }
}

/// Multiply-adds of a decomposition: 9 d³ operations whole (Golub & Van Loan 2013, Alg. 8.3.3).
pub(crate) fn of_decomposition(width: usize, rank: usize) -> f64 {
    let (w, r) = (width as f64, rank as f64);
    if rank == width { 4.5 * w.powi(3) } else { 3.5 * w * r * r + 4.5 * r.powi(3) }
}

/// Multiply-adds of preparing a layer's step, or of forming it.
pub(crate) fn of_step(dense: &Dense, inputs: usize, ranks: [usize; 2]) -> f64 {
    let [a, g] = ranks.map(|r| r as f64);
    let (outputs, inputs) = (dense.outputs as f64, inputs as f64);
    outputs * inputs * a + g * outputs * a
}
