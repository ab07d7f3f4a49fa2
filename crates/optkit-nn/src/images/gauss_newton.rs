//! The loss of an image network as the two-level method sees it: local models of its stages, tangents, trial points.
//!
//! A trial point is an ordinary forward pass: convolutions leave nothing that is cheaper than the rest, so that there is no
//! head and no tail ([`GaussNewton`]). Directions of the coarse space go forward through the graph as tangents do
//! ([`run::tangent`](super::run)); one that moves the lowest layer costs about a value, one that moves the last layer
//! next to nothing. Everything is computed at the point itself, so that a checkpoint holds the metric and nothing else.

pub(crate) mod costs;
mod factors;
mod growing;
mod local;
mod point;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex};

use optkit_core::{Archive, CoarseSpace, GaussNewton, LoadError, NoGaussNewton, Sampled, Subset, Work};
use rayon::prelude::*;

use super::norm::Moments;
use super::run::{Packed, Run};
use super::scope::Own;
use super::state::{Batch, open};
use super::whole::Shared;
use super::workspace::{Again, Workspace};
use crate::Scalar;
use crate::buffer::Buffer;
use crate::head::Tangent;
use crate::kernels::padded;

use costs::Costs;
use factors::Factory;
use local::{Local, uses};
use point::{Piece, Point, Seen};

/// Where the two-level method has moved to, and the moments of batch normalisations there, for the objective's running
/// averages; the point is empty where they were taken.
pub(crate) type Moved = Arc<Mutex<(Vec<f64>, Vec<Moments>)>>;

/// See [`GaussNewton`].
pub(crate) struct ImageGaussNewton<S: Scalar> {
    seen: Seen<S>,
    /// All samples, in the order in which they are seen where they grow; empty where they do not.
    order: Vec<u32>,
    count: usize,
    /// Tensors of each part, by stage.
    uses: Vec<Vec<Own>>,
    here: Point<S>,
    trial: Point<S>,
    room: Workspace<S>,
    tangents: Again<S>,
    packed: Packed<S>,
    coarse: Coarse<S>,
    of_piece: Vec<f64>,
    local: Local<S>,
    factory: Factory<S>,
    costs: Costs,
    moved: Moved,
    work: Work,
}

/// Room for the coarse model on a piece.
#[derive(Default)]
struct Coarse<S> {
    /// ∂ℓ/∂y, and by direction J d and φ'' J d; \[samples, padded outputs\].
    gradient: Buffer<S>,
    images: Vec<Buffer<S>>,
    curved: Vec<Buffer<S>>,
    losses: Vec<f64>,
}

/// Derivatives that one task adds up.
const PART: usize = 1 << 14;
/// Samples whose tangents one task takes through the loss.
const SAMPLES: usize = 64;
/// Products summed in `S`, before they are summed in `f64`.
const SUMMED: usize = 1 << 10;

impl<S: Scalar> ImageGaussNewton<S> {
    /// Over the samples of `all`.
    pub(crate) fn new(
        shared: &Arc<Shared<S>>,
        all: Arc<Batch>,
        moved: Moved,
        parts: &[Subset],
    ) -> Result<Self, NoGaussNewton> {
        let model = &shared.model;
        let plan = &model.plan;
        let uses = uses(plan, parts).map_err(|part| NoGaussNewton::CutsTensor { part: part + 1 })?;
        let local = Local::new(plan, &uses);
        let count = all.rows.len();
        Ok(Self {
            order: Vec::new(),
            count,
            here: Point::new(plan.dim),
            trial: Point::new(plan.dim),
            room: Workspace::new(plan),
            tangents: Again::default(),
            packed: Packed::new(model),
            coarse: Coarse::default(),
            of_piece: vec![0.0; plan.dim],
            factory: Factory::new(plan, &local),
            costs: Costs::new(plan, model.samples.count(), &uses),
            seen: Seen::new(shared.clone(), all),
            local,
            uses,
            moved,
            work: Work::default(),
        })
    }

    /// A value over all that is seen.
    fn count_value(&mut self) {
        self.work.values += 1;
        self.work.gradient_equivalents += self.costs.pass(self.seen.count());
    }

