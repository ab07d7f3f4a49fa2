//! Loss and gradient of all of an image network's tensors.
//!
//! The outputs of a forward pass stay in a *slot*, keyed by the point: a gradient there walks back only. A slot that a
//! decomposition stands on, and that of the last gradient, are not written over while another is left.

pub(crate) mod pieces;

use std::sync::{Arc, Mutex};

use optkit_core::{Archive, LoadError, Work};

use super::convolution::Weights;
use super::parameters::Parameters;
use super::run::Run;
use super::scope::Scope;
use super::state::{Activations, Batch, Mode, Model, fresh_id, open};
use super::workspace::{Rooms, Workspace};
use crate::Scalar;

/// What the whole objective, its parts and its measures have in common.
#[derive(Debug)]
pub(crate) struct Shared<S: Scalar> {
    pub(crate) model: Model<S>,
    pub(crate) whole: Scope,
    pub(crate) rooms: Rooms<S>,
}

/// Activations that others may stand on, by slot.
pub(crate) type Published<S> = Arc<Mutex<Vec<Option<Arc<Activations<S>>>>>>;

struct Slot<S> {
    /// Absent only while it is written.
    activations: Option<Arc<Activations<S>>>,
    /// When it was last used.
    used: u64,
}

pub(crate) struct Whole<S: Scalar> {
    pub(crate) shared: Arc<Shared<S>>,
    slots: Vec<Slot<S>>,
    published: Option<Published<S>>,
    clock: u64,
    /// The slot of the last gradient.
    anchor: Option<usize>,
    pub(crate) work: Work,
    /// Most samples that are evaluated at a time, where normalisations allow it: see [`pieces`].
    pub(crate) most: usize,
    /// Samples of the largest batch, or all.
    pub(crate) largest: usize,
}

impl<S: Scalar> Whole<S> {
    /// `published` receives what others may stand on.
    pub(crate) fn new(shared: Arc<Shared<S>>, published: Option<Published<S>>) -> Self {
        Self {
            largest: shared.model.samples.count(),
            shared,
            slots: Vec::new(),
            published,
            clock: 0,
            anchor: None,
            work: Work::default(),
            most: usize::MAX,
        }
    }

    /// Most samples at a time, where that is less than all, and whether a hollow pass is left behind: of a batch it is,
    /// of all samples beside their batches nothing is.
    fn pieces(&self, batch: &Batch) -> Option<(usize, bool)> {
        let (most, all) = (self.most.min(batch.together), batch.rows.len());
        (most < all || self.is_limited()).then_some((most, batch.together >= all))
    }

    /// Whether samples are seen in micro-batches. A batch that has no more than one of them is seen so too: it would keep
    /// outputs at several points.
    pub(crate) fn is_limited(&self) -> bool {
        self.most < self.largest
    }

    pub(crate) fn value(&mut self, theta: &[f64], batch: &Arc<Batch>) -> f64 {
        if let Some((most, false)) = self.pieces(batch) {
            self.count_forward();
            return self.all_in_pieces(theta, batch, most, None);
        }
        if let Some(slot) = self.find(theta) {
            return self.touch(slot);
        }
        self.count_forward();
        let slot = self.claim();
        self.fill(slot, theta, batch)
    }

    pub(crate) fn value_gradient(&mut self, theta: &[f64], batch: &Arc<Batch>, gradient: &mut [f64]) -> f64 {
        self.count_backward();
        if let Some((most, leave)) = self.pieces(batch) {
            self.count_forward();
            if !leave {
                return self.all_in_pieces(theta, batch, most, Some(gradient));
            }
            let found = self.find(theta);
            let slot = found.unwrap_or_else(|| self.claim());
            match found {
                Some(_) => self.gradient_in_pieces(slot, most, gradient),
                None => _ = self.fill_in_pieces(slot, (theta, batch), most, Some(gradient)),
            }
            self.anchor = Some(slot);
            return self.touch(slot);
        }
        let slot = self.find(theta).unwrap_or_else(|| {
            self.count_forward();
            let slot = self.claim();
            self.fill(slot, theta, batch);
            slot
        });
        let value = self.touch(slot);
        self.anchor = Some(slot);
        self.backward(slot, gradient);
        value
    }

    fn count_forward(&mut self) {
        self.work.values += 1;
        self.work.gradient_equivalents += 0.5;
    }

    fn count_backward(&mut self) {
        self.work.gradients += 1;
        self.work.gradient_equivalents += 0.5;
    }

    /// The outputs at `theta`.
    pub(crate) fn activations(&mut self, theta: &[f64], batch: &Arc<Batch>) -> Arc<Activations<S>> {
        let slot = self.find(theta).unwrap_or_else(|| {
            self.count_forward();
            let slot = self.claim();
            self.fill(slot, theta, batch);
            slot
        });
        self.touch(slot);
        self.slots[slot].activations.clone().expect("found to be there")
    }

    /// What an optimizer that has moved to `theta` stands on: the pass there, or where there was none, the last whose
    /// gradient was taken.
    pub(crate) fn moved_to(&self, theta: &[f64]) -> Option<&Activations<S>> {
        let slot = self.find(theta).or(self.anchor)?;
        self.slots[slot].activations.as_deref().filter(|a| !a.point.is_empty())
    }

    fn find(&self, theta: &[f64]) -> Option<usize> {
        self.slots.iter().position(|slot| {
            slot.activations.as_ref().is_some_and(|a| a.is_at(&self.shared.model.plan, theta))
        })
    }

    fn touch(&mut self, slot: usize) -> f64 {
        self.clock += 1;
        self.slots[slot].used = self.clock;
        self.slots[slot].activations.as_ref().map_or(f64::NAN, |a| a.value)
    }

