//! What is to be done with a run's folder: begin, go on, or leave it as it is.

use super::Warning;
use super::execute::Mode;
use crate::checkpoint::{Checkpoint, difference};
use crate::run_folder::{Checkpoints, Metadata, RunError, RunFolder, State, Summary, Verdict};
use crate::stop::{StopWhen, Test};

/// What is asked of a run.
pub(super) struct Asked<'a> {
    pub(super) mode: Mode,
    pub(super) identity: &'a str,
    pub(super) stop: &'a StopWhen,
}

/// What is to be done.
pub(super) enum Standing {
    /// Nothing was there, or it was cleared away.
    Fresh,
    /// It goes on.
    GoesOn(Box<GoesOn>),
    /// It has ended as it was asked to.
    Ended(Box<Summary>, Verdict),
}

pub(super) struct GoesOn {
    pub(super) before: Metadata,
    pub(super) from: Checkpoint,
}

/// Ends after which a run with another stop can go on.
const OPEN: [&str; 4] = ["budget", "target", "converged", "stopped"];

impl Asked<'_> {
    /// Looks at the folder; `warn` is told what people should know.
    pub(super) fn of(
        &self,
        folder: &RunFolder,
        checkpoints: &Checkpoints,
        warn: &mut dyn FnMut(Warning),
    ) -> Result<Standing, RunError> {
        if self.mode == Mode::Again {
            folder.clear()?;
            return Ok(Standing::Fresh);
        }
        let nothing = || RunError::NothingToResume { folder: folder.path().to_owned() };
        let Some(before) = folder.metadata()? else {
            folder.clear()?; // of a process that was killed before it had said what it runs
            return if self.mode == Mode::Resume { Err(nothing()) } else { Ok(Standing::Fresh) };
        };
        if before.identity != self.identity {
            let difference = difference(&before.identity, self.identity);
            return Err(RunError::Changed { folder: folder.path().to_owned(), difference });
        }
        if let Some(ended) = self.ended(folder, &before)? {
            return Ok(ended);
        }
        let Some(newest) = checkpoints.newest()? else {
            if self.mode == Mode::Resume {
                return Err(nothing());
            }
            if before.state != State::Interrupted {
                warn(Warning::BegunAnew { folder: folder.path().to_owned() });
            }
            folder.clear()?;
            return Ok(Standing::Fresh);
        };
        if before.optkit != env!("CARGO_PKG_VERSION") {
            let (version, this) = (before.optkit, env!("CARGO_PKG_VERSION"));
            return Err(RunError::Version { folder: folder.path().to_owned(), version, this });
        }
        let from = newest.checkpoint;
        from.is_of_problem(self.identity)
            .map_err(|source| RunError::Resume { folder: folder.path().to_owned(), source })?;
        checkpoints.remove_behind(from.iterations())?;
        for damaged in newest.damaged {
            warn(Warning::Damaged { reason: damaged.to_string(), instead: from.iterations() });
        }
        Ok(Standing::GoesOn(Box::new(GoesOn { before, from })))
    }

    /// The end of a run that need not go on.
    fn ended(&self, folder: &RunFolder, before: &Metadata) -> Result<Option<Standing>, RunError> {
        let (State::Finished, Some(verdict), Some(summary)) =
            (before.state, before.verdict, before.summary())
        else {
            return Ok(None);
        };
        if before.stop == self.stop.text() || !OPEN.contains(&summary.status.as_str()) {
            return Ok(Some(Standing::Ended(Box::new(summary), verdict)));
        }
        // Asked to end elsewhere: it goes on from where it ended, if that is not too far.
        if self.stop.tests().any(|test| is_exceeded(test, &summary)) {
            return Err(RunError::Beyond {
                folder: folder.path().to_owned(),
                status: summary.status_text,
                stop: self.stop.text(),
            });
        }
        Ok(None)
    }
}

fn is_exceeded(test: &Test, summary: &Summary) -> bool {
    match test {
        Test::Epochs(limit) => summary.epochs > *limit,
        Test::Iterations(limit) => summary.iterations > *limit,
        Test::Gradients(limit) => summary.gradient_equivalents > *limit,
        Test::Time(limit) => summary.seconds > limit.as_secs_f64(),
        _ => false,
    }
}
