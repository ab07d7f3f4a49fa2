//! `optkit solve`.

use std::io::{self, Write};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use optkit::assemble::{Assembly, LoadPlanError, Plan};
use optkit::data::{Fetch, Locations};
use optkit::lang::{Diagnostics, Problem};
use optkit::problem::Planned;
use optkit::record::Facts;
use optkit::{Run, StopWhen, Test, machine, run};
use optkit_report::Log;

use crate::args::{Changes, Solve};
use crate::data::Shown;
use crate::exit::Exit;
use crate::pace::Pace;
use crate::report::Kept;
use crate::{interrupt, read, report, show, stderr, study};

/// Runs the file.
pub(crate) fn solve(args: &Solve) -> io::Result<Exit> {
    let begun = Instant::now();
    let interrupted = interrupt::listen();
    let planned = match read::planned(&args.changes) {
        Ok(planned) => planned,
        Err(exit) => return Ok(exit),
    };
    if study::is_asked_for(args, &planned.problem) {
        return study::solve(args, planned, interrupted);
    }
    alone(args, planned, interrupted, begun)
}

/// A run that leaves nothing behind but its output.
fn alone(
    args: &Solve,
    planned: Planned,
    interrupted: &'static AtomicBool,
    begun: Instant,
) -> io::Result<Exit> {
    let mut plan = planned.plan;
    limit(&mut plan.stop, args);
    let threads = threads(&args.changes, &plan);
    let pool = pool(threads)?;
    let mut progress = Shown::new(args.quiet, interrupted);
    let assembly = match pool.install(|| load(&plan, &args.changes, &mut progress)) {
        Ok(assembly) => assembly,
        Err(error) => return Ok(refused(error, planned.diagnostics)),
    };
    let facts = Facts::new(&plan, &assembly, threads);
    let kept = (!planned.problem.reports.is_empty()).then(Kept::default);
    let mut shown = match show::choose(args, Pace::new(&plan.stop), kept.clone()) {
        Ok(shown) => shown,
        Err(error) => {
            stderr::error(error);
            return Ok(Exit::Usage);
        }
    };
    shown.problem(&facts)?;
    let Assembly { mut objective, mut optimizer, start, mut measures, .. } = assembly;
    let mut observer = show::Observing::new(shown.as_mut());
    let setup = Run {
        stop: &plan.stop,
        measures: &mut measures,
        observer: &mut observer,
        interrupt: Some(interrupted),
    };
    let outcome = pool.install(|| run(optimizer.as_mut(), objective.as_mut(), &start, setup));
    if let Some(error) = observer.error() {
        return Err(error);
    }
    match outcome {
        Ok(report) => {
            shown.summary(&facts, &report, begun.elapsed(), machine::peak_memory())?;
            let exit = Exit::of_run(&report);
            match kept {
                Some(kept) => reported(args, &planned.problem, &[kept.read()?], exit),
                None => Ok(exit),
            }
        }
        Err(error) => {
            stderr::error(error);
            Ok(Exit::Usage)
        }
    }
}

/// Writes the file's reports from the logs of its runs; `exit` where that worked.
pub(crate) fn reported(args: &Solve, problem: &Problem, logs: &[Log], exit: Exit) -> io::Result<Exit> {
    match report::write(problem, logs) {
        Ok(written) => {
            if !(args.quiet || args.json || written.is_empty()) {
                let names: Vec<String> = written.iter().map(|path| path.display().to_string()).collect();
                writeln!(io::stdout().lock(), "report       {}", names.join(", "))?;
            }
            Ok(exit)
        }
        Err(message) => {
            stderr::error(message);
            Ok(Exit::Usage)
        }
    }
}

/// Limits of the command line replace the file's of their kind.
pub(crate) fn limit(stop: &mut StopWhen, args: &Solve) {
    if let Some(n) = args.epochs {
        stop.limit(format!("--epochs {n}"), Test::Epochs(n));
    }
    if let Some(n) = args.iterations {
        stop.limit(format!("--iterations {n}"), Test::Iterations(n));
    }
    if let Some(time) = args.time {
        stop.limit(format!("--time {}s", time.as_secs_f64()), Test::Time(time));
    }
}

/// The command line's threads, the file's, or all cores.
pub(crate) fn threads(changes: &Changes, plan: &Plan) -> usize {
    changes
        .threads
        .map(usize::from)
        .or(plan.threads)
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
}

/// The pool in which everything runs.
pub(crate) fn pool(threads: usize) -> io::Result<rayon::ThreadPool> {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(io::Error::other)
}

/// Brings the data in; a dataset that is missing is fetched.
pub(crate) fn load(plan: &Plan, changes: &Changes, progress: &mut Shown) -> Result<Assembly, LoadPlanError> {
    let locations = Locations::from_environment(changes.data_dir.clone());
    plan.load(&locations, Fetch::IfMissing(progress))
}

/// Says why the plan could not be carried out.
pub(crate) fn refused(error: LoadPlanError, mut diagnostics: Diagnostics) -> Exit {
    match error {
        LoadPlanError::Data(error) => {
            stderr::error(&error);
            Exit::of_data(&error)
        }
        LoadPlanError::Fit(diagnostic) => {
            diagnostics.list = vec![*diagnostic];
            stderr::diagnostics(&diagnostics);
            Exit::Usage
        }
        other => {
            stderr::error(other);
            Exit::Usage
        }
    }
}
