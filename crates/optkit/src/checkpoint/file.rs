//! Checkpoints on disk, never half written.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Checkpoint, FormatError};

/// Why a checkpoint could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The file cannot be written.
    #[error("cannot write the checkpoint `{}`: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file cannot be read.
    #[error("cannot read the checkpoint `{}`: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file is no checkpoint that can be taken up.
    #[error("`{}`: {source}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: FormatError,
    },
}

impl Checkpoint {
    /// Writes it to `path`, in place of what stands there. Until all of it is on the disk the old file stays.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), CheckpointError> {
        let path = path.as_ref();
        replace_by(path, &|file| self.write_to(file))
            .map_err(|source| CheckpointError::Write { path: path.to_owned(), source })
    }

    /// Reads what [`write`](Self::write) has written.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, CheckpointError> {
        let path = path.as_ref();
        let bytes =
            std::fs::read(path).map_err(|source| CheckpointError::Read { path: path.to_owned(), source })?;
        Self::from_bytes(&bytes).map_err(|source| CheckpointError::Format { path: path.to_owned(), source })
    }
}

/// How the names of files end that are being written; one is left behind where a process is killed.
pub(crate) const PART: &str = ".part";

/// A name beside `path` that no other process or thread takes.
fn beside(path: &Path) -> io::Result<PathBuf> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let name = path.file_name().ok_or_else(|| io::Error::other("this is no name of a file"))?;
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let unique = format!(".{}.{}.{count}{PART}", name.to_string_lossy(), std::process::id());
    Ok(path.with_file_name(unique))
}

/// Puts `bytes` at `path`: until all of them are on the disk, what stood there stays.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_by(path, &|file| file.write_all(bytes))
}

/// Writes what a file is to hold.
type Content<'a> = dyn Fn(&mut File) -> io::Result<()> + 'a;

/// The same of what `write` writes.
fn replace_by(path: &Path, write: &Content<'_>) -> io::Result<()> {
    let part = beside(path)?;
    let written = write_through(&part, write).and_then(|()| std::fs::rename(&part, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&part); // the reason to report is the first one
    }
    written?;
    settle(path);
    Ok(())
}

fn write_through(path: &Path, write: &Content<'_>) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    write(&mut file)?;
    file.sync_all()
}

/// The new name outlasts a loss of power where the file system can see to that; where it cannot, the file is still
/// whole, this one or the one before.
fn settle(path: &Path) {
    #[cfg(unix)]
    {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) {
            let _ = folder.sync_all();
        }
    }
    #[cfg(not(unix))]
    let _ = path;
}
