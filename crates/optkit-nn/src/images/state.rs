//! What evaluations of an image network stand on and leave behind: the model, a batch, activations.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::norm::Moments;
use super::parameters::Parameters;
use super::plan::Plan;
use crate::augment::Shift;
use crate::buffer::Buffer;
use crate::head::Head;
use crate::kernels::Kernels;
use crate::normalization::ByteValues;
use crate::{Samples, Scalar, Targets};

/// What all evaluators of one network on one set of samples share.
#[derive(Debug)]
pub(crate) struct Model<S: Scalar> {
    pub(crate) plan: Plan,
    pub(crate) samples: Arc<Samples>,
    pub(crate) targets: Arc<Targets>,
    pub(crate) head: Head,
    /// The number that each byte stands for.
    pub(crate) bytes: ByteValues<S>,
    /// Bytes of activations beyond which some are computed again rather than kept.
    pub(crate) sparing: AtomicUsize,
    pub(crate) kernels: &'static Kernels<S>,
}

impl<S: Scalar> Model<S> {
    /// The batch's share of all samples: what evaluations of it cost of those of all.
    pub(crate) fn share(&self, batch: &Batch) -> f64 {
        batch.rows.len() as f64 / self.samples.count() as f64
    }
}

/// 0..`count` in as few parts of at most `most` as can be, as equal as can be.
pub(crate) fn in_parts(count: usize, most: usize) -> impl Iterator<Item = Range<usize>> {
    let parts = count.div_ceil(most.max(1));
    (0..parts).map(move |i| count * i / parts..count * (i + 1) / parts)
}

/// The samples that an evaluation sees.
#[derive(Debug)]
pub(crate) struct Batch {
    /// Their numbers among all.
    pub(crate) rows: Vec<u32>,
    pub(crate) targets: Targets,
    /// What masks depend on, besides the sample.
    pub(crate) seed: u64,
    pub(crate) epoch: u64,
    /// How their images are moved; empty: not at all.
    pub(crate) shifts: Vec<Shift>,
    /// Most samples that batch normalisations see together.
    pub(crate) together: usize,
    /// Most samples that it may come to have: evaluations make their room for as many, once.
    pub(crate) most: usize,
}

impl Batch {
    /// Room for `most` samples with targets like these.
    pub(crate) fn room(targets: &Targets, most: usize) -> Self {
        let (rows, targets) = (Vec::with_capacity(most), targets.room(most));
        Self { rows, targets, seed: 0, epoch: 0, shifts: Vec::new(), together: usize::MAX, most }
    }

    /// The samples `chosen`, as they are.
    pub(crate) fn fill(&mut self, targets: &Targets, chosen: &[u32], (seed, epoch): (u64, u64)) {
        self.rows.clear();
        self.rows.extend_from_slice(chosen);
        targets.copy_to(chosen, &mut self.targets);
        (self.seed, self.epoch) = (seed, epoch);
        self.shifts.clear();
        self.together = usize::MAX;
        self.most = self.most.max(chosen.len());
    }

    /// Some of the samples of `other`.
    pub(crate) fn fill_from(&mut self, targets: &Targets, other: &Self, some: Range<usize>) {
        self.fill(targets, &other.rows[some.clone()], (other.seed, other.epoch));
        self.shifts.extend_from_slice(other.shifts.get(some).unwrap_or_default());
        self.together = other.together;
    }

    /// Their images moved, where they are to be.
    pub(crate) fn shift(&mut self, samples: &Samples) {
        let augmentation = samples.images().map(|images| images.augmentation);
        if let Some(augmentation) = augmentation.filter(|augmentation| !augmentation.is_none()) {
            self.shifts.reserve(self.rows.capacity()); // few samples now, more the next time
            let shift = |&sample: &u32| augmentation.shift(self.seed, self.epoch, sample);
            self.shifts.extend(self.rows.iter().map(shift));
        }
    }
}

/// How normalisations and dropouts behave.
#[derive(Clone, Copy)]
pub(crate) enum Mode<'a> {
    /// By the moments of the batch, with masks.
    Train,
    /// By the running averages, without.
    Measure(&'a [f64]),
}

/// What a forward pass leaves behind.
#[derive(Debug, Default)]
pub(crate) struct Activations<S> {
    /// θ, as the pass read it; empty: nothing is there.
    pub(crate) point: Parameters<S>,
    /// Tells passes apart.
    pub(crate) id: u64,
    pub(crate) value: f64,
    pub(crate) batch: Option<Arc<Batch>>,
    /// By value of the plan; empty where it was not computed.
    pub(crate) values: Vec<Buffer<S>>,
    /// By stage: where the largest values of windows were.
    pub(crate) places: Vec<Buffer<u16>>,
    /// By stage: moments of normalisations.
    pub(crate) moments: Vec<Moments>,
    /// Of an evaluation in pieces: outputs are gone, and `values` and `places` empty.
    pub(crate) hollow: bool,
}

impl<S: Scalar> Activations<S> {
    /// Without room: that comes with the first pass.
    pub(crate) fn new(plan: &Plan, hollow: bool) -> Self {
        let (values, stages) = if hollow { (0, 0) } else { (plan.values.len(), plan.stages.len()) };
        Self {
            point: Parameters::default(),
            id: 0,
            value: f64::NAN,
            batch: None,
            values: (0..values).map(|_| Buffer::default()).collect(),
            places: (0..stages).map(|_| Buffer::default()).collect(),
            moments: vec![Moments::default(); plan.stages.len()],
            hollow,
        }
    }

    /// True where they were computed at θ, up to rounding to `S`.
    pub(crate) fn is_at(&self, plan: &Plan, theta: &[f64]) -> bool {
        self.point.are(plan, theta)
    }
}

/// A number that no other pass has.
pub(crate) fn fresh_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

pub(crate) fn open<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