    /// Forget everything: other samples are seen.
    pub(crate) fn forget(&mut self) {
        for slot in 0..self.slots.len() {
            self.publish(slot, false);
            if let Some(activations) = self.slots[slot].activations.take() {
                self.shared.rooms.give_back_outputs(activations);
            }
        }
        self.anchor = None;
    }

    /// The slot to be written next.
    fn claim(&mut self) -> usize {
        let writable = |(i, slot): &(usize, &Slot<S>)| {
            let held = 1 + usize::from(self.is_published(*i));
            self.anchor != Some(*i) && slot.activations.as_ref().is_none_or(|a| Arc::strong_count(a) == held)
        };
        let best = self.slots.iter().enumerate().filter(writable).min_by_key(|(_, slot)| slot.used);
        let slot = best.map(|(i, _)| i).unwrap_or_else(|| {
            self.slots.push(Slot { activations: None, used: 0 });
            if let Some(published) = &self.published {
                open(published).push(None);
            }
            self.slots.len() - 1
        });
        self.publish(slot, false);
        self.touch(slot);
        slot
    }

    fn is_published(&self, slot: usize) -> bool {
        self.published.as_ref().is_some_and(|p| open(p)[slot].is_some())
    }

    fn publish(&self, slot: usize, publish: bool) {
        if let Some(published) = &self.published {
            open(published)[slot] = self.slots[slot].activations.clone().filter(|_| publish);
        }
    }

    /// Room for outputs, taken out of `slot`; held by nobody else.
    fn vacate(&mut self, slot: usize, hollow: bool) -> Arc<Activations<S>> {
        let own = self.slots[slot].activations.take().and_then(|mut activations| {
            let fits = Arc::get_mut(&mut activations).is_some_and(|own| own.hollow == hollow);
            fits.then_some(activations)
        });
        own.unwrap_or_else(|| self.shared.rooms.take_outputs(&self.shared.model.plan, hollow))
    }

    /// A forward pass at `theta` into `slot`; gives the loss.
    fn fill(&mut self, slot: usize, theta: &[f64], batch: &Arc<Batch>) -> f64 {
        if self.is_limited() || self.most < batch.rows.len() {
            return self.fill_in_pieces(slot, (theta, batch), self.most, None);
        }
        let shared = self.shared.clone();
        let plan = &shared.model.plan;
        let mut activations = self.vacate(slot, false);
        let to = Arc::get_mut(&mut activations).expect("`vacate` gives what nobody else holds");
        let mut point = std::mem::take(&mut to.point);
        to.id = fresh_id();
        to.batch = Some(batch.clone());
        let mut room = shared.rooms.take(plan, None);
        point.begin(plan, shared.model.kernels, theta);
        let Parameters { rest, weights, .. } = &mut point;
        to.value = self.run(batch, (rest, &[])).forward_packing(&mut room, to, Some((theta, weights)));
        shared.rooms.give_back(room);
        to.point = point;
        let value = to.value;
        self.slots[slot].activations = Some(activations);
        self.publish(slot, true);
        value
    }

    fn run<'a>(&'a self, batch: &'a Batch, (point, weights): (&'a [S], &'a [Weights<S>])) -> Run<'a, S> {
        let Shared { model, whole, .. } = &*self.shared;
        Run { model, scope: whole, batch, point, weights, frozen: None, mode: Mode::Train }
    }

    fn backward(&self, slot: usize, gradient: &mut [f64]) {
        let Some(from) = &self.slots[slot].activations else { return };
        let Some(batch) = &from.batch else { return };
        let Shared { model, rooms, .. } = &*self.shared;
        let mut room: Workspace<S> = rooms.take(&model.plan, None);
        let Parameters { rest, weights, .. } = &from.point;
        self.run(batch, (rest, weights)).backward(&mut room, from, gradient);
        rooms.give_back(room);
    }

    /// Where the slots are, and the work; not the outputs, which are computed again.
    pub(crate) fn save(&self, archive: &mut Archive) {
        archive.put_work("work", self.work);
        archive.put_integer("clock", self.clock);
        archive.put_integer("anchor", self.anchor.map_or(0, |slot| 1 + slot as u64));
        archive.put_integer("slots", self.slots.len() as u64);
        for (i, slot) in self.slots.iter().enumerate() {
            archive.put_integer(&format!("used{i}"), slot.used);
            let (plan, kernels) = (&self.shared.model.plan, self.shared.model.kernels);
            let values = |a: &Arc<Activations<S>>| a.point.values(plan, kernels);
            archive.put(&format!("point{i}"), slot.activations.as_ref().map_or(Vec::new(), values));
        }
    }

    pub(crate) fn load(&mut self, archive: &Archive, batch: &Arc<Batch>) -> Result<(), LoadError> {
        self.forget();
        let slots = archive.integer("slots")? as usize;
        self.slots.truncate(slots);
        if let Some(published) = &self.published {
            open(published).truncate(slots);
        }
        for i in 0..slots {
            if self.slots.len() == i {
                self.slots.push(Slot { activations: None, used: 0 });
                if let Some(published) = &self.published {
                    open(published).push(None);
                }
            }
            let name = format!("point{i}");
            if !archive.array(&name)?.is_empty() {
                let mut theta = vec![0.0; self.shared.model.plan.dim];
                archive.array_into(&name, &mut theta)?;
                self.fill(i, &theta, batch);
            }
            self.slots[i].used = archive.integer(&format!("used{i}"))?;
        }
        self.anchor =
            archive.integer("anchor")?.checked_sub(1).map(|slot| slot as usize).filter(|&s| s < slots);
        self.clock = archive.integer("clock")?;
        self.work = archive.work("work")?;
        Ok(())
    }
}
