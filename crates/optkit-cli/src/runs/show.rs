//! `optkit runs show`.

use std::io::{self, Write};
use std::path::Path;

use optkit::run_folder::{Found, Metadata, scan};
use serde_json::json;

use crate::columns::counted;
use crate::exit::Exit;
use crate::stderr;

pub(super) fn show(run: &Path, json: bool) -> io::Result<Exit> {
    let found = match scan(run) {
        Ok(found) => found,
        Err(error) => {
            stderr::error(error);
            return Ok(Exit::Usage);
        }
    };
    let [found] = found.as_slice() else {
        let place = run.display();
        stderr::error(match found.len() {
            0 => format!("`{place}` is no run; name the folder of one, as `optkit runs list` shows it"),
            n => format!("`{place}` holds {n} runs; name the folder of one, as `optkit runs list` shows it"),
        });
        return Ok(Exit::Usage);
    };
    let metadata = match &found.metadata {
        Ok(metadata) => metadata,
        Err(error) => {
            stderr::error(error);
            return Ok(Exit::Usage);
        }
    };
    let mut out = io::stdout().lock();
    if json {
        let mut object = serde_json::to_value(metadata).map_err(io::Error::other)?;
        for (key, value) in super::object(found).as_object().into_iter().flatten() {
            if object.get(key).is_none() {
                object[key] = json!(value);
            }
        }
        writeln!(out, "{object}")?;
    } else {
        text(&mut out, found, metadata)?;
    }
    Ok(Exit::Success)
}

fn text(out: &mut impl Write, found: &Found, metadata: &Metadata) -> io::Result<()> {
    let mut row = |name: &str, value: &str| writeln!(out, "{name:<12} {value}");
    if let Some(title) = &metadata.title {
        row("title", title)?;
    }
    row("problem", &metadata.problem)?;
    if let Some(experiment) = &metadata.experiment {
        row("experiment", experiment)?;
    }
    row("runs", &metadata.configuration)?;
    let trial = metadata.trial.map_or_else(String::new, |trial| format!("trial {trial}, "));
    row("", &format!("{trial}seed {}", metadata.seed))?;
    row("objective", &format!("{} = {}", metadata.objective_name, metadata.objective))?;
    row("stop when", &metadata.stop)?;
    row("is", found.standing().word())?;
    if let Some(failure) = &metadata.failure {
        row("failed of", failure)?;
    }
    if let Some(summary) = metadata.summary() {
        row("status", &summary.status_text)?;
        row(&metadata.objective_name, &format!("{:.6e}", summary.loss))?;
        for (name, value) in &summary.measures {
            row(name, &format!("{:.2}%", 100.0 * value))?;
        }
        row("epochs", &summary.epochs.to_string())?;
        row("work", &format!("{:.1} gradient equivalents", summary.gradient_equivalents))?;
        row("training", &format!("{:.2} s", summary.seconds))?;
    }
    let resumed = match metadata.resumed {
        0 => String::new(),
        n => format!(", taken up {}", counted(n, "time")),
    };
    row("began", &format!("{}{resumed}", metadata.began))?;
    if let Some(ended) = &metadata.ended {
        row("ended", ended)?;
    }
    let kernel = metadata.kernel.as_ref().map_or_else(String::new, |kernel| format!(", {kernel}"));
    row("by", &format!("optkit {}, {}{kernel}", metadata.optkit, counted(metadata.threads, "thread")))?;
    let processor = metadata.processor.as_deref().unwrap_or("processor not known");
    row("on", &format!("{processor}, {}", metadata.system))?;
    if let Some(checksum) = &metadata.data_checksum {
        row("data", &format!("SHA-256 {checksum}"))?;
    }
    row("files", &format!("{}, {}", found.folder.display(), size(found.bytes())))?;
    row("", "problem.apts, run.jsonl, run.json")?;
    if found.checkpoint_bytes() > 0 {
        row("", &format!("checkpoints, {}", size(found.checkpoint_bytes())))?;
    }
    Ok(())
}

/// `12.3 MB`.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}
