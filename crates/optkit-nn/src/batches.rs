//! Mini-batches: the samples dealt anew in every epoch, and what evaluates one batch.
//!
//! ```text
//! epoch e:  the samples in an order that depends on (seed, e) alone, cut into ⌈N/b⌉ batches; the last may be smaller
//! ```
//!
//! A batch's samples are gathered into room of their own, on which an evaluator of its own runs: the kernels, their
//! storage and the order of their sums are those of an objective over these samples and no others.

use std::sync::Arc;

use optkit_core::{Archive, LoadError, Work};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::Scalar;
use crate::evaluator::Evaluator;
use crate::gather::Gather;
use crate::model::Model;
use crate::plan::Scope;

/// The mini-batches of an objective.
pub(crate) struct Batches<S: Scalar> {
    size: usize,
    samples: usize,
    seed: u64,
    /// The order of the samples in epoch `of_epoch`.
    order: Vec<u32>,
    of_epoch: Option<u64>,
    gather: Gather,
    pub(crate) evaluator: Evaluator<S>,
    /// Epoch and number of the batch that evaluations see; none: they see all samples.
    selected: Option<(u64, usize)>,
    /// Samples of the batch that was last selected.
    rows: usize,
    /// Σ gradient equivalents of a batch · its samples, up to the last selection: whole numbers and halves of them, so
    /// that an epoch adds up to what a pass over all samples costs, exactly.
    done: f64,
    /// What the evaluator had counted by then.
    counted: f64,
}

impl<S: Scalar> Batches<S> {
    /// Batches of `size` of the samples of `whole`, fewer than all of them.
    pub(crate) fn new(whole: &Model<S>, size: usize, seed: u64) -> Self {
        let samples = whole.samples.count();
        let (gather, room, targets) = Gather::new(whole.samples.clone(), whole.targets.clone(), size);
        let model = Model::changing(whole, room, targets, size);
        let scope = Scope::whole(&model.plan);
        Self {
            size,
            samples,
            seed,
            order: (0..samples as u32).collect(),
            of_epoch: None,
            gather,
            evaluator: Evaluator::new(Arc::new(model), scope, None),
            selected: None,
            rows: 0,
            done: 0.0,
            counted: 0.0,
        }
    }

    /// Number of batches in an epoch.
    pub(crate) fn count(&self) -> usize {
        self.samples.div_ceil(self.size)
    }

    pub(crate) fn is_selected(&self) -> bool {
        self.selected.is_some()
    }

    /// Evaluations see all samples from now on.
    pub(crate) fn select_none(&mut self) {
        self.settle();
        self.selected = None;
    }

    /// Evaluations see batch `batch` of epoch `epoch` from now on.
    pub(crate) fn select(&mut self, epoch: u64, batch: usize) {
        assert!(batch < self.count(), "batch {batch} of {}: batches are counted from 0", self.count());
        self.settle();
        self.evaluator.forget();
        if self.of_epoch != Some(epoch) {
            shuffle(&mut self.order, self.seed, epoch);
            self.of_epoch = Some(epoch);
        }
        let chosen = &self.order[batch * self.size..((batch + 1) * self.size).min(self.samples)];
        let model = Arc::get_mut(&mut self.evaluator.model).expect("no part stands on a batch");
        self.gather.fill(model, chosen);
        self.rows = chosen.len();
        self.selected = Some((epoch, batch));
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
        archive.put_integer("size", self.size as u64);
        archive.put_integer("seed", self.seed);
        archive.put("seen", vec![self.done, self.counted]);
        archive.put_integer("selected", u64::from(self.is_selected()));
        let (epoch, batch) = self.selected.unwrap_or_default();
        archive.put_integer("epoch", epoch);
        archive.put_integer("batch", batch as u64);
        archive.put_integer("rows", self.rows as u64);
        archive.scope("evaluator", |archive| match self.selected {
            Some(_) => self.evaluator.save(archive),
            None => self.evaluator.save_forgotten(archive),
        });
    }

    pub(crate) fn load(&mut self, archive: &Archive) -> Result<(), LoadError> {
        fits(archive, self.size)?;
        let seed = archive.integer("seed")?;
        if seed != self.seed {
            (self.seed, self.of_epoch) = (seed, None);
        }
        let evaluator = archive.scoped("evaluator");
        if archive.integer("selected")? == 0 {
            self.select_none();
            self.evaluator.load_forgotten(&evaluator)?;
        } else {
            self.select(archive.integer("epoch")?, archive.integer("batch")? as usize);
            self.evaluator.load(&evaluator)?;
        }
        let mut seen = [0.0; 2];
        archive.array_into("seen", &mut seen)?;
        [self.done, self.counted] = seen;
        self.rows = archive.integer("rows")? as usize;
        Ok(())
    }
}

/// Refuses the state of an objective with batches of another size than `size`.
pub(crate) fn fits(archive: &Archive, size: usize) -> Result<(), LoadError> {
    let saved = archive.integer("size")? as usize;
    if saved == size {
        return Ok(());
    }
    Err(LoadError::Length { name: "batch".to_owned(), got: saved, expected: size })
}

/// `order` ← a permutation of all samples that depends on seed and epoch alone (Fisher–Yates; Knuth, TAOCP vol. 2,
/// Alg. 3.4.2P). Streams 0 and 1 of a seed draw initial parameters and deals.
fn shuffle(order: &mut [u32], seed: u64, epoch: u64) {
    let mut stream = ChaCha8Rng::seed_from_u64(seed);
    stream.set_stream(epoch.wrapping_add(2));
    order.iter_mut().zip(0..).for_each(|(to, sample)| *to = sample);
    for last in (1..order.len()).rev() {
        // The high half of a 64-bit fraction times the length: its bias is below 2⁻³².
        let below = (u128::from(stream.next_u64()) * (last as u128 + 1)) >> 64;
        order.swap(last, below as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shuffled(count: usize, seed: u64, epoch: u64) -> Vec<u32> {
        let mut order = vec![0; count];
        shuffle(&mut order, seed, epoch);
        order
    }

    #[test]
    fn an_order_is_a_permutation_and_depends_on_seed_and_epoch_alone() {
        for count in [1, 2, 1000] {
            let mut order = shuffled(count, 7, 3);
            assert_eq!(order, shuffled(count, 7, 3));
            order.sort_unstable();
            assert!(order.into_iter().eq(0..count as u32));
        }
        assert_ne!(shuffled(1000, 7, 3), shuffled(1000, 7, 4));
        assert_ne!(shuffled(1000, 7, 3), shuffled(1000, 8, 3));
    }

    /// χ² over where each of ten samples comes to lie in 10,000 epochs: 81 degrees of freedom, mean 81, deviation 13.
    #[test]
    fn every_sample_comes_to_lie_everywhere_equally_often() {
        let (count, epochs) = (10, 10_000);
        let mut at = vec![0_u32; count * count];
        for epoch in 0..epochs {
            for (place, &sample) in shuffled(count, 1, epoch).iter().enumerate() {
                at[place * count + sample as usize] += 1;
            }
        }
        let expected = epochs as f64 / count as f64;
        let squares: f64 = at.iter().map(|&n| (f64::from(n) - expected).powi(2) / expected).sum();
        assert!((40.0..140.0).contains(&squares), "{squares}");
    }
}
