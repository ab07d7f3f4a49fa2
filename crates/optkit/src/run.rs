//! The one loop: an optimizer on an objective until a term holds, with someone watching.

use std::ops::ControlFlow;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use optkit_core::{Objective, Optimizer, Point, StartError, Status, StepReport, Work};

use crate::checkpoint::{Checkpoint, ResumeError};
use crate::clock::{PhaseClock, PhaseTimes};
use crate::drive::{Drive, Live, Tally, suits};
use crate::stop::StopWhen;

/// A quantity reported once an epoch: accuracy on a test set, say. It may end a run, never change a step.
pub trait Measure: Send {
    /// Its value at `x`.
    fn measure(&mut self, x: &[f64]) -> f64;
}

impl<F: FnMut(&[f64]) -> f64 + Send> Measure for F {
    fn measure(&mut self, x: &[f64]) -> f64 {
        self(x)
    }
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
///
/// On mini-batches, value and gradient are over all samples where the iteration ends an epoch, and what the method
/// knows within one; measures are made where an epoch ends.
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
    /// What the method says of it. Where it ends an epoch of mini-batches, its value is f over all samples.
    pub step: StepReport,
    /// The epoch that it belongs to, counted from 1; an iteration is one where there are no mini-batches.
    pub epoch: u64,
    /// Whether that epoch ends with it.
    pub ends_epoch: bool,
    /// The point it led to.
    pub point: Point<'a>,
    /// The best point so far.
    pub best: Point<'a>,
    /// ‖∇f‖∞ there; NaN within an epoch of mini-batches.
    pub gradient_norm_inf: f64,
    /// The measures there; NaN within an epoch of mini-batches.
    pub measures: &'a [(String, f64)],
    /// Work since the start of the run.
    pub work: Work,
    /// Wall time in training since the start.
    pub training: Duration,
    /// Whether the run ends here: a term of its stop holds, or it was interrupted. (A method that can make no further
    /// step ends a run too, after an iteration that does not know.)
    pub ends: bool,
    pub(crate) live: Live<'a>,
}

impl Iteration<'_> {
    /// The state of the run after this iteration, from which [`resume`] goes on as if nothing had happened.
    #[must_use]
    pub fn checkpoint(&self) -> Checkpoint {
        self.live.checkpoint()
    }
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
    /// Whole epochs made.
    pub epochs: u64,
    /// Iterations made.
    pub iterations: u64,
    /// Work of the run, without that last evaluation.
    pub work: Work,
    /// Of that work, what each part did, where the method counts it.
    pub parts: Vec<Work>,
    /// Wall time in training: neither measures nor observers.
    pub training: Duration,
    /// Wall time of the measures, and on mini-batches of the passes over all samples.
    pub measuring: Duration,
    /// Wall time by phase of the method.
    pub phases: PhaseTimes,
}

/// Runs `optimizer` on `f` from `x0`.
///
/// Call it inside [`rayon::ThreadPool::install`] to choose the number of threads; results do not depend on it.
///
/// Where `f` has [mini-batches](Objective::batches) every iteration sees the next one. Where an epoch ends, f and its
/// gradient over all samples are evaluated for the terms and the observer; that is no part of the method's work. The
/// last point is returned, for values on mini-batches do not say which is the best.
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
    let begun = begin(optimizer, f, x0)?;
    Ok(begun.finish(optimizer, f, run))
}

/// A run that has begun, or was taken up: what it began with is no longer needed.
pub(crate) struct Begun {
    tally: Tally,
    clock: PhaseClock,
}

impl Begun {
    pub(crate) fn finish(
        self,
        optimizer: &mut dyn Optimizer,
        f: &mut dyn Objective,
        run: Run<'_>,
    ) -> RunReport {
        Drive::new(run, self.tally, self.clock).finish(optimizer, f)
    }
}

pub(crate) fn begin(
    optimizer: &mut dyn Optimizer,
    f: &mut dyn Objective,
    x0: &[f64],
) -> Result<Begun, StartError> {
    suits(optimizer, f)?;
    let clock = PhaseClock::default();
    optimizer.watch(Box::new(clock.clone()));
    let mut tally = Tally::new(f.work());
    let begun = Instant::now();
    optimizer.start(f, x0, None)?;
    tally.training = begun.elapsed();
    Ok(Begun { tally, clock })
}

/// Takes up the run that `from` was made of: it goes on bit for bit as it would have gone on then, with the numbers of
/// iterations, work and time that it had. Method and objective are to be made as they were made for that run; the stop
/// may be another.
///
/// Refuses the checkpoint of another method or of another number of variables, and states that method or objective
/// cannot take up. Whether the problem is the same only its text can tell: ask
/// [`is_of_problem`](Checkpoint::is_of_problem). Measures and observers begin anew; the iteration of the checkpoint
/// itself is not observed again.
pub fn resume(
    optimizer: &mut dyn Optimizer,
    f: &mut dyn Objective,
    from: &Checkpoint,
    run: Run<'_>,
) -> Result<RunReport, ResumeError> {
    let begun = take_up(optimizer, f, from)?;
    Ok(begun.finish(optimizer, f, run))
}

pub(crate) fn take_up(
    optimizer: &mut dyn Optimizer,
    f: &mut dyn Objective,
    from: &Checkpoint,
) -> Result<Begun, ResumeError> {
    suits(optimizer, f)?;
    let begun = Instant::now();
    let mut tally = from.restore(optimizer, f)?;
    let clock = PhaseClock::resumed(tally.phases);
    optimizer.watch(Box::new(clock.clone()));
    tally.training += begun.elapsed();
    Ok(Begun { tally, clock })
}
