//! Loss and gradient of some of a network's tensors: what the whole objective and every part of it run on.
//!
//! An evaluator keeps the outputs of one forward pass in a *slot*, keyed by the point. A gradient at the point of a
//! slot walks back only; a value there costs nothing. While a slot serves as the base of a line, or is held by a
//! decomposition, the next evaluation takes another one.

mod curvature;
mod reduce;

use std::sync::{Arc, Mutex, PoisonError};

use optkit_core::{Cost, Work};
use rayon::prelude::*;

use crate::Scalar;
use crate::model::{Activations, Kept, Model};
use crate::plan::Scope;
use crate::walk::{Forward, Keep, Walk};
use crate::weights::Weights;
use crate::worker::{Sums, Worker};

pub(crate) use reduce::{reduce_into, total_of};

/// Activations that others may stand on, by slot.
pub(crate) type Published<S> = Arc<Mutex<Vec<Option<Arc<Activations<S>>>>>>;

/// Where outputs lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum At {
    Snapshot,
    Slot(usize),
}

#[derive(Debug)]
pub(crate) struct Slot<S> {
    /// Absent only while it is written.
    pub(crate) activations: Option<Arc<Activations<S>>>,
    /// When it was last used.
    pub(crate) used: u64,
    /// What it holds is forgotten, though others may still stand on it.
    pub(crate) stale: bool,
}

impl<S> Slot<S> {
    /// What it holds, unless that is forgotten or nothing.
    pub(crate) fn live(&self) -> Option<&Arc<Activations<S>>> {
        self.activations.as_ref().filter(|a| !self.stale && !a.point.is_empty())
    }
}

/// How outputs are to be computed.
#[derive(Clone, Copy)]
enum How<'a, S> {
    Direct,
    Line { base: &'a Activations<S>, ratio: f64 },
}

pub(crate) struct Evaluator<S: Scalar> {
    pub(crate) model: Arc<Model<S>>,
    pub(crate) scope: Scope,
    weights: Weights<S>,
    workers: Vec<Worker<S>>,
    /// Gradient sums of the layer at hand over all chunks.
    reduced: Vec<f64>,
    pub(crate) slots: Vec<Slot<S>>,
    /// Slots that are filled before one is written again.
    least_slots: usize,
    pub(crate) clock: u64,
    /// Where the last gradient was taken: likely the base of the next trial points.
    pub(crate) anchor: Option<At>,
    pub(crate) line: crate::line::Line,
    /// A whole forward pass that a part stands on.
    pub(crate) snapshot: Option<Arc<Activations<S>>>,
    /// The scope's variables at which the snapshot holds all outputs; empty where it does not.
    pub(crate) snapshot_point: Vec<f64>,
    published: Option<Published<S>>,
    /// For products with the Hessian; made at the first one.
    curvature: Option<Box<curvature::Curvature<S>>>,
    pub(crate) work: Work,
    cost: Cost,
    /// Share of a forward pass without the lowest product.
    pub(crate) line_cost: f64,
}

impl<S: Scalar> Evaluator<S> {
    /// For the tensors of `scope`; `published` receives what others may stand on.
    pub(crate) fn new(model: Arc<Model<S>>, scope: Scope, published: Option<Published<S>>) -> Self {
        let (cost, line_cost) = scope.shares(&model.plan);
        let worker = |_: usize| Worker::new(&model, &scope, true);
        let workers: Vec<_> = (0..model.chunks.len()).map(worker).collect();
        let of_layer = |s: &Sums<S>| s.weight.len().max(s.bias.len());
        let largest = workers[0].sums.iter().map(of_layer).max().unwrap_or(0);
        Self {
            weights: Weights::new(&model.plan, &scope),
            workers,
            reduced: vec![0.0; largest],
            slots: Vec::new(),
            least_slots: if published.is_some() { 2 } else { 1 },
            clock: 0,
            anchor: None,
            line: crate::line::Line::default(),
            snapshot: None,
            snapshot_point: Vec::new(),
            published,
            curvature: None,
            work: Work::default(),
            cost,
            line_cost,
            model,
            scope,
        }
    }

    pub(crate) fn cost(&self) -> Cost {
        self.cost
    }

    /// Loss at `own`, the variables of the scope; `theta` holds them among all parameters.
    pub(crate) fn value(&mut self, own: &[f64], theta: &[f64]) -> f64 {
        if let Some((at, value)) = self.find(own) {
            self.touch(at);
            return value;
        }
        self.work.values += 1;
        self.work.gradient_equivalents += 0.5 * self.cost.forward;
        let slot = self.claim();
        self.direct(slot, own, theta, false)
    }

