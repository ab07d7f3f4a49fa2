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
mod growing;
pub(crate) mod kronecker;
pub(crate) mod local;
pub(crate) mod moments;
mod passes;
pub(crate) mod spectra;
pub(crate) mod spectrum;
mod state;

use std::sync::Arc;

use optkit_core::{Archive, CoarseSpace, GaussNewton, LoadError, NoGaussNewton, Sampled, Subset, Work};
use rayon::prelude::*;

use crate::Scalar;
use crate::buffer::Buffer;
use crate::evaluator::total_of;
use crate::kernels::{grouped, padded};
use crate::model::{Kept as Outputs, Model};
use crate::plan::{Plan, Scope, Use};
use crate::walk::Forward;
use crate::walk::levels::{LevelWorker, TrialChunk};
use crate::weights::Weights;
use crate::worker::Worker;

use costs::Costs;
use directions::{Packed, Shift};
use local::{Local, Prepared};
use moments::Tests;
use passes::{Image, Of, levels};

/// Iterations after which the lowest outputs are computed directly again.
pub(crate) const REFRESH: u64 = 32;

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
    /// A vector's share of the lowest layer, for products.
    head: Buffer<S>,
    bias: Buffer<S>,
    reduced: Vec<f64>,
    local: Local<S>,
    costs: Costs,
    iterations: u64,
    /// Tiles of each chunk of which there are images already, where samples are [growing]; empty where all are seen.
    known: Vec<usize>,
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
            bias: Buffer::new(padded(plan.dense[0].outputs)),
            reduced: vec![0.0; largest.unwrap_or(0)],
            local: Local::new(plan, &uses, tests),
            costs: Costs::new(plan, model.samples.count()),
            iterations: 0,
            known: Vec::new(),
            work: Work::default(),
            whole_workers,
            whole,
            tail,
            uses,
            model,
        })
    }
}

impl<S: Scalar> GaussNewton for NetworkGaussNewton<S> {
    fn go_to(&mut self, x: &[f64]) -> f64 {
        self.x.copy_from_slice(x);
        self.packed_at.clear();
        for image in [&mut self.new, &mut self.total, &mut self.previous] {
            image.is_kept = false;
        }
        self.evaluate(false);
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
        self.costs.tail_share()
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
        let cost = self.local.factor(&self.model.plan, &self.levels, self.model.count(), &self.costs);
        self.work.gradient_equivalents += self.costs.plain(cost);
    }

    fn metric(&self) -> &[f64] {
        self.local.metric()
    }

    fn prepare_steps(&mut self, gradient: &[f64], tail: bool) {
        let of = if tail { Prepared::Tail } else { Prepared::All };
        let cost = self.local.prepare(&self.model, gradient, of);
        self.work.gradient_equivalents += self.costs.plain(cost);
    }

    fn prepare_part(&mut self, part: usize, gradient: &[f64]) {
        let cost = self.local.prepare(&self.model, gradient, Prepared::Part(part));
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
        self.image(direction, Of::New, false);
        self.new.is_kept = true;
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
            self.evaluate(false);
        }
        self.value
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
        self.write(archive);
    }

    fn load(&mut self, archive: &Archive, x: &[f64]) -> Result<(), LoadError> {
        self.read(archive, x)
    }
}
