//! An image network split by its parameters: each part computes what depends on its own tensors, on one forward pass that
//! all share.

use std::ops::Range;
use std::sync::{Arc, Mutex};

use optkit_core::{Archive, Cost, Decomposition, LoadError, Objective, Pass, Subset, Work};

use super::run::Run;
use super::scope::Scope;
use super::state::{Activations, Batch, Mode, fresh_id, open};
use super::whole::pieces::InPieces;
use super::whole::{Published, Shared, Whole};
use super::workspace::{Holder, Workspace};
use crate::Scalar;

/// What a part stands on; absent until the first `freeze`, and when parts have let go.
type Cell<S> = Arc<Mutex<Option<Arc<Activations<S>>>>>;

/// The parts of an image network.
pub(crate) struct ImageDecomposition<S: Scalar> {
    shared: Arc<Shared<S>>,
    published: Published<S>,
    /// The samples that the whole objective sees.
    batch: Arc<Mutex<Arc<Batch>>>,
    /// For points at which the whole objective left nothing.
    misses: Whole<S>,
    /// What these passes cost, on the scale of all samples.
    work: Work,
    cells: Vec<Cell<S>>,
    scopes: Vec<Arc<Scope>>,
    parts: Vec<Box<dyn Objective>>,
}

impl<S: Scalar> ImageDecomposition<S> {
    /// `misses`: evaluates what the whole objective left nothing of; that publishes what it leaves, and sees a batch.
    pub(crate) fn new(
        misses: Whole<S>,
        (published, batch): (Published<S>, Arc<Mutex<Arc<Batch>>>),
        subsets: &[Subset],
    ) -> Self {
        let shared = misses.shared.clone();
        let scope = |subset| Arc::new(Scope::part(&shared.model.plan, subset));
        let scopes: Vec<_> = subsets.iter().map(scope).collect();
        let cells: Vec<Cell<S>> = subsets.iter().map(|_| Cell::default()).collect();
        let parts = scopes.iter().zip(subsets).zip(&cells).map(|((scope, subset), cell)| {
            Box::new(Part {
                shared: shared.clone(),
                scope: scope.clone(),
                subset: subset.clone(),
                cell: cell.clone(),
                most: misses.most,
                id: fresh_id(),
                here: Vec::new(),
                value: f64::NAN,
                work: Work::default(),
            }) as Box<dyn Objective>
        });
        let work = Work::default();
        Self { parts: parts.collect(), shared, published, batch, misses, work, cells, scopes }
    }

    /// Activations of the whole network at `x`: those that the objective left there, else of a pass of our own.
    fn activations(&mut self, x: &[f64]) -> Arc<Activations<S>> {
        let left =
            open(&self.published).iter().flatten().find(|a| a.is_at(&self.shared.model.plan, x)).cloned();
        left.unwrap_or_else(|| {
            let batch = open(&self.batch).clone();
            let misses = &mut self.misses;
            misses.forget();
            let before = misses.work;
            let activations = misses.activations(x, &batch);
            let mut work = misses.work - before;
            work.gradient_equivalents *= self.shared.model.share(&batch);
            self.work += work;
            activations
        })
    }
}

impl<S: Scalar> Decomposition for ImageDecomposition<S> {
    fn freeze(&mut self, x: &[f64], _pass: Pass) {
        // The parts let go first, so that their memory can be used again.
        self.release();
        let activations = self.activations(x);
        for cell in &self.cells {
            *open(cell) = Some(activations.clone());
        }
    }

    fn update(&mut self, part: usize, x: &[f64]) {
        *open(&self.cells[part]) = None;
        let activations = self.activations(x);
        *open(&self.cells[part]) = Some(activations);
    }

    fn parts(&mut self) -> &mut [Box<dyn Objective>] {
        &mut self.parts
    }

    fn release(&mut self) {
        self.cells.iter().for_each(|cell| *open(cell) = None);
        self.shared.rooms.release_outputs();
    }

    /// A part's evaluation takes all threads, and memory for a mini-batch.
    fn concurrent(&self) -> bool {
        false
    }

    /// In pieces, what a part reads is computed again for each.
    fn cost(&self, part: usize) -> Cost {
        let cost = self.scopes[part].cost;
        let in_pieces = self.misses.is_limited() || self.misses.most < open(&self.batch).rows.len();
        Cost { forward: if in_pieces { 1.0 } else { cost.forward }, ..cost }
    }

    fn shared_work(&self) -> Work {
        self.work
    }

