//! Evaluations in pieces of the samples, one after another: what is kept is of one piece at a time.
//!
//! ```text
//! ℓ(θ) = Σ over the pieces   (samples of the piece)/(samples) · ℓ of the piece(θ)
//! ```
//!
//! All samples of an objective on mini-batches are seen so, in pieces of a batch's size, and what is seen at a time may be
//! limited further, to *micro-batches*. These hold whole groups of what batch normalisations see together, so that they
//! change nothing but the order of sums.
//!
//! Outputs are gone behind an evaluation. Of micro-batches a *hollow* pass is left: its point, its value and the moments of
//! all groups. A gradient at the point of the last value computes that again, and counts it.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::{Shared, Whole};
use crate::Scalar;
use crate::images::convolution::Weights;
use crate::images::norm::Moments;
use crate::images::parameters::Parameters;
use crate::images::run::Run;
use crate::images::scope::Scope;
use crate::images::state::{Activations, Batch, Mode, fresh_id, in_parts};
use crate::images::workspace::Workspace;

/// Derivatives that one task adds up.
const PART: usize = 1 << 14;

/// What is evaluated in pieces, of at most `most` samples each.
#[derive(Clone, Copy)]
pub(crate) struct InPieces<'a, S: Scalar> {
    pub(crate) shared: &'a Shared<S>,
    /// All parameters.
    pub(crate) point: &'a [S],
    pub(crate) weights: &'a [Weights<S>],
    pub(crate) batch: &'a Batch,
    pub(crate) most: usize,
}

impl<'a, S: Scalar> InPieces<'a, S> {
    fn pieces(self) -> impl Iterator<Item = Range<usize>> {
        let most = self.most.max(1);
        in_parts(self.batch.rows.len(), self.batch.together).flat_map(move |part| {
            let end = part.end;
            part.step_by(most).map(move |start| start..end.min(start.saturating_add(most)))
        })
    }

    /// A pass of `scope` over `piece`.
    pub(crate) fn run(self, scope: &'a Scope, piece: &'a Batch) -> Run<'a, S> {
        Run {
            model: &self.shared.model,
            scope,
            batch: piece,
            point: self.point,
            weights: self.weights,
            frozen: None,
            mode: Mode::Train,
        }
    }

    /// The mean loss; `each` is told of every piece's share, its samples, and the outputs of its pass. Weights are packed.
    pub(crate) fn forward(
        self,
        room: &mut Workspace<S>,
        outputs: &mut Activations<S>,
        mut each: impl FnMut(f64, &Batch, &mut Workspace<S>, &Activations<S>),
    ) -> f64 {
        let (model, whole) = (&self.shared.model, &self.shared.whole);
        let mut piece = room.piece.take().unwrap_or_else(|| Batch::room(&model.targets, 0));
        let (count, mut total) = (self.batch.rows.len(), 0.0);
        for rows in self.pieces() {
            let share = rows.len() as f64 / count as f64;
            piece.fill_from(&model.targets, self.batch, rows);
            let run = InPieces { batch: &piece, ..self }.run(whole, &piece);
            total += share * run.forward(room, outputs);
            each(share, &piece, room, outputs);
        }
        room.piece = Some(piece);
        total
    }
}

impl<S: Scalar> Whole<S> {
    /// At most `most` samples at a time; nothing is left behind.
    pub(super) fn all_in_pieces(
        &mut self,
        theta: &[f64],
        batch: &Arc<Batch>,
        most: usize,
        gradient: Option<&mut [f64]>,
    ) -> f64 {
        self.forget();
        let slot = self.claim();
        let value = self.fill_in_pieces(slot, (theta, batch), most, gradient);
        // θ is not what a pass over all samples was made at.
        self.forget();
        value
    }

    /// A pass at `theta`, at most `most` samples at a time, that leaves a hollow one in `slot`; gives the loss.
    pub(super) fn fill_in_pieces(
        &mut self,
        slot: usize,
        (theta, batch): (&[f64], &Arc<Batch>),
        most: usize,
        gradient: Option<&mut [f64]>,
    ) -> f64 {
        let shared = self.shared.clone();
        let mut hollow = self.vacate(slot, true);
        let to = Arc::get_mut(&mut hollow).expect("`vacate` gives what nobody else holds");
        let mut point = std::mem::take(&mut to.point);
        (to.id, to.batch) = (fresh_id(), Some(batch.clone()));
        to.moments.iter_mut().for_each(Moments::clear);
        let mut room = shared.rooms.take(&shared.model.plan, None);
        point.take_over(&shared.model.plan, shared.model.kernels, theta);
        let Parameters { rest, weights, .. } = &point;
        let of = InPieces { shared: &shared, point: rest, weights, batch, most };
        to.value = evaluate(of, &mut room, Some(&mut to.moments), gradient);
        shared.rooms.give_back(room);
        to.point = point;
        let value = to.value;
        self.slots[slot].activations = Some(hollow);
        self.publish(slot, true);
        value
    }

    /// The gradient at the point of the hollow pass in `slot`.
    pub(super) fn gradient_in_pieces(&self, slot: usize, most: usize, gradient: &mut [f64]) {
        let Some(hollow) = &self.slots[slot].activations else { return };
        let Some(batch) = &hollow.batch else { return };
        let shared = &*self.shared;
        let mut room = shared.rooms.take(&shared.model.plan, None);
        let Parameters { rest, weights, .. } = &hollow.point;
        let of = InPieces { shared, point: rest, weights, batch, most };
        evaluate(of, &mut room, None, Some(gradient));
        shared.rooms.give_back(room);
    }
}

/// The mean loss, with the moments of all groups and the gradient where they are wanted.
fn evaluate<S: Scalar>(
    of: InPieces<'_, S>,
    room: &mut Workspace<S>,
    mut moments: Option<&mut Vec<Moments>>,
    mut gradient: Option<&mut [f64]>,
) -> f64 {
    let Shared { model, whole, rooms } = of.shared;
    let mut of_piece = std::mem::take(&mut room.gradient);
    if let Some(gradient) = &mut gradient {
        of_piece.resize(gradient.len(), 0.0);
        gradient.fill(0.0);
    }
    let mut outputs = rooms.take_outputs(&model.plan, false);
    let own = Arc::get_mut(&mut outputs).expect("room for outputs is held by nobody else");
    let total = of.forward(room, own, |share, piece, room, own| {
        if let Some(moments) = &mut moments {
            moments.iter_mut().zip(&own.moments).for_each(|(all, of_piece)| all.append(of_piece));
        }
        if let Some(gradient) = &mut gradient {
            of.run(whole, piece).backward(room, own, &mut of_piece);
            gradient.par_chunks_mut(PART).zip(of_piece.par_chunks(PART)).for_each(|(sum, of_piece)| {
                sum.iter_mut().zip(of_piece).for_each(|(sum, of_piece)| *sum += share * of_piece);
            });
        }
    });
    rooms.give_back_outputs(outputs);
    room.gradient = of_piece;
    total
}
