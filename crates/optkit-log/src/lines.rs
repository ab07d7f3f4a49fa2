//! JSON Lines: the problem, a line a row, the outcome.

use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::file::Appended;
use crate::{Log, LogError, Outcome, Problem, Row};

/// A log of JSON Lines.
#[derive(Debug)]
pub struct JsonLines {
    file: Appended,
    /// Whether the problem is there.
    begun: bool,
}

/// The first line.
#[derive(Serialize)]
struct First<'a> {
    problem: &'a Problem,
}

impl JsonLines {
    /// At `path`, replacing the log of an earlier run.
    pub fn create(path: &Path) -> Result<Self, LogError> {
        Ok(Self { file: Appended::create(path, &BEGINS)?, begun: false })
    }

    /// At `path`, going on after row `after`.
    pub fn resume(path: &Path, after: u64) -> Result<Self, LogError> {
        let is_kept = |line: &[u8]| {
            let Some(object) = object(line) else { return false };
            let row = object.get("epoch").or_else(|| object.get("iteration")).and_then(Value::as_u64);
            row.is_some_and(|row| row <= after)
        };
        let (file, begun) = Appended::resume(path, &BEGINS, is_kept)?;
        Ok(Self { file, begun })
    }
}

/// One record as a line, without its end.
pub(crate) fn line(record: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(record).expect("records have keys that are strings, and write to memory")
}

fn object(line: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice(line).ok()
}

/// How a log begins.
const BEGINS: [&str; 1] = [r#"{"problem":"#];

impl Log for JsonLines {
    fn begin(&mut self, problem: &Problem) -> Result<(), LogError> {
        if std::mem::replace(&mut self.begun, true) {
            return Ok(());
        }
        self.file.append(line(&First { problem }), b"\n")
    }

    fn row(&mut self, row: &Row) -> Result<(), LogError> {
        self.file.append(line(row), b"\n")
    }

    fn sync(&mut self) -> Result<(), LogError> {
        self.file.sync()
    }

    fn end(&mut self, outcome: &Outcome) -> Result<(), LogError> {
        self.file.append(line(outcome), b"\n")
    }
}
