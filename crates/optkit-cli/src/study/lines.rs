//! The runs of experiments, a line each as it ends, and the comparison of their configurations.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use optkit::experiment::{End, Study, Trial, Warning, Watch};
use optkit::run_folder::{Summary, Verdict};
use serde_json::{Value, json};

use super::live::Live;
use crate::args::Solve;
use crate::columns::{counted, grouped};
use crate::compare::{self, Entry, finite};
use crate::exit::Exit;
use crate::stderr;

/// The way that the command line asks for; on a terminal, with a view of how far all are.
pub(super) fn choose(args: &Solve, root: &Path) -> Box<dyn Watch> {
    let plain: Box<dyn Watch> = if args.quiet {
        Box::new(Silent)
    } else if args.json {
        Box::new(JsonLines)
    } else {
        Box::new(Lines { root: root.to_owned(), of: 0, ended: 0 })
    };
    if args.quiet || !io::stderr().is_terminal() { plain } else { Box::new(Live::new(plain)) }
}

fn warn(trial: &Trial, warning: &Warning) {
    stderr::line(format_args!("warning: {}: {warning}", trial.name()));
}

fn failed(trial: &Trial, end: &End) {
    if let End::Failed(error) = end {
        stderr::error(format_args!("{}: {error}", trial.name()));
    }
}

struct Silent;

impl Watch for Silent {
    fn warned(&mut self, trial: &Trial, warning: &Warning) -> io::Result<()> {
        warn(trial, warning);
        Ok(())
    }

    fn ended(&mut self, trial: &Trial, end: &End) -> io::Result<()> {
        failed(trial, end);
        Ok(())
    }
}

struct Lines {
    root: PathBuf,
    of: usize,
    ended: usize,
}

impl Watch for Lines {
    fn queued(&mut self, trials: &[&Trial], side_by_side: usize) -> io::Result<()> {
        self.of = trials.len();
        let mut experiments: Vec<&str> = trials.iter().filter_map(|t| t.experiment.as_deref()).collect();
        experiments.dedup();
        let (runs, experiments) = (counted(self.of, "run"), counted(experiments.len(), "experiment"));
        let place = self.root.display();
        writeln!(io::stdout(), "{runs} of {experiments}, {side_by_side} at a time, kept in `{place}`\n")
    }

    fn warned(&mut self, trial: &Trial, warning: &Warning) -> io::Result<()> {
        warn(trial, warning);
        Ok(())
    }

    fn ended(&mut self, trial: &Trial, end: &End) -> io::Result<()> {
        if let End::NotBegun = end {
            return Ok(());
        }
        self.ended += 1;
        failed(trial, end);
        let width = self.of.to_string().len();
        let head = format!("{:>width$}/{} {}", self.ended, self.of, trial.name());
        match end {
            End::Ran(ran) => {
                let report = &ran.report;
                let work = counted(report.epochs, ran.facts.unit);
                let seconds = report.training.as_secs_f64();
                let status = report.status.name();
                let measures = measures(&report.measures);
                let loss = report.value;
                writeln!(
                    io::stdout(),
                    "{head}: {status}, {} {loss:.4e}{measures}, {work}, {seconds:.1} s",
                    ran.facts.objective_name
                )
            }
            _ => Ok(()),
        }
    }
}

fn measures(measures: &[(String, f64)]) -> String {
    measures.iter().map(|(name, value)| format!(", {name} {:.2}%", 100.0 * value)).collect()
}

struct JsonLines;

impl Watch for JsonLines {
    fn warned(&mut self, trial: &Trial, warning: &Warning) -> io::Result<()> {
        warn(trial, warning);
        Ok(())
    }

    fn ended(&mut self, trial: &Trial, end: &End) -> io::Result<()> {
        failed(trial, end);
        writeln!(io::stdout(), "{}", object(trial, end))
    }
}

/// A run as it ended; docs/src/json.md explains the keys.
fn object(trial: &Trial, end: &End) -> Value {
    let ended = match end {
        End::Ran(_) | End::Kept(..) if end.is_finished() => "finished",
        End::Ran(_) | End::Kept(..) => "interrupted",
        End::Failed(_) => "failed",
        End::NotBegun => "not_begun",
    };
    let error = if let End::Failed(error) = end { Some(error.to_string()) } else { None };
    let summary = summary(end);
    let number = |of: fn(&Summary) -> f64| summary.as_ref().and_then(|summary| finite(of(summary)));
    let mut object = json!({
        "experiment": trial.experiment,
        "configuration": trial.configuration,
        "trial": trial.number,
        "seed": trial.seed,
        "folder": trial.folder.to_string_lossy(),
        "state": ended,
        "ran_before": matches!(end, End::Kept(..)),
        "error": error,
        "status": summary.as_ref().map(|s| &s.status),
        "status_text": summary.as_ref().map(|s| &s.status_text),
        "loss": number(|s| s.loss),
        "gradient_norm": number(|s| s.gradient_norm),
        "epochs": summary.as_ref().map(|s| s.epochs),
        "iterations": summary.as_ref().map(|s| s.iterations),
        "gradient_equivalents": number(|s| s.gradient_equivalents),
        "seconds": number(|s| s.seconds),
    });
    for (name, value) in summary.iter().flat_map(|summary| &summary.measures) {
        if object.get(name).is_none() {
            object[name] = json!(finite(*value));
        }
    }
    object
}

/// The numbers of a run that was made, now or before.
pub(super) fn summary(end: &End) -> Option<Summary> {
    match end {
        End::Ran(ran) => Some(ran.summary()),
        End::Kept(summary, _) => Some(summary.as_ref().clone()),
        End::Failed(_) | End::NotBegun => None,
    }
}

/// What all runs together came to: the comparison of their configurations, and how to go on.
pub(super) fn conclude(args: &Solve, study: &Study<'_>, ends: &[End]) -> io::Result<Exit> {
    if !args.quiet && !args.json {
        let finished = |end: &End| if end.is_finished() { summary(end) } else { None };
        let entries = study.trials().zip(ends).map(|(trial, end)| Entry {
            experiment: trial.experiment.clone(),
            configuration: trial.configuration.clone(),
            summary: finished(end),
        });
        let mut out = io::stdout().lock();
        compare::table(&mut out, &compare::groups(entries))?;
        writeln!(out, "\n{}", counts(ends))?;
    }
    Ok(Exit::of_ends(ends))
}

fn counts(ends: &[End]) -> String {
    let count = |is: fn(&End) -> bool| ends.iter().filter(|end| is(end)).count();
    let ended = count(|end| matches!(end, End::Ran(_)) && end.is_finished());
    let before = count(|end| matches!(end, End::Kept(..)));
    let failed = count(|end| matches!(end, End::Failed(_)));
    let broke = count(|end| end.verdict() == Some(Verdict::Failed));
    let open = count(|end| matches!(end, End::NotBegun) || end.verdict() == Some(Verdict::Stopped));
    let mut text = format!("{} ended", counted(ended, "run"));
    for (number, what) in [
        (before, "had ended before"),
        (broke, "of these with numbers that broke down"),
        (failed, "could not be made"),
        (open, "not ended"),
    ] {
        if number > 0 {
            text += &format!(", {} {what}", grouped(number));
        }
    }
    if failed + open > 0 {
        text += "; the same command goes on with those";
    }
    text
}
