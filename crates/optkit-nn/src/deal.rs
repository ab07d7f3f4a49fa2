//! How samples are dealt to mini-batches, anew in every epoch.
//!
//! ```text
//! epoch e:  the samples in an order that depends on (seed, e) alone
//! of b:         cut into ⌈N/b⌉ batches of b; the last may be smaller
//! overlapping:  cut into P batches as even as may be; each takes, from each other, round(o·⌊N/P⌋) samples besides, drawn
//!               with replacement
//! ```
//!
//! What two batches share is a set: a sample that one of them holds twice, because it drew it twice, is shared once.

use optkit_core::vocabulary::{Entry, Kind, Range, Setting, Slot, Support};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::selected::Selected;

/// What mini-batches are made of.
///
/// ```
/// use optkit_nn::Dealing;
/// // 60,000 samples of which 20 batches share one per cent with each other: 3,000 + 19·30.
/// let dealing = Dealing::Overlapping { parts: 20, overlap: 0.01 };
/// assert_eq!((dealing.count(60_000), dealing.largest(60_000)), (20, 3_570));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Dealing {
    /// So many samples each; the last batch may be smaller.
    Of(usize),
    /// So many batches, each sharing samples with each other.
    Overlapping {
        /// How many batches.
        parts: usize,
        /// Of a batch's samples, the share that each other batch takes besides its own.
        overlap: f64,
    },
}

impl Dealing {
    /// How many batches `samples` samples are dealt to.
    #[must_use]
    pub fn count(&self, samples: usize) -> usize {
        match *self {
            Self::Of(size) => samples.div_ceil(size.max(1)),
            Self::Overlapping { parts, .. } => parts.min(samples).max(1),
        }
    }

    /// How many samples the largest batch has.
    #[must_use]
    pub fn largest(&self, samples: usize) -> usize {
        match *self {
            Self::Of(size) => size.min(samples),
            Self::Overlapping { .. } => {
                let parts = self.count(samples);
                samples.div_ceil(parts) + (parts - 1) * self.shared(samples)
            }
        }
    }

    /// How many of `samples` samples a batch takes from each other one. Where it is none, batches of one epoch share none.
    ///
    /// ```
    /// use optkit_nn::Dealing;
    /// let dealing = Dealing::Overlapping { parts: 20, overlap: 0.01 };
    /// assert_eq!((dealing.shared(60_000), dealing.shared(400)), (30, 0));
    /// assert_eq!(Dealing::Of(100).shared(60_000), 0);
    /// ```
    #[must_use]
    pub fn shared(&self, samples: usize) -> usize {
        match *self {
            Self::Of(_) => 0,
            Self::Overlapping { overlap, .. } => {
                let own = samples / self.count(samples);
                // Not negative, and no more than all there are.
                (overlap.clamp(0.0, 1.0) * own as f64).round() as usize
            }
        }
    }

    /// Two numbers that say which dealing it is, for checkpoints.
    pub(crate) fn numbers(&self) -> (u64, f64) {
        match *self {
            Self::Of(size) => (size as u64, 0.0),
            Self::Overlapping { parts, overlap } => (parts as u64, overlap),
        }
    }
}

/// Ways to deal mini-batches, as the language knows them.
pub const DEALINGS: [Entry; 1] = [Entry {
    name: "overlapping",
    doc: "mini-batches that share samples, for stochastic APTS",
    operands: &[],
    settings: &[
        Setting {
            name: "parts",
            kind: Kind::Integer(2, u32::MAX as u64),
            default: None,
            doc: "how many mini-batches an epoch has",
            support: Support::Available,
        },
        Setting {
            name: "overlap",
            kind: Kind::Real(Range { least: 0.0, open_below: false, most: 1.0, open_above: false }),
            default: Some("1%"),
            doc: "of a mini-batch's samples, what each other takes besides its own, drawn with replacement",
            support: Support::Available,
        },
    ],
    slots: &[Slot::Batches],
    support: Support::Available,
}];

/// The batches of the epoch at hand.
#[derive(Debug)]
pub(crate) struct Deal {
    dealing: Dealing,
    samples: usize,
    seed: u64,
    /// The order of the samples in epoch `of_epoch`.
    order: Vec<u32>,
    of_epoch: Option<u64>,
    /// Where batches overlap: the samples of the batch asked for last.
    batch: Vec<u32>,
    /// What two batches share, where that is what was selected last.
    shared: Vec<u32>,
    /// A bit a sample, made when two batches are first compared.
    marks: Vec<u64>,
}

