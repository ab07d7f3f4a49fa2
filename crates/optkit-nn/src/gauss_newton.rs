//! The loss of a network as the two-level method sees it: local Kronecker models, images of directions, trial points.
//!
//! The head is the lowest layer's weights. Its outputs z = x·W⁰ᵀ + b are kept where the method stands, and so are the
//! images ż = x·V⁰ᵀ of the directions of the coarse space; every trial point is a combination of them. An iteration
//! multiplies with the input twice: for the image of its new direction, and for the gradient.
//!
//! Combinations of combinations gather rounding. After [`REFRESH`] iterations z is computed directly again. What is
//! carried along meanwhile belongs to a checkpoint.

pub(crate) mod costs;
pub(crate) mod directions;
pub(crate) mod kronecker;
pub(crate) mod local;
pub(crate) mod moments;
pub(crate) mod spectrum;
mod state;

use std::sync::Arc;

use optkit_core::{Archive, CoarseSpace, GaussNewton, LoadError, NoGaussNewton, Subset, Work};
use rayon::prelude::*;

use crate::Scalar;
use crate::buffer::Buffer;
use crate::evaluator::{reduce_into, total_of};
use crate::kernels::{grouped, padded};
use crate::model::{Kept as Outputs, Model};
use crate::plan::{Plan, Scope, Use};
use crate::walk::levels::{LevelWorker, Levels, Sample, TrialChunk};
use crate::walk::{Forward, Keep, Walk};
use crate::weights::{Weights, transpose};
use crate::worker::Worker;

use costs::Costs;
use directions::{Images, Packed, Shift};
use local::Local;
use moments::Tests;

/// Iterations after which the lowest outputs are computed directly again.
pub(crate) const REFRESH: u64 = 32;

/// Share of a gradient equivalent that the factors of the outputs' side may cost; it chooses the samples that enter.
const FACTOR_SHARE: f64 = 0.06;
/// Fewest samples that enter, where there are as many.
const LEAST_SAMPLES: usize = 128;

/// Images under the lowest layer, by chunk.
#[derive(Debug)]
struct Image<S> {
    chunks: Vec<Buffer<S>>,
    /// False: zero, or nothing.
    is_kept: bool,
}

impl<S: Scalar> Image<S> {
    fn new(model: &Model<S>) -> Self {
        let columns = padded(model.plan.dense[0].outputs);
        let chunk = |c: usize| Buffer::new(model.room(c) * columns);
        Self { chunks: (0..model.chunks.len()).map(chunk).collect(), is_kept: false }
    }

    fn of_chunk(&self, chunk: usize) -> &[S] {
        if self.is_kept { &self.chunks[chunk] } else { &[] }
    }
}

/// See [`GaussNewton`].
pub(crate) struct NetworkGaussNewton<S: Scalar> {
    model: Arc<Model<S>>,
    /// All tensors; the tail's.
    whole: Scope,
    tail: Scope,
    /// Tensors of each part, by dense layer.
    uses: Vec<Vec<Use>>,
    weights: Weights<S>,
    /// The point that `weights` hold; empty: none.
    packed_at: Vec<f64>,
    whole_workers: Vec<Worker<S>>,
    tail_workers: Vec<Worker<S>>,
    levels: Vec<LevelWorker<S>>,
    x: Vec<f64>,
    trial_x: Vec<f64>,
    value: f64,
    trial_value: f64,
    current: Vec<Outputs<S>>,
    trial: Vec<Outputs<S>>,
    new: Image<S>,
    total: Image<S>,
    total_trial: Image<S>,
    previous: Image<S>,
    shift: Shift<S>,
    packed: Vec<Packed<S>>,
    head: Buffer<S>,
    reduced: Vec<f64>,
    local: Local<S>,
    costs: Costs,
    iterations: u64,
    work: Work,
}

/// Tensors of each part, by dense layer; a part that cuts through one is refused.
fn uses(plan: &Plan, parts: &[Subset]) -> Result<Vec<Vec<Use>>, NoGaussNewton> {
    let holds = |part: &Subset, range: &std::ops::Range<usize>| -> Option<bool> {
        let inside: usize =
            part.ranges().iter().map(|r| r.end.min(range.end).saturating_sub(r.start.max(range.start))).sum();
        if inside == 0 { Some(false) } else { (inside == range.len()).then_some(true) }
    };
    let of_part = |(i, part): (usize, &Subset)| {
        let of_layer = |d: &crate::plan::Dense| {
            Some(Use { weight: holds(part, &d.weight)?, bias: holds(part, &d.bias)? })
        };
        let uses: Option<Vec<Use>> = plan.dense.iter().map(of_layer).collect();
        uses.ok_or(NoGaussNewton::CutsTensor { part: i + 1 })
    };
    parts.iter().enumerate().map(of_part).collect()
}

