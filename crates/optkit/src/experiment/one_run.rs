//! One run in its folder, from the lock to the last record.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use optkit_lang::Problem;
use optkit_log::{Log, Outcome, Target};

use super::execute::{Execution, Mode, Watching};
use super::pace::{DEFAULT, Pace};
use super::record_run::Recorder;
use super::standing::{Asked, GoesOn, Standing};
use super::{End, Ran, Start, Study, Trial, Warning};
use crate::assemble::{Assembly, Plan, SharedData, plan};
use crate::checkpoint::Checkpoint;
use crate::machine;
use crate::record::Facts;
use crate::run::{Run, RunReport, begin, take_up};
use crate::run_folder::{Metadata, RunError, RunFolder, State, Verdict, now};

/// Checkpoints that are kept where a file says nothing: one may be damaged.
const KEEP: u64 = 2;

/// A run with all that it needs.
pub(super) struct OneRun<'a, 'w> {
    pub(super) study: &'a Study<'a>,
    pub(super) index: usize,
    pub(super) execution: &'a Execution<'a>,
    pub(super) data: &'a SharedData,
    pub(super) watching: &'a Watching<'w>,
    pub(super) threads: usize,
}

/// A run that is about to step.
struct Ready<'a> {
    folder: &'a RunFolder,
    problem: &'a Problem,
    plan: &'a Plan,
    identity: &'a str,
    /// Of the processes before, where it goes on.
    before: Option<Before>,
    /// When this process began it.
    begun: Instant,
}

/// What the processes before have left of a run.
struct Before {
    metadata: Metadata,
    /// Iterations up to the checkpoint from which it goes on.
    iterations: u64,
    /// Their wall time; of one that was killed, its training up to the checkpoint.
    elapsed: Duration,
}

impl OneRun<'_, '_> {
    fn trial(&self) -> &Trial {
        self.study.trial(self.index)
    }

    pub(super) fn is_interrupted(&self) -> bool {
        self.execution.interrupt.is_some_and(|flag| flag.load(Ordering::Relaxed))
    }

    fn warn(&self, warning: &Warning) {
        self.watching.tell(|watch| watch.warned(self.trial(), warning));
    }

    pub(super) fn carry_out(&self) -> Result<End, RunError> {
        let begun = Instant::now();
        let problem = self.study.problem(self.index);
        let mut plan = plan(&problem).map_err(|wrong| RunError::Plan {
            reason: wrong.first().map_or_else(String::new, |diagnostic| diagnostic.title.clone()),
        })?;
        (self.execution.limit)(&mut plan.stop);
        let place = &self.trial().folder;
        if self.execution.mode == Mode::Resume && !RunFolder::has_begun(place) {
            return Err(RunError::NothingToResume { folder: place.clone() });
        }
        let folder = RunFolder::claim(place)?;
        let identity = problem.identity();
        let checkpoints = folder.checkpoints(keep(&problem));
        let asked = Asked { mode: self.execution.mode, identity: &identity, stop: &plan.stop };
        let (before, from) = match asked.of(&folder, &checkpoints, &mut |warning| self.warn(&warning))? {
            Standing::Ended(summary, verdict) => return Ok(End::Kept(summary, verdict)),
            Standing::Fresh => (None, None),
            Standing::GoesOn(goes_on) => {
                let GoesOn { before: metadata, from } = *goes_on;
                let seconds = Duration::try_from_secs_f64(metadata.seconds_total).unwrap_or_default();
                let (iterations, elapsed) = (from.iterations(), from.elapsed().max(seconds));
                (Some(Before { metadata, iterations, elapsed }), Some(from))
            }
        };
        let fresh = from.is_none();
        let ready =
            Ready { folder: &folder, problem: &problem, plan: &plan, identity: &identity, before, begun };
        let done = self.load(&ready, from);
        if fresh && done.is_err() && matches!(folder.metadata(), Ok(None)) {
            folder.remove()?; // it has not begun
        }
        done
    }

    fn load(&self, ready: &Ready<'_>, from: Option<Checkpoint>) -> Result<End, RunError> {
        let assembly = ready.plan.load_shared(self.data)?;
        let facts = Facts::new(ready.plan, &assembly, self.threads);
        if let Some(before) = &ready.before {
            self.same_machine(ready.folder, &before.metadata, &facts)?;
        }
        let mut metadata = self.metadata(ready, &facts);
        ready.folder.write_problem(&ready.problem.to_string())?;
        ready.folder.write_metadata(&metadata)?;
        let done = self.steps(ready, &facts, (assembly, from), &mut metadata);
        if let Err(error) = &done {
            metadata.state = State::Failed;
            metadata.failure = Some(error.to_string());
            metadata.ended = Some(now());
            let _ = ready.folder.write_metadata(&metadata); // the reason to report is the first one
        }
        done
    }

    /// Refuses to go on with other data; warns where the processor's kernels are others.
    fn same_machine(&self, folder: &RunFolder, before: &Metadata, facts: &Facts) -> Result<(), RunError> {
        let brief = |checksum: &Option<String>| {
            checksum.as_ref().map_or("none".to_owned(), |digits| format!("{digits:.12}…"))
        };
        if before.data_checksum != facts.problem.data_checksum {
            let (saved, this) = (brief(&before.data_checksum), brief(&facts.problem.data_checksum));
            return Err(RunError::Data { folder: folder.path().to_owned(), saved, this });
        }
        if let (Some(then), Some(now)) = (&before.kernel, &facts.problem.kernel)
            && then != now
        {
            self.warn(&Warning::OtherKernel { then: then.clone(), now: now.clone() });
        }
        Ok(())
    }

