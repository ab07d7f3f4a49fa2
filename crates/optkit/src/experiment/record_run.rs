//! The observer of a run in a folder: its logs, its checkpoints, and whoever watches.

use std::ops::ControlFlow;
use std::time::Instant;

use optkit_log::{Log, LogError};

use super::execute::Watching;
use super::pace::Pace;
use super::{Trial, Warning};
use crate::record::{Facts, row};
use crate::run::{Iteration, Observer};
use crate::run_folder::Checkpoints;

/// Writes down what happens.
pub(super) struct Recorder<'a, 'w> {
    pub(super) trial: &'a Trial,
    pub(super) facts: &'a Facts,
    pub(super) watching: &'a Watching<'w>,
    pub(super) logs: Vec<Box<dyn Log>>,
    pub(super) checkpoints: Checkpoints,
    pub(super) pace: Pace,
    pub(super) identity: &'a str,
    /// Why a log cannot be written, which ends the run.
    pub(super) error: Option<LogError>,
}

impl Recorder<'_, '_> {
    /// Writes to all logs.
    pub(super) fn log(
        &mut self,
        write: impl Fn(&mut dyn Log) -> Result<(), LogError>,
    ) -> Result<(), LogError> {
        self.logs.iter_mut().try_for_each(|log| write(log.as_mut()))
    }

    fn checkpoint(&mut self, iteration: &Iteration<'_>) {
        let begun = Instant::now();
        let checkpoint = iteration.checkpoint().of_problem(self.identity);
        // What the checkpoint knows must be in the logs, after a loss of power too.
        let logged = self.log(|log| log.sync()).map_err(|error| error.to_string());
        let written = logged.and_then(|()| self.checkpoints.write(&checkpoint).map_err(|e| e.to_string()));
        if let Err(reason) = written {
            self.watching.tell(|watch| watch.warned(self.trial, &Warning::NotWritten { reason }));
        }
        self.pace.wrote(begun.elapsed());
    }

    fn show(&mut self, iteration: &Iteration<'_>) -> ControlFlow<()> {
        let row = row(self.facts.unit, iteration);
        if let Err(error) = self.log(|log| log.row(&row)) {
            self.error = Some(error);
            return ControlFlow::Break(());
        }
        self.watching.tell(|watch| watch.progressed(self.trial, self.facts, iteration));
        ControlFlow::Continue(())
    }
}

impl Observer for Recorder<'_, '_> {
    fn observe(&mut self, iteration: &Iteration<'_>) -> ControlFlow<()> {
        let mut flow = if iteration.ends_epoch { self.show(iteration) } else { ControlFlow::Continue(()) };
        if self.watching.is_over() {
            flow = ControlFlow::Break(());
        }
        if flow.is_break() || iteration.ends || self.pace.is_due() {
            self.checkpoint(iteration);
        }
        flow
    }
}