impl<S: Scalar> NetworkGaussNewton<S> {
    pub(crate) fn new(model: Arc<Model<S>>, parts: &[Subset]) -> Result<Self, NoGaussNewton> {
        let plan = &model.plan;
        let uses = uses(plan, parts)?;
        let whole = Scope::levels(plan, true);
        let tail = Scope::levels(plan, false);
        let tests = Tests::new(plan);
        let chunks = 0..model.chunks.len();
        let worker = |scope: &Scope| chunks.clone().map(|_| Worker::new(&model, scope, true)).collect();
        let whole_workers: Vec<Worker<S>> = worker(&whole);
        let largest = whole_workers[0].sums.iter().map(|s| s.weight.len().max(s.bias.len())).max();
        let outputs = || -> Vec<Outputs<S>> { crate::model::Activations::new(&model, &whole).chunks };
        Ok(Self {
            weights: Weights::new(plan, &tail),
            packed_at: Vec::new(),
            tail_workers: worker(&tail),
            levels: chunks.clone().map(|_| LevelWorker::new(&model, &tests)).collect(),
            x: vec![0.0; plan.dim],
            trial_x: vec![0.0; plan.dim],
            value: f64::NAN,
            trial_value: f64::NAN,
            current: outputs(),
            trial: outputs(),
            new: Image::new(&model),
            total: Image::new(&model),
            total_trial: Image::new(&model),
            previous: Image::new(&model),
            shift: Shift::new(plan),
            packed: Vec::new(),
            head: Buffer::new(grouped(plan.dense[0].inputs) * padded(plan.dense[0].outputs)),
            reduced: vec![0.0; largest.unwrap_or(0)],
            local: Local::new(plan, &uses, tests),
            costs: Costs::new(plan, model.samples.count()),
            iterations: 0,
            work: Work::default(),
            whole_workers,
            whole,
            tail,
            uses,
            model,
        })
    }

    /// Weights of `point` for products.
    fn pack(&mut self, trial: bool) {
        let point = if trial { &self.trial_x } else { &self.x };
        if self.packed_at != *point {
            self.weights.pack(&self.model.plan, &self.tail, point, None);
            self.packed_at.clone_from(point);
        }
    }

    /// ż of the lowest layer's weights in `vector` into `to`.
    fn image(&mut self, vector: &[f64], to: &mut [Buffer<S>]) {
        let d = &self.model.plan.dense[0];
        transpose(&vector[d.weight.clone()], d.inputs, &mut self.head, padded(d.outputs));
        self.work.gradient_equivalents += self.costs.image();
        let levels = levels(&self.model, &self.whole, &self.weights, Forward::Known, false);
        let head = &self.head[..];
        let chunks = self.whole_workers.par_iter_mut().zip(to).enumerate().with_max_len(1);
        chunks.for_each(|(c, (worker, to))| levels.image(c, head, worker, to));
    }

    /// The moment of the lowest layer's inputs. Multiply-adds that it took.
    fn learn_input(&mut self) -> f64 {
        let walk = levels(&self.model, &self.whole, &self.weights, Forward::Known, false);
        self.local.learn_input(&walk)
    }

    /// Outputs at x, directly; what is kept stays.
    fn evaluate(&mut self) {
        let x = std::mem::take(&mut self.x);
        let mut current = std::mem::take(&mut self.current);
        let mut lowest: Vec<Buffer<S>> =
            current.iter_mut().map(|kept| std::mem::take(&mut kept[0])).collect();
        self.image(&x, &mut lowest);
        current.iter_mut().zip(lowest).for_each(|(kept, z)| kept[0] = z);
        self.x = x;
        self.current = current;
        self.work.values += 1;
        self.work.gradient_equivalents += self.costs.trial();
        let bias = &self.x[self.model.plan.dense[0].bias.clone()];
        for row in self.current.iter_mut().flat_map(|kept| kept[0].chunks_exact_mut(padded(bias.len()))) {
            row.iter_mut().zip(bias).for_each(|(z, &b)| *z += S::from_f64(b));
        }
        self.above();
    }

