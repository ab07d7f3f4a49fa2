//! A network split by its parameters: each part starts at its lowest layer, on activations computed once for all.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use optkit_core::{Archive, Cost, Decomposition, LoadError, Objective, Pass, Subset, Work};

use crate::Scalar;
use crate::batches::Shown;
use crate::evaluator::{Evaluator, Published};
use crate::model::{Activations, Model};
use crate::part::Part;
use crate::plan::Scope;

/// What a part stands on; written by the decomposition, read by the part.
#[derive(Debug)]
pub(crate) struct Frozen<S: Scalar> {
    /// A whole forward pass; absent until the first `freeze`.
    pub(crate) activations: Option<Arc<Activations<S>>>,
    /// All parameters, where they have moved since that pass without touching what the part stands on; else empty.
    pub(crate) moved: Vec<f64>,
    /// Counts the changes.
    pub(crate) version: u64,
    /// The mini-batch, where parts stand on one.
    pub(crate) batch: Option<Arc<Model<S>>>,
}

/// Shared by a part and its decomposition; never locked across a computation.
pub(crate) type Cell<S> = Arc<Mutex<Frozen<S>>>;

pub(crate) fn open<S: Scalar>(cell: &Cell<S>) -> MutexGuard<'_, Frozen<S>> {
    cell.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The parts of a [`NetworkObjective`](crate::NetworkObjective), made by its `decompose`.
pub(crate) struct NetworkDecomposition<S: Scalar> {
    /// All samples.
    model: Arc<Model<S>>,
    /// The mini-batch that parts stand on, where they stand on one.
    batch: Option<Arc<Model<S>>>,
    /// Of the passes of our own.
    tally: Tally,
    /// Such passes before the run was taken up.
    before: Work,
    /// What the whole objective has left behind.
    published: Published<S>,
    /// For points at which the whole objective left nothing; made when first needed.
    misses: Option<Evaluator<S>>,
    cells: Vec<Cell<S>>,
    scopes: Vec<Scope>,
    parts: Vec<Box<dyn Objective>>,
}

impl<S: Scalar> NetworkDecomposition<S> {
    pub(crate) fn new(model: Arc<Model<S>>, published: Published<S>, subsets: &[Subset]) -> Self {
        let scopes: Vec<_> = subsets.iter().map(|s| Scope::part(&model.plan, s)).collect();
        let frozen = || Frozen { activations: None, moved: Vec::new(), version: 0, batch: None };
        let cells: Vec<Cell<S>> = subsets.iter().map(|_| Arc::new(Mutex::new(frozen()))).collect();
        let parts = scopes.iter().zip(subsets).zip(&cells).map(|((scope, subset), cell)| {
            let evaluator = Evaluator::new(model.clone(), scope.clone(), None);
            Box::new(Part::new(evaluator, subset.clone(), cell.clone())) as Box<dyn Objective>
        });
        let parts = parts.collect();
        let (tally, before) = (Tally::default(), Work::default());
        Self { parts, model, batch: None, tally, before, published, misses: None, cells, scopes }
    }

    /// On mini-batches of the samples of `model`, which come and go in rooms like `room`.
    pub(crate) fn of_batches(
        model: &Arc<Model<S>>,
        room: &Arc<Model<S>>,
        published: Published<S>,
        subsets: &[Subset],
    ) -> Self {
        let mut made = Self::new(model.clone(), published, &[]);
        made.scopes = subsets.iter().map(|s| Scope::part(&model.plan, s)).collect();
        for (scope, subset) in made.scopes.iter().zip(subsets) {
            let frozen = Frozen { activations: None, moved: Vec::new(), version: 0, batch: None };
            let cell = Arc::new(Mutex::new(frozen));
            let mut evaluator = Evaluator::new(room.clone(), scope.clone(), None);
            // A part at rest stands on no batch, whose room must be free for the next one.
            evaluator.model = model.clone();
            made.parts.push(Box::new(Part::new(evaluator, subset.clone(), cell.clone())));
            made.cells.push(cell);
        }
        made
    }

