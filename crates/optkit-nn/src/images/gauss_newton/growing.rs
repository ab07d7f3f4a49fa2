//! Samples that grow: the first of a shuffle that a seed fixes, more of them as the run goes on.
//!
//! Room is made once, for all samples ([`Batch::most`](crate::images::state::Batch)): of what is not yet written the system
//! holds no memory. Where samples are looked at in pieces, a piece makes its own when it is first seen.

use optkit_core::{Sampled, Seen as Counts};

use super::ImageGaussNewton;
use crate::Scalar;
use crate::deal::shuffle;

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
        self.seen.show(&self.order, count);
        self.here.is_there = false;
        self.costs.see(count);
    }
}
