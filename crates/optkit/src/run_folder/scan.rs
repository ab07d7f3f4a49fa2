//! The runs below a folder.

use std::path::{Path, PathBuf};

use super::{CHECKPOINTS, METADATA, Metadata, RunError, State, entries, is_owned};

/// Deepest place of a run below the folder that is searched: `problem/experiment/run`, and some more.
const DEEPEST: usize = 6;

/// A run that was found.
#[derive(Debug)]
pub struct Found {
    /// Its folder.
    pub folder: PathBuf,
    /// What it says of itself, or why that cannot be read.
    pub metadata: Result<Metadata, RunError>,
    /// Whether a process owns it now.
    pub running: bool,
}

/// How a run stands, seen from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A process runs it.
    Running,
    /// It ended.
    Finished,
    /// It was interrupted or killed, and can go on.
    Unfinished,
    /// It could not be made.
    Failed,
    /// Its `run.json` cannot be read.
    Unreadable,
}

impl Standing {
    /// In a word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Unfinished => "unfinished",
            Self::Failed => "failed",
            Self::Unreadable => "unreadable",
        }
    }
}

impl Found {
    /// How it stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        match &self.metadata {
            _ if self.running => Standing::Running,
            Err(_) => Standing::Unreadable,
            Ok(metadata) => match metadata.state {
                State::Finished => Standing::Finished,
                State::Failed => Standing::Failed,
                State::Begun | State::Interrupted => Standing::Unfinished,
            },
        }
    }

    /// Bytes of its checkpoints.
    #[must_use]
    pub fn checkpoint_bytes(&self) -> u64 {
        bytes(&self.folder.join(CHECKPOINTS))
    }

    /// Bytes of all files in its folder.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        bytes(&self.folder) + self.checkpoint_bytes()
    }
}

/// Of the files in a folder, without those in folders inside.
fn bytes(folder: &Path) -> u64 {
    let names = entries(folder).unwrap_or_default();
    let of = |name: &String| folder.join(name).metadata().ok().filter(std::fs::Metadata::is_file);
    names.iter().filter_map(of).map(|metadata| metadata.len()).sum()
}

/// The runs in and below `root`, in the order of their folders. Links are not followed.
pub fn scan(root: &Path) -> Result<Vec<Found>, RunError> {
    std::fs::read_dir(root).map_err(RunError::file("read", root))?;
    let mut found = Vec::new();
    below(root, DEEPEST, &mut found)?;
    Ok(found)
}

fn below(folder: &Path, deepest: usize, found: &mut Vec<Found>) -> Result<(), RunError> {
    if folder.join(METADATA).is_file() {
        let metadata = match Metadata::read(folder) {
            Ok(Some(metadata)) => Ok(metadata),
            Ok(None) => return Ok(()), // removed meanwhile
            Err(error) => Err(error),
        };
        found.push(Found { folder: folder.to_owned(), metadata, running: is_owned(folder) });
        return Ok(());
    }
    if deepest == 0 {
        return Ok(());
    }
    for name in entries(folder)? {
        let inner = folder.join(&name);
        if name != CHECKPOINTS && inner.symlink_metadata().is_ok_and(|metadata| metadata.is_dir()) {
            below(&inner, deepest - 1, found)?;
        }
    }
    Ok(())
}