    /// Outputs of the layers above, from the lowest outputs at x.
    fn above(&mut self) {
        self.pack(false);
        let walk = levels(&self.model, &self.tail, &self.weights, Forward::Above, false);
        let chunks = self.tail_workers.par_iter_mut().zip(&mut self.current).enumerate().with_max_len(1);
        chunks.for_each(|(c, (worker, kept))| walk.settle(c, worker, kept));
        self.value = total_of(&self.model, &self.tail_workers);
    }

    /// Back from the outputs at x, to all tensors or to those of the tail.
    fn backward(&mut self, whole: bool, gradient: &mut [f64]) {
        self.pack(false);
        self.work.gradients += u64::from(whole);
        let (scope, workers) = if whole {
            self.work.gradient_equivalents += self.costs.gradient();
            (&self.whole, &mut self.whole_workers)
        } else {
            self.work.gradient_equivalents += self.costs.tail_gradient();
            (&self.tail, &mut self.tail_workers)
        };
        let walk = Walk {
            model: &self.model,
            scope,
            weights: &self.weights,
            forward: Forward::Known,
            frozen: None,
            backward: true,
        };
        let chunks = workers.par_iter_mut().zip(&self.current).enumerate().with_max_len(1);
        chunks.for_each(|(c, (worker, kept))| walk.chunk(c, worker, Keep::Read(kept)));
        reduce_into((&self.model, scope), workers, &mut self.reduced, gradient);
    }

    /// Images of a chunk.
    fn images(&self, chunk: usize) -> Images<'_, S> {
        Images {
            new: self.new.of_chunk(chunk),
            total: self.total.of_chunk(chunk),
            previous: self.previous.of_chunk(chunk),
        }
    }

    /// Which samples enter the outputs' factors in iteration `number`.
    fn sample(&self, number: u64) -> Sample {
        let count = self.model.samples.count();
        let chosen = self.costs.samples_for(FACTOR_SHARE, self.local.factor_rows(&self.costs));
        let chosen = chosen.clamp(LEAST_SAMPLES.min(count), count);
        let stride = (count / chosen).max(1);
        Sample { stride, offset: (number % stride as u64) as usize }
    }
}

/// The passes over `scope`.
fn levels<'a, S: Scalar>(
    model: &'a Model<S>,
    scope: &'a Scope,
    weights: &'a Weights<S>,
    forward: Forward<'a, S>,
    backward: bool,
) -> Levels<'a, S> {
    Levels { walk: Walk { model, scope, weights, forward, frozen: None, backward } }
}

impl<S: Scalar> GaussNewton for NetworkGaussNewton<S> {
    fn go_to(&mut self, x: &[f64]) -> f64 {
        self.x.copy_from_slice(x);
        self.packed_at.clear();
        for image in [&mut self.new, &mut self.total, &mut self.previous] {
            image.is_kept = false;
        }
        self.evaluate();
        self.value
    }

    fn gradient(&mut self, gradient: &mut [f64]) {
        self.backward(true, gradient);
    }

    fn tail_gradient(&mut self, gradient: &mut [f64]) {
        gradient[self.model.plan.dense[0].weight.clone()].fill(0.0);
        self.backward(false, gradient);
    }

    fn holds_head(&self, part: usize) -> bool {
        self.uses[part][0].weight
    }

    fn tail_share(&self) -> f64 {
        2.0 * self.costs.trial()
    }

    fn factor(&mut self, number: u64) {
        if !self.local.knows_input() {
            let cost = self.learn_input();
            self.work.gradient_equivalents += self.costs.plain(cost);
        }
        self.pack(false);
        let sample = self.sample(number);
        let walk = levels(&self.model, &self.tail, &self.weights, Forward::Known, true);
        let workers = self.tail_workers.par_iter_mut().zip(&mut self.levels);
        let chunks = workers.zip(&self.current).enumerate().with_max_len(1);
        chunks.for_each(|(c, ((worker, levels), kept))| walk.factors(c, sample, kept, (worker, levels)));
        let cost = self.local.factor(&self.model.plan, &self.levels, self.model.samples.count(), &self.costs);
        self.work.gradient_equivalents += self.costs.plain(cost);
    }

    fn metric(&self) -> &[f64] {
        self.local.metric()
    }

    fn prepare_steps(&mut self, gradient: &[f64], tail: bool) {
        let cost = self.local.prepare(&self.model, gradient, tail);
        self.work.gradient_equivalents += self.costs.plain(cost);
    }