    /// Loss and gradient; `gradient` (of all parameters) is written at the tensors of the scope only.
    pub(crate) fn value_gradient(&mut self, own: &[f64], theta: &[f64], gradient: &mut [f64]) -> f64 {
        self.work.gradients += 1;
        self.work.gradient_equivalents += 0.5 * self.cost.backward;
        let value = if let Some((at, value)) = self.find(own) {
            self.touch(at);
            self.anchor = Some(at);
            self.backward(at, theta);
            value
        } else {
            self.work.values += 1;
            self.work.gradient_equivalents += 0.5 * self.cost.forward;
            let slot = self.claim();
            self.anchor = Some(At::Slot(slot));
            self.direct(slot, own, theta, true)
        };
        self.reduce(gradient);
        value
    }

    /// Where the outputs at `own` are, and the loss.
    pub(crate) fn find(&self, own: &[f64]) -> Option<(At, f64)> {
        let is_here = |(i, slot): (usize, &Slot<S>)| {
            let a = slot.live()?;
            (a.point == own).then_some((At::Slot(i), a.value))
        };
        if let Some(found) = self.slots.iter().enumerate().find_map(is_here) {
            return Some(found);
        }
        let snapshot = self.snapshot.as_ref()?;
        (self.snapshot_point == own).then_some((At::Snapshot, snapshot.value))
    }

    fn touch(&mut self, at: At) {
        self.clock += 1;
        if let At::Slot(i) = at {
            self.slots[i].used = self.clock;
        }
    }

    /// Forget everything: the surroundings have moved.
    pub(crate) fn forget(&mut self) {
        for slot in 0..self.slots.len() {
            self.empty(slot);
        }
        self.anchor = None;
        self.line.forget();
    }

    pub(crate) fn empty(&mut self, slot: usize) {
        self.withdraw(slot);
        self.slots[slot].stale = true;
    }

    /// A slot that may be written: neither the anchor nor held by others, the longest unused; a new one if need be.
    pub(crate) fn claim(&mut self) -> usize {
        let mut best: Option<usize> = None;
        if self.slots.len() >= self.least_slots {
            for i in 0..self.slots.len() {
                let older = best.is_none_or(|b| self.slots[i].used < self.slots[b].used);
                if older && self.anchor != Some(At::Slot(i)) && self.writable(i) {
                    best = Some(i);
                }
            }
        }
        let slot = best.unwrap_or_else(|| self.add_slot());
        self.withdraw(slot);
        self.touch(At::Slot(slot));
        self.line.overwritten(slot);
        slot
    }

    pub(crate) fn add_slot(&mut self) -> usize {
        let slot = self.add_slot_without_room();
        self.slots[slot].activations = Some(Arc::new(Activations::new(&self.model, &self.scope)));
        slot
    }

    /// A slot whose room is made when it is first written, for samples that are not at hand yet.
    pub(crate) fn add_slot_without_room(&mut self) -> usize {
        self.slots.push(Slot { activations: None, used: 0, stale: true });
        if let Some(published) = &self.published {
            published.lock().unwrap_or_else(PoisonError::into_inner).push(None);
        }
        self.slots.len() - 1
    }

    /// The first `count` slots and no other.
    pub(crate) fn keep_slots(&mut self, count: usize) {
        self.slots.truncate(count);
        if let Some(published) = &self.published {
            published.lock().unwrap_or_else(PoisonError::into_inner).truncate(count);
        }
    }

    /// A slot other than `slot` that holds nothing.
    pub(crate) fn spare_slot(&mut self, slot: usize) -> usize {
        let empty = |(i, s): (usize, &Slot<S>)| i != slot && s.live().is_none() && self.writable(i);
        let spare = (0..self.slots.len()).zip(&self.slots).position(empty);
        spare.unwrap_or_else(|| self.add_slot())
    }

    /// The outputs at `theta`, all parameters.
    pub(crate) fn activations(&mut self, theta: &[f64]) -> Arc<Activations<S>> {
        self.value(theta, theta);
        let found = self.slots.iter().filter_map(Slot::live).find(|a| a.point == theta);
        found.expect("just evaluated there").clone()
    }

