//! `run.json`: what runs, where, since when, and how it ended.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use optkit_core::Outcome as Verdicts;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{METADATA, RunError};

/// Grows with every change that an older reader would misread.
const FORMAT: u64 = 1;

/// What a run folder says of its run. Keys of `run.json` have these names; docs/src/runs.md explains them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    /// Of this file.
    pub format: u64,
    /// Version of optkit.
    pub optkit: String,
    /// How far it is. A run that is killed leaves `begun`.
    pub state: State,
    /// The problem file's name without its ending.
    pub problem: String,
    /// Its title.
    pub title: Option<String>,
    /// The experiment.
    pub experiment: Option<String>,
    /// The configuration's label; without an experiment, the method's word.
    pub configuration: String,
    /// What the experiment varied: paths with the values as written.
    #[serde(default)]
    pub varied: Vec<(String, String)>,
    /// Which trial, counted from 1; none without an experiment.
    pub trial: Option<u64>,
    /// Its seed.
    pub seed: u64,
    /// All that its iterates depend on ([`identity`](optkit_lang::Problem::identity)).
    pub identity: String,
    /// The terms that end it.
    pub stop: String,
    /// What is minimised, in words.
    pub objective: String,
    /// The objective's declared name.
    pub objective_name: String,
    /// Names of the measures.
    #[serde(default)]
    pub measures: Vec<String>,
    /// The method's word.
    pub solver: String,
    /// n.
    pub variables: usize,
    /// SHA-256 of the data.
    pub data_checksum: Option<String>,
    /// Backend, precision and instruction set of a network.
    pub kernel: Option<String>,
    /// The processor's name.
    pub processor: Option<String>,
    /// The operating system and the architecture.
    pub system: String,
    /// Threads of the run.
    pub threads: usize,
    /// When it began, in UTC: `2026-11-27T17:00:00Z`.
    pub began: String,
    /// When it ended, or was interrupted.
    pub ended: Option<String>,
    /// How often it was taken up from a checkpoint.
    #[serde(default)]
    pub resumed: u64,
    /// Wall time of everything so far, in seconds.
    pub seconds_total: f64,
    /// Why it failed.
    pub failure: Option<String>,
    /// What its end means for whoever asked for it.
    pub verdict: Option<Verdict>,
    /// The last record of its log.
    pub outcome: Option<Value>,
}

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It has begun: it runs, or was killed.
    #[default]
    Begun,
    /// It was interrupted, and can go on.
    Interrupted,
    /// It ended.
    Finished,
    /// It could not be made.
    Failed,
}

impl State {
    /// The word of `run.json`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Interrupted => "interrupted",
            Self::Finished => "finished",
            Self::Failed => "failed",
        }
    }
}

/// What the end of a run means for whoever asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It ended as asked.
    AsAsked,
    /// A budget ended a run that was to converge or reach a target.
    NotReached,
    /// The numbers broke down.
    Failed,
    /// It was interrupted.
    Stopped,
}

impl From<Verdicts> for Verdict {
    fn from(outcome: Verdicts) -> Self {
        match outcome {
            Verdicts::AsAsked => Self::AsAsked,
            Verdicts::NotReached => Self::NotReached,
            Verdicts::Failed => Self::Failed,
            Verdicts::Stopped => Self::Stopped,
        }
    }
}

/// How a run ended, in numbers; those that are not finite are NaN.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// In a word: `converged`.
    pub status: String,
    /// In words, with the evidence.
    pub status_text: String,
    /// The objective at the point returned.
    pub loss: f64,
    /// ‖∇f‖∞ there.
    pub gradient_norm: f64,
    /// The measures there.
    pub measures: Vec<(String, f64)>,
    /// Whole epochs made.
    pub epochs: u64,
    /// Iterations made.
    pub iterations: u64,
    /// Work.
    pub gradient_equivalents: f64,
    /// Wall time in training.
    pub seconds: f64,
}

impl Metadata {
    /// The format and the version of now.
    pub(crate) fn stamped(mut self) -> Self {
        self.format = FORMAT;
        env!("CARGO_PKG_VERSION").clone_into(&mut self.optkit);
        self.system = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
        self
    }

    /// How it ended; none of a run that has not.
    #[must_use]
    pub fn summary(&self) -> Option<Summary> {
        let outcome = self.outcome.as_ref()?;
        let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
        let text = |key: &str| outcome[key].as_str().unwrap_or_default().to_owned();
        Some(Summary {
            status: text("status"),
            status_text: text("status_text"),
            loss: number(&outcome["loss"]),
            gradient_norm: number(&outcome["gradient_norm"]),
            measures: self.measures.iter().map(|name| (name.clone(), number(&outcome[name]))).collect(),
            epochs: outcome["epochs"].as_u64().unwrap_or(0),
            iterations: outcome["iterations"].as_u64().unwrap_or(0),
            gradient_equivalents: number(&outcome["evaluations"]["gradient_equivalents"]),
            seconds: number(&outcome["seconds"]),
        })
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes =
            serde_json::to_vec_pretty(self).expect("keys are strings, and it is written to memory");
        bytes.push(b'\n');
        bytes
    }

    /// Of the folder at `folder`; none where there is no `run.json`.
    pub(super) fn read(folder: &Path) -> Result<Option<Self>, RunError> {
        let path = folder.join(METADATA);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(RunError::file("read", &path)(error)),
        };
        let damaged = |reason: String| RunError::Damaged { path: path.clone(), reason };
        let value: Value = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        let found = value["format"].as_u64().ok_or_else(|| damaged("it has no `format`".to_owned()))?;
        if found > FORMAT {
            let version = value["optkit"].as_str().unwrap_or("of a later version").to_owned();
            return Err(RunError::Newer { folder: folder.to_owned(), found, known: FORMAT, version });
        }
        serde_json::from_value(value).map(Some).map_err(|error| damaged(error.to_string()))
    }
}

/// Now, in UTC, to the second: RFC 3339.
pub(crate) fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    utc(since.as_secs())
}

/// Days to a date by H. Hinnant's `civil_from_days`, in years that begin in March.
fn utc(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let shifted = days + 719_468; // days from 0000-03-01 to 1970-01-01
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + 400 * era + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By `date -u -d @SECONDS`.
    #[test]
    fn seconds_are_dates() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (1_795_798_800, "2026-11-27T17:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(utc(seconds), text);
        }
    }
}
