//! Room in which evaluations of an image network work, given from one to the next.

use std::sync::{Arc, Mutex};

use super::convolution::Weights;
use super::norm::NormRoom;
use super::parameters::pack_bias;
use super::plan::{Operation, Plan};
use super::scope::Scope;
use super::state::{Activations, Batch, Model, open};
use crate::Scalar;
use crate::buffer::Buffer;

/// Room in which passes work. Whoever evaluates takes one and gives it back, so that there are as many as evaluations at
/// the same time, not as many as parts.
#[derive(Debug)]
pub(crate) struct Workspace<S> {
    /// By stage: a part's own weights as convolutions read them.
    pub(crate) weights: Vec<Weights<S>>,
    /// By stage: weights as a part's way back reads them.
    pub(crate) transposed: Vec<Buffer<S>>,
    /// By stage: how far these are packed.
    packed: Vec<Packed>,
    /// Which pass's weights were transposed, but for those that a part changed.
    base: u64,
    /// All parameters, filled at the tensors of a part's stages only.
    pub(crate) theta: Vec<S>,
    /// A part's outputs, where it has left any, and whose they are.
    pub(crate) outputs: Option<Arc<Activations<S>>>,
    pub(crate) holder: Option<Holder>,
    pub(crate) gradients: Vec<Buffer<S>>,
    /// Of the stage that the way back is at: the gradient of its weights, then, unless it is a part's, these transposed. It
    /// stays in cache from stage to stage, where the weights of all stages would not.
    pub(crate) of_weights: Buffer<S>,
    /// Gradient of all parameters, for parts.
    pub(crate) gradient: Vec<f64>,
    pub(crate) norm: NormRoom<S>,
    pub(crate) norm_sums: Vec<f64>,
    pub(crate) losses: Vec<f64>,
    pub(crate) of_samples: [Vec<[f64; 2]>; 2],
    pub(crate) zeros: Buffer<S>,
    pub(crate) again: Again<S>,
    /// Some of the samples, where they are not all seen at a time.
    pub(crate) piece: Option<Batch>,
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
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            weights: plan.stages.iter().map(|_| Weights::default()).collect(),
            transposed: plan.stages.iter().map(|_| Buffer::default()).collect(),
            packed: vec![Packed::default(); plan.stages.len()],
            base: 0,
            theta: Vec::new(),
            outputs: None,
            holder: None,
            gradients: Vec::new(),
            of_weights: Buffer::default(),
            gradient: Vec::new(),
            norm: NormRoom::default(),
            norm_sums: Vec::new(),
            losses: Vec::new(),
            of_samples: Default::default(),
            zeros: Buffer::default(),
            again: Again::default(),
            piece: None,
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

    /// Pack what a part's pass of `scope` reads beside `weights`, those of pass `base`: the weights of its own stages from the
    /// part's parameters; for the way back, all transposed, which serves other parts over the same pass, too.
    pub(crate) fn pack(
        &mut self,
        model: &Model<S>,
        scope: &Scope,
        (base, weights): (u64, &[Weights<S>]),
        backward: bool,
    ) {
        if self.base != base {
            self.base = base;
            self.holder = None;
            self.packed.iter_mut().for_each(|p| *p = Packed { changed: p.changed, ..Packed::default() });
        }
        for (i, stage) in model.plan.stages.iter().enumerate().filter(|&(i, _)| scope.computed[i]) {
            let Operation::Convolution { convolution, weight, bias } = &stage.operation else { continue };
            let packed = &mut self.packed[i];
            let is_own = scope.own[i].any();
            if packed.changed && !is_own {
                *packed = Packed::default();
            }
            if is_own && !packed.forward {
                let own = &mut self.weights[i];
                convolution.pack(&self.theta[weight.clone()], &mut own.forward);
                pack_bias(bias.as_ref(), &self.theta, &mut own.bias);
                packed.forward = true;
            }
            if backward && !packed.backward && scope.passes_on(i) {
                let weights = if is_own { &self.weights[i] } else { &weights[i] };
                convolution.pack_transposed(model.kernels, &weights.forward, &mut self.transposed[i]);
                packed.backward = true;
            }
        }
    }

    /// All weights, from all of the parameters in `theta`: a part's own, as others see it.
    pub(crate) fn pack_own(&mut self, plan: &Plan) {
        for (i, stage) in plan.stages.iter().enumerate() {
            let Operation::Convolution { convolution, weight, bias } = &stage.operation else { continue };
            let own = &mut self.weights[i];
            convolution.pack(&self.theta[weight.clone()], &mut own.forward);
            pack_bias(bias.as_ref(), &self.theta, &mut own.bias);
            self.packed[i] = Packed { changed: true, ..Packed::default() };
        }
        self.holder = None;
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

/// What nobody works in or stands on: workspaces, and room for outputs.
#[derive(Debug)]
pub(crate) struct Rooms<S> {
    workspaces: Mutex<Vec<Workspace<S>>>,
    outputs: Mutex<Vec<Arc<Activations<S>>>>,
    /// What says what became of pieces.
    hollow: Mutex<Vec<Arc<Activations<S>>>>,
}

impl<S> Default for Rooms<S> {
    fn default() -> Self {
        Self { workspaces: Mutex::default(), outputs: Mutex::default(), hollow: Mutex::default() }
    }
}

impl<S: Scalar> Rooms<S> {
    /// The workspace that holds what `holder` left, if it is there; else any; else a new one.
    pub(crate) fn take(&self, plan: &Plan, holder: Option<Holder>) -> Workspace<S> {
        let mut free = open(&self.workspaces);
        let own = free.iter().position(|w| holder.is_some() && w.holder == holder);
        let room = own.map(|i| free.swap_remove(i)).or_else(|| free.pop());
        drop(free);
        room.unwrap_or_else(|| Workspace::new(plan))
    }

    pub(crate) fn give_back(&self, room: Workspace<S>) {
        open(&self.workspaces).push(room);
    }

    /// Room for outputs, held by nobody else.
    pub(crate) fn take_outputs(&self, plan: &Plan, hollow: bool) -> Arc<Activations<S>> {
        let left = open(self.left(hollow)).pop();
        left.unwrap_or_else(|| Arc::new(Activations::new(plan, hollow)))
    }

    /// What is held by nobody else may serve others; what is, stays theirs.
    pub(crate) fn give_back_outputs(&self, mut outputs: Arc<Activations<S>>) {
        if let Some(own) = Arc::get_mut(&mut outputs) {
            own.point.clear();
            own.batch = None;
            let hollow = own.hollow;
            open(self.left(hollow)).push(outputs);
        }
    }

    fn left(&self, hollow: bool) -> &Mutex<Vec<Arc<Activations<S>>>> {
        if hollow { &self.hollow } else { &self.outputs }
    }

    /// No workspace keeps what parts have left in it.
    pub(crate) fn release_outputs(&self) {
        for room in open(&self.workspaces).iter_mut() {
            room.holder = None;
            if let Some(outputs) = room.outputs.take() {
                self.give_back_outputs(outputs);
            }
        }
    }
}
