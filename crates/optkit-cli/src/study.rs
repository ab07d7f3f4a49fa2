//! `optkit solve` of runs that are kept in folders: the experiments of a file, or a single run that may be interrupted.

mod board;
mod lines;
mod live;
mod single;

use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use optkit::assemble::SharedData;
use optkit::data::Locations;
use optkit::experiment::{End, Execution, Mode, Study, Watch, execute};
use optkit::lang::{Diagnostics, Problem};
use optkit::problem::Planned;
use optkit::run_folder::RunError;
use optkit_report::Log;

use crate::args::{DEFAULT_RUNS, Solve};
use crate::data::Shown;
use crate::exit::Exit;
use crate::pace::Pace;
use crate::{solve, stderr};

/// Whether runs are to be kept: those of experiments are, others where something asks for it.
pub(crate) fn is_asked_for(args: &Solve, problem: &Problem) -> bool {
    let experiments = !problem.experiments.is_empty() || !args.experiments.is_empty();
    let options = args.runs.is_some() || args.checkpoint.is_some() || args.resume || args.again;
    experiments || options || problem.run.given("checkpoint") || problem.run.given("keep")
}

/// Runs them.
pub(crate) fn solve(args: &Solve, planned: Planned, interrupted: &'static AtomicBool) -> io::Result<Exit> {
    let Planned { mut problem, mut plan, diagnostics } = planned;
    solve::limit(&mut plan.stop, args);
    if let Some(seed) = args.changes.seed {
        problem.experiments.iter_mut().for_each(|experiment| experiment.seed = seed);
    }
    let root = args.runs.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_RUNS));
    let study = match Study::new(&problem, &name(&args.changes.file), &root, &args.experiments) {
        Ok(study) => study,
        Err(error) => return usage(error),
    };
    let several = !problem.experiments.is_empty();
    if several && !args.log.is_empty() {
        return usage("`--log` is of one run; the runs of experiments have their logs in their folders");
    }
    if several && args.resume && !study.has_begun() {
        return usage(format_args!(
            "no run of this file has begun in `{}`; leave out --resume to begin",
            root.display()
        ));
    }
    let locations = Locations::from_environment(args.changes.data_dir.clone());
    let data = SharedData::new(locations, Some(Box::new(Shown::new(args.quiet, interrupted))));
    let execution = Execution {
        threads: solve::threads(&args.changes, &plan),
        mode: mode(args, several),
        checkpoint: args.checkpoint,
        limit: &|stop| solve::limit(stop, args),
        data: Some(&data),
        interrupt: Some(interrupted),
        logs: &args.log,
    };
    let mut watch: Box<dyn Watch> = if several {
        lines::choose(args, &root)
    } else {
        Box::new(single::Single::new(args, Pace::new(&plan.stop)))
    };
    let ends = execute(&study, &execution, watch.as_mut())?;
    let exit = if several { lines::conclude(args, &study, &ends)? } else { concluded(ends, diagnostics) };
    if problem.reports.is_empty() { Ok(exit) } else { solve::reported(args, &problem, &logs(&study), exit) }
}

/// The logs of all runs that have one, of those that were interrupted or made before too.
fn logs(study: &Study<'_>) -> Vec<Log> {
    let mut logs = Vec::new();
    for trial in study.trials() {
        let (path, name) = (trial.log(), trial.log().display().to_string());
        let Ok(file) = File::open(path) else { continue };
        match Log::read(&name, BufReader::new(file)) {
            Ok(mut log) => {
                log.series.get_or_insert_with(|| trial.configuration.clone());
                logs.push(log);
            }
            Err(error) => stderr::line(format_args!("left out of the report: {error}")),
        }
    }
    logs
}

/// The end of a single run; what failed is said here.
fn concluded(ends: Vec<End>, diagnostics: Diagnostics) -> Exit {
    let exit = Exit::of_ends(&ends);
    match ends.into_iter().next() {
        Some(End::Failed(RunError::Load(error))) => solve::refused(error, diagnostics),
        Some(End::Failed(error)) => {
            stderr::error(error);
            exit
        }
        _ => exit,
    }
}

fn mode(args: &Solve, several: bool) -> Mode {
    if args.again {
        Mode::Again
    } else if args.resume && !several {
        Mode::Resume
    } else {
        Mode::Continue
    }
}

fn usage(text: impl std::fmt::Display) -> io::Result<Exit> {
    stderr::error(text);
    Ok(Exit::Usage)
}

/// The file's name without its ending.
fn name(file: &Path) -> String {
    file.file_stem().map_or_else(|| "problem".to_owned(), |stem| stem.to_string_lossy().into_owned())
}