    fn metadata(&self, ready: &Ready<'_>, facts: &Facts) -> Metadata {
        let trial = self.trial();
        let before = ready.before.as_ref().map(|before| &before.metadata);
        Metadata {
            state: State::Begun,
            problem: trial.problem.clone(),
            title: facts.problem.title.clone(),
            experiment: trial.experiment.clone(),
            configuration: trial.configuration.clone(),
            varied: trial.varied.clone(),
            trial: trial.number,
            seed: facts.problem.seed,
            identity: ready.identity.to_owned(),
            stop: facts.problem.stop.clone(),
            objective: facts.problem.objective.clone(),
            objective_name: facts.objective_name.clone(),
            measures: facts.measures.clone(),
            solver: facts.problem.solver.clone(),
            variables: facts.problem.variables,
            data_checksum: facts.problem.data_checksum.clone(),
            kernel: facts.problem.kernel.clone(),
            processor: machine::processor(),
            threads: self.threads,
            began: before.map_or_else(now, |before| before.began.clone()),
            resumed: before.map_or(0, |before| before.resumed + 1),
            seconds_total: before.map_or(0.0, |before| before.seconds_total),
            ..Metadata::default()
        }
        .stamped()
    }

    fn steps(
        &self,
        ready: &Ready<'_>,
        facts: &Facts,
        (assembly, from): (Assembly, Option<Checkpoint>),
        metadata: &mut Metadata,
    ) -> Result<End, RunError> {
        let Assembly { mut objective, mut optimizer, start, mut measures, .. } = assembly;
        let after = ready.before.as_ref().map(|before| before.iterations);
        let rows = after.map(|iterations| iterations / objective.batches().max(1) as u64);
        let mut recorder = Recorder {
            trial: self.trial(),
            facts,
            watching: self.watching,
            logs: self.logs(ready.folder, rows)?,
            checkpoints: ready.folder.checkpoints(keep(ready.problem)),
            pace: Pace::new(self.every(ready.problem)),
            identity: ready.identity,
            error: None,
        };
        let mut problem = facts.problem.clone();
        problem.experiment.clone_from(&self.trial().experiment);
        problem.series = self.trial().experiment.as_ref().map(|_| self.trial().configuration.clone());
        problem.trial = self.trial().number;
        recorder.log(|log| log.begin(&problem))?;
        let shown = Start { facts, stop: &ready.plan.stop, resumed_after: after };
        self.watching.tell(|watch| watch.started(self.trial(), &shown));

        let begun = match &from {
            None => begin(optimizer.as_mut(), objective.as_mut(), &start)?,
            Some(from) => take_up(optimizer.as_mut(), objective.as_mut(), from)
                .map_err(|source| RunError::Resume { folder: ready.folder.path().to_owned(), source })?,
        };
        // As large as what is evaluated at them.
        drop((start, from));
        let setup = Run {
            stop: &ready.plan.stop,
            measures: &mut measures,
            observer: &mut recorder,
            interrupt: self.execution.interrupt,
        };
        let report = begun.finish(optimizer.as_mut(), objective.as_mut(), setup);
        if let Some(error) = recorder.error.take() {
            return Err(error.into());
        }
        let total =
            ready.begun.elapsed() + ready.before.as_ref().map_or(Duration::ZERO, |before| before.elapsed);
        let peak_memory = machine::peak_memory();
        let outcome = facts.outcome(&report, total, peak_memory);
        recorder.log(|log| log.end(&outcome))?;
        recorder.log(|log| log.sync())?;
        finish(metadata, &report, &outcome);
        ready.folder.write_metadata(metadata)?;
        Ok(End::Ran(Box::new(Ran { facts: facts.clone(), report, total, peak_memory })))
    }

    /// The log of the folder, and of a single solve those that were asked for.
    fn logs(&self, folder: &RunFolder, rows: Option<u64>) -> Result<Vec<Box<dyn Log>>, RunError> {
        let own = Target::JsonLines(folder.log());
        let others = self.execution.logs.iter().filter(|_| self.trial().experiment.is_none());
        let open = |target: &Target| match rows {
            None => target.create(),
            Some(after) => target.resume(after),
        };
        Ok(std::iter::once(&own).chain(others).map(open).collect::<Result<_, _>>()?)
    }

    fn every(&self, problem: &Problem) -> Duration {
        let seconds = || problem.run.seconds("checkpoint").and_then(|s| Duration::try_from_secs_f64(s).ok());
        self.execution.checkpoint.or_else(seconds).unwrap_or(DEFAULT)
    }
}

/// How many checkpoints are kept.
fn keep(problem: &Problem) -> usize {
    usize::try_from(problem.run.integer("keep").unwrap_or(KEEP)).unwrap_or(usize::MAX)
}

fn finish(metadata: &mut Metadata, report: &RunReport, outcome: &Outcome) {
    let verdict = Verdict::from(report.status.outcome(report.goal_asked));
    metadata.state = if verdict == Verdict::Stopped { State::Interrupted } else { State::Finished };
    metadata.verdict = Some(verdict);
    metadata.ended = Some(now());
    metadata.seconds_total = outcome.seconds_total;
    metadata.outcome = serde_json::to_value(outcome).ok();
}
