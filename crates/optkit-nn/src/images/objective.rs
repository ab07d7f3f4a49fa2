//! The loss of an image network over its samples, or over mini-batches of them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use optkit_core::{
    Archive, Decomposition, GaussNewton, LoadError, NoGaussNewton, Objective, Pass, Subset, Unsupported, Work,
};

use super::gauss_newton::{ImageGaussNewton, Moved};
use super::parts::ImageDecomposition;
use super::plan::Operation;
use super::scope::Scope;
use super::state::{Batch, Model, open};
use super::whole::{Published, Shared, Whole};
use crate::batches::fits;
use crate::deal::{Deal, Dealing};
use crate::head::Head;
use crate::selected::Selected;
use crate::{Loss, Network, RunningAverages, Samples, Scalar, Targets};

/// Bytes of activations beyond which some are computed again rather than kept, unless it is said otherwise.
pub(super) const SPARING: usize = 1 << 29;

/// Running averages of batch normalisations, in the order of [`Network::buffers`]; shared with measures.
pub(crate) type Running = Arc<Mutex<Vec<f64>>>;

pub(crate) struct Images<S: Scalar> {
    whole: Whole<S>,
    published: Published<S>,
    running: Running,
    moved: Moved,
    /// What evaluations see.
    batch: Arc<Mutex<Arc<Batch>>>,
    /// All samples.
    all: Arc<Batch>,
    /// What masks depend on.
    seed: u64,
    dealt: Option<Dealt>,
}

/// Samples dealt to mini-batches.
struct Dealt {
    deal: Deal,
    selected: Option<Selected>,
    /// Batches whose room may be used again.
    spare: Vec<Arc<Batch>>,
    /// Σ gradient equivalents of a batch · its samples, up to the last selection.
    done: f64,
    /// What had been counted by then.
    counted: f64,
}

impl<S: Scalar> Images<S> {
    pub(crate) fn new(network: &Network, loss: Loss, samples: &Arc<Samples>, targets: Arc<Targets>) -> Self {
        let shared = share(network, Some(loss), samples, targets, Head::Loss(loss));
        let running = RunningAverages::new(network).0;
        let published = Published::default();
        let all = Arc::new(everything(&shared.model, (0, 0), usize::MAX));
        Self {
            whole: Whole::new(Arc::new(shared), Some(published.clone())),
            published,
            running,
            moved: Moved::default(),
            batch: Arc::new(Mutex::new(all.clone())),
            all,
            seed: 0,
            dealt: None,
        }
    }

    pub(crate) fn dealt(mut self, dealing: Dealing, seed: u64) -> Self {
        let count = self.samples();
        self.seed = seed;
        self.whole.largest = dealing.largest(count);
        self.dealt = (dealing.count(count) > 1).then(|| Dealt {
            deal: Deal::new(dealing, count, seed),
            selected: None,
            spare: Vec::new(),
            done: 0.0,
            counted: 0.0,
        });
        self.see_all(0);
        self
    }

    /// Compute some activations again rather than keep them, where all take more bytes than these.
    pub(crate) fn spare_beyond(&mut self, bytes: usize) {
        self.whole.shared.model.sparing.store(bytes, Ordering::Relaxed);
    }

    pub(crate) fn samples(&self) -> usize {
        self.whole.shared.model.samples.count()
    }

    pub(crate) fn running(&self) -> &Running {
        &self.running
    }

    pub(crate) fn set_running(&mut self, running: Running) {
        self.running = running;
    }

    /// Evaluate at most so many samples at a time.
    pub(crate) fn evaluate_at_most(&mut self, samples: usize) {
        self.whole.most = samples.max(1);
    }