    /// Running averages may move to the moments where it stands.
    fn publish(&self) {
        let Some(outputs) = self.here.outputs.first().filter(|_| self.here.is_there) else { return };
        let mut moved = open(&self.moved);
        let (point, moments) = &mut *moved;
        point.clone_from(&self.here.x);
        moments.resize_with(outputs.moments.len(), Moments::default);
        for (to, from) in moments.iter_mut().zip(&outputs.moments) {
            to.copy_from(from);
        }
    }
}

impl<S: Scalar> GaussNewton for ImageGaussNewton<S> {
    fn go_to(&mut self, x: &[f64]) -> f64 {
        self.count_value();
        self.here.go_to(x, &self.seen, false, &mut self.room)
    }

    fn gradient(&mut self, gradient: &mut [f64]) {
        self.work.gradients += 1;
        self.work.gradient_equivalents += self.costs.pass(self.seen.count());
        let Self { seen, here, room, of_piece, costs, work, .. } = self;
        if seen.pieces.len() > 1 {
            gradient.fill(0.0);
        }
        here.for_each(seen, room, (costs, work), |piece| {
            let Piece { run, room, outputs, share } = piece;
            if share == 1.0 {
                run.backward(room, outputs, gradient);
                return;
            }
            run.backward(room, outputs, of_piece);
            gradient.par_chunks_mut(PART).zip(of_piece.par_chunks(PART)).for_each(|(sum, of_piece)| {
                sum.iter_mut().zip(of_piece).for_each(|(sum, of_piece)| *sum += share * of_piece);
            });
        });
    }

    /// Everything is the tail.
    fn tail_gradient(&mut self, gradient: &mut [f64]) {
        self.gradient(gradient);
    }

    fn holds_head(&self, _part: usize) -> bool {
        false
    }

    fn factor(&mut self, number: u64) {
        let Self { seen, here, room, local, factory, costs, .. } = self;
        let samples = (&*seen.all, number);
        let cost = factory.form(&seen.shared.model, room, &here.rounded, samples, (&mut *local, costs));
        let decomposed = local.decompose();
        self.work.gradient_equivalents += cost + self.costs.plain(decomposed);
    }

    fn metric(&self) -> &[f64] {
        self.local.metric()
    }

    fn prepare_steps(&mut self, gradient: &[f64], _tail: bool) {
        let cost = self.local.prepare(self.seen.shared.model.kernels, gradient, None);
        self.work.gradient_equivalents += self.costs.plain(cost);
    }

    fn prepare_part(&mut self, part: usize, gradient: &[f64]) {
        let cost = self.local.prepare(self.seen.shared.model.kernels, gradient, Some(part));
        self.work.gradient_equivalents += self.costs.plain(cost);
    }

    fn step_length(&mut self, damping: f64) -> f64 {
        self.local.length(damping)
    }

    fn steps(&mut self, damping: f64, step: &mut [f64]) {
        let cost = self.local.steps(self.seen.shared.model.kernels, damping, step);
        self.work.gradient_equivalents += self.costs.plain(cost);
    }

    /// Nothing is kept of a direction.
    fn keep(&mut self, _direction: &[f64]) {}

    fn coarse(&mut self, space: &CoarseSpace<'_>, matrix: &mut [f64], slopes: &mut [f64]) {
        let Self { seen, here, room, tangents, packed, coarse, uses, costs, work, .. } = self;
        let (model, k) = (&seen.shared.model, space.directions.len());
        for d in space.directions {
            work.gradient_equivalents += costs.tangent(d.part);
        }
        work.gradient_equivalents += costs.coarse(k);
        matrix.fill(0.0);
        slopes.fill(0.0);
        here.for_each(seen, room, (costs, work), |piece| {
            let Piece { run, room, outputs, share } = piece;
            let len = run.samples() * padded(model.plan.outputs);
            coarse.begin(k, run.batch.most * padded(model.plan.outputs));
            let last = &outputs.values[model.plan.output()];
            run.loss(last, &mut coarse.gradient[..len], &mut coarse.losses);
            for (a, d) in space.directions.iter().enumerate() {
                packed.pack(model, &uses[d.part], space.vector(d.source));
                run.tangent((&mut *room, &mut *tangents), outputs, packed, &mut coarse.images[a]);
                coarse.curve(&run, a, len);
            }
            coarse.add(&run, share, (matrix, slopes));
        });
        for a in 0..k {
            for b in 0..a {
                matrix[b * k + a] = matrix[a * k + b];
            }
        }
    }

