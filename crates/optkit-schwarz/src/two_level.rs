//! Two-level Gauss–Newton Schwarz: local damped Gauss–Newton solves, a coarse model that recombines them, cheap sweeps.
//!
//! ```text
//! 1  every part i:   sᵢ = −(Kᵢ + μDᵢ)⁻¹ gᵢ                   local models, from one point: additive
//! 2  s = Σ cₐ dₐ     over the parts of s and of the last total step; c minimises the Gauss–Newton model of the whole
//!                    over their span, damped or in a ball
//! 3  ν times:        the tail's steps anew at the new point with the old Kᵢ, recombined with what was done; or those of
//!                    chosen parts, each at the point that the one before left: multiplicative
//! 4  μ, or Δ, by the ratio of actual and predicted reduction of step 2
//! 5  where samples grow: more of them for the next iteration
//! ```
//!
//! The additive step is not applied as it is: parts that were solved from the same point overshoot together, and the
//! coarse model knows by how much. f never rises on the samples that an iteration sees. See `docs/src/two_level.md` for convergence and measurements.

mod coarse;
mod combine;
mod control;
mod krylov;
mod levels;
mod options;
mod products;
mod profile;
mod residuals;
mod samples;
mod sweeps;

use optkit_core::vector::{all_finite, norm_inf};
use optkit_core::{
    Archive, Direction, Evaluated, Flow, GaussNewton, LoadError, Objective, Optimizer, Phase, Phases, Point,
    Seen, StartError, Status, StepReport, Work,
};

use crate::Partition;
use coarse::Coarse;
use combine::Stage;
use levels::Levels;
pub use options::{Combine, Control, Growing, TwoLevelOptions};
use sweeps::Swept;

/// Reductions below this many times the error of a value are not seen.
const UNSEEN: f64 = 2.0;

/// The two-level method. See the module's documentation for the iteration.
pub struct TwoLevel {
    partition: Partition,
    options: TwoLevelOptions,
    /// Parts that sweeps visit, in this order; none: the tail.
    order: Option<Vec<usize>>,
    levels: Option<Levels>,
    x: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
    gradient_is_known: bool,
    /// μ and Δ; Δ is NaN before the first step chooses it.
    damping: f64,
    radius: f64,
    /// The additive step of this iteration (then that of a part that holds the head), that of a sweep, what all of it came
    /// to, and that of the last one.
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
    /// Samples that f is the mean over, where they grow; and whether they are to grow before the next iteration.
    seen: Option<Seen>,
    grows: bool,
    watcher: Option<Box<dyn Phases>>,
}

impl TwoLevel {
    /// The method over `partition`.
    #[must_use]
    pub fn new(partition: Partition, options: TwoLevelOptions) -> Self {
        Self {
            partition,
            options,
            order: None,
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
            seen: None,
            grows: false,
            watcher: None,
        }
    }

    /// Sweeps visit these parts (counted from 0) in their order, each solved anew at the point that the one before left,
    /// instead of the tail: [`sweeps`](TwoLevelOptions::sweeps) times an iteration, whatever they cost. A part may stand
    /// there more than once: 0, 1, 2, 1, 0 is a symmetric sweep. One beyond the partition is refused when a run starts.
    ///
    /// ```
    /// use optkit_core::{Flow, Optimizer};
    /// use optkit_functions::build;
    /// use optkit_schwarz::{Partition, TwoLevel, TwoLevelOptions};
    ///
    /// let mut f = build("rosenbrock", &[("n", 6.0)]).unwrap();
    /// let options = TwoLevelOptions { sweeps: 1, ..TwoLevelOptions::least_squares() };
    /// let partition = Partition::contiguous(6, 3).unwrap();
    /// let mut method = TwoLevel::new(partition, options).with_swept_parts(vec![1, 2]);
    /// method.start(f.as_mut(), &[-1.2, 1.0, -1.2, 1.0, -1.2, 1.0], None).unwrap();
    /// let before = method.current().value;
    /// let Flow::Continue(step) = method.step(f.as_mut()) else { panic!("it has not ended") };
    /// assert!(step.value < before);
    /// ```
    #[must_use]
    pub fn with_swept_parts(mut self, order: Vec<usize>) -> Self {
        self.order = Some(order);
        self
    }

    /// The damping μ of the next iteration.
    #[must_use]
    pub fn damping(&self) -> f64 {
        self.damping
    }

    /// Samples that the next iteration sees, or the last one saw where they grow in between; none where all are seen always.
    #[must_use]
    pub fn samples_seen(&self) -> Option<usize> {
        self.seen.map(|samples| samples.seen)
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
        self.enter(Phase::Fdl);
        let swept = if main.moved { self.sweeps(levels, damping) } else { Swept::default() };
        self.enter(Phase::Outside);
        self.adapt(&main);
        let noise = levels.noise() * self.value.abs().max(1.0);
        self.grows = self.can_grow();
        if !main.moved && main.predicted <= UNSEEN * noise && !self.grows {
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
            trials_accepted: u32::from(main.moved) + swept.accepted,
            trials_rejected: main.trials - u32::from(main.moved) + swept.rejected,
            local_iterations: self.partition.parts().len() as u32 + swept.solved,
        })
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
        let parts = self.partition.parts().len();
        if let Some(&part) = self.order.iter().flatten().find(|&&part| part >= parts) {
            return Err(StartError::SweptPart { part: part + 1, parts });
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
        self.value = levels.on(f, |levels| {
            self.choose_samples(levels);
            levels.go_to(x0)
        });
        self.levels = Some(levels);
        (self.damping, self.radius) = (self.options.damping.max(self.least_damping()), f64::NAN);
        (self.iteration, self.has_previous, self.gradient_is_known) = (0, false, false);
        Ok(())
    }

    fn prepare(&mut self, f: &mut dyn Objective) -> Result<(), Status> {
        if self.gradient_is_known && !self.grows {
            return Ok(());
        }
        self.enter(Phase::Global);
        let mut levels = self.levels.take().expect("`start` made them");
        levels.on(f, |levels| {
            if self.grows {
                self.grow(levels);
            }
            levels.gradient(&mut self.gradient);
        });
        self.levels = Some(levels);
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
        while norm_inf(&self.gradient) == 0.0 {
            if !self.can_grow() {
                return Flow::Done(Status::Stationary);
            }
            self.grows = true;
            if let Err(status) = self.prepare(f) {
                return Flow::Done(status);
            }
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
        archive.put_integer("grows", u64::from(self.grows));
        if let Some(Seen { seen, all }) = self.seen {
            archive.put("seen", vec![seen as f64, all as f64]);
        }
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
        self.grows = archive.integer("grows")? != 0;
        if let Some(to) = &mut self.seen {
            let mut seen = [0.0; 2];
            archive.array_into("seen", &mut seen)?;
            *to = Seen { seen: seen[0] as usize, all: seen[1] as usize };
        }
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
