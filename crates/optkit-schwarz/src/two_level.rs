//! Two-level Gauss–Newton Schwarz: local damped Gauss–Newton solves, a coarse model that recombines them, cheap sweeps.
//!
//! ```text
//! 1  every part i:   sᵢ = −(Kᵢ + μDᵢ)⁻¹ gᵢ                   local models, from one point: additive
//! 2  s = Σ cₐ dₐ     over the parts of s and of the last total step; c minimises the Gauss–Newton model of the whole
//!                    over their span, damped or in a ball
//! 3  ν times:        the tail's steps anew at the new point with the old Kᵢ, recombined with what was done: multiplicative
//! 4  μ, or Δ, by the ratio of actual and predicted reduction of step 2
//! ```
//!
//! The additive step is not applied as it is: parts that were solved from the same point overshoot together, and the
//! coarse model knows by how much. f never rises. See `docs/src/two_level.md` for convergence and measurements.

mod coarse;
mod levels;
mod options;
mod residuals;

use optkit_core::vector::{all_finite, dot, norm_inf};
use optkit_core::{
    Archive, CoarseSpace, Direction, Evaluated, Flow, GaussNewton, LoadError, Objective, Optimizer, Phase,
    Phases, Point, Source, StartError, Status, StepReport, Work,
};

use crate::Partition;
use coarse::Coarse;
use levels::Levels;
pub use options::{Combine, Control, TwoLevelOptions};

/// Trial points of a combination at the most.
const TRIALS: u32 = 9;
/// A local step's length may miss the radius by this share.
const LENGTH_TOLERANCE: f64 = 0.02;
/// Eigenvalues of the directions' Gram matrix (of unit directions) below this many times the error of a value are rounding,
/// as M is computed with the numbers that values are.
const DEPENDENT: f64 = 10.0;
/// At least this share.
const LEAST_DEPENDENT: f64 = 1e-13;
/// η: a step in a ball is taken where the ratio is above.
const ACCEPTANCE: f64 = 1e-4;
/// Reductions below this many times the error of a value are not seen.
const UNSEEN: f64 = 2.0;

/// The two-level method. See the module's documentation for the iteration.
pub struct TwoLevel {
    partition: Partition,
    options: TwoLevelOptions,
    levels: Option<Levels>,
    x: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
    gradient_is_known: bool,
    /// μ and Δ; Δ is NaN before the first step chooses it.
    damping: f64,
    radius: f64,
    /// The additive step of this iteration, that of a sweep, what all of it came to, and that of the last one.
    new: Vec<f64>,
    tail: Vec<f64>,
    total: Vec<f64>,
    previous: Vec<f64>,
    has_previous: bool,
    tail_gradient: Vec<f64>,
    trial: Vec<f64>,
    directions: Vec<Direction>,
    coarse: Coarse,
    iteration: u64,
    watcher: Option<Box<dyn Phases>>,
}

/// What came of a combination.
#[derive(Clone, Copy, Debug, Default)]
struct Combined {
    moved: bool,
    /// Of the first trial.
    ratio: f64,
    predicted: f64,
    /// ‖s‖ of what was accepted, in the metric.
    length: f64,
    trials: u32,
}

/// Which vectors a combination is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Main,
    Sweep,
}

impl TwoLevel {
    /// The method over `partition`.
    #[must_use]
    pub fn new(partition: Partition, options: TwoLevelOptions) -> Self {
        Self {
            partition,
            options,
            levels: None,
            x: Vec::new(),
            value: f64::NAN,
            gradient: Vec::new(),
            gradient_is_known: false,
            damping: options.damping,
            radius: f64::NAN,
            new: Vec::new(),
            tail: Vec::new(),
            total: Vec::new(),
            previous: Vec::new(),
            has_previous: false,
            tail_gradient: Vec::new(),
            trial: Vec::new(),
            directions: Vec::new(),
            coarse: Coarse::default(),
            iteration: 0,
            watcher: None,
        }
    }

    /// The damping μ of the next iteration.
    #[must_use]
    pub fn damping(&self) -> f64 {
        self.damping
    }

    fn enter(&mut self, phase: Phase) {
        if let Some(watcher) = &mut self.watcher {
            watcher.enter(phase);
        }
    }