    fn save(&self, archive: &mut Archive) {
        archive.put_work("misses", self.work);
        for (i, part) in self.parts.iter().enumerate() {
            archive.scope(&format!("part{i}"), |archive| part.save(archive));
        }
    }

    fn load(&mut self, archive: &Archive) -> Result<(), LoadError> {
        self.release();
        self.misses.forget();
        self.work = archive.work("misses")?;
        for (i, part) in self.parts.iter_mut().enumerate() {
            part.load(&archive.scoped(&format!("part{i}")))?;
        }
        Ok(())
    }
}

/// The loss as a function of some of the parameters, the others frozen.
struct Part<S: Scalar> {
    shared: Arc<Shared<S>>,
    scope: Arc<Scope>,
    subset: Subset,
    cell: Cell<S>,
    /// Most samples that are evaluated at a time.
    most: usize,
    id: u64,
    /// Its own variables at which a workspace may hold its outputs, and the loss there.
    here: Vec<S>,
    value: f64,
    work: Work,
}

impl<S: Scalar> Part<S> {
    fn frozen(&self) -> Arc<Activations<S>> {
        open(&self.cell).clone().expect("`freeze` comes before the first use of a part")
    }

    fn holder(&self, frozen: &Activations<S>) -> Holder {
        Holder { part: self.id, base: frozen.id }
    }

    /// Whether `x` is where the part is frozen.
    fn is_frozen_at(&self, frozen: &Activations<S>, x: &[f64]) -> bool {
        let (plan, mut x) = (&self.shared.model.plan, x);
        self.subset.ranges().iter().all(|range| {
            let (own, rest) = x.split_at(range.len());
            x = rest;
            frozen.point.hold(plan, range.start, own)
        })
    }

    fn is_here(&self, x: &[f64]) -> bool {
        self.here.len() == x.len() && self.here.iter().zip(x).all(|(&h, &x)| h == S::from_f64(x))
    }

    /// The part's own variables to their places in `theta`.
    fn overlay(&self, x: &[f64], theta: &mut [S]) {
        let mut x = x.iter();
        for range in self.subset.ranges() {
            theta[range.clone()].iter_mut().zip(&mut x).for_each(|(to, &x)| *to = S::from_f64(x));
        }
    }

    /// A workspace with the parameters of the part's stages at `x`, and whether it holds the part's outputs there.
    fn prepare(&self, frozen: &Activations<S>, x: &[f64]) -> (Workspace<S>, bool) {
        let plan = &self.shared.model.plan;
        let holder = Some(self.holder(frozen));
        let mut room = self.shared.rooms.take(plan, holder);
        if room.holder == holder && self.is_here(x) {
            return (room, true);
        }
        room.theta.resize(plan.dim, S::ZERO);
        for (i, stage) in plan.stages.iter().enumerate().filter(|&(i, _)| self.scope.own[i].any()) {
            let is_own = |tensor: &Range<usize>| {
                self.subset.ranges().iter().any(|r| r.start <= tensor.start && tensor.end <= r.end)
            };
            if !stage.tensors().all(|tensor| is_own(&tensor)) {
                frozen.point.read(plan, i, &mut room.theta);
            }
        }
        self.overlay(x, &mut room.theta);
        room.change(&self.scope);
        // Weights are no longer those that another part's outputs were computed with.
        room.holder = None;
        (room, false)
    }

    fn run<'a>(&'a self, frozen: &'a Activations<S>, batch: &'a Batch) -> Run<'a, S> {
        Run {
            model: &self.shared.model,
            scope: &self.scope,
            batch,
            point: &frozen.point.rest,
            weights: &frozen.point.weights,
            frozen: Some(frozen),
            mode: Mode::Train,
        }
    }

    fn forward(&mut self, frozen: &Activations<S>, room: &mut Workspace<S>, x: &[f64]) {
        let batch = frozen.batch.as_deref().expect("a pass that was run knows its samples");
        self.work.values += 1;
        self.work.gradient_equivalents += 0.5 * self.scope.cost.forward * self.shared.model.share(batch);
        room.pack(&self.shared.model, &self.scope, (frozen.id, &frozen.point.weights), false);
        let Shared { model, rooms, .. } = &*self.shared;
        let mut outputs = room.outputs.take().unwrap_or_else(|| rooms.take_outputs(&model.plan, false));
        let to = Arc::get_mut(&mut outputs).expect("only a workspace holds what parts have left");
        let value = self.run(frozen, batch).forward(room, to);
        room.outputs = Some(outputs);
        room.holder = Some(self.holder(frozen));
        self.value = value;
        self.here.clear();
        self.here.extend(x.iter().map(|&x| S::from_f64(x)));
    }
}