impl Deal {
    pub(crate) fn new(dealing: Dealing, samples: usize, seed: u64) -> Self {
        let batch = match dealing {
            Dealing::Of(_) => Vec::new(),
            Dealing::Overlapping { .. } => Vec::with_capacity(dealing.largest(samples)),
        };
        let order = (0..samples as u32).collect();
        let (shared, marks) = Default::default();
        Self { dealing, samples, seed, order, of_epoch: None, batch, shared, marks }
    }

    pub(crate) fn dealing(&self) -> Dealing {
        self.dealing
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// From now on by another seed.
    pub(crate) fn reseed(&mut self, seed: u64) {
        if seed != self.seed {
            (self.seed, self.of_epoch) = (seed, None);
        }
    }

    /// Number of batches in an epoch.
    pub(crate) fn count(&self) -> usize {
        self.dealing.count(self.samples)
    }

    /// The samples of batch `batch` of epoch `epoch`, in their order.
    pub(crate) fn chosen(&mut self, epoch: u64, batch: usize) -> &[u32] {
        assert!(batch < self.count(), "batch {batch} of {}: batches are counted from 0", self.count());
        if self.of_epoch != Some(epoch) {
            shuffle(&mut self.order, self.seed, epoch);
            self.of_epoch = Some(epoch);
        }
        let own = self.own(batch);
        if let Dealing::Of(_) = self.dealing {
            return &self.order[own];
        }
        self.batch.clear();
        self.batch.extend_from_slice(&self.order[own]);
        // A stream of its own for every batch of every epoch, so that batches may be asked for in any order.
        let mut stream = ChaCha8Rng::seed_from_u64(self.seed ^ OVERLAPS);
        stream.set_stream(epoch.wrapping_mul(self.count() as u64).wrapping_add(batch as u64));
        let shared = self.dealing.shared(self.samples);
        for other in (0..self.count()).filter(|&other| other != batch) {
            let theirs = self.own(other);
            for _ in 0..shared {
                let at = theirs.start + below(&mut stream, theirs.len());
                self.batch.push(self.order[at]);
            }
        }
        &self.batch
    }

    /// Find what is `selected`: how many samples, which [`selected`](Self::selected) then gives.
    pub(crate) fn count_selected(&mut self, selected: Selected) -> usize {
        let Selected { epoch, batch, shared_with } = selected;
        match shared_with {
            None => self.chosen(epoch, batch).len(),
            Some(other) => {
                self.compare((epoch, batch), other);
                self.shared.len()
            }
        }
    }

    /// The samples that were counted last, where `selected` is what they are.
    pub(crate) fn selected(&self, selected: Selected) -> &[u32] {
        match (selected.shared_with, self.dealing) {
            (Some(_), _) => &self.shared,
            (None, Dealing::Of(_)) => &self.order[self.own(selected.batch)],
            (None, Dealing::Overlapping { .. }) => &self.batch,
        }
    }

    /// `shared` ← of one batch the samples that the other has too, each once, in the order of the one.
    fn compare(&mut self, one: (u64, usize), other: (u64, usize)) {
        let (mut marks, mut shared) = (std::mem::take(&mut self.marks), std::mem::take(&mut self.shared));
        let place = |sample: u32| (sample as usize / 64, 1 << (sample % 64));
        marks.clear();
        marks.resize(self.samples.div_ceil(64), 0_u64);
        for &sample in self.chosen(other.0, other.1) {
            let (word, bit) = place(sample);
            marks[word] |= bit;
        }
        shared.clear();
        shared.reserve(self.dealing.largest(self.samples));
        for &sample in self.chosen(one.0, one.1) {
            let (word, bit) = place(sample);
            if marks[word] & bit != 0 {
                marks[word] &= !bit;
                shared.push(sample);
            }
        }
        (self.marks, self.shared) = (marks, shared);
    }

    /// Where in the order the samples of `batch` lie that are no other's.
    fn own(&self, batch: usize) -> std::ops::Range<usize> {
        match self.dealing {
            Dealing::Of(size) => batch * size..((batch + 1) * size).min(self.samples),
            Dealing::Overlapping { .. } => {
                let parts = self.count();
                self.samples * batch / parts..self.samples * (batch + 1) / parts
            }
        }
    }
}

/// Tells the seed of overlaps from that of orders.
const OVERLAPS: u64 = 0x6f76_6572_6c61_7073;

/// A number below `count`: the high half of a 64-bit fraction times it. Its bias is below 2⁻³².
pub(crate) fn below(stream: &mut ChaCha8Rng, count: usize) -> usize {
    ((u128::from(stream.next_u64()) * count as u128) >> 64) as usize
}

/// `order` ← a permutation of all samples that depends on seed and epoch alone (Fisher–Yates; Knuth, TAOCP vol. 2,
/// Alg. 3.4.2P). Streams 0 and 1 of a seed draw initial parameters and deals.
pub(crate) fn shuffle(order: &mut [u32], seed: u64, epoch: u64) {
    let mut stream = ChaCha8Rng::seed_from_u64(seed);
    stream.set_stream(epoch.wrapping_add(2));
    order.iter_mut().zip(0..).for_each(|(to, sample)| *to = sample);
    for last in (1..order.len()).rev() {
        order.swap(last, below(&mut stream, last + 1));
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

    /// Trotti et al.: CIFAR-10 in 20 batches that overlap by one per cent.
    #[test]
    fn twenty_batches_of_cifar_have_2975_samples_each() {
        let dealing = Dealing::Overlapping { parts: 20, overlap: 0.01 };
        let mut deal = Deal::new(dealing, 50_000, 3);
        assert_eq!((deal.count(), dealing.largest(50_000)), (20, 2_975));
        let mut seen = vec![0_u32; 50_000];
        for batch in 0..20 {
            let chosen = deal.chosen(4, batch);
            assert_eq!(chosen.len(), 2_975);
            // The first 2,500 are the batch's own.
            chosen[..2_500].iter().for_each(|&sample| seen[sample as usize] += 1);
        }
        assert!(seen.iter().all(|&count| count == 1));
    }

    #[test]
    fn a_batch_takes_as_many_from_each_other() {
        let dealing = Dealing::Overlapping { parts: 4, overlap: 0.2 };
        let mut deal = Deal::new(dealing, 103, 9);
        let mut owner = vec![usize::MAX; 103];
        for batch in 0..4 {
            let own = deal.own(batch).len();
            deal.chosen(1, batch)[..own].iter().for_each(|&sample| owner[sample as usize] = batch);
        }
        for batch in 0..4 {
            let own = deal.own(batch).len();
            let mut from = [0; 4];
            deal.chosen(1, batch)[own..].iter().for_each(|&sample| from[owner[sample as usize]] += 1);
            let expected: [usize; 4] = std::array::from_fn(|other| if other == batch { 0 } else { 5 });
            assert_eq!(from, expected, "20 % of ⌊103/4⌋ = 25");
        }
    }

    #[test]
    fn batches_do_not_depend_on_the_order_in_which_they_are_asked_for() {
        let dealing = Dealing::Overlapping { parts: 5, overlap: 0.1 };
        let (mut one, mut other) = (Deal::new(dealing, 200, 1), Deal::new(dealing, 200, 1));
        let late = one.chosen(2, 3).to_vec();
        other.chosen(7, 0);
        other.chosen(2, 4);
        assert_eq!(other.chosen(2, 3), late);
        assert_ne!(other.chosen(3, 3), late);
    }

    /// Within an epoch, across two, and of a batch with itself.
    #[test]
    fn what_two_batches_share_is_the_intersection_of_their_sets_in_the_order_of_the_first() {
        let overlapping = Dealing::Overlapping { parts: 5, overlap: 0.3 };
        for (dealing, within) in [(overlapping, true), (Dealing::Of(40), false)] {
            let mut deal = Deal::new(dealing, 200, 1);
            for (one, other) in [((2, 3), (2, 2)), ((3, 0), (2, 4)), ((2, 1), (2, 1)), ((2, 0), (2, 4))] {
                let (first, second) =
                    (deal.chosen(one.0, one.1).to_vec(), deal.chosen(other.0, other.1).to_vec());
                let mut expected: Vec<u32> = Vec::new();
                first.iter().filter(|s| second.contains(s)).for_each(|&s| {
                    if !expected.contains(&s) {
                        expected.push(s);
                    }
                });
                let selected = Selected { epoch: one.0, batch: one.1, shared_with: Some(other) };
                assert_eq!(deal.count_selected(selected), expected.len());
                assert_eq!(deal.selected(selected), expected, "{dealing:?}, {one:?} and {other:?}");
                assert_eq!(expected.is_empty(), one.0 == other.0 && one != other && !within);
                let alone = Selected { shared_with: None, ..selected };
                assert_eq!((deal.count_selected(alone), deal.selected(alone)), (first.len(), &first[..]));
            }
        }
    }

    #[test]
    fn batches_of_a_size_cut_the_order() {
        let mut deal = Deal::new(Dealing::Of(4), 10, 0);
        assert_eq!(deal.count(), 3);
        let sizes: Vec<_> = (0..3).map(|batch| deal.chosen(0, batch).len()).collect();
        assert_eq!(sizes, [4, 4, 2]);
    }
}