    /// True where nobody else holds the slot.
    pub(crate) fn writable(&self, slot: usize) -> bool {
        let Some(activations) = &self.slots[slot].activations else { return true };
        let published = self
            .published
            .as_ref()
            .is_some_and(|p| p.lock().unwrap_or_else(PoisonError::into_inner)[slot].is_some());
        Arc::strong_count(activations) == 1 + usize::from(published)
    }

    fn withdraw(&self, slot: usize) {
        if let Some(published) = &self.published {
            published.lock().unwrap_or_else(PoisonError::into_inner)[slot] = None;
        }
    }

    fn publish(&self, slot: usize) {
        if let Some(published) = &self.published {
            let shared = self.slots[slot].activations.clone();
            published.lock().unwrap_or_else(PoisonError::into_inner)[slot] = shared;
        }
    }

    /// Forward pass (and back) at `own` into `slot`; gives the loss.
    pub(crate) fn direct(&mut self, slot: usize, own: &[f64], theta: &[f64], backward: bool) -> f64 {
        self.fill(slot, own, theta, How::Direct, backward)
    }

    /// z ← z_base + ratio·(z − z_base) in `slot`, and the rest of the forward pass at `own`.
    pub(crate) fn derive(&mut self, slot: usize, base: At, ratio: f64, own: &[f64], theta: &[f64]) -> f64 {
        let base = match base {
            At::Snapshot => self.snapshot.clone(),
            At::Slot(i) => self.slots[i].activations.clone(),
        };
        let Some(base) = base else { return self.direct(slot, own, theta, false) };
        let how = How::Line { base: &base, ratio };
        self.fill(slot, own, theta, how, false)
    }

    fn fill(&mut self, slot: usize, own: &[f64], theta: &[f64], how: How<'_, S>, backward: bool) -> f64 {
        self.pack(theta);
        self.withdraw(slot);
        let fresh = || Arc::new(Activations::new(&self.model, &self.scope));
        let mut shared = self.slots[slot].activations.take().unwrap_or_else(fresh);
        if Arc::get_mut(&mut shared).is_none() {
            shared = fresh();
        }
        let to = Arc::get_mut(&mut shared).expect("made or found to be held by nobody else");
        let forward = match how {
            How::Direct => Forward::Compute,
            How::Line { base, ratio } => Forward::Line { base: &base.chunks, ratio: S::from_f64(ratio) },
        };
        let walk = Walk {
            model: &self.model,
            scope: &self.scope,
            weights: &self.weights,
            forward,
            frozen: self.snapshot.as_ref().map(|s| &s.chunks[..]),
            backward,
        };
        let chunks = self.workers.par_iter_mut().zip(&mut to.chunks).enumerate().with_max_len(1);
        chunks.for_each(|(c, (worker, kept))| walk.chunk(c, worker, Keep::Write(kept)));
        to.value = self.total();
        match how {
            How::Direct => to.derived.ratios.clear(),
            How::Line { base, ratio } => to.derived.note(&base.point, &to.point, ratio),
        }
        to.point.clear();
        to.point.extend_from_slice(own);
        let value = to.value;
        self.slots[slot].activations = Some(shared);
        self.slots[slot].stale = false;
        self.publish(slot);
        value
    }

    /// Back from outputs that are there.
    fn backward(&mut self, at: At, theta: &[f64]) {
        self.pack(theta);
        let (slot, snapshot) = match at {
            At::Slot(i) => (self.slots[i].activations.as_ref(), None),
            At::Snapshot => (None, self.snapshot.as_ref()),
        };
        let known: &[Kept<S>] = &slot.or(snapshot).expect("`find` gives places that exist").chunks;
        let walk = Walk {
            model: &self.model,
            scope: &self.scope,
            weights: &self.weights,
            forward: Forward::Known,
            frozen: self.snapshot.as_ref().map(|s| &s.chunks[..]),
            backward: true,
        };
        let chunks = self.workers.par_iter_mut().zip(known).enumerate().with_max_len(1);
        chunks.for_each(|(c, (worker, kept))| walk.chunk(c, worker, Keep::Read(kept)));
    }

    fn pack(&mut self, theta: &[f64]) {
        let frozen = self.snapshot.as_ref().map(|s| &s.point[..]);
        self.weights.pack(&self.model.plan, &self.scope, theta, frozen);
    }

    fn total(&self) -> f64 {
        total_of(&self.model, &self.workers)
    }

    fn reduce(&mut self, gradient: &mut [f64]) {
        reduce_into((&self.model, &self.scope), &self.workers, &mut self.reduced, gradient);
    }
}