    /// Evaluations see `selected` from now on, so many samples; none: there are none, and all stays as it is.
    fn see(&mut self, selected: Selected) -> Option<usize> {
        let dealt = self.dealt.as_mut()?;
        if dealt.deal.count_selected(selected) == 0 {
            return None;
        }
        self.leave();
        let dealt = self.dealt.as_mut()?;
        dealt.selected = Some(selected);
        let model = &self.whole.shared.model;
        let most = dealt.deal.dealing().largest(model.samples.count());
        let chosen = dealt.deal.selected(selected);
        let mut batch = dealt.spare.pop().unwrap_or_else(|| Arc::new(Batch::room(&model.targets, most)));
        if Arc::get_mut(&mut batch).is_none() {
            batch = Arc::new(Batch::room(&model.targets, most));
        }
        let to = Arc::get_mut(&mut batch).expect("made or found to be held by nobody else");
        to.fill(&model.targets, chosen, (self.seed, selected.epoch));
        to.shift(&model.samples);
        let count = to.rows.len();
        self.show(batch);
        Some(count)
    }

    /// Other samples are going to be seen.
    fn leave(&mut self) {
        self.settle();
        self.whole.forget();
    }

    /// `batch` is what evaluations see.
    fn show(&mut self, batch: Arc<Batch>) {
        let before = std::mem::replace(&mut *open(&self.batch), batch);
        let count = self.samples();
        // One of all samples has room for more than a mini-batch needs, and passes make theirs as large.
        let is_dealt = |dealt: &&mut Dealt| before.most <= dealt.deal.dealing().largest(count);
        if let Some(dealt) = self.dealt.as_mut().filter(is_dealt) {
            dealt.spare.push(before);
        }
    }

    fn see_all(&mut self, epoch: u64) {
        if let Some(dealt) = &mut self.dealt {
            dealt.selected = None;
        }
        let count = self.samples();
        let largest = self.dealt.as_ref().map_or(usize::MAX, |d| d.deal.dealing().largest(count));
        if (self.all.seed, self.all.epoch, self.all.together) != (self.seed, epoch, largest) {
            self.all = Arc::new(everything(&self.whole.shared.model, (self.seed, epoch), largest));
        }
        self.show(self.all.clone());
    }

    /// Models for the two-level method.
    pub(crate) fn levels(&self, parts: &[Subset]) -> Result<ImageGaussNewton<S>, NoGaussNewton> {
        ImageGaussNewton::new(&self.whole.shared, self.all.clone(), self.moved.clone(), parts)
    }

    /// Count what was evaluated on the batch at hand by its samples.
    fn settle(&mut self) {
        let seen = self.samples_seen();
        let counted = self.whole.work.gradient_equivalents;
        if let Some(dealt) = &mut self.dealt {
            (dealt.done, dealt.counted) = (seen, counted);
        }
    }

    fn samples_seen(&self) -> f64 {
        let Some(dealt) = &self.dealt else { return 0.0 };
        let rows = open(&self.batch).rows.len() as f64;
        dealt.done + (self.whole.work.gradient_equivalents - dealt.counted) * rows
    }
}

impl<S: Scalar> Objective for Images<S> {
    fn dim(&self) -> usize {
        self.whole.shared.model.plan.dim
    }

    fn value(&mut self, x: &[f64]) -> f64 {
        let batch = open(&self.batch).clone();
        self.whole.value(x, &batch)
    }

