//! What a run does between its start and its report.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use optkit_core::vector::{norm_inf, norm2};
use optkit_core::{Archive, Flow, LoadError, Objective, Optimizer, Pass, Status, StepReport, Work};

use crate::checkpoint::Checkpoint;
use crate::clock::{PhaseClock, PhaseTimes};
use crate::run::{Iteration, Returned, Run, RunReport};
use crate::stop::Progress;

/// How far a run is: what the loop itself carries from iteration to iteration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tally {
    pub(crate) iterations: u64,
    /// Work before the counters below were read, where they know nothing of it.
    carried: Work,
    /// The objective's counter as it stood where the run began, and work since that is none of the method's.
    objective_before: Work,
    /// The method's own.
    optimizer_before: Work,
    pub(crate) training: Duration,
    pub(crate) measuring: Duration,
    pub(crate) phases: PhaseTimes,
}

impl Tally {
    pub(crate) fn new(objective_before: Work) -> Self {
        Self {
            iterations: 0,
            carried: Work::default(),
            objective_before,
            optimizer_before: Work::default(),
            training: Duration::ZERO,
            measuring: Duration::ZERO,
            phases: PhaseTimes::default(),
        }
    }

    fn work(&self, optimizer: &dyn Optimizer, f: &dyn Objective) -> Work {
        self.carried + (f.work() - self.objective_before) + (optimizer.work() - self.optimizer_before)
    }

    pub(crate) fn save(&self, archive: &mut Archive, optimizer: &dyn Optimizer, f: &dyn Objective) {
        archive.put_integer("iterations", self.iterations);
        archive.put_work("work", self.work(optimizer, f));
        archive.put_work("carried", self.carried);
        archive.put_work("objective", f.work());
        archive.put_work("objective_before", self.objective_before);
        archive.put_work("optimizer", optimizer.work());
        archive.put_work("optimizer_before", self.optimizer_before);
        for (name, time) in self.times() {
            archive.put_integer(
                &format!("nanoseconds.{name}"),
                u64::try_from(time.as_nanos()).unwrap_or(u64::MAX),
            );
        }
    }

    fn times(&self) -> [(&'static str, Duration); 5] {
        let PhaseTimes { local, fdl, global } = self.phases;
        [
            ("training", self.training),
            ("measuring", self.measuring),
            ("local", local),
            ("fdl", fdl),
            ("global", global),
        ]
    }

    /// After method and objective were loaded. Counters that were saved with them go on; for others what they had
    /// counted is carried, which is the same work, though not to the last bit of its sum.
    pub(crate) fn load(
        archive: &Archive,
        optimizer: &dyn Optimizer,
        f: &dyn Objective,
    ) -> Result<Self, LoadError> {
        let time = |name: &str| archive.integer(&format!("nanoseconds.{name}")).map(Duration::from_nanos);
        let mut tally = Self {
            iterations: archive.integer("iterations")?,
            carried: archive.work("carried")?,
            objective_before: archive.work("objective_before")?,
            optimizer_before: archive.work("optimizer_before")?,
            training: time("training")?,
            measuring: time("measuring")?,
            phases: PhaseTimes { local: time("local")?, fdl: time("fdl")?, global: time("global")? },
        };
        let (objective, own) = (f.work(), optimizer.work());
        if objective != archive.work("objective")? || own != archive.work("optimizer")? {
            tally.carried = archive.work("work")?;
            (tally.objective_before, tally.optimizer_before) = (objective, own);
        }
        Ok(tally)
    }
}

/// Method, objective and loop between two iterations.
#[derive(Clone, Copy)]
pub(crate) struct Live<'a> {
    optimizer: &'a dyn Optimizer,
    objective: &'a dyn Objective,
    tally: &'a Tally,
}

impl Live<'_> {
    pub(crate) fn checkpoint(&self) -> Checkpoint {
        Checkpoint::of(self.optimizer, self.objective, self.tally)
    }
}

impl fmt::Debug for Live<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Live").field("method", &self.optimizer.name()).finish_non_exhaustive()
    }
}

/// The loop with what it carries.
pub(crate) struct Drive<'a> {
    run: Run<'a>,
    measured: Vec<(String, f64)>,
    tally: Tally,
    clock: PhaseClock,
}

impl<'a> Drive<'a> {
    /// From where `tally` is.
    pub(crate) fn new(run: Run<'a>, tally: Tally, clock: PhaseClock) -> Self {
        let measured = run.measures.iter().map(|(name, _)| (name.clone(), f64::NAN)).collect();
        Self { run, measured, tally, clock }
    }

    pub(crate) fn finish(mut self, optimizer: &mut dyn Optimizer, f: &mut dyn Objective) -> RunReport {
        let status = self.drive(optimizer, f);
        self.report(optimizer, f, status)
    }

