//! Evaluations in pieces of the samples, one after another: what is kept is of one piece at a time.
//!
//! ```text
//! ℓ(θ) = Σ over the pieces   (samples of the piece)/(samples) · ℓ of the piece(θ)
//! ```
//!
//! Nothing is left behind: a gradient at the point of the last value computes that again, and counts it.

use std::sync::Arc;

use rayon::prelude::*;

use super::Whole;
use crate::Scalar;
use crate::images::run::Run;
use crate::images::state::{Batch, Mode, fresh_id, in_parts};

/// Derivatives that one task adds up.
const PART: usize = 1 << 14;

/// Room for a piece, made when first needed.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    batch: Option<Batch>,
    gradient: Vec<f64>,
}

impl<S: Scalar> Whole<S> {
    pub(crate) fn value_in_pieces(&mut self, theta: &[f64], batch: &Batch, most: usize) -> f64 {
        self.count_forward();
        self.in_pieces(theta, batch, most, None)
    }

    pub(crate) fn value_gradient_in_pieces(
        &mut self,
        theta: &[f64],
        batch: &Batch,
        most: usize,
        gradient: &mut [f64],
    ) -> f64 {
        self.count_forward();
        self.count_backward();
        self.in_pieces(theta, batch, most, Some(gradient))
    }

    /// Over the samples of `batch`, at most `most` at a time.
    fn in_pieces(
        &mut self,
        theta: &[f64],
        batch: &Batch,
        most: usize,
        mut gradient: Option<&mut [f64]>,
    ) -> f64 {
        self.forget();
        let slot = self.claim();
        let shared = self.shared.clone();
        let (model, plan) = (&shared.model, &shared.model.plan);
        let mut activations = self.vacate(slot);
        let own = Arc::get_mut(&mut activations).expect("`vacate` gives what nobody else holds");
        let (mut point, id) = (std::mem::take(&mut own.point), fresh_id());
        let mut room = shared.rooms.take(plan, None);
        room.take_over(model, theta, (id, &mut point));
        let piece = self.pieces.batch.get_or_insert_with(|| Batch::room(&model.targets, most));
        let of_piece = &mut self.pieces.gradient;
        if let Some(gradient) = &mut gradient {
            room.pack(plan, (&shared.whole, false), (id, &point), true);
            of_piece.resize(gradient.len(), 0.0);
            gradient.fill(0.0);
        }
        let (count, mut total) = (batch.rows.len(), 0.0);
        for rows in in_parts(count, most) {
            let share = rows.len() as f64 / count as f64;
            piece.fill_from(&model.targets, batch, rows);
            let (scope, mode) = (&shared.whole, Mode::Train);
            let run = Run { model, scope, batch: piece, point: &point, frozen: None, mode };
            total += share * run.forward(&mut room, own);
            if let Some(gradient) = &mut gradient {
                run.backward(&mut room, own, of_piece);
                gradient.par_chunks_mut(PART).zip(of_piece.par_chunks(PART)).for_each(|(sum, of_piece)| {
                    sum.iter_mut().zip(of_piece).for_each(|(sum, of_piece)| *sum += share * of_piece);
                });
            }
        }
        // θ is not what a pass over all samples was made at.
        point.clear();
        own.point = point;
        shared.rooms.give_back(room);
        self.slots[slot].activations = Some(activations);
        total
    }
}
