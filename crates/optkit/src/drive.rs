//! What a run does between its start and its report.

mod tally;

use std::fmt;
use std::ops::ControlFlow;
use std::sync::atomic::Ordering;
use std::time::Instant;

use optkit_core::vector::{norm_inf, norm2};
use optkit_core::{Flow, Objective, Optimizer, Pass, Point, Samples, StartError, Status, StepReport, Work};

use crate::checkpoint::Checkpoint;
use crate::clock::PhaseClock;
use crate::run::{Iteration, Returned, Run, RunReport};
use crate::stop::Progress;
use tally::Whole;

pub(crate) use tally::Tally;

/// Refuses mini-batches to a method that needs the same samples at every step.
pub(crate) fn suits(optimizer: &dyn Optimizer, f: &dyn Objective) -> Result<(), StartError> {
    if f.batches() > 1 && !optimizer.takes_batches() {
        return Err(StartError::Batches { method: optimizer.name() });
    }
    Ok(())
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
    /// Iterations of an epoch.
    batches: u64,
    /// On mini-batches: ∇f over all samples, where an epoch has just ended.
    gradient: Vec<f64>,
}

impl<'a> Drive<'a> {
    /// From where `tally` is.
    pub(crate) fn new(run: Run<'a>, tally: Tally, clock: PhaseClock) -> Self {
        let measured = run.measures.iter().map(|(name, _)| (name.clone(), f64::NAN)).collect();
        Self { run, measured, tally, clock, batches: 1, gradient: Vec::new() }
    }

    pub(crate) fn finish(mut self, optimizer: &mut dyn Optimizer, f: &mut dyn Objective) -> RunReport {
        self.batches = f.batches() as u64;
        let status = self.drive(optimizer, f);
        self.report(optimizer, f, status)
    }

    fn drive(&mut self, optimizer: &mut dyn Optimizer, f: &mut dyn Objective) -> Status {
        let mut last: Option<StepReport> = None;
        loop {
            if let Err(status) = self.look(optimizer, f) {
                return status;
            }
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
            let flow = self.step(optimizer, f);
            self.tally.training += begun.elapsed();
            match flow {
                Flow::Continue(step) => last = Some(step),
                Flow::Done(status) => return status,
            }
            self.tally.iterations += 1;
        }
    }

    /// True between two epochs: always, where there are no mini-batches.
    fn is_between_epochs(&self) -> bool {
        self.tally.iterations.is_multiple_of(self.batches)
    }

    /// Make known what is tested and shown: value and gradient by the method itself or, where it sees mini-batches
    /// and an epoch has ended, by a pass over all samples that is no part of its work and its time.
    fn look(&mut self, optimizer: &mut dyn Optimizer, f: &mut dyn Objective) -> Result<(), Status> {
        if self.batches == 1 {
            let begun = Instant::now();
            let ready = optimizer.prepare(f);
            self.tally.training += begun.elapsed();
            ready?;
        } else if self.is_between_epochs() {
            self.look_over_all(optimizer.current().x, f);
        } else {
            self.measured.iter_mut().for_each(|(_, value)| *value = f64::NAN);
            return Ok(());
        }
        self.measure(optimizer.current().x);
        Ok(())
    }

    fn look_over_all(&mut self, x: &[f64], f: &mut dyn Objective) {
        let after = self.tally.iterations;
        if self.tally.whole.is_some_and(|whole| whole.after == after) {
            return; // a run taken up from here
        }
        let (begun, before) = (Instant::now(), f.work());
        self.gradient.resize(x.len(), 0.0);
        let value = anew(f, x, &mut self.gradient);
        let (gradient_norm, gradient_norm_inf) = (norm2(&self.gradient), norm_inf(&self.gradient));
        self.tally.whole = Some(Whole { after, value, gradient_norm, gradient_norm_inf });
        self.tally.objective_before += f.work() - before;
        self.tally.measuring += begun.elapsed();
    }

