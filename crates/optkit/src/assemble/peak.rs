//! How much memory a run on a network will take at its peak: what its method says that it holds and saves
//! ([`Optimizer::storage`](optkit_core::Optimizer::storage)), and what its evaluations hold, which [`Footprint`] and
//! [`ChainFootprint`] count. `tests/memory.rs` holds every method of the language to it.

use optkit_core::{Shape, Storage, Turns};
use optkit_lang::Split;
use optkit_nn::{ChainFootprint, Footprint, Seen, Uses};
use optkit_schwarz::Partition;

use super::descent::Descent;
use super::memory::gigabytes;
use super::network::{Backend, Known, NetworkSubject};
use super::slot::{ModelChoice, Slot};
use super::solver::Solver;

/// The program, its threads, and what is too small to be counted.
const PROGRAM: usize = 40_000_000;

/// What a method makes of evaluations, `products`: where it chooses its model, of products with a Hessian.
fn uses(solver: &Solver, batches: bool, products: bool) -> Option<Uses> {
    let exact = |slot: &Slot| match slot.model {
        None => products,
        Some(model) => model == ModelChoice::Exact,
    };
    Some(match solver {
        Solver::Apts(apts) => {
            // A part that makes one step after another stands on its last while it tries the next.
            let one = apts.options.local_iterations == 1 && apts.local.model == Some(ModelChoice::Gradient);
            // θᵏ, on which the parts stand, θᵏ⁺½ and a trial point.
            let products = [exact(&apts.global), exact(&apts.local)];
            Uses { sets: 3, sets_of_parts: if one { 1 } else { 2 }, lines: true, products }
        }
        Solver::TrustRegion(slot) => {
            Uses { sets: 2, sets_of_parts: 0, lines: true, products: [exact(slot), false] }
        }
        Solver::Descent(Descent::Sgd(_) | Descent::Adam(_) | Descent::AdamW(_)) => {
            Uses { sets: if batches { 1 } else { 2 }, ..Uses::default() }
        }
        Solver::Descent(Descent::Lbfgs { precondition: Some(schwarz), .. }) => {
            Uses { sets: 3, sets_of_parts: 2, lines: true, products: [false, exact(&schwarz.local)] }
        }
        Solver::Descent(Descent::Lbfgs { .. } | Descent::TorchLbfgs(_)) => {
            Uses { sets: 2, ..Uses::default() }
        }
        // What its models hold is not counted.
        Solver::TwoLevel(_) => return None,
    })
}

/// What an optimizer depends on of the objective.
pub(super) fn shape(subject: &NetworkSubject, batches: bool) -> Shape {
    let stages = subject.by_stages();
    Shape {
        dim: subject.network.dim(),
        batches,
        products: !stages,
        parts: Some(if stages { Turns::InTurn } else { Turns::Together }),
        columns: 0,
    }
}

enum Evaluations {
    Images { footprint: Footprint, sets: usize, parts: bool },
    Chain { bytes: usize },
}

/// What a run on a network holds, and what it evaluates.
pub(super) struct Holds<'a> {
    subject: &'a NetworkSubject,
    evaluations: Evaluations,
    /// All samples, and those of the largest batch.
    samples: usize,
    batch: usize,
    /// Bytes that do not depend on how many samples are evaluated at a time.
    fixed: usize,
    /// Bytes while the samples are read.
    reading: usize,
}

/// A run needs more memory than it is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Exceeds {
    pub(super) reason: String,
    pub(super) help: String,
}

