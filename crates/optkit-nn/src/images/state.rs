//! What evaluations of an image network stand on and leave behind: the model, a batch, activations, and room to work in.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::convolution::Weights;
use super::norm::{Moments, NormRoom};
use super::plan::{Operation, Plan};
use super::scope::Scope;
use crate::augment::Shift;
use crate::buffer::Buffer;
use crate::head::Head;
use crate::kernels::{Kernels, padded};
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
}

impl Batch {
    /// Room for `most` samples with targets like these.
    pub(crate) fn room(targets: &Targets, most: usize) -> Self {
        let (rows, targets) = (Vec::with_capacity(most), targets.room(most));
        Self { rows, targets, seed: 0, epoch: 0, shifts: Vec::new() }
    }

    /// The samples `chosen`, as they are.
    pub(crate) fn fill(&mut self, targets: &Targets, chosen: &[u32], (seed, epoch): (u64, u64)) {
        self.rows.clear();
        self.rows.extend_from_slice(chosen);
        targets.copy_to(chosen, &mut self.targets);
        (self.seed, self.epoch) = (seed, epoch);
        self.shifts.clear();
    }

    /// Their images moved, where they are to be.
    pub(crate) fn shift(&mut self, samples: &Samples) {
        let augmentation = samples.images().map(|images| images.augmentation);
        if let Some(augmentation) = augmentation.filter(|augmentation| !augmentation.is_none()) {
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
    pub(crate) point: Vec<S>,
    /// Tells passes apart.
    pub(crate) id: u64,
    pub(crate) value: f64,
    pub(crate) batch: Option<Arc<Batch>>,
    /// By value of the plan; empty where it was not computed.
    pub(crate) values: Vec<Buffer<S>>,
    /// By stage: where the largest values of windows were.
    pub(crate) places: Vec<Vec<u16>>,
    /// By stage: moments of normalisations.
    pub(crate) moments: Vec<Moments>,
}

impl<S: Scalar> Activations<S> {
    /// Without room: that comes with the first pass.
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            point: Vec::new(),
            id: 0,
            value: f64::NAN,
            batch: None,
            values: (0..plan.values.len()).map(|_| Buffer::default()).collect(),
            places: vec![Vec::new(); plan.stages.len()],
            moments: vec![Moments::default(); plan.stages.len()],
        }
    }

    /// True where they were computed at θ, up to rounding to `S`.
    pub(crate) fn is_at(&self, theta: &[f64]) -> bool {
        self.point.len() == theta.len() && self.point.iter().zip(theta).all(|(&p, &t)| p == S::from_f64(t))
    }
}

/// A number that no other pass has.
pub(crate) fn fresh_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Room in which passes work. Whoever evaluates takes one and gives it back, so that there are as many as evaluations at
/// the same time, not as many as parts.
#[derive(Debug)]
pub(crate) struct Workspace<S> {
    /// By stage: weights as convolutions read them.
    pub(crate) weights: Vec<Weights<S>>,
    /// By stage: how far the weights are packed.
    packed: Vec<Packed>,
    /// Which pass's point they are of, but for those that a part changed.
    base: u64,
    /// All parameters, filled at the tensors of a part's stages only.
    pub(crate) theta: Vec<S>,
    /// A part's outputs, and where they are.
    pub(crate) activations: Activations<S>,
    pub(crate) holder: Option<Holder>,
    pub(crate) gradients: Vec<Buffer<S>>,
    pub(crate) weight_gradient: Buffer<S>,
    /// Gradient of all parameters, for parts.
    pub(crate) gradient: Vec<f64>,
    pub(crate) norm: NormRoom<S>,
    pub(crate) norm_sums: Vec<f64>,
    pub(crate) losses: Vec<f64>,
    pub(crate) of_samples: [Vec<[f64; 2]>; 2],
    pub(crate) zeros: Buffer<S>,
    pub(crate) again: Again<S>,
}

/// Values that are not kept, while they are needed.
#[derive(Debug, Default)]
pub(crate) struct Again<S> {
    /// By value; empty: it is not there.
    there: Vec<Buffer<S>>,
    spare: Vec<Buffer<S>>,
}

impl<S: Scalar> Again<S> {
    pub(crate) fn is_there(&self, value: usize) -> bool {
        self.there.get(value).is_some_and(|buffer| !buffer.is_empty())
    }

    pub(crate) fn of(&self, value: usize) -> &[S] {
        &self.there[value]
    }

