//! One run's log: JSON Lines, read column by column.
//!
//! The first line describes the problem, one line follows each epoch or iteration, the last is the result. A run that
//! was killed leaves a log without a result, its last line perhaps cut short; a run that was resumed may repeat epochs.
//! Both are read.

use crate::{Outcome, Problem, ReportError};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::io::BufRead;

/// The version of the format that is read; keys that a later line adds do not change it.
const SCHEMA: u64 = 1;

/// Columns that every run of optkit has: what is none of these is a measure.
const COLUMNS: [&str; 17] = [
    "epoch",
    "iteration",
    "iterations",
    "loss",
    "gradient_norm",
    "radius",
    "ratio",
    "accepted",
    "trials_accepted",
    "trials_rejected",
    "local_iterations",
    "seconds",
    "seconds_total",
    "evaluations.value",
    "evaluations.gradient",
    "evaluations.hessian_product",
    "evaluations.gradient_equivalents",
];

/// One run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Log {
    /// What it was read from: a file's name.
    pub source: String,
    /// The first line.
    pub problem: Problem,
    /// The experiment that the run belongs to.
    pub experiment: Option<String>,
    /// The configuration's label within the experiment.
    pub series: Option<String>,
    /// Which trial of the configuration, counted from 1.
    pub trial: Option<u64>,
    /// How the run ended; `None` where the log was cut off.
    pub outcome: Option<Outcome>,
    columns: BTreeMap<String, Vec<f64>>,
    rows: usize,
}

impl Log {
    /// Reads a log; `source` is what messages call it.
    ///
    /// # Errors
    ///
    /// Where a line is no JSON object (other than the last, of a run that was killed), where the first describes no
    /// problem, where a line has neither `epoch`, `iteration` nor `status`, or where a later version wrote it.
    ///
    /// ```
    /// # use optkit_report::Log;
    /// let error = Log::read("notes.txt", &b"hello"[..]).unwrap_err();
    /// assert!(error.to_string().starts_with("notes.txt:1: not a JSON object"));
    /// ```
    pub fn read(source: &str, mut reader: impl BufRead) -> Result<Self, ReportError> {
        let mut text = Vec::new();
        let read = reader.read_to_end(&mut text);
        read.map_err(|error| ReportError::Read { source_name: source.to_owned(), error })?;
        let mut log = Self { source: source.to_owned(), ..Self::default() };
        let lines: Vec<(usize, &[u8])> = text
            .split(|&byte| byte == b'\n')
            .enumerate()
            .filter(|(_, line)| !line.trim_ascii().is_empty())
            .collect();
        let Some(&(last, _)) = lines.last() else {
            return Err(ReportError::Empty { source_name: log.source });
        };
        for (index, line) in lines {
            match serde_json::from_slice::<Map<String, Value>>(line) {
                Ok(object) => log.line(index + 1, object)?,
                Err(_) if index == last && index > 0 => break, // cut off with the run
                Err(error) => {
                    let reason = error.to_string();
                    return Err(ReportError::NotJson { source_name: log.source, line: index + 1, reason });
                }
            }
        }
        Ok(log)
    }

