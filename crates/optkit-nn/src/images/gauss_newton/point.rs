//! A point, the outputs there, and passes over all samples, in pieces where they can be.
//!
//! Batch normalisations look at all samples at once; without them a network looks at one sample at a time, and a piece of
//! the samples is as good as all. Outputs are kept where there is room for them; else every pass begins with computing
//! them again, and counts it.

use std::sync::Arc;

use optkit_core::Work;

use super::costs::Costs;
use crate::Scalar;
use crate::images::parameters::Parameters;
use crate::images::plan::Operation;
use crate::images::run::Run;
use crate::images::state::{Activations, Batch, Mode, in_parts};
use crate::images::whole::Shared;
use crate::images::workspace::Workspace;

/// Bytes of outputs of a piece, about.
const OF_A_PIECE: usize = 1 << 28;
/// Bytes of outputs that are kept, at a point and at a trial point together.
const KEPT: usize = 1 << 32;

/// The samples that are seen, in pieces.
pub(crate) struct Seen<S: Scalar> {
    pub(crate) shared: Arc<Shared<S>>,
    /// All that are seen.
    pub(crate) all: Arc<Batch>,
    pub(crate) pieces: Vec<Batch>,
    /// How many of the pieces' outputs are kept at the point, and at a trial point: all or one.
    kept: [usize; 2],
}

impl<S: Scalar> Seen<S> {
    pub(crate) fn new(shared: Arc<Shared<S>>, all: Arc<Batch>) -> Self {
        let mut seen = Self { shared, all, pieces: Vec::new(), kept: [1; 2] };
        seen.cut(OF_A_PIECE, KEPT);
        seen
    }

    /// Pieces of about `of_a_piece` bytes of outputs, of which at most `most` are kept.
    pub(crate) fn cut(&mut self, of_a_piece: usize, most: usize) {
        let Self { shared, all, pieces, kept } = self;
        let (model, count) = (&shared.model, all.rows.len());
        let bytes = model.plan.len() * size_of::<S>();
        let together = model.plan.stages.iter().any(|stage| matches!(stage.operation, Operation::Norm(_)));
        let each = if together { all.most } else { (of_a_piece / bytes).clamp(1, all.most) };
        // Where samples grow, a piece comes to have as many as it may.
        let room = if count < all.most { each } else { count.div_ceil(count.div_ceil(each)) };
        pieces.truncate(count.div_ceil(each));
        for (i, some) in in_parts(count, each).enumerate() {
            if pieces.get(i).is_none_or(|piece| piece.most < room) {
                pieces.truncate(i);
                pieces.push(Batch::room(&model.targets, room));
            }
            pieces[i].fill_from(&model.targets, all, some);
        }
        let fits = |points: usize| if points * bytes * count <= most { pieces.len() } else { 1 };
        *kept = [fits(1), fits(2)];
    }

    /// See the first `count` samples of `order`, of which all will be seen in the end.
    pub(crate) fn show(&mut self, order: &[u32], count: usize) {
        let targets = &self.shared.model.targets;
        let (of, together) = ((self.all.seed, self.all.epoch), self.all.together);
        if Arc::get_mut(&mut self.all).is_none_or(|all| all.most < order.len()) {
            self.all = Arc::new(Batch::room(targets, order.len()));
        }
        let all = Arc::get_mut(&mut self.all).expect("made or found to be held by nobody else");
        all.fill(targets, &order[..count], of);
        all.together = together;
        self.cut(OF_A_PIECE, KEPT);
    }

    pub(crate) fn count(&self) -> usize {
        self.all.rows.len()
    }

    /// Room at a point, or where `trial` at a trial point.
    pub(crate) fn room(&self, trial: bool) -> usize {
        self.kept[usize::from(trial)]
    }
}

/// A point, and the outputs there.
pub(crate) struct Point<S> {
    pub(crate) x: Vec<f64>,
    /// x as passes read it.
    pub(crate) rounded: Parameters<S>,
    pub(crate) value: f64,
    /// Of all pieces, or of the one at hand.
    pub(crate) outputs: Vec<Activations<S>>,
    /// Whether all pieces' are there.
    pub(crate) is_there: bool,
}

/// What a pass over a piece works with.
pub(crate) struct Piece<'a, S: Scalar> {
    pub(crate) run: Run<'a, S>,
    pub(crate) room: &'a mut Workspace<S>,
    pub(crate) outputs: &'a Activations<S>,
    /// The piece's share of the samples that are seen.
    pub(crate) share: f64,
}

impl<S: Scalar> Point<S> {
    pub(crate) fn new(dim: usize) -> Self {
        Self {
            x: vec![0.0; dim],
            rounded: Parameters::default(),
            value: f64::NAN,
            outputs: Vec::new(),
            is_there: false,
        }
    }

    /// Go to `x`: f there. Nothing is counted.
    pub(crate) fn go_to(&mut self, x: &[f64], seen: &Seen<S>, trial: bool, room: &mut Workspace<S>) -> f64 {
        self.x.copy_from_slice(x);
        self.evaluate(seen, trial, room)
    }

    /// f at x, directly.
    pub(crate) fn evaluate(&mut self, seen: &Seen<S>, trial: bool, room: &mut Workspace<S>) -> f64 {
        let Shared { model, whole, .. } = &*seen.shared;
        self.rounded.take_over(&model.plan, model.kernels, &self.x);
        let kept = seen.room(trial);
        self.outputs.resize_with(kept, || Activations::new(&model.plan, false));
        self.value = 0.0;
        for (i, batch) in seen.pieces.iter().enumerate() {
            let Parameters { rest, weights, .. } = &self.rounded;
            let (point, mode) = (&rest[..], Mode::Train);
            let run = Run { model, scope: whole, batch, point, weights, frozen: None, mode };
            let share = batch.rows.len() as f64 / seen.count() as f64;
            self.value += share * run.forward(room, &mut self.outputs[i % kept]);
        }
        self.is_there = kept == seen.pieces.len();
        self.value
    }

    /// `f` of every piece, with the outputs at x; they are computed again where they are not kept.
    pub(crate) fn for_each(
        &mut self,
        seen: &Seen<S>,
        room: &mut Workspace<S>,
        (costs, work): (&Costs, &mut Work),
        mut f: impl FnMut(Piece<'_, S>),
    ) {
        let Shared { model, whole, .. } = &*seen.shared;
        let kept = seen.room(false);
        self.outputs.resize_with(kept, || Activations::new(&model.plan, false));
        for (i, batch) in seen.pieces.iter().enumerate() {
            let Parameters { rest, weights, .. } = &self.rounded;
            let (point, mode) = (&rest[..], Mode::Train);
            let run = Run { model, scope: whole, batch, point, weights, frozen: None, mode };
            let outputs = &mut self.outputs[i % kept];
            if !self.is_there {
                work.gradient_equivalents += costs.pass(batch.rows.len());
                run.forward(room, outputs);
            }
            f(Piece { run, room, outputs, share: batch.rows.len() as f64 / seen.count() as f64 });
        }
        self.is_there = kept == seen.pieces.len();
    }
}