    /// Steps 1 to 4.
    fn iterate(&mut self, levels: &mut dyn GaussNewton) -> Flow {
        let before = self.value;
        self.enter(Phase::Local);
        levels.factor(self.iteration);
        levels.prepare_steps(&self.gradient, false);
        let damping = self.local_damping(levels);
        levels.steps(damping, &mut self.new);
        if !all_finite(&self.new) {
            return Flow::Done(Status::Diverged { iteration: self.iteration + 1, value: self.value });
        }
        levels.keep(&self.new);
        self.enter(Phase::Global);
        self.total.fill(0.0);
        let main = self.combine(levels, damping, Stage::Main);
        let mut trials = [u32::from(main.moved), main.trials - u32::from(main.moved)];
        self.enter(Phase::Fdl);
        let cheap = levels.tail_share() <= self.options.sweep_below;
        for _ in 0..if main.moved && cheap { self.options.sweeps } else { 0 } {
            let sweep = self.sweep(levels, damping);
            trials[0] += u32::from(sweep.moved);
            trials[1] += sweep.trials - u32::from(sweep.moved);
            if !sweep.moved {
                break;
            }
        }
        self.enter(Phase::Outside);
        self.adapt(&main);
        let noise = levels.noise() * self.value.abs().max(1.0);
        if !main.moved && main.predicted <= UNSEEN * noise {
            return Flow::Done(Status::WithinRounding { predicted: main.predicted, noise });
        }
        debug_assert!(self.value <= before, "the loss rose from {before} to {}", self.value);
        self.has_previous = main.moved;
        if main.moved {
            std::mem::swap(&mut self.previous, &mut self.total);
            self.gradient_is_known = false;
        }
        self.value = levels.end_iteration();
        self.iteration += 1;
        Flow::Continue(StepReport {
            iteration: self.iteration,
            value: self.value,
            radius: if self.options.control == Control::Radius { self.radius } else { f64::NAN },
            ratio: main.ratio,
            accepted: main.moved,
            trials_accepted: trials[0],
            trials_rejected: trials[1],
            local_iterations: self.partition.parts().len() as u32,
        })
    }

    /// μ of the local steps: as it is, or the multiplier at which they are Δ long.
    fn local_damping(&mut self, levels: &mut dyn GaussNewton) -> f64 {
        if self.options.control == Control::Damping {
            return self.damping;
        }
        if self.radius.is_nan() {
            self.radius = levels.step_length(self.damping).min(self.options.rule.max_radius);
        }
        let (mut low, least) = (self.options.min_damping, self.options.min_damping);
        if levels.step_length(low) <= self.radius {
            return least;
        }
        let mut high = 2.0 * low;
        while levels.step_length(high) > self.radius && high < f64::MAX / 4.0 {
            low = high;
            high *= 4.0;
        }
        for _ in 0..60 {
            let middle = (low * high).sqrt();
            let length = levels.step_length(middle);
            if (length - self.radius).abs() <= LENGTH_TOLERANCE * self.radius {
                return middle;
            }
            if length > self.radius { low = middle } else { high = middle }
        }
        high
    }

    /// Step 3, once.
    fn sweep(&mut self, levels: &mut dyn GaussNewton, damping: f64) -> Combined {
        levels.tail_gradient(&mut self.tail_gradient);
        levels.prepare_steps(&self.tail_gradient, true);
        levels.steps(damping, &mut self.tail);
        if !all_finite(&self.tail) {
            return Combined::default();
        }
        self.combine(levels, damping, Stage::Sweep)
    }

    /// The directions of `stage`.
    fn span(&mut self, levels: &dyn GaussNewton, stage: Stage) {
        let previous = self.has_previous && self.options.combine == (Combine::Coarse { previous: true });
        self.directions.clear();
        for part in 0..self.partition.parts().len() {
            let sources: &[Source] = match stage {
                Stage::Main if previous => &[Source::New, Source::Previous],
                Stage::Main => &[Source::New],
                Stage::Sweep if levels.holds_head(part) => &[Source::Tail, Source::New, Source::Total],
                Stage::Sweep => &[Source::Tail, Source::Total],
            };
            self.directions.extend(sources.iter().map(|&source| Direction { part, source }));
        }
    }

