//! Comma-separated values (RFC 4180): a header, a line a row. Problem and outcome have no place in a table.
//!
//! The columns are those of the first row, keys as in JSON with points: `evaluations.value`.

use std::path::Path;

use crate::file::{Appended, existing};
use crate::{Log, LogError, Outcome, Problem, Row};

/// A log of comma-separated values.
#[derive(Debug)]
pub struct Csv {
    file: Appended,
    /// The header's fields as they are written; none before the first row.
    columns: Vec<String>,
}

impl Csv {
    /// At `path`, replacing the log of an earlier run.
    pub fn create(path: &Path) -> Result<Self, LogError> {
        Ok(Self { file: Appended::create(path, &BEGINS)?, columns: Vec::new() })
    }

    /// At `path`, going on after row `after`.
    pub fn resume(path: &Path, after: u64) -> Result<Self, LogError> {
        let is_kept = |line: &[u8]| {
            let first = line.split(|&byte| byte == b',').next().and_then(|n| std::str::from_utf8(n).ok());
            first.and_then(|number| number.parse::<u64>().ok()).is_some_and(|row| row <= after)
        };
        let (file, begun) = Appended::resume(path, &BEGINS, is_kept)?;
        let columns = match existing(path)?.filter(|_| begun) {
            Some(text) => header(&text),
            None => Vec::new(),
        };
        Ok(Self { file, columns })
    }
}

/// How a log begins.
const BEGINS: [&str; 2] = ["epoch,loss,gradient_norm,", "iteration,loss,gradient_norm,"];

/// The columns that the first line names.
fn header(text: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(text);
    let (mut columns, mut column, mut quoted) = (Vec::new(), String::new(), false);
    for letter in text.lines().next().unwrap_or_default().chars() {
        match letter {
            ',' if !quoted => columns.push(std::mem::take(&mut column)),
            // Both quotes of a doubled one are passed over, so what lies behind is still inside.
            '"' => {
                quoted = !quoted;
                column.push(letter);
            }
            _ => column.push(letter),
        }
    }
    columns.push(column);
    columns
}

/// A field, in quotes where it needs them.
fn field(text: &str) -> String {
    if text.contains(['"', ',']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

impl Log for Csv {
    fn begin(&mut self, _problem: &Problem) -> Result<(), LogError> {
        Ok(())
    }

    fn row(&mut self, row: &Row) -> Result<(), LogError> {
        if self.columns.is_empty() {
            self.columns = row.cells().map(|(name, _)| field(name)).collect();
            self.file.append(self.columns.join(",").into_bytes(), b"\r\n")?;
        }
        let cell = |column: &String| {
            let found = row.cells().find(|(name, _)| field(name) == *column);
            found.map_or_else(String::new, |(_, cell)| cell.to_string())
        };
        let line: Vec<String> = self.columns.iter().map(cell).collect();
        self.file.append(line.join(",").into_bytes(), b"\r\n")
    }

    fn sync(&mut self) -> Result<(), LogError> {
        self.file.sync()
    }

    fn end(&mut self, _outcome: &Outcome) -> Result<(), LogError> {
        Ok(())
    }
}