    fn step_length(&mut self, damping: f64) -> f64 {
        self.local.length(damping)
    }

    fn steps(&mut self, damping: f64, step: &mut [f64]) {
        let cost = self.local.steps(&self.model, damping, step);
        self.work.gradient_equivalents += self.costs.plain(cost);
    }

    fn keep(&mut self, direction: &[f64]) {
        let mut chunks = std::mem::take(&mut self.new.chunks);
        self.image(direction, &mut chunks);
        self.new = Image { chunks, is_kept: true };
    }

    fn coarse(&mut self, space: &CoarseSpace<'_>, matrix: &mut [f64], slopes: &mut [f64]) {
        self.pack(false);
        let (plan, k) = (&self.model.plan, space.directions.len());
        while self.packed.len() < k {
            self.packed.push(Packed::new(plan));
        }
        for (packed, d) in self.packed.iter_mut().zip(space.directions) {
            packed.pack(plan, &self.uses[d.part], d.source, space.vector(d.source));
            self.work.gradient_equivalents += self.costs.direction(&packed.uses, packed.lowest);
        }
        self.work.gradient_equivalents += self.costs.coarse(k);
        let mut level_workers = std::mem::take(&mut self.levels);
        let mut workers = std::mem::take(&mut self.tail_workers);
        let walk = levels(&self.model, &self.tail, &self.weights, Forward::Known, true);
        let packed = &self.packed[..k];
        let this = &*self;
        let both = workers.par_iter_mut().zip(&mut level_workers).enumerate().with_max_len(1);
        both.for_each(|(c, (worker, levels))| {
            walk.coarse(c, packed, (&this.current[c], this.images(c)), (worker, levels));
        });
        matrix.fill(0.0);
        slopes.fill(0.0);
        for worker in &level_workers {
            matrix.iter_mut().zip(&worker.matrix).for_each(|(to, m)| *to += m);
            slopes.iter_mut().zip(&worker.slopes).for_each(|(to, b)| *to += b);
        }
        for a in 0..k {
            for b in 0..a {
                matrix[b * k + a] = matrix[a * k + b];
            }
        }
        self.levels = level_workers;
        self.tail_workers = workers;
    }

    fn trial(&mut self, space: &CoarseSpace<'_>, coefficients: &[f64], point: &[f64]) -> f64 {
        self.trial_x.copy_from_slice(point);
        self.pack(true);
        self.work.values += 1;
        self.work.gradient_equivalents += self.costs.trial();
        self.shift.set(&self.model.plan, &self.uses, space, coefficients);
        let mut trial = std::mem::take(&mut self.trial);
        let mut total = std::mem::take(&mut self.total_trial.chunks);
        let mut workers = std::mem::take(&mut self.tail_workers);
        let walk = levels(&self.model, &self.tail, &self.weights, Forward::Above, false);
        let this = &*self;
        let both = workers.par_iter_mut().zip(trial.par_iter_mut().zip(&mut total)).enumerate();
        both.with_max_len(1).for_each(|(c, (worker, (to, total)))| {
            let io = TrialChunk { current: &this.current[c], images: this.images(c), to, total };
            walk.trial(c, &this.shift, worker, io);
        });
        self.trial_value = total_of(&self.model, &workers);
        self.tail_workers = workers;
        self.trial = trial;
        self.total_trial.chunks = total;
        self.trial_value
    }

    fn accept(&mut self) {
        std::mem::swap(&mut self.x, &mut self.trial_x);
        std::mem::swap(&mut self.current, &mut self.trial);
        std::mem::swap(&mut self.total, &mut self.total_trial);
        self.total.is_kept = true;
        self.value = self.trial_value;
    }

    fn end_iteration(&mut self) -> f64 {
        std::mem::swap(&mut self.previous, &mut self.total);
        self.total.is_kept = false;
        self.new.is_kept = false;
        self.iterations += 1;
        if self.iterations.is_multiple_of(REFRESH) {
            self.evaluate();
        }
        self.value
    }

    fn samples(&self) -> usize {
        self.model.samples.count()
    }

    fn noise(&self) -> f64 {
        S::NOISE
    }

    fn work(&self) -> Work {
        self.work
    }

    fn save(&self, archive: &mut Archive) {
        self.write(archive);
    }

    fn load(&mut self, archive: &Archive, x: &[f64]) -> Result<(), LoadError> {
        self.read(archive, x)
    }
}
