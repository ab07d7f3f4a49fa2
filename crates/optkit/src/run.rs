//! The one loop: an optimizer on an objective until a term holds, with someone watching.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use optkit_core::vector::{norm_inf, norm2};
use optkit_core::{Flow, Objective, Optimizer, Pass, Point, StartError, Status, StepReport, Work};

use crate::clock::{PhaseClock, PhaseTimes};
use crate::stop::{Progress, StopWhen};

/// A quantity reported once an epoch: accuracy on a test set, say. It may end a run, never change a step.
pub trait Measure: Send {
    /// Its value at `x`.
    fn measure(&mut self, x: &[f64]) -> f64;
}

/// What a run is to do besides stepping.
pub struct Run<'a> {
    /// When it ends.
    pub stop: &'a StopWhen,
    /// What is measured after each epoch, by name.
    pub measures: &'a mut [(String, Box<dyn Measure>)],
    /// Told of every iteration.
    pub observer: &'a mut dyn Observer,
    /// Set from elsewhere to end the run after the current iteration.
    pub interrupt: Option<&'a AtomicBool>,
}

/// Told of every iteration, with value and gradient at the point it led to; may stop the run.
pub trait Observer: Send {
    /// After an iteration.
    fn observe(&mut self, iteration: &Iteration<'_>) -> ControlFlow<()>;
}

impl<F: FnMut(&Iteration<'_>) -> ControlFlow<()> + Send> Observer for F {
    fn observe(&mut self, iteration: &Iteration<'_>) -> ControlFlow<()> {
        self(iteration)
    }
}

/// Watches nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn observe(&mut self, _iteration: &Iteration<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// An iteration as observers see it.
#[derive(Clone, Copy, Debug)]
pub struct Iteration<'a> {
    /// What the method says of it.
    pub step: StepReport,
    /// The point it led to.
    pub point: Point<'a>,
    /// ‖∇f‖∞ there.
    pub gradient_norm_inf: f64,
    /// The measures there.
    pub measures: &'a [(String, f64)],
    /// Work since the start of the run.
    pub work: Work,
    /// Wall time in training since the start.
    pub training: Duration,
}

/// Which point a run returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returned {
    /// The point of the lowest value seen.
    Best,
    /// The point at which the run ended.
    Last,
}

/// How a run went.
#[derive(Clone, Debug)]
pub struct RunReport {
    /// How it ended.
    pub status: Status,
    /// Whether a convergence test or target was asked for.
    pub goal_asked: bool,
    /// The point returned.
    pub point: Vec<f64>,
    /// Which point that is.
    pub returned: Returned,
    /// f there, from an evaluation that takes nothing over from the run.
    pub value: f64,
    /// ‖∇f‖∞ there, from the same evaluation.
    pub gradient_norm_inf: f64,
    /// ‖∇f‖₂ there.
    pub gradient_norm: f64,
    /// The measures there.
    pub measures: Vec<(String, f64)>,
    /// Epochs made.
    pub epochs: u64,
    /// Iterations made.
    pub iterations: u64,
    /// Work of the run, without that last evaluation.
    pub work: Work,
    /// Wall time in training: neither measures nor observers.
    pub training: Duration,
    /// Wall time of the measures.
    pub measuring: Duration,
    /// Wall time by phase of the method.
    pub phases: PhaseTimes,
}

/// Runs `optimizer` on `f` from `x0`.
///
/// Call it inside [`rayon::ThreadPool::install`] to choose the number of threads; results do not depend on it.
///
/// ```
/// use optkit::{Run, StopWhen, TrustRegion, Unobserved, from_fn, run};
/// let mut f = from_fn(2, |x| x[0].powi(4) + x[1].powi(2), |x, g| {
///     g.copy_from_slice(&[4.0 * x[0].powi(3), 2.0 * x[1]]);
/// });
/// let stop = StopWhen::new().gradient_norm_inf(1e-6).iterations(1000);
/// let run_ = Run { stop: &stop, measures: &mut [], observer: &mut Unobserved, interrupt: None };
/// let report = run(&mut TrustRegion::default(), &mut f, &[1.0, 1.0], run_)?;
/// assert!(report.status.to_string().starts_with("converged"));
/// assert!(report.gradient_norm_inf <= 1e-6);
/// # Ok::<(), optkit::StartError>(())
/// ```
pub fn run(
    optimizer: &mut dyn Optimizer,
    f: &mut dyn Objective,
    x0: &[f64],
    run: Run<'_>,
) -> Result<RunReport, StartError> {
    let clock = PhaseClock::default();
    optimizer.watch(Box::new(clock.clone()));
    let work_before = f.work();
    let mut state = State::new(run, work_before);
    let begun = Instant::now();
    optimizer.start(f, x0, None)?;
    state.training += begun.elapsed();
    let status = state.drive(optimizer, f);
    Ok(state.report(optimizer, f, status, clock.times()))
}

