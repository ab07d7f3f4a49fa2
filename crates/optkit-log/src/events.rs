//! TensorBoard's event files: scalars by step, in records of TensorFlow's framing.
//!
//! A file holds `Event` messages (tensorflow/core/util/event.proto): first the version of the format, then one of
//! each row with all its scalars. Every scalar has the key of JSON as its tag, with `/` for the point, which is how
//! TensorBoard groups them; the step is the number of the epoch or iteration. Problem and outcome are texts.

mod frame;
mod message;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::file::{Appended, existing};
use crate::lines::line;
use crate::{Log, LogError, Outcome, Problem, Row};
use message::{Event, What};

/// How the names of TensorBoard's files begin, by which it finds them.
const BEGINS: &str = "events.out.tfevents.";
/// How the names of ours end.
const ENDS: &str = ".optkit";

const PROBLEM: &str = "problem/text_summary";
const OUTCOME: &str = "outcome/text_summary";

/// A log in a folder of TensorBoard.
#[derive(Debug)]
pub struct Events {
    file: Appended,
    /// Whether the problem is there.
    begun: bool,
    /// The last row.
    step: u64,
}

impl Events {
    /// In `folder`, replacing our event files of earlier runs; files of others stay.
    pub fn create(folder: &Path) -> Result<Self, LogError> {
        for path in ours(folder)? {
            fs::remove_file(&path).map_err(LogError::file("replace", &path))?;
        }
        Self::new(folder)
    }

    /// In `folder`, going on after row `after` of our newest event file there.
    pub fn resume(folder: &Path, after: u64) -> Result<Self, LogError> {
        let Some(path) = ours(folder)?.pop() else { return Self::new(folder) };
        let bytes = existing(&path)?.unwrap_or_default();
        let mut kept = Kept::default();
        for payload in frame::payloads(&bytes) {
            if !kept.take(payload, after) {
                break;
            }
        }
        if kept.events == 0 {
            return Self::create(folder);
        }
        let file = Appended::cut(&path, kept.bytes)?;
        Ok(Self { file, begun: kept.events > 1, step: kept.step })
    }

    fn new(folder: &Path) -> Result<Self, LogError> {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let path = folder.join(format!("{BEGINS}{seconds}{ENDS}"));
        let file = Appended::create(&path, &[""])?;
        let mut log = Self { file, begun: false, step: 0 };
        log.write(&What::Version("brain.Event:2"))?;
        Ok(log)
    }

    fn write(&mut self, what: &What<'_>) -> Result<(), LogError> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let event = Event { wall_time: since.as_secs_f64(), step: self.step, what };
        self.file.write(&frame::framed(&event.encoded()))
    }

    fn write_text(&mut self, tag: &str, record: &[u8]) -> Result<(), LogError> {
        let text = format!("```json\n{}\n```", String::from_utf8_lossy(record)); // TensorBoard shows Markdown
        self.write(&What::Text { tag, text: &text })
    }
}

/// The beginning of a file that a resumed run keeps.
#[derive(Default)]
struct Kept {
    events: usize,
    bytes: usize,
    step: u64,
}

impl Kept {
    /// Whether this one is kept: the version, the problem and the rows up to `after`.
    fn take(&mut self, payload: &[u8], after: u64) -> bool {
        let Some((step, tag)) = message::step_and_tag(payload) else { return false };
        if step > after || tag.as_deref() == Some(OUTCOME.as_bytes()) {
            return false;
        }
        self.step = step;
        self.events += 1;
        self.bytes += frame::length(payload);
        true
    }
}

/// Our event files, oldest first.
fn ours(folder: &Path) -> Result<Vec<PathBuf>, LogError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(LogError::file("read the folder of", folder)(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(LogError::file("read the folder of", folder))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if let Some(seconds) = name.strip_prefix(BEGINS).and_then(|rest| rest.strip_suffix(ENDS)) {
            found.push((seconds.parse::<u64>().unwrap_or(0), path));
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

impl Log for Events {
    fn begin(&mut self, problem: &Problem) -> Result<(), LogError> {
        if std::mem::replace(&mut self.begun, true) {
            return Ok(());
        }
        self.write_text(PROBLEM, &line(problem))
    }

    fn row(&mut self, row: &Row) -> Result<(), LogError> {
        self.begun = true;
        self.step = row.count.number();
        let count = row.count.unit();
        let named = row.cells().filter(|(name, _)| *name != count);
        let scalars: Vec<_> =
            named.filter_map(|(name, cell)| Some((name.replace('.', "/"), cell.number()?))).collect();
        self.write(&What::Scalars(&scalars))
    }

    fn sync(&mut self) -> Result<(), LogError> {
        self.file.sync()
    }

    fn end(&mut self, outcome: &Outcome) -> Result<(), LogError> {
        self.write_text(OUTCOME, &line(outcome))
    }
}
