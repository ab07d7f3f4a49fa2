//! What evaluations of a chain of dense layers hold in memory, counted before anything is allocated.
//!
//! Samples are cut into chunks. Each has sums of the gradient of its own, which is what a large network needs most of;
//! outputs of dense layers are kept of all samples, at every point that is remembered.

use optkit_core::Subset;

use crate::buffer::bytes;
use crate::kernels::{TILE, Tile, padded};
use crate::model::CHUNKS;
use crate::plan::{Plan, Scope};
use crate::samples::{Store, is_sparse};
use crate::walk::tangent::Tangents;
use crate::weights::Weights;
use crate::worker::Worker;
use crate::{Loss, Network, Samples, Scalar};

/// Of an image of handwritten digits: pairs of neighbouring bytes that are not both zero, and groups of four, for a byte
/// that is not zero; and the most pairs of an image, for its mean.
const PAIRS: f64 = 0.585;
const GROUPS: f64 = 0.371;
const MOST: f64 = 2.1;

/// The samples that a chain is evaluated on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen {
    /// How many there are.
    pub samples: usize,
    /// How many the largest mini-batch has; none where every evaluation sees all of them.
    pub batch: Option<usize>,
    /// Share of their bytes that are not zero: samples with few are kept without their zeros. 1 where they are kept as they
    /// are.
    pub nonzero: f64,
}

impl Samples {
    /// Share of the bytes that are not zero, where it matters: 1 for samples that are kept as they are.
    #[must_use]
    pub fn nonzero(&self) -> f64 {
        let Store::Sparse(tiles) = self.store() else { return 1.0 };
        let nonzero = tiles.iter().flat_map(Tile::iter).filter(|&(.., byte)| byte != 0).count();
        #[allow(clippy::cast_precision_loss)] // fewer bytes than 2⁵³
        let share = nonzero as f64 / (self.count() * self.features()) as f64;
        share
    }
}

/// What a method makes of a chain's evaluations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// Points at which outputs of all samples at hand are kept.
    pub sets: usize,
    /// The same for every part.
    pub sets_of_parts: usize,
    /// Trial points lie on lines.
    pub lines: bool,
    /// Products with the Hessian: of the whole, of parts.
    pub products: [bool; 2],
}

/// The memory of a chain's evaluations.
///
/// ```
/// use optkit_nn::{ChainFootprint, Layer, Loss, Network, Seen, Uses};
///
/// let chain = Network::new(vec![64], vec![Layer::Dense { outputs: 32 }, Layer::Relu, Layer::Dense { outputs: 10 }])?;
/// let seen = Seen { samples: 10_000, batch: None, nonzero: 1.0 };
/// let of = ChainFootprint::new(&chain, Loss::CrossEntropy, seen, false).expect("a chain");
/// let uses = Uses { sets: 2, ..Uses::default() };
/// assert!(of.bytes(&[], uses) > 10_000 * (64 + 2 * 4 * (32 + 10)));
/// # Ok::<(), optkit_nn::NetworkError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ChainFootprint {
    plan: Plan,
    measured: Plan,
    double: bool,
    seen: Seen,
    sparse: bool,
}

/// Chunks of samples, and the room that they have together.
#[derive(Clone, Copy)]
struct Chunks {
    count: usize,
    rows: usize,
}

impl Chunks {
    fn of_all(samples: usize) -> Self {
        Self { count: samples.div_ceil(TILE).min(CHUNKS), rows: samples }
    }

    /// Of a batch, whose samples change: all chunks have the room of the largest.
    fn of_batch(samples: usize) -> Self {
        let tiles = samples.div_ceil(TILE);
        let count = tiles.min(CHUNKS);
        Self { count, rows: count * tiles.div_ceil(count.max(1)) * TILE }
    }
}

impl ChainFootprint {
    /// Of `network` with `loss` on these samples, in double precision or single. None where it is no chain of dense layers
    /// and activations: see [`Footprint`](crate::Footprint).
    #[must_use]
    pub fn new(network: &Network, loss: Loss, seen: Seen, double: bool) -> Option<Self> {
        if !network.is_chain() {
            return None;
        }
        let (plan, measured) = (Plan::new(network, Some(loss)), Plan::new(network, None));
        let sparse = is_sparse(seen.nonzero) && plan.dense.first()?.step == 0;
        Some(Self { plan, measured, double, seen, sparse })
    }