struct State<'a> {
    run: Run<'a>,
    measured: Vec<(String, f64)>,
    work_before: Work,
    iterations: u64,
    training: Duration,
    measuring: Duration,
}

impl<'a> State<'a> {
    fn new(run: Run<'a>, work_before: Work) -> Self {
        let measured = run.measures.iter().map(|(name, _)| (name.clone(), f64::NAN)).collect();
        Self {
            run,
            measured,
            work_before,
            iterations: 0,
            training: Duration::ZERO,
            measuring: Duration::ZERO,
        }
    }

    fn drive(&mut self, optimizer: &mut dyn Optimizer, f: &mut dyn Objective) -> Status {
        let mut last: Option<StepReport> = None;
        loop {
            let begun = Instant::now();
            let ready = optimizer.prepare(f);
            self.training += begun.elapsed();
            if let Err(status) = ready {
                return status;
            }
            let work = self.work(optimizer, f);
            self.measure(optimizer.current().x);
            if let Some(step) = last
                && self.observe(step, optimizer.current(), work).is_break()
            {
                return Status::Stopped;
            }
            if let Some(status) = self.tested(optimizer, f, work) {
                return status;
            }
            if self.run.interrupt.is_some_and(|flag| flag.load(Ordering::Relaxed)) {
                return Status::Stopped;
            }
            let begun = Instant::now();
            let flow = optimizer.step(f);
            self.training += begun.elapsed();
            match flow {
                Flow::Continue(step) => last = Some(step),
                Flow::Done(status) => return status,
            }
            self.iterations += 1;
        }
    }

    fn work(&self, optimizer: &dyn Optimizer, f: &dyn Objective) -> Work {
        f.work() - self.work_before + optimizer.work()
    }

    fn measure(&mut self, x: &[f64]) {
        let begun = Instant::now();
        for ((_, measure), (_, value)) in self.run.measures.iter_mut().zip(&mut self.measured) {
            *value = measure.measure(x);
        }
        self.measuring += begun.elapsed();
    }

    fn observe(&mut self, step: StepReport, point: Point<'_>, work: Work) -> ControlFlow<()> {
        self.run.observer.observe(&Iteration {
            step,
            point,
            gradient_norm_inf: point.gradient.map_or(f64::NAN, norm_inf),
            measures: &self.measured,
            work,
            training: self.training,
        })
    }

    fn progress(&self, value: f64, gradient: &[f64], work: Work) -> Progress<'_> {
        Progress {
            value,
            gradient_norm: norm2(gradient),
            gradient_norm_inf: norm_inf(gradient),
            measures: &self.measured,
            epochs: self.iterations,
            iterations: self.iterations,
            gradients: work.gradient_equivalents,
            time: self.training,
        }
    }

    /// The first term that holds. Convergence and targets must hold for an independent evaluation too.
    fn tested(&mut self, optimizer: &dyn Optimizer, f: &mut dyn Objective, work: Work) -> Option<Status> {
        let point = optimizer.current();
        let gradient = point.gradient?;
        let status = self.run.stop.holds(&self.progress(point.value, gradient, work))?;
        if !matches!(status, Status::Converged { .. } | Status::Target { .. }) {
            return Some(status);
        }
        let mut fresh = vec![0.0; gradient.len()];
        let before = f.work();
        f.select(Pass::default());
        let value = f.value_gradient(point.x, &mut fresh);
        self.work_before += f.work() - before; // the check is no part of the method's work
        self.run.stop.holds(&self.progress(value, &fresh, work))
    }

    fn report(
        mut self,
        optimizer: &mut dyn Optimizer,
        f: &mut dyn Objective,
        status: Status,
        phases: PhaseTimes,
    ) -> RunReport {
        let work = self.work(optimizer, f);
        let here = matches!(status, Status::Converged { .. } | Status::Target { .. } | Status::Stationary);
        let (best, returned) =
            if here { (optimizer.current(), Returned::Last) } else { (optimizer.best(), Returned::Best) };
        let point = best.x.to_vec();
        let mut gradient = vec![0.0; point.len()];
        f.select(Pass::default());
        let value = f.value_gradient(&point, &mut gradient);
        self.measure(&point);
        RunReport {
            status,
            goal_asked: self.run.stop.has_goal(),
            point,
            returned,
            value,
            gradient_norm_inf: norm_inf(&gradient),
            gradient_norm: norm2(&gradient),
            measures: self.measured,
            epochs: self.iterations,
            iterations: self.iterations,
            work,
            training: self.training,
            measuring: self.measuring,
            phases,
        }
    }
}
