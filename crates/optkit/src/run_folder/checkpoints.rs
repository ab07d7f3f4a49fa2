//! The newest checkpoints of a run: `checkpoints/iteration-000000001200.safetensors`.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use super::{RunError, entries, remove};
use crate::checkpoint::{Checkpoint, CheckpointError, FormatError};

const BEGINS: &str = "iteration-";
const ENDS: &str = ".safetensors";

#[derive(Clone, Debug)]
pub(crate) struct Checkpoints {
    folder: PathBuf,
    keep: usize,
}

/// The newest checkpoint that can be read.
#[derive(Debug)]
pub struct Newest {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// Newer ones that cannot be read, with the reason.
    pub damaged: Vec<CheckpointError>,
}

impl Checkpoints {
    pub(super) fn new(folder: PathBuf, keep: usize) -> Self {
        Self { folder, keep: keep.max(1) }
    }

    /// Iterations of which there are checkpoints, in order.
    fn iterations(&self) -> Result<Vec<u64>, RunError> {
        let number = |name: &String| name.strip_prefix(BEGINS)?.strip_suffix(ENDS)?.parse().ok();
        let mut found: Vec<u64> = entries(&self.folder)?.iter().filter_map(number).collect();
        found.sort_unstable();
        Ok(found)
    }

    pub(crate) fn path(&self, iteration: u64) -> PathBuf {
        self.folder.join(format!("{BEGINS}{iteration:012}{ENDS}"))
    }

    /// Removes those behind `iteration`, from which a run goes on: they are damaged.
    pub(crate) fn remove_behind(&self, iteration: u64) -> Result<(), RunError> {
        let behind = self.iterations()?.into_iter().filter(|&other| other > iteration);
        behind.map(|other| self.path(other)).try_for_each(|path| remove(&path, |path| fs::remove_file(path)))
    }

    /// Writes one, and removes those that are no longer among the newest.
    pub(crate) fn write(&self, checkpoint: &Checkpoint) -> Result<(), CheckpointError> {
        let this = checkpoint.iterations();
        let path = self.path(this);
        let failed = |source| CheckpointError::Write { path: path.clone(), source };
        fs::create_dir_all(&self.folder).map_err(failed)?;
        checkpoint.write(&path)?;
        let Ok(found) = self.iterations() else { return Ok(()) };
        let old = found.len().saturating_sub(self.keep);
        for iteration in &found[..old] {
            let _ = fs::remove_file(self.path(*iteration)); // one that stays is no harm
        }
        Ok(())
    }

    /// The newest that can be read; none where there is none at all. Damaged ones are passed over and told of; one of a
    /// newer format is not passed over, for the run went on with a newer version.
    pub(crate) fn newest(&self) -> Result<Option<Newest>, RunError> {
        let mut damaged = Vec::new();
        for iteration in self.iterations()?.into_iter().rev() {
            match Checkpoint::read(self.path(iteration)) {
                Ok(checkpoint) => return Ok(Some(Newest { checkpoint, damaged })),
                Err(error @ CheckpointError::Format { source: FormatError::Newer { .. }, .. }) => {
                    return Err(error.into());
                }
                Err(CheckpointError::Read { source, .. }) if source.kind() == ErrorKind::NotFound => {}
                Err(error @ CheckpointError::Format { .. }) => damaged.push(error),
                Err(error) => return Err(error.into()),
            }
        }
        match damaged.first() {
            None => Ok(None),
            Some(newest) => {
                Err(RunError::NoneReadable { folder: self.folder.clone(), reason: newest.to_string() })
            }
        }
    }
}