    /// Move to the best that the directions of `stage` allow.
    fn combine(&mut self, levels: &mut dyn GaussNewton, damping: f64, stage: Stage) -> Combined {
        self.span(levels, stage);
        let Self { directions, coarse, partition, options, gradient, tail_gradient, .. } = self;
        let Self { x, value, new, tail, total, previous, trial, .. } = self;
        let space = CoarseSpace { directions, new, tail, total, previous };
        coarse.resize(directions.len());
        gram(partition, &space, levels.metric(), &mut coarse.gram);
        let recombine = options.combine != Combine::Sum;
        if recombine {
            levels.coarse(&space, &mut coarse.matrix, &mut coarse.slopes);
            if !coarse.diagonalise((DEPENDENT * levels.noise()).max(LEAST_DEPENDENT)) {
                return Combined { predicted: f64::INFINITY, ratio: f64::NAN, ..Combined::default() };
            }
        } else {
            let (source, gradient) = if stage == Stage::Main {
                (Source::New, &*gradient)
            } else {
                (Source::Tail, &*tail_gradient)
            };
            for (a, d) in space.directions.iter().enumerate().filter(|(_, d)| d.source == source) {
                coarse.coefficients[a] = 1.0;
                let vector = space.vector(source);
                let of_range = |r: &std::ops::Range<usize>| dot(&gradient[r.clone()], &vector[r.clone()]);
                coarse.slopes[a] = partition.parts()[d.part].ranges().iter().map(of_range).sum();
            }
        }
        let mut radius = self.radius;
        let mut combined = Combined::default();
        for trials in 0..TRIALS {
            let length = match options.control {
                _ if !recombine => {
                    coarse.coefficients.iter_mut().for_each(|c| *c *= if trials > 0 { 0.5 } else { 1.0 });
                    coarse.length_of()
                }
                Control::Damping if trials == 0 => coarse.damped(damping),
                Control::Damping => coarse.halve(),
                Control::Radius => coarse.in_ball(radius),
            };
            let [reduction, slope] = coarse.reduction();
            // The damped model where it is μ that is controlled, the model itself where it is the radius.
            let predicted = match options.control {
                _ if !recombine => -0.5 * slope,
                Control::Damping => reduction - 0.5 * damping * length * length,
                Control::Radius => reduction,
            };
            trial.copy_from_slice(x);
            add(partition, &space, &coarse.coefficients, trial);
            let reached = levels.trial(&space, &coarse.coefficients, trial);
            let ratio = (*value - reached) / predicted;
            if trials == 0 {
                (combined.ratio, combined.predicted) = (ratio, predicted);
            }
            combined.trials += 1;
            let enough = options.control == Control::Damping || ratio > ACCEPTANCE;
            if reached < *value && enough {
                levels.accept();
                for ((total, new), old) in total.iter_mut().zip(&*trial).zip(&*x) {
                    *total += new - old;
                }
                std::mem::swap(x, trial);
                *value = reached;
                (combined.moved, combined.length) = (true, length);
                return combined;
            }
            radius = options.rule.shrink * radius.min(length);
        }
        combined.length = radius;
        combined
    }

    /// Step 4.
    fn adapt(&mut self, main: &Combined) {
        let rule = &self.options.rule;
        match self.options.control {
            Control::Damping => {
                if main.ratio.is_nan() || main.ratio < rule.shrink_below {
                    self.damping /= rule.shrink;
                } else if main.ratio > rule.grow_above {
                    self.damping = (self.damping / rule.grow).max(self.options.min_damping);
                }
                if !main.moved {
                    self.damping /= rule.shrink;
                }
            }
            Control::Radius if !main.moved => self.radius = main.length.max(rule.min_radius),
            Control::Radius => {
                let radius = if main.ratio.is_nan() || main.ratio < rule.shrink_below {
                    rule.shrink * main.length
                } else if main.ratio > rule.grow_above {
                    self.radius.max(rule.grow * main.length)
                } else {
                    self.radius
                };
                self.radius = radius.clamp(rule.min_radius, rule.max_radius);
            }
        }
    }
}

/// N: inner products in the metric; those of different parts are zero.
fn gram(partition: &Partition, space: &CoarseSpace<'_>, metric: &[f64], to: &mut [f64]) {
    let k = space.directions.len();
    for (a, left) in space.directions.iter().enumerate() {
        for (b, right) in space.directions.iter().enumerate().take(a + 1) {
            let mut sum = 0.0;
            if left.part == right.part {
                let (u, v) = (space.vector(left.source), space.vector(right.source));
                for range in partition.parts()[left.part].ranges() {
                    let both = u[range.clone()].iter().zip(&v[range.clone()]);
                    sum += both.zip(&metric[range.clone()]).map(|((u, v), d)| d * u * v).sum::<f64>();
                }
            }
            to[a * k + b] = sum;
            to[b * k + a] = sum;
        }
    }
}

/// `to` ← `to` + Σ cₐdₐ.
fn add(partition: &Partition, space: &CoarseSpace<'_>, coefficients: &[f64], to: &mut [f64]) {
    for (d, &c) in space.directions.iter().zip(coefficients) {
        let vector = space.vector(d.source);
        for range in partition.parts()[d.part].ranges() {
            let both = to[range.clone()].iter_mut().zip(&vector[range.clone()]);
            both.for_each(|(to, v)| *to += c * v);
        }
    }
}