impl<'a> Holds<'a> {
    /// Of a method with its `storage`, on what is known of the samples; none where our kernels do not compute the network,
    /// or the method's needs are not known.
    pub(super) fn new(
        subject: &'a NetworkSubject,
        (solver, storage): (&Solver, Storage),
        partition: Option<&Partition>,
        known: Known,
    ) -> Option<Self> {
        if subject.backend != Backend::Native {
            return None;
        }
        let samples = known.counts[usize::from(subject.split == Split::Test)];
        let batches = subject.is_dealt(samples);
        let uses = uses(solver, batches, shape(subject, batches).products)?;
        let parts = partition.map_or(&[][..], Partition::parts);
        let n = size_of::<f64>() * subject.network.dim();
        let each = subject.measures.iter().map(|(_, split)| known.counts[usize::from(*split == Split::Test)]);
        let needed = |split| subject.split == split || subject.measures.iter().any(|(_, s)| *s == split);
        let counts = [Split::Train, Split::Test].into_iter().zip(known.counts);
        let counts = counts.map(|(split, count)| if needed(split) { count } else { 0 });
        // Points at which the objective knows outputs are in its saved state.
        let (evaluations, measures, points, data) = if subject.by_stages() {
            let footprint = Footprint::new(&subject.network, subject.loss, parts, subject.double)?;
            // Where a batch follows another, the parts' outputs serve the whole in turn.
            let sets = uses.sets - usize::from(batches && !parts.is_empty());
            let measures = each.count() * footprint.measure();
            let data = counts.map(|count| count * subject.network.inputs()).sum();
            (Evaluations::Images { footprint, sets, parts: !parts.is_empty() }, measures, sets, data)
        } else {
            let batch = batches.then(|| subject.dealt(samples));
            let seen = Seen { samples, batch, nonzero: known.nonzero };
            let chain = ChainFootprint::new(&subject.network, subject.loss, seen, subject.double)?;
            let measures = each.map(|count| chain.measure(count)).sum();
            let all: usize = counts.map(|count| chain.samples(count)).sum();
            // An objective whose outputs others may stand on begins with room for two points.
            let bytes = chain.bytes(parts, Uses { sets: uses.sets.max(2), ..uses });
            let points = uses.sets + if uses.lines { 3 } else { 0 };
            (Evaluations::Chain { bytes }, measures, points, all - chain.samples(samples))
        };
        // The point in a checkpoint; on mini-batches the gradient over all samples.
        let of_loop = n * (1 + points + usize::from(batches));
        let vectors = size_of::<f64>() * (storage.held + storage.saved);
        // Bytes as they are read, and samples of the training set made of them.
        let [train, test] = known.counts;
        Some(Self {
            subject,
            evaluations,
            samples,
            batch: subject.together(samples),
            fixed: PROGRAM + vectors + of_loop + measures + data,
            reading: PROGRAM + (2 * train + test) * subject.network.inputs(),
        })
    }

    /// Bytes at the peak of a run that evaluates so many samples at a time.
    pub(super) fn peak(&self, at_a_time: usize) -> u64 {
        let n = self.subject.network.dim();
        let evaluations = match &self.evaluations {
            Evaluations::Chain { bytes } => *bytes,
            Evaluations::Images { footprint, sets, parts } if at_a_time < self.batch => {
                // Outputs of a piece, points without outputs, and the gradient of a piece where it has no room yet.
                footprint.bytes(at_a_time, 1) + sets * footprint.point() + if *parts { 0 } else { 8 * n }
            }
            Evaluations::Images { footprint, sets, parts } => {
                // All samples are looked at in pieces: the point, and the gradient of a piece.
                let gradient = if *parts { 0 } else { 8 * n };
                let in_pieces = if self.batch < self.samples { footprint.point() + gradient } else { 0 };
                footprint.bytes(self.batch, *sets) + in_pieces
            }
        };
        (self.fixed + evaluations).max(self.reading) as u64
    }

    /// The most samples at a time with which a run takes no more than `limit` bytes; none where that are all at hand.
    pub(super) fn micro_batch(&self, limit: u64) -> Result<Option<usize>, Exceeds> {
        let needed = self.peak(self.batch);
        if needed <= limit {
            return Ok(None);
        }
        let allowed = gigabytes(limit.into());
        let least = |of: &str, needed: u64| Exceeds {
            reason: format!(
                "a run takes about {} of memory{of}, and `memory` allows {allowed}",
                gigabytes(needed.into())
            ),
            help: format!("allow at least {}, or make the network smaller", enough(needed)),
        };
        if matches!(self.evaluations, Evaluations::Chain { .. }) {
            return Err(least("", needed));
        }
        let Some(group) = self.subject.network.normalised_together() else {
            return Err(Exceeds {
                help: format!(
                    "`batch_norm` sees the whole mini-batch, which so cannot be evaluated in pieces: write \
                     `batch_norm ghost=32`, say, make `batch` smaller, or allow {}",
                    enough(needed)
                ),
                ..least("", needed)
            });
        };
        let largest = self.batch.saturating_sub(1) / group;
        let fits = |&groups: &usize| self.peak(groups * group) <= limit;
        if let Some(groups) = (1..=largest).rev().find(fits) {
            return Ok(Some(groups * group));
        }
        let of = if group == 1 {
            " with one sample at a time".to_owned()
        } else {
            format!(" with {group} samples at a time")
        };
        Err(least(&of, self.peak(group.min(self.batch))))
    }
}

/// A limit that allows for so many bytes.
fn enough(bytes: u64) -> String {
    const STEP: u64 = 100_000_000;
    gigabytes(if bytes < 10 * STEP { bytes } else { bytes.next_multiple_of(STEP) }.into())
}
