//! Where a log goes, as the command line names it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::{Csv, Events, JsonLines, Log, LogError};

/// A kind of log with its place: `run.jsonl`, `run.csv`, `tensorboard:DIR`.
///
/// ```
/// use optkit_log::Target;
/// assert_eq!("tensorboard:runs/1".parse::<Target>()?, Target::TensorBoard("runs/1".into()));
/// let error = "run.txt".parse::<Target>().unwrap_err();
/// assert!(error.to_string().contains("name a file `….jsonl` or `….csv`"));
/// # Ok::<(), optkit_log::LogError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A file of JSON Lines.
    JsonLines(PathBuf),
    /// A file of comma-separated values.
    Csv(PathBuf),
    /// A folder with an event file.
    TensorBoard(PathBuf),
}

impl Target {
    /// For a run that begins anew. A log of an earlier run in this place is replaced, and nothing else is.
    pub fn create(&self) -> Result<Box<dyn Log>, LogError> {
        Ok(match self {
            Self::JsonLines(path) => Box::new(JsonLines::create(path)?),
            Self::Csv(path) => Box::new(Csv::create(path)?),
            Self::TensorBoard(folder) => Box::new(Events::create(folder)?),
        })
    }

    /// For a run that goes on after epoch or iteration `after`: rows behind it are dropped, for the run that was
    /// resumed may have gone beyond its last checkpoint. Where there is no log yet, one begins.
    pub fn resume(&self, after: u64) -> Result<Box<dyn Log>, LogError> {
        Ok(match self {
            Self::JsonLines(path) => Box::new(JsonLines::resume(path, after)?),
            Self::Csv(path) => Box::new(Csv::resume(path, after)?),
            Self::TensorBoard(folder) => Box::new(Events::resume(folder, after)?),
        })
    }

    /// The file or folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        let (Self::JsonLines(path) | Self::Csv(path) | Self::TensorBoard(path)) = self;
        path
    }
}

impl FromStr for Target {
    type Err = LogError;

    fn from_str(target: &str) -> Result<Self, LogError> {
        let kind = || LogError::Kind { target: target.to_owned() };
        if let Some(folder) = target.strip_prefix("tensorboard:") {
            return if folder.is_empty() { Err(kind()) } else { Ok(Self::TensorBoard(folder.into())) };
        }
        let path = PathBuf::from(target);
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("jsonl" | "ndjson") => Ok(Self::JsonLines(path)),
            Some("csv") => Ok(Self::Csv(path)),
            _ => Err(kind()),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TensorBoard(folder) => write!(out, "tensorboard:{}", folder.display()),
            Self::JsonLines(path) | Self::Csv(path) => path.display().fmt(out),
        }
    }
}
