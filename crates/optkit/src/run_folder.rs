//! A run on disk: one folder that says what runs, how far it is and how it ended, and that one process at a time owns.
//!
//! | file | holds |
//! |---|---|
//! | `run.json` | what runs, where, since when, and how it ended: [`Metadata`] |
//! | `problem.apts` | the resolved problem, one file that can be run by itself |
//! | `run.jsonl` | the log |
//! | `checkpoints/` | the newest states, [`Checkpoint`](crate::Checkpoint) |
//! | `lock` | locked by the process that runs; its content means nothing |
//!
//! `run.json`, `problem.apts` and checkpoints are written beside their places and then put there, so a process that is
//! killed at any moment leaves each of them whole, in the old or in the new form.

mod checkpoints;
mod error;
mod metadata;
mod names;
mod scan;

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) use checkpoints::Checkpoints;
pub use checkpoints::Newest;
pub use error::RunError;
pub(crate) use metadata::now;
pub use metadata::{Metadata, State, Summary, Verdict};
pub use names::safe_name;
pub use scan::{Found, Standing, scan};

use crate::checkpoint::{PART, replace};

const METADATA: &str = "run.json";
const PROBLEM: &str = "problem.apts";
const LOG: &str = "run.jsonl";
const CHECKPOINTS: &str = "checkpoints";
const LOCK: &str = "lock";

/// A folder that this process owns until it is dropped.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// Locked; the system unlocks it when the process ends, however it does.
    _lock: File,
}

impl RunFolder {
    /// Makes the folder where there is none, and owns it.
    ///
    /// # Errors
    /// [`RunError::InUse`] where another process or thread owns it, [`RunError::Foreign`] where it holds files that no
    /// run has put there, [`RunError::File`] where the system refuses.
    pub fn claim(path: &Path) -> Result<Self, RunError> {
        fs::create_dir_all(path).map_err(RunError::file("make the folder", path))?;
        if !Self::has_begun(path) {
            refuse_foreign(path)?;
        }
        let lock = lock(path)?.ok_or_else(|| RunError::InUse { folder: path.to_owned() })?;
        let folder = Self { path: path.to_owned(), _lock: lock };
        folder.sweep()?;
        Ok(folder)
    }

    /// Whether a run has begun in the folder at `path`.
    #[must_use]
    pub fn has_begun(path: &Path) -> bool {
        path.join(METADATA).exists()
    }

    /// The newest checkpoint of the run in the folder at `path`, whoever owns it; none where no checkpoint is there.
    ///
    /// # Errors
    /// [`RunError::NoneReadable`] where all are damaged, [`RunError::Checkpoint`] where a newer version wrote them,
    /// [`RunError::File`] where the system refuses.
    pub fn newest_checkpoint(path: &Path) -> Result<Option<Newest>, RunError> {
        Checkpoints::new(path.join(CHECKPOINTS), 1).newest()
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where its log is.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.path.join(LOG)
    }

    pub(crate) fn checkpoints(&self, keep: usize) -> Checkpoints {
        Checkpoints::new(self.path.join(CHECKPOINTS), keep)
    }

    /// What it says of itself; none where no run has begun.
    pub fn metadata(&self) -> Result<Option<Metadata>, RunError> {
        Metadata::read(&self.path)
    }

    pub(crate) fn write_metadata(&self, metadata: &Metadata) -> Result<(), RunError> {
        self.write(METADATA, &metadata.to_bytes())
    }

    pub(crate) fn write_problem(&self, text: &str) -> Result<(), RunError> {
        self.write(PROBLEM, text.as_bytes())
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), RunError> {
        let path = self.path.join(name);
        replace(&path, bytes).map_err(RunError::file("write", &path))
    }

    /// Removes all that a run has written, but for the folder itself.
    pub(crate) fn clear(&self) -> Result<(), RunError> {
        // The metadata first: what is left of a folder that is being cleared is no run any more.
        for name in [METADATA, PROBLEM, LOG] {
            remove(&self.path.join(name), |path| fs::remove_file(path))?;
        }
        remove(&self.path.join(CHECKPOINTS), |path| fs::remove_dir_all(path))
    }

    /// Removes what a process left half written when it was killed.
    fn sweep(&self) -> Result<(), RunError> {
        for folder in [self.path.clone(), self.path.join(CHECKPOINTS)] {
            for name in entries(&folder)?.into_iter().filter(|name| is_part(name)) {
                remove(&folder.join(name), |path| fs::remove_file(path))?;
            }
        }
        Ok(())
    }

    /// Removes the folder with all that a run has written there; what others put there stays, and the folder with it.
    pub fn remove(self) -> Result<(), RunError> {
        self.clear()?;
        let path = self.path.clone();
        remove(&path.join(LOCK), |path| fs::remove_file(path))?;
        drop(self);
        match fs::remove_dir(&path) {
            Err(error) if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::DirectoryNotEmpty) => {
                Err(RunError::file("remove", &path)(error))
            }
            _ => Ok(()),
        }
    }

    /// Removes its checkpoints.
    pub fn remove_checkpoints(&self) -> Result<(), RunError> {
        remove(&self.path.join(CHECKPOINTS), |path| fs::remove_dir_all(path))
    }
}

/// The lock of the folder at `path`; none where another has it.
fn lock(path: &Path) -> Result<Option<File>, RunError> {
    let path = path.join(LOCK);
    let open = File::options().create(true).append(true).open(&path);
    let file = open.map_err(RunError::file("write", &path))?;
    // Whoever lists runs holds a lock for a moment to see whether it is free.
    for patience in [20, 50, 100, 0] {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(patience)),
            // A file system without locks: two processes are then kept apart by their user alone.
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {
                return Ok(Some(file));
            }
            Err(TryLockError::Error(error)) => return Err(RunError::file("lock", &path)(error)),
        }
    }
    Ok(None)
}

/// Whether a process owns the folder at `path`.
fn is_owned(path: &Path) -> bool {
    File::open(path.join(LOCK))
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

fn is_part(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(PART)
}

fn is_ours(name: &str) -> bool {
    [METADATA, PROBLEM, LOG, CHECKPOINTS, LOCK].contains(&name) || is_part(name)
}

/// Refuses a folder that holds something else and no run.
fn refuse_foreign(path: &Path) -> Result<(), RunError> {
    match entries(path)?.into_iter().find(|name| !is_ours(name)) {
        Some(found) => Err(RunError::Foreign { folder: path.to_owned(), found }),
        None => Ok(()),
    }
}

/// Names in a folder; none where there is no folder.
fn entries(folder: &Path) -> Result<Vec<String>, RunError> {
    let list = match fs::read_dir(folder) {
        Ok(list) => list,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(RunError::file("read", folder)(error)),
    };
    let name = |entry: io::Result<fs::DirEntry>| Ok(entry?.file_name().to_string_lossy().into_owned());
    let mut names = list.map(name).collect::<io::Result<Vec<_>>>().map_err(RunError::file("read", folder))?;
    names.sort();
    Ok(names)
}

fn remove(path: &Path, how: impl FnOnce(&Path) -> io::Result<()>) -> Result<(), RunError> {
    match how(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(RunError::file("remove", path)(error)),
        _ => Ok(()),
    }
}
