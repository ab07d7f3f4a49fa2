//! Samples that grow: the first of a shuffle that a seed fixes, more of them as the run goes on.

use std::sync::Arc;

use optkit_core::{Sampled, Seen as Counts};

use super::{ImageGaussNewton, Seen};
use crate::Scalar;
use crate::deal::shuffle;
use crate::images::state::Batch;

/// What is drawn from the stream of an epoch that no run reaches.
const NO_EPOCH: u64 = u64::MAX - 2;

impl<S: Scalar> Sampled for ImageGaussNewton<S> {
    fn grow_from(&mut self, seed: u64, first: usize) {
        self.order = vec![0; self.count];
        shuffle(&mut self.order, seed, NO_EPOCH);
        self.show(first);
    }

    fn see(&mut self, count: usize, _previous: &[f64]) -> f64 {
        if !self.order.is_empty() && count > self.seen.count() {
            self.show(count);
            self.count_value();
            self.here.evaluate(&self.seen, false, &mut self.room);
        }
        self.here.value
    }

    fn seen(&self) -> Counts {
        Counts { seen: self.seen.count(), all: self.count }
    }
}

impl<S: Scalar> ImageGaussNewton<S> {
    /// See the first `count` samples, at least one and at most all.
    pub(super) fn show(&mut self, count: usize) {
        let count = count.clamp(1, self.count);
        if self.order.is_empty() || count == self.seen.count() {
            return;
        }
        let shared = self.seen.shared.clone();
        let (targets, before) = (&shared.model.targets, &self.seen.all);
        let mut batch = Batch::room(targets, count);
        batch.fill(targets, &self.order[..count], (before.seed, before.epoch));
        batch.together = before.together;
        self.seen = Seen::new(shared, Arc::new(batch));
        self.here.is_there = false;
        self.costs.see(count);
    }
}