    fn value_gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        let batch = open(&self.batch).clone();
        self.whole.value_gradient(x, &batch, gradient)
    }

    fn batches(&self) -> usize {
        self.dealt.as_ref().map_or(1, |dealt| dealt.deal.count())
    }

    fn select(&mut self, pass: Pass) {
        match Selected::of(pass).filter(|_| self.dealt.is_some()) {
            Some(selected) => _ = self.see(selected), // no batch is empty
            None => {
                self.leave();
                self.see_all(pass.epoch);
            }
        }
    }

    fn select_shared(&mut self, pass: Pass, other: Pass) -> Option<usize> {
        self.see(Selected::shared(pass, other)?)
    }

    /// Evaluations on batches cost their share of one on all samples.
    fn work(&self) -> Work {
        match &self.dealt {
            None => self.whole.work,
            Some(_) => {
                let gradient_equivalents = self.samples_seen() / self.samples() as f64;
                Work { gradient_equivalents, ..self.whole.work }
            }
        }
    }

    /// Running averages move to the batch's moments at `x`.
    fn accept(&mut self, x: &[f64]) {
        let mut moved = open(&self.moved);
        let (point, moments) = &mut *moved;
        // The two-level method evaluates by itself, and leaves the moments of the point that it moves to.
        let moments = if point.as_slice() == x {
            point.clear();
            &*moments
        } else {
            let Some(activations) = self.whole.moved_to(x) else { return };
            &activations.moments
        };
        let mut running = open(&self.running);
        for (stage, moments) in self.whole.shared.model.plan.stages.iter().zip(moments) {
            if let Operation::Norm(norm) = &stage.operation {
                norm.move_averages(moments, &mut running);
            }
        }
    }

    /// Over all samples; parts are unions of whole tensors.
    fn gauss_newton(&self, parts: &[Subset]) -> Result<Box<dyn GaussNewton>, NoGaussNewton> {
        Ok(Box::new(self.levels(parts)?))
    }

    /// Parts see the samples that the whole sees when they are frozen.
    fn decompose(&self, parts: &[Subset]) -> Result<Box<dyn Decomposition>, Unsupported> {
        if parts.is_empty() || parts.iter().any(|p| p.dim() != self.dim()) {
            return Err(Unsupported);
        }
        let seen = (self.published.clone(), self.batch.clone());
        let mut whole = Whole::new(self.whole.shared.clone(), None);
        (whole.most, whole.largest) = (self.whole.most, self.whole.largest);
        Ok(Box::new(ImageDecomposition::new(whole, seen, parts)))
    }

    fn save(&self, archive: &mut Archive) {
        archive.put("running", open(&self.running).clone());
        archive.put_integer("all.epoch", self.all.epoch);
        if let Some(dealt) = &self.dealt {
            archive.scope("batches", |archive| {
                let (size, overlap) = dealt.deal.dealing().numbers();
                archive.put_integer("size", size);
                archive.put("overlap", vec![overlap]);
                archive.put_integer("seed", self.seed);
                Selected::save(dealt.selected, archive);
                archive.put("seen", vec![dealt.done, dealt.counted]);
            });
        }
        self.whole.save(archive);
    }

    fn load(&mut self, archive: &Archive) -> Result<(), LoadError> {
        archive.array_into("running", &mut open(&self.running))?;
        let saved = archive.scoped("batches");
        let mut seen = [0.0; 2];
        let mut selected = None;
        if let Some(dealt) = &mut self.dealt {
            fits(&saved, dealt.deal.dealing())?;
            self.seed = saved.integer("seed")?;
            dealt.deal.reseed(self.seed);
            saved.array_into("seen", &mut seen)?;
            selected = Selected::load(&saved)?;
        } else if saved.integer("size").is_ok() {
            fits(&saved, Dealing::Of(self.samples()))?;
        }
        match selected {
            None => self.see_all(archive.integer("all.epoch")?),
            Some(selected) => {
                self.see(selected).ok_or_else(|| LoadError::Missing("shared".to_owned()))?;
            }
        }
        let batch = open(&self.batch).clone();
        self.whole.load(archive, &batch)?;
        if let Some(dealt) = &mut self.dealt {
            [dealt.done, dealt.counted] = seen;
        }
        Ok(())
    }

    fn noise(&self) -> f64 {
        S::NOISE
    }
}

/// All samples as one batch.
fn everything<S: Scalar>(model: &Model<S>, of: (u64, u64), together: usize) -> Batch {
    let rows: Vec<u32> = (0..model.samples.count() as u32).collect();
    let mut batch = Batch::room(&model.targets, rows.len());
    batch.fill(&model.targets, &rows, of);
    batch.together = together;
    batch
}

/// What evaluators of a network on samples have in common.
pub(crate) fn share<S: Scalar>(
    network: &Network,
    loss: Option<Loss>,
    samples: &Arc<Samples>,
    targets: Arc<Targets>,
    head: Head,
) -> Shared<S> {
    let plan = super::plan::Plan::new(network, loss);
    let whole = Scope::whole(&plan);
    let samples = Samples::by_rows(samples);
    let bytes = samples.byte_values();
    let sparing = AtomicUsize::new(SPARING);
    let model = Model { plan, samples, targets, head, bytes, sparing, kernels: S::kernels() };
    Shared { model, whole, rooms: Default::default() }
}
