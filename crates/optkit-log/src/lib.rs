//! Logs of runs: one set of records, written as JSON Lines, as CSV, or as event files of TensorBoard.
//!
//! A log has one [`Problem`], a [`Row`] for every epoch or iteration, and one [`Outcome`]; their fields are the keys
//! that `optkit solve --json` prints. A [`Target`] says where they go:
//!
//! | target | is | read by |
//! |---|---|---|
//! | `run.jsonl` | an object a line: problem, rows, outcome ([JSON Lines](https://jsonlines.org)) | anything |
//! | `run.csv` | a header, then a line a row ([RFC 4180](https://www.rfc-editor.org/rfc/rfc4180)) | `pandas.read_csv`, spreadsheets |
//! | `tensorboard:DIR` | scalars by step, problem and outcome as text | TensorBoard |
//!
//! Every row reaches the file system before [`Log::row`] returns: a run that is killed leaves all rows that it made, the
//! last perhaps cut short. A run that is [resumed](Target::resume) drops what lies behind its checkpoint and goes on.
//!
//! ```
//! use optkit_log::{Count, Row, Target};
//! let folder = std::env::temp_dir().join("optkit-log-example");
//! let target: Target = folder.join("run.csv").to_str().expect("a path in UTF-8").parse()?;
//! let mut log = target.create()?;
//! for epoch in 1..=3 {
//!     log.row(&Row { count: Count::Epoch(epoch), loss: 1.0 / epoch as f64, ..Row::default() })?;
//! }
//! drop(log);
//!
//! let mut log = target.resume(2)?; // from a checkpoint after epoch 2
//! log.row(&Row { count: Count::Epoch(3), loss: 0.25, ..Row::default() })?;
//! let text = std::fs::read_to_string(folder.join("run.csv"))?;
//! assert_eq!(text.lines().count(), 4);
//! assert!(text.lines().last().expect("a line").starts_with("3,0.25,"));
//! # std::fs::remove_dir_all(folder)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod cell;
mod csv;
mod error;
mod events;
mod file;
mod lines;
mod record;
mod target;

pub use cell::Cell;
pub use csv::Csv;
pub use error::LogError;
pub use events::Events;
pub use lines::JsonLines;
pub use record::{Count, Evaluations, Outcome, Part, Phases, Problem, Row, SCHEMA};
pub use target::Target;

/// Where the records of a run go. Called in order: the problem, its rows, the outcome.
pub trait Log: Send {
    /// The run begins. One that was resumed has the problem already.
    fn begin(&mut self, problem: &Problem) -> Result<(), LogError>;

    /// After an epoch or iteration.
    fn row(&mut self, row: &Row) -> Result<(), LogError>;

    /// From here on, what was written outlasts a loss of power; nothing to do for a log that is not on a disk.
    fn sync(&mut self) -> Result<(), LogError> {
        Ok(())
    }

    /// The run has ended.
    fn end(&mut self, outcome: &Outcome) -> Result<(), LogError>;
}