    /// Freeze at `x`, on `batch` where parts stand on mini-batches.
    pub(crate) fn freeze_on(&mut self, x: &[f64], batch: Option<&Arc<Model<S>>>) {
        // The parts let go first, so that their memory can be used again.
        for cell in &self.cells {
            let mut frozen = open(cell);
            (frozen.activations, frozen.batch) = (None, None);
        }
        self.batch = batch.cloned();
        if let (Some(misses), Some(batch)) = (&mut self.misses, batch) {
            misses.forget();
            misses.model = batch.clone();
            self.tally.settle(misses.work, share(batch, &self.model));
        }
        let activations = self.activations(x);
        for cell in &self.cells {
            let mut frozen = open(cell);
            frozen.activations = Some(activations.clone());
            frozen.moved.clear();
            frozen.version += 1;
            frozen.batch = batch.cloned();
        }
    }

    /// Activations of the whole network at `x`: those that the objective left there, else of a pass of our own.
    fn activations(&mut self, x: &[f64]) -> Arc<Activations<S>> {
        let left = {
            let published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
            published.iter().flatten().find(|a| a.point == x).cloned()
        };
        left.unwrap_or_else(|| self.own_passes().activations(x))
    }

    fn own_passes(&mut self) -> &mut Evaluator<S> {
        let (model, tally) = (&self.model, &mut self.tally);
        let on = self.batch.as_ref().unwrap_or(model);
        self.misses.get_or_insert_with(|| {
            tally.settle(Work::default(), share(on, model));
            Evaluator::new(on.clone(), Scope::whole(&model.plan), None)
        })
    }
}

impl<S: Scalar> Decomposition for NetworkDecomposition<S> {
    fn freeze(&mut self, x: &[f64], _pass: Pass) {
        self.freeze_on(x, None);
    }

    /// Costs nothing where only layers above those that the part stands on have moved.
    fn update(&mut self, part: usize, x: &[f64]) {
        let below = stands_on(&self.model, &self.scopes[part]);
        let unmoved = |a: &Arc<Activations<S>>| below.iter().all(|r| a.point[r.clone()] == x[r.clone()]);
        if open(&self.cells[part]).activations.as_ref().is_some_and(unmoved) {
            let mut frozen = open(&self.cells[part]);
            frozen.moved.clear();
            frozen.moved.extend_from_slice(x);
            frozen.version += 1;
            return;
        }
        open(&self.cells[part]).activations = None;
        let activations = self.activations(x);
        let mut frozen = open(&self.cells[part]);
        frozen.activations = Some(activations);
        frozen.moved.clear();
        frozen.version += 1;
    }

    fn parts(&mut self) -> &mut [Box<dyn Objective>] {
        &mut self.parts
    }

    fn cost(&self, part: usize) -> Cost {
        self.scopes[part].shares(&self.model.plan).0
    }

    fn shared_work(&self) -> Work {
        self.before + self.misses.as_ref().map(|m| self.tally.total(m.work)).unwrap_or_default()
    }

    fn save(&self, archive: &mut Archive) {
        if self.batch.is_some() {
            // Outputs on a batch end with it.
            archive.put_integer("misses", 0);
            archive.put_work("before", self.shared_work());
        } else {
            archive.put_integer("misses", u64::from(self.misses.is_some()));
            if let Some(misses) = &self.misses {
                archive.scope("miss", |archive| misses.save(archive));
            }
        }
        for (i, part) in self.parts.iter().enumerate() {
            archive.scope(&format!("part{i}"), |archive| part.save(archive));
        }
    }

    fn load(&mut self, archive: &Archive) -> Result<(), LoadError> {
        (self.misses, self.tally) = (None, Tally::default());
        self.before = archive.work("before").unwrap_or_default();
        if archive.integer("misses")? != 0 {
            self.own_passes().load(&archive.scoped("miss"))?;
        }
        for (i, part) in self.parts.iter_mut().enumerate() {
            part.load(&archive.scoped(&format!("part{i}")))?;
        }
        Ok(())
    }
}

/// The parts of an objective in mini-batches: of the batch that is selected when they are frozen, else of all samples.
pub(crate) struct BatchDecomposition<S: Scalar> {
    shown: Shown<S>,
    batches: NetworkDecomposition<S>,
    /// Made when first needed.
    all: Option<NetworkDecomposition<S>>,
    make_all: Box<dyn Fn() -> NetworkDecomposition<S> + Send>,
    /// Whether `parts` stand on a batch.
    on_batch: bool,
}