    /// Bytes held by the samples, and by losses and gradients on them, as a whole and in `parts` of the parameters.
    #[must_use]
    pub fn bytes(&self, parts: &[Subset], uses: Uses) -> usize {
        if self.double { self.of::<f64>(parts, uses) } else { self.of::<f32>(parts, uses) }
    }

    /// Bytes of so many samples, as they are kept.
    #[must_use]
    pub fn samples(&self, count: usize) -> usize {
        scaled(count * self.plan.inputs, if self.sparse { 4.0 * PAIRS * self.seen.nonzero } else { 1.0 })
    }

    /// Bytes held by a measure on so many samples, beside these.
    #[must_use]
    pub fn measure(&self, samples: usize) -> usize {
        let (plan, scope) = (&self.measured, Scope::once(&self.measured));
        let worker = bytes(|make| _ = Worker::<f32>::made(plan, (&scope, self.sparse), false, make));
        let weights = bytes(|make| _ = Weights::<f32>::made(plan, &scope, make));
        weights + Chunks::of_all(samples).count * worker
    }

    fn of<S: Scalar>(&self, parts: &[Subset], uses: Uses) -> usize {
        let (plan, n) = (&self.plan, size_of::<f64>() * self.plan.dim);
        let whole = Scope::whole(plan);
        let all = Chunks::of_all(self.seen.samples);
        let sets = |scope: &Scope, chunks| self.set::<S>(scope, chunks) + n;
        // Of a line its direction, base and first trial point.
        let lines = if uses.lines { 3 } else { 0 };
        let mut sum = self.samples(self.seen.samples) + lines * n;
        let chunks = match self.seen.batch {
            None => all,
            Some(batch) => {
                // All samples are looked at where epochs end, whose outputs stay.
                sum += self.evaluator::<S>(&whole, all, false) + 2 * sets(&whole, all) + self.batches(batch);
                Chunks::of_batch(batch)
            }
        };
        sum += self.evaluator::<S>(&whole, chunks, uses.products[0]) + uses.sets * sets(&whole, chunks);
        for part in parts {
            let scope = Scope::part(plan, part);
            // All parameters and their gradient; its own where it stands, and at every point.
            let own = size_of::<f64>() * part.len();
            let points = (1 + uses.sets_of_parts + lines) * own;
            let direction = if uses.products[1] { n } else { 0 };
            sum += self.evaluator::<S>(&scope, chunks, uses.products[1]) + 2 * n + direction + points;
            sum += uses.sets_of_parts * self.set::<S>(&scope, chunks);
        }
        sum
    }

    /// What one evaluator works in.
    fn evaluator<S: Scalar>(&self, scope: &Scope, chunks: Chunks, products: bool) -> usize {
        let plan = &self.plan;
        let worker = bytes(|make| _ = Worker::<S>::made(plan, (scope, self.sparse), true, make));
        let weights = bytes(|make| _ = Weights::<S>::made(plan, scope, make));
        let tangents = bytes(|make| _ = Tangents::<S>::made(plan, (scope, self.sparse), make));
        let curvature = size_of::<f64>() * plan.dim + weights + chunks.count * tangents;
        // Sums of one layer over all chunks.
        let largest = plan.dense.iter().zip(&scope.uses).filter(|(_, uses)| uses.weight);
        let largest = largest.map(|(d, _)| d.outputs * padded(d.inputs)).max().unwrap_or(0);
        weights + chunks.count * worker + size_of::<f64>() * largest + if products { curvature } else { 0 }
    }

    /// Outputs that a point leaves.
    fn set<S: Scalar>(&self, scope: &Scope, chunks: Chunks) -> usize {
        let kept = scope.keep.iter().zip(&self.plan.dense).filter(|&(&keep, _)| keep);
        chunks.rows * size_of::<S>() * kept.map(|(_, d)| padded(d.outputs)).sum::<usize>()
    }

    /// Room for two batches, and where samples without zeros are kept again, by rows.
    fn batches(&self, batch: usize) -> usize {
        if !self.sparse {
            return 2 * batch * self.plan.inputs;
        }
        let rows = scaled(self.seen.samples * self.plan.inputs, 8.0 * GROUPS * self.seen.nonzero);
        let of_batch = batch.next_multiple_of(TILE) * self.plan.inputs;
        rows + 2 * scaled(of_batch, 4.0 * PAIRS * MOST * self.seen.nonzero)
    }
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)] // fewer bytes than 2⁵³
fn scaled(bytes: usize, by: f64) -> usize {
    (bytes as f64 * by) as usize
}