    /// How many epochs or iterations it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether it ends before the first epoch.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The values of a key, one a row, NaN where it is missing or `null`; `evaluations.value` is the key `value` in the
    /// object `evaluations`. `None` where no row has it.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&[f64]> {
        self.columns.get(name).map(Vec::as_slice)
    }

    /// The columns that are measures: no part of the format, but named in the problem file.
    pub fn measures(&self) -> impl Iterator<Item = &str> {
        self.columns.keys().map(String::as_str).filter(|name| !COLUMNS.contains(name) && !name.contains('.'))
    }

    /// The columns that have a value in any row, but for the number of the row: what can be drawn.
    pub fn quantities(&self) -> impl Iterator<Item = &str> {
        self.columns
            .iter()
            .filter(|(name, values)| {
                !matches!(name.as_str(), "epoch" | "iteration")
                    && values.iter().any(|value| value.is_finite())
            })
            .map(|(name, _)| name.as_str())
    }

    /// The number of the epoch or iteration, a row.
    #[must_use]
    pub fn steps(&self) -> &[f64] {
        self.column("epoch").or_else(|| self.column("iteration")).unwrap_or_default()
    }

    /// The word for what a row is: `epoch` or `iteration`.
    #[must_use]
    pub fn unit(&self) -> &'static str {
        if self.column("iteration").is_some() && self.column("epoch").is_none() {
            "iteration"
        } else {
            "epoch"
        }
    }

    /// A key of the result, a number: `loss`, a measure, …; of the last row where the log was cut off.
    #[must_use]
    pub fn result(&self, name: &str) -> Option<f64> {
        let Some(outcome) = &self.outcome else {
            return self.column(name)?.last().copied().filter(|value| value.is_finite());
        };
        match name {
            "loss" => outcome.loss,
            "gradient_norm" => outcome.gradient_norm,
            "seconds" => outcome.seconds,
            "evaluations.gradient_equivalents" => outcome.evaluations.gradient_equivalents,
            _ => outcome.other.get(name).and_then(Value::as_f64),
        }
    }

    /// How the run ended, in a word.
    #[must_use]
    pub fn status(&self) -> &str {
        self.outcome.as_ref().map_or("unfinished", |outcome| outcome.status.as_str())
    }

    fn line(&mut self, line: usize, mut object: Map<String, Value>) -> Result<(), ReportError> {
        let malformed = |source: &Self, reason: String| ReportError::Malformed {
            source_name: source.source.clone(),
            line,
            reason,
        };
        if let Some(problem) = object.remove("problem") {
            self.describe(&object, &problem);
            self.problem = serde_json::from_value(problem)
                .map_err(|e| malformed(self, format!("`problem` is not read: {e}")))?;
            return self.check_schema();
        }
        if line == 1 {
            let keys = object.keys().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
            let found = if keys.is_empty() { "none".to_owned() } else { keys };
            return Err(ReportError::NoProblem { source_name: self.source.clone(), found });
        }
        if object.contains_key("status") {
            let outcome = serde_json::from_value(Value::Object(object));
            self.outcome =
                Some(outcome.map_err(|e| malformed(self, format!("the result is not read: {e}")))?);
            return Ok(());
        }
        let step = object.get("epoch").or_else(|| object.get("iteration")).and_then(Value::as_f64);
        let Some(step) = step else {
            return Err(malformed(
                self,
                "neither `epoch`, `iteration` nor `status` is a key with a value".to_owned(),
            ));
        };
        self.outcome = None; // a run that was ended, and resumed
        self.rewind(step);
        self.row(&object);
        Ok(())
    }

    /// The names of an experiment stand beside `problem`, or within.
    fn describe(&mut self, object: &Map<String, Value>, problem: &Value) {
        let find = |key: &str| object.get(key).or_else(|| problem.get(key));
        self.experiment = find("experiment").and_then(Value::as_str).map(str::to_owned);
        self.series = find("series").and_then(Value::as_str).map(str::to_owned);
        self.trial = find("trial").and_then(Value::as_u64);
    }

    fn check_schema(&self) -> Result<(), ReportError> {
        match self.problem.schema {
            Some(found) if found > SCHEMA => {
                Err(ReportError::Schema { source_name: self.source.clone(), found, known: SCHEMA })
            }
            _ => Ok(()),
        }
    }

    /// A resumed run repeats what came after its checkpoint: its account replaces the earlier one.
    fn rewind(&mut self, step: f64) {
        let kept = self.steps().partition_point(|&earlier| earlier < step);
        if kept < self.rows {
            self.rows = kept;
            for column in self.columns.values_mut() {
                column.truncate(kept);
            }
        }
    }

    fn row(&mut self, object: &Map<String, Value>) {
        for (key, value) in object {
            if let Value::Object(inner) = value {
                for (sub, value) in inner {
                    self.cell(&format!("{key}.{sub}"), value);
                }
            } else {
                self.cell(key, value);
            }
        }
        self.rows += 1;
        for column in self.columns.values_mut() {
            column.resize(self.rows, f64::NAN);
        }
    }

    fn cell(&mut self, key: &str, value: &Value) {
        let number = match value {
            Value::Number(number) => number.as_f64().unwrap_or(f64::NAN),
            Value::Bool(truth) => f64::from(u8::from(*truth)),
            Value::Null => f64::NAN,
            _ => return,
        };
        if !self.columns.contains_key(key) {
            self.columns.insert(key.to_owned(), vec![f64::NAN; self.rows]);
        }
        if let Some(column) = self.columns.get_mut(key) {
            column.push(number);
        }
    }
}
