//! What the `report` statements of a file ask for: a page, and its figures in a folder of the same name.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use optkit::{lang, machine};
use optkit_log::{LogError, Outcome, Problem, Row};
use optkit_report::{Figure, Log, Provenance, Series, Settings, charts, group, html};
use serde::Serialize;

use crate::args::Output;
use crate::figures::{axis, band};
use crate::files;

/// Writes every report of `problem` from the logs of its runs, in any order; returns the pages and folders written.
///
/// Pages are placed relative to the folder that optkit is called in. A report of experiments none of which has a log
/// is not written.
pub(crate) fn write(problem: &lang::Problem, logs: &[Log]) -> Result<Vec<PathBuf>, String> {
    let mut written = Vec::new();
    for report in &problem.reports {
        let figures = figures(problem, report, logs);
        if figures.is_empty() {
            continue;
        }
        let settings = settings(problem, report);
        let provenance = Provenance {
            title: report.title.clone().or_else(|| problem.title.clone()).unwrap_or_default(),
            problem_text: problem.to_string(),
            environment: environment(&figures),
        };
        let page = Path::new(&report.path.value);
        files::write(page, html(&figures, &settings, &provenance).as_bytes())?;
        let folder = page.with_extension("");
        for chart in charts(&figures, &settings) {
            let place = |ending: &str| folder.join(format!("{}.{ending}", chart.name()));
            for form in
                [Output::Drawing(place("svg")), Output::Image(place("png")), Output::Table(place("csv"))]
            {
                files::write(form.path(), &form.content(&chart)?)?;
            }
        }
        written.extend([page.to_owned(), folder.join("")]);
    }
    Ok(written)
}

/// The experiments that the report names, or all, each with its configurations in the order of the file.
fn figures(problem: &lang::Problem, report: &lang::Report, logs: &[Log]) -> Vec<Figure> {
    if problem.experiments.is_empty() {
        return group(logs.to_vec());
    }
    let named = |experiment: &&lang::Experiment| {
        report.experiments.is_empty() || report.experiments.contains(&experiment.name.value)
    };
    let mut figures = Vec::new();
    for experiment in problem.experiments.iter().filter(named) {
        let name = &experiment.name.value;
        let runs_of = |label: &str| -> Vec<Log> {
            let is_of =
                |log: &&Log| log.experiment.as_ref() == Some(name) && log.series.as_deref() == Some(label);
            let mut runs: Vec<Log> = logs.iter().filter(is_of).cloned().collect();
            runs.sort_by_key(|run| run.trial);
            runs
        };
        let series: Vec<Series> = experiment
            .configurations
            .iter()
            .map(|configuration| Series {
                label: configuration.label.clone(),
                runs: runs_of(&configuration.label),
            })
            .filter(|series| !series.runs.is_empty())
            .collect();
        if !series.is_empty() {
            figures.push(Figure { name: name.clone(), series });
        }
    }
    figures
}

/// What the file asks for; the objective, whatever the file calls it, is `loss` in logs.
fn settings(problem: &lang::Problem, report: &lang::Report) -> Settings {
    let key = |name: &String| {
        let is_objective = *name == problem.objective.name;
        if is_objective { "loss".to_owned() } else { name.clone() }
    };
    let against = if report.against.is_empty() {
        Settings::default().against
    } else {
        report.against.iter().map(|&word| axis(word)).collect()
    };
    Settings { show: report.show.iter().map(key).collect(), against, band: band(report.band) }
}

/// Versions, machine and data, as the runs recorded them.
fn environment(figures: &[Figure]) -> Vec<(String, String)> {
    let runs = || figures.iter().flat_map(Figure::runs);
    let all = |of: &dyn Fn(&Log) -> Option<String>| {
        let mut values: Vec<String> = runs().filter_map(of).collect();
        values.sort();
        values.dedup();
        Some(values.join(", ")).filter(|text| !text.is_empty())
    };
    let data = |run: &Log| {
        let (dataset, checksum) = (run.problem.dataset.as_ref()?, run.problem.data_checksum.as_ref()?);
        Some(format!("{dataset}, SHA-256 {checksum}"))
    };
    let seeds: Vec<u64> = runs().filter_map(|run| run.problem.seed).collect();
    let seeds = match (seeds.iter().min(), seeds.iter().max()) {
        (Some(first), Some(last)) if first < last => Some(format!("{first} to {last}")),
        (Some(only), _) => Some(only.to_string()),
        _ => None,
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let entries = [
        ("optkit", all(&|run| run.problem.optkit.clone())),
        ("kernel", all(&|run| run.problem.kernel.clone())),
        ("threads of a run", all(&|run| run.problem.threads.map(|n| n.to_string()))),
        ("seeds", seeds),
        ("data", all(&data)),
        ("processor", machine::processor().map(|name| format!("{name}, {cores} cores"))),
        ("system", Some(format!("{} on {}", std::env::consts::OS, std::env::consts::ARCH))),
    ];
    entries.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// A log that stays in memory, for a report of a run that is written nowhere else.
#[derive(Clone, Default)]
pub(crate) struct Kept(Arc<Mutex<Vec<u8>>>);

#[derive(Serialize)]
struct First<'a> {
    problem: &'a Problem,
}

impl Kept {
    fn line(&self, record: &impl Serialize) -> Result<(), LogError> {
        let mut text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        serde_json::to_writer(&mut *text, record)
            .expect("records have keys that are strings, and write to memory");
        text.push(b'\n');
        Ok(())
    }

    /// What has been written so far.
    pub(crate) fn read(&self) -> io::Result<Log> {
        let text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut log = Log::read("run", text.as_slice()).map_err(io::Error::other)?;
        log.series.clone_from(&log.problem.solver); // what it is called: its method
        Ok(log)
    }
}

impl optkit_log::Log for Kept {
    fn begin(&mut self, problem: &Problem) -> Result<(), LogError> {
        self.line(&First { problem })
    }

    fn row(&mut self, row: &Row) -> Result<(), LogError> {
        self.line(row)
    }

    fn end(&mut self, outcome: &Outcome) -> Result<(), LogError> {
        self.line(outcome)
    }
}