    fn drive(&mut self, optimizer: &mut dyn Optimizer, f: &mut dyn Objective) -> Status {
        let mut last: Option<StepReport> = None;
        loop {
            let begun = Instant::now();
            let ready = optimizer.prepare(f);
            self.tally.training += begun.elapsed();
            if let Err(status) = ready {
                return status;
            }
            self.measure(optimizer.current().x);
            let status = self.tested(optimizer, f);
            // Read once, so that observers know what the loop knows.
            let interrupted = self.run.interrupt.is_some_and(|flag| flag.load(Ordering::Relaxed));
            let ends = status.is_some() || interrupted;
            let flow = match last {
                Some(step) => self.observe(step, ends, optimizer, f),
                None => ControlFlow::Continue(()),
            };
            if let Some(status) = status {
                return status;
            }
            if interrupted || flow.is_break() {
                return Status::Stopped;
            }
            let begun = Instant::now();
            let flow = optimizer.step(f);
            self.tally.training += begun.elapsed();
            match flow {
                Flow::Continue(step) => last = Some(step),
                Flow::Done(status) => return status,
            }
            self.tally.iterations += 1;
        }
    }

    fn measure(&mut self, x: &[f64]) {
        let begun = Instant::now();
        for ((_, measure), (_, value)) in self.run.measures.iter_mut().zip(&mut self.measured) {
            *value = measure.measure(x);
        }
        self.tally.measuring += begun.elapsed();
    }

    fn observe(
        &mut self,
        step: StepReport,
        ends: bool,
        optimizer: &dyn Optimizer,
        f: &dyn Objective,
    ) -> ControlFlow<()> {
        self.tally.phases = self.clock.times();
        let point = optimizer.current();
        self.run.observer.observe(&Iteration {
            step,
            point,
            best: optimizer.best(),
            gradient_norm_inf: point.gradient.map_or(f64::NAN, norm_inf),
            measures: &self.measured,
            work: self.tally.work(optimizer, f),
            training: self.tally.training,
            ends,
            live: Live { optimizer, objective: f, tally: &self.tally },
        })
    }

    fn progress(&self, value: f64, gradient: &[f64], work: Work) -> Progress<'_> {
        Progress {
            value,
            gradient_norm: norm2(gradient),
            gradient_norm_inf: norm_inf(gradient),
            measures: &self.measured,
            epochs: self.tally.iterations,
            iterations: self.tally.iterations,
            gradients: work.gradient_equivalents,
            time: self.tally.training,
        }
    }

    /// The first term that holds. Convergence and targets must hold for an independent evaluation too.
    fn tested(&mut self, optimizer: &dyn Optimizer, f: &mut dyn Objective) -> Option<Status> {
        let work = self.tally.work(optimizer, f);
        let point = optimizer.current();
        let gradient = point.gradient?;
        let status = self.run.stop.holds(&self.progress(point.value, gradient, work))?;
        if !matches!(status, Status::Converged { .. } | Status::Target { .. }) {
            return Some(status);
        }
        let mut fresh = vec![0.0; gradient.len()];
        let before = f.work();
        let value = anew(f, point.x, &mut fresh);
        self.tally.objective_before += f.work() - before; // the check is no part of the method's work
        self.run.stop.holds(&self.progress(value, &fresh, work))
    }

    fn report(mut self, optimizer: &dyn Optimizer, f: &mut dyn Objective, status: Status) -> RunReport {
        let work = self.tally.work(optimizer, f);
        let here = matches!(status, Status::Converged { .. } | Status::Target { .. } | Status::Stationary);
        let (best, returned) =
            if here { (optimizer.current(), Returned::Last) } else { (optimizer.best(), Returned::Best) };
        let point = best.x.to_vec();
        let mut gradient = vec![0.0; point.len()];
        let value = anew(f, &point, &mut gradient);
        self.measure(&point);
        RunReport {
            status: confirmed(status, f.noise(), &point, value, &gradient),
            goal_asked: self.run.stop.has_goal(),
            point,
            returned,
            value,
            gradient_norm_inf: norm_inf(&gradient),
            gradient_norm: norm2(&gradient),
            measures: self.measured,
            epochs: self.tally.iterations,
            iterations: self.tally.iterations,
            work,
            training: self.tally.training,
            measuring: self.tally.measuring,
            phases: self.clock.times(),
        }
    }
}

/// f(x) with ∇f(x), from an evaluation that takes nothing over from the run.
fn anew(f: &mut dyn Objective, x: &[f64], gradient: &mut [f64]) -> f64 {
    f.select(Pass::default());
    f.value_gradient(x, gradient)
}

/// What a method says of the point where it ended, where value and gradient there evaluated anew bear it out; else
/// what they say.
fn confirmed(status: Status, noise: f64, x: &[f64], value: f64, gradient: &[f64]) -> Status {
    let size = norm_inf(gradient);
    match status {
        Status::Stationary if size != 0.0 => {
            // As the engine judges: what a step of relative length √noise would gain, against the error of a value.
            let predicted = noise.sqrt() * norm_inf(x).max(1.0) * norm2(gradient);
            let noise = noise * value.abs().max(1.0);
            if predicted <= 10.0 * noise {
                Status::WithinRounding { predicted, noise }
            } else {
                Status::Inconsistent { what: "‖∇f‖∞", during: 0.0, anew: size }
            }
        }
        Status::UnboundedBelow { value: during } if value > 0.5 * during || value.is_nan() => {
            Status::Inconsistent { what: "f", during, anew: value }
        }
        Status::NotFiniteAtStart { value: during, .. } if value.is_finite() && size.is_finite() => {
            Status::Inconsistent { what: "f", during, anew: value }
        }
        status => status,
    }
}
