//! Mini-batches: what evaluates one batch of those that [`Deal`] deals.
//!
//! A batch's samples are gathered into room of their own, on which an evaluator of its own runs: the kernels, their
//! storage and the order of their sums are those of an objective over these samples and no others. There are two rooms:
//! while the parts of a decomposition stand on the last batch, the next one is gathered into the other.

use std::sync::{Arc, Mutex, PoisonError};

use optkit_core::{Archive, LoadError, Work};

use crate::Scalar;
use crate::deal::{Deal, Dealing};
use crate::evaluator::{Evaluator, Published};
use crate::gather::Gather;
use crate::model::Model;
use crate::plan::Scope;
use crate::selected::Selected;

/// The batch that is selected, for those who decompose it; none: all samples are.
pub(crate) type Shown<S> = Arc<Mutex<Option<Arc<Model<S>>>>>;

/// The mini-batches of an objective.
pub(crate) struct Batches<S: Scalar> {
    deal: Deal,
    samples: usize,
    gather: Gather,
    pub(crate) evaluator: Evaluator<S>,
    /// The other room.
    spare: Arc<Model<S>>,
    pub(crate) shown: Shown<S>,
    pub(crate) published: Published<S>,
    /// What evaluations see; none: all samples.
    selected: Option<Selected>,
    /// How many samples were last selected.
    rows: usize,
    /// Σ gradient equivalents of a batch · its samples, up to the last selection: whole numbers and halves of them, so
    /// that an epoch adds up to what a pass over all samples costs, exactly.
    done: f64,
    /// What the evaluator had counted by then.
    counted: f64,
}

impl<S: Scalar> Batches<S> {
    /// Batches of the samples of `whole`, each of fewer than all of them.
    pub(crate) fn new(whole: &Model<S>, dealing: Dealing, seed: u64) -> Self {
        let samples = whole.samples.count();
        let largest = dealing.largest(samples);
        let gather = Gather::new(whole.samples.clone(), whole.targets.clone(), largest);
        let room = || {
            let (samples, targets) = gather.room(largest);
            Arc::new(Model::changing(whole, samples, targets, largest))
        };
        let (model, spare) = (room(), room());
        let scope = Scope::whole(&model.plan);
        let published = Published::default();
        Self {
            deal: Deal::new(dealing, samples, seed),
            samples,
            evaluator: Evaluator::new(model, scope, Some(published.clone())),
            spare,
            shown: Shown::default(),
            published,
            gather,
            selected: None,
            rows: 0,
            done: 0.0,
            counted: 0.0,
        }
    }

    /// Number of batches in an epoch.
    pub(crate) fn count(&self) -> usize {
        self.deal.count()
    }

    pub(crate) fn is_selected(&self) -> bool {
        self.selected.is_some()
    }

    /// Evaluations see all samples from now on.
    pub(crate) fn select_none(&mut self) {
        self.settle();
        self.selected = None;
        self.show(None);
    }

    /// Evaluations see `selected` from now on, so many samples; none: there are none, and all stays as it is.
    pub(crate) fn select(&mut self, selected: Selected) -> Option<usize> {
        if self.deal.count_selected(selected) == 0 {
            return None;
        }
        self.settle();
        self.evaluator.forget();
        self.show(None);
        self.take_free_room();
        let seed = self.deal.seed();
        let chosen = self.deal.selected(selected);
        let model = Arc::get_mut(&mut self.evaluator.model).expect("a free room has one owner");
        self.gather.fill(model, chosen, Some((seed, selected.epoch)));
        self.rows = chosen.len();
        self.selected = Some(selected);
        self.show(Some(self.evaluator.model.clone()));
        Some(self.rows)
    }

    /// A room that no part stands on becomes the evaluator's.
    fn take_free_room(&mut self) {
        if Arc::get_mut(&mut self.evaluator.model).is_some() {
            return;
        }
        std::mem::swap(&mut self.evaluator.model, &mut self.spare);
        if Arc::get_mut(&mut self.evaluator.model).is_none() {
            // Two decompositions stand on two batches.
            let largest = self.deal.dealing().largest(self.samples);
            let (samples, targets) = self.gather.room(largest);
            let like = &self.evaluator.model;
            self.evaluator.model = Arc::new(Model::changing(like, samples, targets, largest));
        }
    }

    fn show(&self, model: Option<Arc<Model<S>>>) {
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = model;
    }

    /// Count what was evaluated on the batch at hand by its samples.
    fn settle(&mut self) {
        self.done = self.samples_seen();
        self.counted = self.evaluator.work.gradient_equivalents;
    }

    fn samples_seen(&self) -> f64 {
        self.done + (self.evaluator.work.gradient_equivalents - self.counted) * self.rows as f64
    }

    /// Evaluations on batches, each costing its share of one on all samples.
    pub(crate) fn work(&self) -> Work {
        let gradient_equivalents = self.samples_seen() / self.samples as f64;
        Work { gradient_equivalents, ..self.evaluator.work }
    }

    pub(crate) fn save(&self, archive: &mut Archive) {
        let (size, overlap) = self.deal.dealing().numbers();
        archive.put_integer("size", size);
        archive.put("overlap", vec![overlap]);
        archive.put_integer("seed", self.deal.seed());
        archive.put("seen", vec![self.done, self.counted]);
        Selected::save(self.selected, archive);
        archive.put_integer("rows", self.rows as u64);
        archive.scope("evaluator", |archive| match self.selected {
            Some(_) => self.evaluator.save(archive),
            None => self.evaluator.save_forgotten(archive),
        });
    }

    pub(crate) fn load(&mut self, archive: &Archive) -> Result<(), LoadError> {
        fits(archive, self.deal.dealing())?;
        self.deal.reseed(archive.integer("seed")?);
        let evaluator = archive.scoped("evaluator");
        match Selected::load(archive)? {
            None => {
                self.select_none();
                self.evaluator.load_forgotten(&evaluator)?;
            }
            Some(selected) => {
                self.select(selected).ok_or_else(|| LoadError::Missing("shared".to_owned()))?;
                self.evaluator.load(&evaluator)?;
            }
        }
        let mut seen = [0.0; 2];
        archive.array_into("seen", &mut seen)?;
        [self.done, self.counted] = seen;
        self.rows = archive.integer("rows")? as usize;
        Ok(())
    }
}

/// Refuses the state of an objective with other batches than those of `dealing`.
pub(crate) fn fits(archive: &Archive, dealing: Dealing) -> Result<(), LoadError> {
    let (size, overlap) = dealing.numbers();
    let saved = archive.integer("size")?;
    if saved != size {
        let (got, expected) = (saved as usize, size as usize);
        return Err(LoadError::Length { name: "batch".to_owned(), got, expected });
    }
    // States of versions without overlaps have none.
    let got = archive.number("overlap").unwrap_or(0.0);
    if got.to_bits() == overlap.to_bits() {
        return Ok(());
    }
    Err(LoadError::Differs {
        name: "overlap".to_owned(),
        got: got.to_string(),
        expected: overlap.to_string(),
    })
}