impl<S: Scalar> Part<S> {
    /// Where outputs of one piece at a time are kept there is nothing to stand on: a pass of the whole network with the
    /// part's parameters in their places, and the way back of the part.
    fn in_pieces(&mut self, frozen: &Activations<S>, x: &[f64], mut gradient: Option<&mut [f64]>) -> f64 {
        let Shared { model, rooms, .. } = &*self.shared;
        let batch = frozen.batch.as_deref().expect("a pass that was run knows its samples");
        self.work.values += 1;
        self.work.gradients += u64::from(gradient.is_some());
        let backward = if gradient.is_some() { self.scope.cost.backward } else { 0.0 };
        self.work.gradient_equivalents += 0.5 * (1.0 + backward) * model.share(batch);
        let mut room = rooms.take(&model.plan, None);
        let plan = &model.plan;
        room.theta.resize(plan.dim, S::ZERO);
        (0..plan.stages.len()).for_each(|i| frozen.point.read(plan, i, &mut room.theta));
        self.overlay(x, &mut room.theta);
        room.pack_own(plan);
        let (point, weights) = (std::mem::take(&mut room.theta), std::mem::take(&mut room.weights));
        let mut all = std::mem::take(&mut room.gradient);
        if let Some(gradient) = &mut gradient {
            all.resize(self.subset.dim(), 0.0);
            gradient.fill(0.0);
        }
        let mut outputs = rooms.take_outputs(&model.plan, false);
        let to = Arc::get_mut(&mut outputs).expect("room for outputs is held by nobody else");
        let of = InPieces { shared: &self.shared, point: &point, weights: &weights, batch, most: self.most };
        let value = of.forward(&mut room, to, |share, piece, room, outputs| {
            let Some(gradient) = &mut gradient else { return };
            of.run(&self.scope, piece).backward(room, outputs, &mut all);
            let of_piece = self.subset.ranges().iter().flat_map(|range| &all[range.clone()]);
            gradient.iter_mut().zip(of_piece).for_each(|(sum, of_piece)| *sum += share * of_piece);
        });
        rooms.give_back_outputs(outputs);
        (room.theta, room.weights, room.gradient) = (point, weights, all);
        rooms.give_back(room);
        value
    }
}

impl<S: Scalar> Objective for Part<S> {
    fn dim(&self) -> usize {
        self.subset.len()
    }

    fn value(&mut self, x: &[f64]) -> f64 {
        let frozen = self.frozen();
        if self.is_frozen_at(&frozen, x) {
            return frozen.value;
        }
        if frozen.hollow {
            return self.in_pieces(&frozen, x, None);
        }
        let (mut room, is_there) = self.prepare(&frozen, x);
        if !is_there {
            self.forward(&frozen, &mut room, x);
        }
        self.shared.rooms.give_back(room);
        self.value
    }

    fn value_gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        let frozen = self.frozen();
        if frozen.hollow {
            return self.in_pieces(&frozen, x, Some(gradient));
        }
        let batch = frozen.batch.as_deref().expect("a pass that was run knows its samples");
        self.work.gradients += 1;
        self.work.gradient_equivalents += 0.5 * self.scope.cost.backward * self.shared.model.share(batch);
        let at_frozen = self.is_frozen_at(&frozen, x);
        let (mut room, is_there) = self.prepare(&frozen, x);
        if !at_frozen && !is_there {
            self.forward(&frozen, &mut room, x);
        }
        room.pack(&self.shared.model, &self.scope, (frozen.id, &frozen.point.weights), true);
        let (mut all, outputs) = (std::mem::take(&mut room.gradient), room.outputs.take());
        all.resize(self.subset.dim(), 0.0);
        let own = outputs.as_deref().filter(|_| !at_frozen).unwrap_or(&frozen);
        self.run(&frozen, batch).backward(&mut room, own, &mut all);
        self.subset.gather(&all, gradient);
        (room.gradient, room.outputs) = (all, outputs);
        self.shared.rooms.give_back(room);
        if at_frozen { frozen.value } else { self.value }
    }

    fn noise(&self) -> f64 {
        S::NOISE
    }

    fn work(&self) -> Work {
        self.work
    }

    /// Everything else ends with the next `freeze`.
    fn save(&self, archive: &mut Archive) {
        archive.put_work("work", self.work);
    }

    fn load(&mut self, archive: &Archive) -> Result<(), LoadError> {
        self.work = archive.work("work")?;
        self.here.clear();
        Ok(())
    }
}