    /// Room for `len` entries: the smallest spare buffer that holds them, else the largest, which grows.
    pub(crate) fn take(&mut self, len: usize) -> Buffer<S> {
        let each = || self.spare.iter().enumerate();
        let smallest = each().filter(|(_, b)| b.len() >= len).min_by_key(|(_, b)| b.len());
        let best = smallest.or_else(|| each().max_by_key(|(_, b)| b.len())).map(|(i, _)| i);
        let mut buffer = best.map(|i| self.spare.swap_remove(i)).unwrap_or_default();
        buffer.fit(len);
        buffer
    }

    pub(crate) fn put(&mut self, value: usize, buffer: Buffer<S>) {
        while self.there.len() <= value {
            self.there.push(Buffer::default());
        }
        self.there[value] = buffer;
    }

    pub(crate) fn release(&mut self, value: usize) {
        if self.is_there(value) {
            self.spare.push(std::mem::take(&mut self.there[value]));
        }
    }

    pub(crate) fn release_all(&mut self) {
        (0..self.there.len()).for_each(|value| self.release(value));
    }
}

/// Whose outputs a workspace holds, and on what they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) part: u64,
    pub(crate) base: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Packed {
    forward: bool,
    backward: bool,
    /// A part's own, not those of the base.
    changed: bool,
}

impl<S: Scalar> Workspace<S> {
    fn new(plan: &Plan) -> Self {
        Self {
            weights: plan.stages.iter().map(|_| Weights::default()).collect(),
            packed: vec![Packed::default(); plan.stages.len()],
            base: 0,
            theta: Vec::new(),
            activations: Activations::new(plan),
            holder: None,
            gradients: Vec::new(),
            weight_gradient: Buffer::default(),
            gradient: Vec::new(),
            norm: NormRoom::default(),
            norm_sums: Vec::new(),
            losses: Vec::new(),
            of_samples: Default::default(),
            zeros: Buffer::default(),
            again: Again::default(),
        }
    }

    /// A part's own tensors will change: whatever is packed of them is to be packed again.
    pub(crate) fn change(&mut self, scope: &Scope) {
        for (packed, own) in self.packed.iter_mut().zip(&scope.own) {
            if own.any() {
                *packed = Packed { changed: true, ..Packed::default() };
            }
        }
    }

    /// Pack what a pass of `scope` reads: from `point`, the parameters of pass `base`; for a `part`, those of its own stages
    /// from the part's parameters.
    pub(crate) fn pack(
        &mut self,
        plan: &Plan,
        (scope, part): (&Scope, bool),
        (base, point): (u64, &[S]),
        backward: bool,
    ) {
        if self.base != base {
            self.base = base;
            self.holder = None;
            self.packed.iter_mut().for_each(|p| *p = Packed { changed: p.changed, ..Packed::default() });
        }
        for (i, stage) in plan.stages.iter().enumerate().filter(|&(i, _)| scope.computed[i]) {
            let Operation::Convolution { convolution, weight, bias } = &stage.operation else { continue };
            let (weights, packed) = (&mut self.weights[i], &mut self.packed[i]);
            let own = part && scope.own[i].any();
            if packed.changed && !own {
                *packed = Packed::default();
            }
            let theta = if own { &self.theta } else { point };
            if !packed.forward {
                convolution.pack(&theta[weight.clone()], weights);
                if let Some(bias) = bias {
                    weights.bias.fit(padded(bias.len()));
                    weights.bias[..bias.len()].copy_from_slice(&theta[bias.clone()]);
                }
                packed.forward = true;
            }
            if backward && !packed.backward && scope.passes_on(i) {
                convolution.pack_transposed(&theta[weight.clone()], weights);
                packed.backward = true;
            }
        }
    }

    /// Room for the way back of `scope` over `samples`.
    pub(crate) fn make_room(&mut self, scope: &Scope, samples: usize) {
        while self.gradients.len() < scope.buffers.len() {
            self.gradients.push(Buffer::default());
        }
        for (buffer, room) in self.gradients.iter_mut().zip(&scope.buffers) {
            buffer.fit(room * samples);
        }
    }
}

/// Workspaces that nobody works in.
#[derive(Debug, Default)]
pub(crate) struct Rooms<S>(Mutex<Vec<Workspace<S>>>);

impl<S: Scalar> Rooms<S> {
    /// The one that holds what `holder` left, if it is there; else any; else a new one.
    pub(crate) fn take(&self, plan: &Plan, holder: Option<Holder>) -> Workspace<S> {
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = free.iter().position(|w| holder.is_some() && w.holder == holder);
        let room = own.map(|i| free.swap_remove(i)).or_else(|| free.pop());
        drop(free);
        room.unwrap_or_else(|| Workspace::new(plan))
    }

    pub(crate) fn give_back(&self, room: Workspace<S>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(room);
    }
}