    fn trial(&mut self, _space: &CoarseSpace<'_>, _coefficients: &[f64], point: &[f64]) -> f64 {
        self.count_value();
        self.trial.go_to(point, &self.seen, true, &mut self.room)
    }

    fn accept(&mut self) {
        std::mem::swap(&mut self.here, &mut self.trial);
    }

    fn end_iteration(&mut self) -> f64 {
        self.publish();
        self.here.value
    }

    fn sampled(&mut self) -> Option<&mut dyn Sampled> {
        Some(self)
    }

    fn noise(&self) -> f64 {
        S::NOISE
    }

    fn work(&self) -> Work {
        self.work
    }

    fn save(&self, archive: &mut Archive) {
        archive.put_work("work", self.work);
        archive.put("value", vec![self.here.value]);
        archive.put_integer("there", u64::from(self.here.is_there));
        archive.put_integer("seen", self.seen.count() as u64);
        archive.put_integer("factored", u64::from(self.local.has_metric));
        archive.put("metric", self.local.metric().to_vec());
    }

    fn load(&mut self, archive: &Archive, x: &[f64]) -> Result<(), LoadError> {
        let seen = archive.integer("seen")? as usize;
        if self.order.is_empty() && seen != self.seen.count() {
            let expected = self.seen.count();
            return Err(LoadError::Length { name: "seen".to_owned(), got: seen, expected });
        }
        self.show(seen);
        // Outputs follow from the point.
        self.here.go_to(x, &self.seen, false, &mut self.room);
        self.here.is_there &= archive.integer("there")? != 0;
        let mut value = [0.0];
        archive.array_into("value", &mut value)?;
        self.here.value = value[0];
        if archive.integer("factored")? != 0 {
            let mut metric = vec![0.0; x.len()];
            archive.array_into("metric", &mut metric)?;
            self.local.restore(&metric);
        }
        self.work = archive.work("work")?;
        Ok(())
    }
}

impl<S: Scalar> Coarse<S> {
    /// Room for `count` directions of at most `len` numbers.
    fn begin(&mut self, count: usize, len: usize) {
        self.gradient.fit(len);
        for rows in [&mut self.images, &mut self.curved] {
            rows.resize_with(count.max(rows.len()), Buffer::default);
            rows.iter_mut().for_each(|rows| rows.fit(len));
        }
    }

    /// φ'' J d of direction `a`.
    fn curve(&mut self, run: &Run<'_, S>, a: usize, len: usize) {
        let (model, samples) = (run.model, run.samples());
        let width = model.plan.outputs;
        let each = SAMPLES * padded(width);
        let (gradient, images) = (&self.gradient[..len], &self.images[a][..len]);
        let rows = gradient.par_chunks(each).zip(images.par_chunks(each));
        self.curved[a][..len].par_chunks_mut(each).zip(rows).enumerate().for_each(
            |(c, (to, (gradient, outputs)))| {
                let rows = c * SAMPLES..((c + 1) * SAMPLES).min(samples);
                let block = Tangent { gradient, outputs, width, rows, count: samples, to };
                model.head.tangent(model.kernels, &run.batch.targets, block);
            },
        );
    }

    /// Add the piece's share to M, its lower triangle, and β.
    fn add(&self, run: &Run<'_, S>, share: f64, (matrix, slopes): (&mut [f64], &mut [f64])) {
        let (k, len) = (slopes.len(), run.samples() * padded(run.model.plan.outputs));
        let dot = |a: &[S], b: &[S]| {
            let each = a[..len].chunks(SUMMED).zip(b[..len].chunks(SUMMED));
            each.map(|(a, b)| (run.model.kernels.dot)(a, b)).sum::<f64>()
        };
        let rows = matrix.par_chunks_mut(k.max(1)).zip(slopes).enumerate();
        rows.for_each(|(a, (row, slope))| {
            *slope += share * dot(&self.gradient, &self.images[a]);
            for (b, entry) in row.iter_mut().enumerate().take(a + 1) {
                *entry += share * dot(&self.curved[a], &self.images[b]);
            }
        });
    }
}