    /// One iteration; on mini-batches, on the next of them.
    fn step(&self, optimizer: &mut dyn Optimizer, f: &mut dyn Objective) -> Flow {
        if self.batches > 1 {
            let (epoch, batch) = (self.tally.iterations / self.batches, self.tally.iterations % self.batches);
            let pass = Pass { epoch, samples: Samples::Batch(batch as usize) };
            f.select(pass);
            optimizer.samples_changed(pass);
            if let Err(status) = optimizer.prepare(f) {
                return Flow::Done(status);
            }
        }
        if let Some(limit) = self.run.stop.gradients() {
            optimizer.allow(limit - self.tally.work(optimizer, f).gradient_equivalents);
        }
        optimizer.step(f)
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
        let whole = self.tally.whole.filter(|whole| whole.after == self.tally.iterations);
        let (mut step, mut point, mut best) = (step, optimizer.current(), optimizer.best());
        if step.value.is_nan() {
            step.value = point.value; // known by now
        }
        if let Some(whole) = whole {
            step.value = whole.value;
            point = Point { x: point.x, value: whole.value, gradient: Some(&self.gradient) };
            best = point;
        }
        let gradient_norm_inf = match (self.batches, whole) {
            (1, _) => point.gradient.map_or(f64::NAN, norm_inf),
            (_, whole) => whole.map_or(f64::NAN, |whole| whole.gradient_norm_inf),
        };
        self.run.observer.observe(&Iteration {
            step,
            epoch: self.tally.iterations.div_ceil(self.batches),
            ends_epoch: self.is_between_epochs(),
            point,
            best,
            gradient_norm_inf,
            measures: &self.measured,
            work: self.tally.work(optimizer, f),
            training: self.tally.training,
            ends,
            live: Live { optimizer, objective: f, tally: &self.tally },
        })
    }

    /// `norms`: ‖∇f‖₂ and ‖∇f‖∞.
    fn progress(&self, value: f64, norms: [f64; 2], work: Work) -> Progress<'_> {
        let [gradient_norm, gradient_norm_inf] = norms;
        Progress {
            value,
            gradient_norm,
            gradient_norm_inf,
            measures: &self.measured,
            epochs: self.tally.iterations / self.batches,
            iterations: self.tally.iterations,
            gradients: work.gradient_equivalents,
            time: self.tally.training,
        }
    }

    /// The first term that holds. Convergence and targets must hold for an independent evaluation too, which one over
    /// all samples is; within an epoch of mini-batches budgets alone are tested.
    fn tested(&mut self, optimizer: &dyn Optimizer, f: &mut dyn Objective) -> Option<Status> {
        let work = self.tally.work(optimizer, f);
        if self.batches > 1 {
            let whole = self.tally.whole.filter(|_| self.is_between_epochs());
            return match whole {
                Some(Whole { value, gradient_norm, gradient_norm_inf, .. }) => {
                    self.run.stop.holds(&self.progress(value, [gradient_norm, gradient_norm_inf], work))
                }
                None => self.run.stop.exhausted(&self.progress(f64::NAN, [f64::NAN; 2], work)),
            };
        }
        let point = optimizer.current();
        let gradient = point.gradient?;
        let norms = |gradient: &[f64]| [norm2(gradient), norm_inf(gradient)];
        let status = self.run.stop.holds(&self.progress(point.value, norms(gradient), work))?;
        if !matches!(status, Status::Converged { .. } | Status::Target { .. }) {
            return Some(status);
        }
        let mut fresh = vec![0.0; gradient.len()];
        let before = f.work();
        let value = anew(f, point.x, &mut fresh);
        self.tally.objective_before += f.work() - before; // the check is no part of the method's work
        self.run.stop.holds(&self.progress(value, norms(&fresh), work))
    }

    fn report(mut self, optimizer: &dyn Optimizer, f: &mut dyn Objective, status: Status) -> RunReport {
        let work = self.tally.work(optimizer, f);
        // Values on mini-batches do not say which point is the best.
        let here = self.batches > 1
            || matches!(status, Status::Converged { .. } | Status::Target { .. } | Status::Stationary);
        let (best, returned) =
            if here { (optimizer.current(), Returned::Last) } else { (optimizer.best(), Returned::Best) };
        let point = best.x.to_vec();
        let mut gradient = std::mem::take(&mut self.gradient);
        gradient.resize(point.len(), 0.0);
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
            epochs: self.tally.iterations / self.batches,
            iterations: self.tally.iterations,
            work,
            parts: optimizer.work_of_parts(),
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
