//! `optkit runs`: what is kept of runs.

mod clean;
mod show;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use optkit::run_folder::{Found, Metadata, Standing, scan};
use serde_json::{Value, json};

use crate::args::{Runs, RunsAction};
use crate::compare::{self, Entry, aligned, finite};
use crate::exit::Exit;
use crate::stderr;

/// Does what is asked.
pub(crate) fn runs(action: &RunsAction) -> io::Result<Exit> {
    match action {
        RunsAction::List { runs } => with(&runs.folders, |found| list(runs, &found)),
        RunsAction::Compare { runs } => with(&runs.folders, |found| compare(runs, found)),
        RunsAction::Show { run, json } => show::show(run, *json),
        RunsAction::Clean { folders, finished, unfinished, yes } => {
            let what = clean::What { finished: *finished, unfinished: *unfinished };
            with(folders, |found| clean::clean(&found, what, *yes))
        }
    }
}

/// The runs below the folders, or what is wrong with those.
fn with(folders: &[PathBuf], what: impl FnOnce(Vec<Found>) -> io::Result<Exit>) -> io::Result<Exit> {
    let mut found = Vec::new();
    for folder in folders {
        match scan(folder) {
            Ok(runs) => found.extend(runs),
            Err(error) => {
                stderr::error(format_args!("{error}; name a folder that holds runs"));
                return Ok(Exit::Usage);
            }
        }
    }
    if found.is_empty() {
        let names: Vec<String> = folders.iter().map(|folder| format!("`{}`", folder.display())).collect();
        stderr::line(format_args!("no runs in {}", names.join(", ")));
    }
    what(found)
}

/// The keys of a run that all commands print; docs/src/json.md explains them.
fn object(found: &Found) -> Value {
    let mut object = json!({
        "folder": found.folder.to_string_lossy(),
        "standing": found.standing().word(),
        "bytes": found.bytes(),
        "checkpoint_bytes": found.checkpoint_bytes(),
    });
    let metadata = match &found.metadata {
        Ok(metadata) => metadata,
        Err(error) => {
            object["error"] = json!(error.to_string());
            return object;
        }
    };
    object["problem"] = json!(metadata.problem);
    object["experiment"] = json!(metadata.experiment);
    object["configuration"] = json!(metadata.configuration);
    object["trial"] = json!(metadata.trial);
    object["seed"] = json!(metadata.seed);
    object["began"] = json!(metadata.began);
    object["ended"] = json!(metadata.ended);
    object["optkit"] = json!(metadata.optkit);
    if let Some(failure) = &metadata.failure {
        object["error"] = json!(failure);
    }
    if let Some(summary) = metadata.summary() {
        object["status"] = json!(summary.status);
        object["loss"] = json!(finite(summary.loss));
        object["epochs"] = json!(summary.epochs);
        object["gradient_equivalents"] = json!(finite(summary.gradient_equivalents));
        object["seconds"] = json!(finite(summary.seconds));
        for (name, value) in &summary.measures {
            if object.get(name).is_none() {
                object[name] = json!(finite(*value));
            }
        }
    }
    object
}

fn list(runs: &Runs, found: &[Found]) -> io::Result<Exit> {
    let mut out = io::stdout().lock();
    if runs.json {
        found.iter().try_for_each(|run| writeln!(out, "{}", object(run)))?;
        return Ok(Exit::Success);
    }
    if found.is_empty() {
        return Ok(Exit::Success);
    }
    let heading = ["run", "is", "epochs", "loss", "seconds", "began"].map(str::to_owned).to_vec();
    let rows = std::iter::once(heading).chain(found.iter().map(row)).collect::<Vec<_>>();
    aligned(&mut out, &rows)?;
    for run in found {
        if let Err(error) = &run.metadata {
            stderr::line(format_args!("warning: {error}"));
        }
    }
    Ok(Exit::Success)
}

fn row(run: &Found) -> Vec<String> {
    let summary = run.metadata.as_ref().ok().and_then(Metadata::summary);
    let text = |of: &dyn Fn(&optkit::run_folder::Summary) -> String| {
        summary.as_ref().map_or_else(|| "-".to_owned(), of)
    };
    let is = match (run.standing(), &summary) {
        (Standing::Finished, Some(summary)) => summary.status.clone(),
        (standing, _) => standing.word().to_owned(),
    };
    let began = run.metadata.as_ref().map_or("-", |metadata| metadata.began.as_str());
    vec![
        name(&run.folder),
        is,
        text(&|s| s.epochs.to_string()),
        text(&|s| format!("{:.4e}", s.loss)),
        text(&|s| format!("{:.1}", s.seconds)),
        began.replace('T', " ").trim_end_matches('Z').to_owned(),
    ]
}

fn name(folder: &Path) -> String {
    folder.display().to_string()
}

fn compare(runs: &Runs, found: Vec<Found>) -> io::Result<Exit> {
    let entries = found.into_iter().filter_map(|run| {
        let finished = run.standing() == Standing::Finished;
        let metadata = run.metadata.ok()?;
        let summary = metadata.summary().filter(|_| finished);
        // Experiments of one name in several files are told apart.
        let experiment = metadata.experiment.map(|name| format!("{}: {name}", metadata.problem));
        Some(Entry {
            experiment: Some(experiment.unwrap_or(metadata.problem)),
            configuration: metadata.configuration,
            summary,
        })
    });
    let groups = compare::groups(entries);
    let mut out = io::stdout().lock();
    if runs.json {
        groups.iter().try_for_each(|group| writeln!(out, "{}", compare::object(group)))?;
    } else {
        compare::table(&mut out, &groups)?;
    }
    Ok(Exit::Success)
}
