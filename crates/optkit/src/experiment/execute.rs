//! The runs of a study, side by side under a budget of threads.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use optkit_data::Locations;
use optkit_log::Target;

use super::one_run::OneRun;
use super::{End, Study, Trial, Watch};
use crate::assemble::{Plan, SharedData, plan};
use crate::run_folder::RunError;
use crate::stop::StopWhen;

/// What becomes of runs that have begun before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Those that ended are kept, others go on from their checkpoints or begin.
    #[default]
    Continue,
    /// The same, but a run that has no checkpoint to go on from is an error.
    Resume,
    /// All begin anew.
    Again,
}

/// How a study is carried out.
pub struct Execution<'a> {
    /// Threads of all runs together, at least 1.
    pub threads: usize,
    /// What becomes of runs that have begun before.
    pub mode: Mode,
    /// Time between checkpoints, in place of the file's.
    pub checkpoint: Option<Duration>,
    /// Limits that are not the file's.
    pub limit: &'a (dyn Fn(&mut StopWhen) + Sync),
    /// Where data come from; none: from this machine, [as it is set up](Locations::from_environment).
    pub data: Option<&'a SharedData>,
    /// Set from elsewhere to end all runs after their iterations.
    pub interrupt: Option<&'a AtomicBool>,
    /// Logs besides those in the folders; of a single solve alone.
    pub logs: &'a [Target],
}

impl Default for Execution<'_> {
    fn default() -> Self {
        Self {
            threads: 1,
            mode: Mode::default(),
            checkpoint: None,
            limit: &|_| {},
            data: None,
            interrupt: None,
            logs: &[],
        }
    }
}

/// Carries out all runs of `study`; how they ended, in its order.
///
/// Each run has a pool of its own: with T threads and more runs than that, T at a time with a thread each. Fewer run
/// side by side where their memory would not suffice. What a run fails of is its own end; the others go on.
///
/// # Errors
/// What `watch` returns, after all runs that had begun have ended with their checkpoints.
pub fn execute(study: &Study<'_>, execution: &Execution<'_>, watch: &mut dyn Watch) -> io::Result<Vec<End>> {
    let here;
    let data = match execution.data {
        Some(data) => data,
        None => {
            here = SharedData::new(Locations::from_environment(None), None);
            &here
        }
    };
    let workers = side_by_side(study, execution);
    let trials: Vec<&Trial> = study.trials().collect();
    let watching = Watching::new(watch);
    watching.tell(|watch| watch.queued(&trials, workers));
    let (next, ends) = (AtomicUsize::new(0), Ends::new(study.len()));
    let work = |threads: usize| -> io::Result<()> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(io::Error::other)?;
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= study.len() {
                return Ok(());
            }
            let run = OneRun { study, index, execution, data, watching: &watching, threads };
            let end = if watching.is_over() || run.is_interrupted() {
                End::NotBegun
            } else {
                pool.install(|| guarded(&run))
            };
            watching.tell(|watch| watch.ended(trials[index], &end));
            ends.put(index, end);
        }
    };
    let (each, more) = (execution.threads.max(workers) / workers, execution.threads.max(workers) % workers);
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..workers).map(|worker| scope.spawn(move || work(each + usize::from(worker < more)))).collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })?;
    watching.end()?;
    Ok(ends.all())
}

/// A panic is an error of ours; it ends one run, not all.
fn guarded(run: &OneRun<'_, '_>) -> End {
    match catch_unwind(AssertUnwindSafe(|| run.carry_out())) {
        Ok(Ok(end)) => end,
        Ok(Err(error)) => End::Failed(error),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let message = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("a panic");
            End::Failed(RunError::Panicked { message: message.to_owned() })
        }
    }
}

/// Runs at a time: as many as there are threads, but no more than there are runs or than the memory takes.
fn side_by_side(study: &Study<'_>, execution: &Execution<'_>) -> usize {
    let wished = execution.threads.min(study.len()).max(1);
    if wished == 1 {
        return 1;
    }
    let plans = study.configurations().filter_map(|index| plan(&study.problem(index)).ok());
    plans.map(|plan: Plan| plan.side_by_side()).fold(wished, usize::min).max(1)
}

struct Ends(Vec<OnceLock<End>>);

impl Ends {
    fn new(count: usize) -> Self {
        Self((0..count).map(|_| OnceLock::new()).collect())
    }

    fn put(&self, index: usize, end: End) {
        let _ = self.0[index].set(end); // every index is dealt out once
    }

    fn all(self) -> Vec<End> {
        self.0.into_iter().map(|end| end.into_inner().unwrap_or(End::NotBegun)).collect()
    }
}

/// The watch, for one run at a time, until it cannot watch any more.
pub(super) struct Watching<'a> {
    state: Mutex<(&'a mut dyn Watch, Option<io::Error>)>,
    over: AtomicBool,
}

impl<'a> Watching<'a> {
    fn new(watch: &'a mut dyn Watch) -> Self {
        Self { state: Mutex::new((watch, None)), over: AtomicBool::new(false) }
    }

    /// Whether it has given up.
    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    pub(super) fn tell(&self, what: impl FnOnce(&mut dyn Watch) -> io::Result<()>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.1.is_none()
            && let Err(error) = what(state.0)
        {
            state.1 = Some(error);
            self.over.store(true, Ordering::Relaxed);
        }
    }

    fn end(self) -> io::Result<()> {
        let (_, error) = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        error.map_or(Ok(()), Err)
    }
}