impl<S: Scalar> BatchDecomposition<S> {
    pub(crate) fn new(
        shown: Shown<S>,
        batches: NetworkDecomposition<S>,
        make_all: Box<dyn Fn() -> NetworkDecomposition<S> + Send>,
    ) -> Self {
        Self { shown, batches, all: None, make_all, on_batch: true }
    }

    fn all(&mut self) -> &mut NetworkDecomposition<S> {
        self.all.get_or_insert_with(&self.make_all)
    }

    fn current(&mut self) -> &mut NetworkDecomposition<S> {
        if self.on_batch { &mut self.batches } else { self.all() }
    }
}

impl<S: Scalar> Decomposition for BatchDecomposition<S> {
    fn freeze(&mut self, x: &[f64], pass: Pass) {
        let batch = self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.on_batch = batch.is_some();
        match batch {
            Some(batch) => self.batches.freeze_on(x, Some(&batch)),
            None => self.all().freeze(x, pass),
        }
    }

    fn update(&mut self, part: usize, x: &[f64]) {
        self.current().update(part, x);
    }

    fn parts(&mut self) -> &mut [Box<dyn Objective>] {
        self.current().parts()
    }

    fn cost(&self, part: usize) -> Cost {
        self.batches.cost(part)
    }

    /// With the work of those parts that are not at hand.
    fn shared_work(&self) -> Work {
        let all = self.all.as_ref();
        let shared = self.batches.shared_work() + all.map(Decomposition::shared_work).unwrap_or_default();
        let hidden = if self.on_batch { all } else { Some(&self.batches) };
        hidden.into_iter().flat_map(|group| &group.parts).fold(shared, |work, part| work + part.work())
    }

    fn save(&self, archive: &mut Archive) {
        archive.put_integer("on_batch", u64::from(self.on_batch));
        archive.scope("batches", |archive| self.batches.save(archive));
        if let Some(all) = &self.all {
            archive.scope("all", |archive| all.save(archive));
        }
    }

    fn load(&mut self, archive: &Archive) -> Result<(), LoadError> {
        self.on_batch = archive.integer("on_batch")? != 0;
        self.batches.load(&archive.scoped("batches"))?;
        self.all = None;
        let all = archive.scoped("all");
        if all.integer("misses").is_ok() {
            self.all().load(&all)?;
        }
        Ok(())
    }
}

/// What evaluations have cost where some were of a share of the samples.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tally {
    done: f64,
    counted: f64,
    share: f64,
}

impl Default for Tally {
    /// All samples.
    fn default() -> Self {
        Self { done: 0.0, counted: 0.0, share: 1.0 }
    }
}

impl Tally {
    /// `work`, as an evaluator has counted it, on the scale of all samples.
    pub(crate) fn total(&self, work: Work) -> Work {
        let since = work.gradient_equivalents - self.counted;
        Work { gradient_equivalents: self.done + since * self.share, ..work }
    }

    /// What is counted behind `work` is of another `share` of the samples.
    pub(crate) fn settle(&mut self, work: Work, share: f64) {
        self.done = self.total(work).gradient_equivalents;
        (self.counted, self.share) = (work.gradient_equivalents, share);
    }

    pub(crate) fn save(&self, archive: &mut Archive) {
        archive.put("tally", vec![self.done, self.counted, self.share]);
    }

    pub(crate) fn load(archive: &Archive) -> Result<Self, LoadError> {
        let mut numbers = [0.0; 3];
        archive.array_into("tally", &mut numbers)?;
        let [done, counted, share] = numbers;
        Ok(Self { done, counted, share })
    }
}

/// The share of the samples of `all` that `batch` has.
pub(crate) fn share<S: Scalar>(batch: &Model<S>, all: &Model<S>) -> f64 {
    batch.samples.count() as f64 / all.samples.count() as f64
}

/// The parameters that frozen outputs under a part depend on.
fn stands_on<S: Scalar>(model: &Model<S>, scope: &Scope) -> Vec<std::ops::Range<usize>> {
    let mut ranges = Vec::new();
    for (k, d) in model.plan.dense.iter().enumerate() {
        if k < scope.first {
            ranges.extend([d.weight.clone(), d.bias.clone()]);
        } else if k == scope.first && scope.shifts() {
            ranges.push(d.weight.clone());
        }
    }
    ranges
}
