//! What happens to the runs of a study, told to whoever shows it.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::Trial;
use crate::record::Facts;
use crate::run::{Iteration, RunReport};
use crate::run_folder::{RunError, Summary, Verdict};
use crate::stop::StopWhen;

/// Told of the runs of a study. Calls come from the threads of runs, one at a time; those of one run in their order. An
/// error (output that cannot be written) ends all runs after their iterations, with their checkpoints.
pub trait Watch: Send {
    /// Before the first: all runs, `side_by_side` of them at a time.
    fn queued(&mut self, _trials: &[&Trial], _side_by_side: usize) -> io::Result<()> {
        Ok(())
    }

    /// Before its first iteration, with its data in memory.
    fn started(&mut self, _trial: &Trial, _start: &Start<'_>) -> io::Result<()> {
        Ok(())
    }

    /// After an iteration; on mini-batches, after an epoch.
    fn progressed(&mut self, _trial: &Trial, _facts: &Facts, _iteration: &Iteration<'_>) -> io::Result<()> {
        Ok(())
    }

    /// Something that people should know and that ends nothing.
    fn warned(&mut self, _trial: &Trial, _warning: &Warning) -> io::Result<()> {
        Ok(())
    }

    /// At its end; a run that was not begun before an interruption has one too.
    fn ended(&mut self, _trial: &Trial, _end: &End) -> io::Result<()> {
        Ok(())
    }
}

/// Watches nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unwatched;

impl Watch for Unwatched {}

/// A run before its first iteration.
#[derive(Clone, Copy)]
pub struct Start<'a> {
    /// What is solved.
    pub facts: &'a Facts,
    /// When it ends.
    pub stop: &'a StopWhen,
    /// The iteration of the checkpoint that it goes on from.
    pub resumed_after: Option<u64>,
}

/// How a run of a study ended.
#[derive(Debug)]
pub enum End {
    /// By itself, or interrupted.
    Ran(Box<Ran>),
    /// It had ended before, and was not run again.
    Kept(Box<Summary>, Verdict),
    /// It could not be made.
    Failed(RunError),
    /// The study was interrupted before its turn.
    NotBegun,
}

/// A run that was made.
#[derive(Debug)]
pub struct Ran {
    /// What was solved.
    pub facts: Facts,
    /// How it went.
    pub report: RunReport,
    /// Wall time of everything, in this process and in those before.
    pub total: Duration,
    /// Largest resident memory of the process, in bytes.
    pub peak_memory: Option<u64>,
}

impl Ran {
    /// The numbers of its end.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let report = &self.report;
        Summary {
            status: report.status.name().to_owned(),
            status_text: report.status.to_string(),
            loss: report.value,
            gradient_norm: report.gradient_norm_inf,
            measures: report.measures.clone(),
            epochs: report.epochs,
            iterations: report.iterations,
            gradient_equivalents: report.work.gradient_equivalents,
            seconds: report.training.as_secs_f64(),
        }
    }
}

impl End {
    /// What it means for whoever asked; none of a run that failed or was not begun.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        match self {
            Self::Ran(ran) => Some(ran.report.status.outcome(ran.report.goal_asked).into()),
            Self::Kept(_, verdict) => Some(*verdict),
            Self::Failed(_) | Self::NotBegun => None,
        }
    }

    /// Whether it has ended for good, now or before.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.verdict().is_some_and(|verdict| verdict != Verdict::Stopped)
    }
}

/// Something that people should know and that ends nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Warning {
    /// The newest checkpoint cannot be read, and an earlier one is taken.
    #[error("{reason}; going on from the one before, of iteration {instead}")]
    Damaged {
        /// What is wrong with it.
        reason: String,
        /// The iteration of the one that is taken.
        instead: u64,
    },
    /// A checkpoint cannot be written.
    #[error("{reason}; the run goes on, and tries again with the next")]
    NotWritten {
        /// Why.
        reason: String,
    },
    /// The run was begun with other kernels, whose sums differ in their last bits.
    #[error("begun with {then}, and this machine has {now}: it does not go on bit for bit")]
    OtherKernel {
        /// Then.
        then: String,
        /// Now.
        now: String,
    },
    /// The run was killed before its first checkpoint, or its checkpoints were cleared away.
    #[error("`{}` has no checkpoint to go on from, and begins anew", folder.display())]
    BegunAnew {
        /// Its folder.
        folder: PathBuf,
    },
}
