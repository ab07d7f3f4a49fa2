//! Logs, written beside whatever is shown.

use std::io;
use std::time::Duration;

use optkit::{Iteration, RunReport, record};
use optkit_log::Log;

use super::{Facts, Show};

/// Shows a run another way, and writes its logs.
pub(super) struct Logged {
    shown: Box<dyn Show + Send>,
    logs: Vec<Box<dyn Log>>,
    unit: &'static str,
}

impl Logged {
    pub(super) fn new(shown: Box<dyn Show + Send>, logs: Vec<Box<dyn Log>>) -> Self {
        Self { shown, logs, unit: "iteration" }
    }

    fn write<T>(
        &mut self,
        record: &T,
        write: fn(&mut dyn Log, &T) -> Result<(), optkit_log::LogError>,
    ) -> io::Result<()> {
        self.logs.iter_mut().try_for_each(|log| write(log.as_mut(), record)).map_err(io::Error::other)
    }
}

impl Show for Logged {
    fn problem(&mut self, facts: &Facts) -> io::Result<()> {
        self.unit = facts.unit;
        self.write(&facts.problem, |log, problem| log.begin(problem))?;
        self.shown.problem(facts)
    }

    fn iteration(&mut self, iteration: &Iteration<'_>) -> io::Result<()> {
        self.write(&record::row(self.unit, iteration), |log, row| log.row(row))?;
        self.shown.iteration(iteration)
    }

    fn summary(
        &mut self,
        facts: &Facts,
        report: &RunReport,
        total: Duration,
        peak_memory: Option<u64>,
    ) -> io::Result<()> {
        self.write(&facts.outcome(report, total, peak_memory), |log, outcome| log.end(outcome))?;
        self.shown.summary(facts, report, total, peak_memory)
    }
}