impl Optimizer for TwoLevel {
    fn name(&self) -> &'static str {
        "two_level"
    }

    fn start(
        &mut self,
        f: &mut dyn Objective,
        x0: &[f64],
        _known: Option<Evaluated<'_>>,
    ) -> Result<(), StartError> {
        self.options.validate()?;
        let n = f.dim();
        if x0.len() != n {
            return Err(StartError::WrongLength { got: x0.len(), dim: n });
        }
        if f.bounds().is_some() {
            return Err(StartError::Bounds);
        }
        if self.partition.dim() != n {
            return Err(StartError::PartitionLength { partition: self.partition.dim(), dim: n });
        }
        let mut levels = Levels::new(f, self.partition.parts()).map_err(StartError::GaussNewton)?;
        for buffer in [
            &mut self.x,
            &mut self.gradient,
            &mut self.new,
            &mut self.tail,
            &mut self.total,
            &mut self.previous,
            &mut self.tail_gradient,
            &mut self.trial,
        ] {
            buffer.clear();
            buffer.resize(n, 0.0);
        }
        self.x.copy_from_slice(x0);
        self.value = levels.on(f, |levels| levels.go_to(x0));
        self.levels = Some(levels);
        (self.damping, self.radius) = (self.options.damping, f64::NAN);
        (self.iteration, self.has_previous, self.gradient_is_known) = (0, false, false);
        Ok(())
    }

    fn prepare(&mut self, f: &mut dyn Objective) -> Result<(), Status> {
        if self.gradient_is_known {
            return Ok(());
        }
        self.enter(Phase::Global);
        let levels = self.levels.as_mut().expect("`start` made them");
        levels.on(f, |levels| levels.gradient(&mut self.gradient));
        self.enter(Phase::Outside);
        if !self.value.is_finite() || !all_finite(&self.gradient) {
            let gradient_norm = norm_inf(&self.gradient);
            return Err(match self.iteration {
                0 => Status::NotFiniteAtStart { value: self.value, gradient_norm },
                iteration => Status::Diverged { iteration, value: self.value },
            });
        }
        self.gradient_is_known = true;
        Ok(())
    }

    fn step(&mut self, f: &mut dyn Objective) -> Flow {
        if let Err(status) = self.prepare(f) {
            return Flow::Done(status);
        }
        if norm_inf(&self.gradient) == 0.0 {
            return Flow::Done(Status::Stationary);
        }
        let mut levels = self.levels.take().expect("`start` made them");
        let flow = levels.on(f, |levels| self.iterate(levels));
        self.levels = Some(levels);
        flow
    }

    fn current(&self) -> Point<'_> {
        let gradient = self.gradient_is_known.then_some(&self.gradient[..]);
        Point { x: &self.x, value: self.value, gradient }
    }

    fn work(&self) -> Work {
        self.levels.as_ref().map_or_else(Work::default, Levels::work)
    }

    fn watch(&mut self, watcher: Box<dyn Phases>) {
        self.watcher = Some(watcher);
    }

    fn save(&self, archive: &mut Archive) {
        archive.put("x", self.x.clone());
        if self.has_previous {
            archive.put("previous", self.previous.clone());
        }
        archive.put("scalars", vec![self.value, self.damping, self.radius]);
        archive.put_integer("has_previous", u64::from(self.has_previous));
        archive.put_integer("iteration", self.iteration);
        if self.gradient_is_known {
            archive.put("gradient", self.gradient.clone());
        }
        if let Some(levels) = &self.levels {
            archive.scope("levels", |archive| levels.save(archive));
        }
    }

    fn load(&mut self, archive: &Archive) -> Result<(), LoadError> {
        archive.array_into("x", &mut self.x)?;
        self.has_previous = archive.integer("has_previous")? != 0;
        if self.has_previous {
            archive.array_into("previous", &mut self.previous)?;
        }
        let mut scalars = [0.0; 3];
        archive.array_into("scalars", &mut scalars)?;
        [self.value, self.damping, self.radius] = scalars;
        self.iteration = archive.integer("iteration")?;
        self.gradient_is_known = archive.array("gradient").is_ok();
        if self.gradient_is_known {
            archive.array_into("gradient", &mut self.gradient)?;
        }
        match &mut self.levels {
            Some(levels) => levels.load(&archive.scoped("levels"), &self.x),
            None => Ok(()),
        }
    }
}
