//! What a run shows: text for people, JSON Lines for programs, or nothing.

mod bar;
mod json;
mod logged;
mod text;

use std::io;
use std::ops::ControlFlow;
use std::time::Duration;

use optkit::record::Facts;
use optkit::{Iteration, Observer, RunReport};
use optkit_log::{Log, LogError, Target};

use crate::args::Solve;
use crate::columns::counted;
use crate::pace::Pace;
use crate::report::Kept;

pub(crate) use bar::used;

/// `26,506 parameters in 6 tensors, 6 subdomains`.
pub(crate) fn size(variables: usize, tensors: Option<usize>, subdomains: Option<usize>) -> String {
    let variables = match tensors {
        None => counted(variables, "variable"),
        Some(tensors) => format!("{} in {}", counted(variables, "parameter"), counted(tensors, "tensor")),
    };
    let parts = subdomains.map_or_else(String::new, |parts| format!(", {}", counted(parts, "subdomain")));
    variables + &parts
}

/// A way to show a run. Results go to stdout.
pub(crate) trait Show {
    /// Before the first iteration.
    fn problem(&mut self, facts: &Facts) -> io::Result<()>;
    /// After each iteration; on mini-batches, after each epoch.
    fn iteration(&mut self, iteration: &Iteration<'_>) -> io::Result<()>;
    /// At the end.
    fn summary(
        &mut self,
        facts: &Facts,
        report: &RunReport,
        total: Duration,
        peak_memory: Option<u64>,
    ) -> io::Result<()>;
}

/// The way that the command line asks for, without logs.
pub(crate) fn plain(args: &Solve, pace: Pace) -> Box<dyn Show + Send> {
    if args.quiet {
        Box::new(Silent)
    } else if args.json {
        Box::new(json::JsonLines::new())
    } else {
        Box::new(text::Text::new(pace))
    }
}

/// The way that the command line asks for, with its logs begun.
pub(crate) fn choose(args: &Solve, pace: Pace, kept: Option<Kept>) -> Result<Box<dyn Show + Send>, LogError> {
    let shown = plain(args, pace);
    let mut logs: Vec<Box<dyn Log>> = args.log.iter().map(Target::create).collect::<Result<_, _>>()?;
    if let Some(kept) = kept {
        logs.push(Box::new(kept));
    }
    if logs.is_empty() {
        return Ok(shown);
    }
    Ok(Box::new(logged::Logged::new(shown, logs)))
}

struct Silent;

impl Show for Silent {
    fn problem(&mut self, _: &Facts) -> io::Result<()> {
        Ok(())
    }
    fn iteration(&mut self, _: &Iteration<'_>) -> io::Result<()> {
        Ok(())
    }
    fn summary(&mut self, _: &Facts, _: &RunReport, _: Duration, _: Option<u64>) -> io::Result<()> {
        Ok(())
    }
}

/// Shows iterations as they come, of mini-batches those that end an epoch; output that cannot be written stops the run.
pub(crate) struct Observing<'a> {
    shown: &'a mut (dyn Show + Send),
    error: Option<io::Error>,
}

impl<'a> Observing<'a> {
    pub(crate) fn new(shown: &'a mut (dyn Show + Send)) -> Self {
        Self { shown, error: None }
    }

    /// What stopped the output, if anything did.
    pub(crate) fn error(self) -> Option<io::Error> {
        self.error
    }
}

impl Observer for Observing<'_> {
    fn observe(&mut self, iteration: &Iteration<'_>) -> ControlFlow<()> {
        if !iteration.ends_epoch {
            return ControlFlow::Continue(());
        }
        match self.shown.iteration(iteration) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.error = Some(error);
                ControlFlow::Break(())
            }
        }
    }
}
