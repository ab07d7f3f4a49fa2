//! A network split by its parameters: each part starts at its lowest layer, on activations computed once for all.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use optkit_core::{Archive, Cost, Decomposition, LoadError, Objective, Pass, Subset, Work};

use crate::Scalar;
use crate::evaluator::{Evaluator, Published};
use crate::model::{Activations, Model};
use crate::part::Part;
use crate::plan::Scope;

/// What a part stands on; written by the decomposition, read by the part.
#[derive(Debug)]
pub(crate) struct Frozen<S> {
    /// A whole forward pass; absent until the first `freeze`.
    pub(crate) activations: Option<Arc<Activations<S>>>,
    /// All parameters, where they have moved since that pass without touching what the part stands on; else empty.
    pub(crate) moved: Vec<f64>,
    /// Counts the changes.
    pub(crate) version: u64,
}

/// Shared by a part and its decomposition; never locked across a computation.
pub(crate) type Cell<S> = Arc<Mutex<Frozen<S>>>;

pub(crate) fn open<S>(cell: &Cell<S>) -> MutexGuard<'_, Frozen<S>> {
    cell.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The parts of a [`NetworkObjective`](crate::NetworkObjective), made by its `decompose`.
pub(crate) struct NetworkDecomposition<S: Scalar> {
    model: Arc<Model<S>>,
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
        let cell =
            |_: &Subset| Arc::new(Mutex::new(Frozen { activations: None, moved: Vec::new(), version: 0 }));
        let cells: Vec<Cell<S>> = subsets.iter().map(cell).collect();
        let parts = scopes.iter().zip(subsets).zip(&cells).map(|((scope, subset), cell)| {
            let evaluator = Evaluator::new(model.clone(), scope.clone(), None);
            Box::new(Part::new(evaluator, subset.clone(), cell.clone())) as Box<dyn Objective>
        });
        Self { parts: parts.collect(), model, published, misses: None, cells, scopes }
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
        let whole = || Evaluator::new(self.model.clone(), Scope::whole(&self.model.plan), None);
        self.misses.get_or_insert_with(whole)
    }
}

impl<S: Scalar> Decomposition for NetworkDecomposition<S> {
    fn freeze(&mut self, x: &[f64], _pass: Pass) {
        // The parts let go first, so that their memory can be used again.
        for cell in &self.cells {
            open(cell).activations = None;
        }
        let activations = self.activations(x);
        for cell in &self.cells {
            let mut frozen = open(cell);
            frozen.activations = Some(activations.clone());
            frozen.moved.clear();
            frozen.version += 1;
        }
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
        self.misses.as_ref().map(|m| m.work).unwrap_or_default()
    }

    fn save(&self, archive: &mut Archive) {
        archive.put_integer("misses", u64::from(self.misses.is_some()));
        if let Some(misses) = &self.misses {
            archive.scope("miss", |archive| misses.save(archive));
        }
        for (i, part) in self.parts.iter().enumerate() {
            archive.scope(&format!("part{i}"), |archive| part.save(archive));
        }
    }

    fn load(&mut self, archive: &Archive) -> Result<(), LoadError> {
        self.misses = None;
        if archive.integer("misses")? != 0 {
            self.own_passes().load(&archive.scoped("miss"))?;
        }
        for (i, part) in self.parts.iter_mut().enumerate() {
            part.load(&archive.scoped(&format!("part{i}")))?;
        }
        Ok(())
    }
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
