//! A single run that is kept in a folder, shown as any other.

use std::io::{self, Write};

use optkit::Iteration;
use optkit::experiment::{End, Start, Trial, Warning, Watch};
use optkit::record::Facts;
use optkit::run_folder::{Summary, scan};

use crate::args::Solve;
use crate::columns::grouped;
use crate::pace::Pace;
use crate::show::{self, Show};
use crate::stderr;

pub(super) struct Single {
    shown: Box<dyn Show + Send>,
    style: Style,
    /// Whether logs were asked for.
    logs: bool,
}

/// What is wanted on standard output.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Text,
    Json,
    Quiet,
}

impl Single {
    /// `pace`: of the budgets that end the run.
    pub(super) fn new(args: &Solve, pace: Pace) -> Self {
        let style = match (args.quiet, args.json) {
            (true, _) => Style::Quiet,
            (_, true) => Style::Json,
            _ => Style::Text,
        };
        Self { shown: show::plain(args, pace), style, logs: !args.log.is_empty() }
    }
}

impl Watch for Single {
    fn started(&mut self, trial: &Trial, start: &Start<'_>) -> io::Result<()> {
        if let (Some(after), Style::Text) = (start.resumed_after, self.style) {
            let place = trial.folder.display();
            stderr::line(format_args!("going on after iteration {after}, from `{place}`"));
        }
        self.shown.problem(start.facts)
    }

    fn progressed(&mut self, _: &Trial, _: &Facts, iteration: &Iteration<'_>) -> io::Result<()> {
        self.shown.iteration(iteration)
    }

    fn warned(&mut self, _: &Trial, warning: &Warning) -> io::Result<()> {
        stderr::line(format_args!("warning: {warning}"));
        Ok(())
    }

    fn ended(&mut self, trial: &Trial, end: &End) -> io::Result<()> {
        match end {
            End::Ran(ran) => {
                self.shown.summary(&ran.facts, &ran.report, ran.total, ran.peak_memory)?;
                if self.style == Style::Text {
                    writeln!(io::stdout(), "kept in      {}", trial.folder.display())?;
                }
                Ok(())
            }
            End::Kept(summary, _) => {
                if self.logs {
                    let log = trial.log();
                    let place = log.display();
                    stderr::line(format_args!(
                        "warning: this run has ended before, and `--log` writes nothing; its log is `{place}`"
                    ));
                }
                match self.style {
                    Style::Text => kept(trial, summary),
                    // Its records, as a run that is made now would print them.
                    Style::Json => io::stdout().lock().write_all(&std::fs::read(trial.log())?),
                    Style::Quiet => Ok(()),
                }
            }
            End::Failed(_) | End::NotBegun => Ok(()),
        }
    }
}

fn kept(trial: &Trial, summary: &Summary) -> io::Result<()> {
    let metadata = scan(&trial.folder).ok().and_then(|found| found.into_iter().next()?.metadata.ok());
    let objective = metadata.map_or_else(|| "loss".to_owned(), |metadata| metadata.objective_name);
    let mut out = io::stdout().lock();
    writeln!(out, "this run has ended before; --again runs it anew\n")?;
    writeln!(out, "status       {}", summary.status_text)?;
    writeln!(out, "{objective:<12} {:.5e}", summary.loss)?;
    for (name, value) in &summary.measures {
        writeln!(out, "{name:<12} {:.2}%", 100.0 * value)?;
    }
    writeln!(out, "iterations   {}", grouped(summary.iterations))?;
    writeln!(out, "work         {:.1} gradient equivalents", summary.gradient_equivalents)?;
    writeln!(out, "kept in      {}", trial.folder.display())
}
