//! A file of lines that is only ever appended to, and cut back when a run is resumed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::LogError;

#[derive(Debug)]
pub(crate) struct Appended {
    file: File,
    path: PathBuf,
}

impl Appended {
    /// Empty, at `path`. A file that is there is replaced where it begins as one of `begins`.
    pub(crate) fn create(path: &Path, begins: &[&str]) -> Result<Self, LogError> {
        if let Some(text) = existing(path)? {
            ours(path, &text, begins)?;
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder {
            fs::create_dir_all(folder).map_err(LogError::file("make the folder of", path))?;
        }
        let file = File::create(path).map_err(LogError::file("write", path))?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// With the first line and those behind it up to the first that is not `kept`, or that was cut short. True: the
    /// first line is there.
    pub(crate) fn resume(
        path: &Path,
        begins: &[&str],
        is_kept: impl Fn(&[u8]) -> bool,
    ) -> Result<(Self, bool), LogError> {
        let Some(text) = existing(path)? else { return Ok((Self::create(path, begins)?, false)) };
        ours(path, &text, begins)?;
        let mut end = 0;
        for line in text.split_inclusive(|&byte| byte == b'\n') {
            let whole = line.ends_with(b"\n");
            if !whole || (end > 0 && !is_kept(trimmed(line))) {
                break;
            }
            end += line.len();
        }
        Ok((Self::cut(path, end)?, end > 0))
    }

    /// The first `length` bytes of what is at `path`.
    pub(crate) fn cut(path: &Path, length: usize) -> Result<Self, LogError> {
        let file = OpenOptions::new().append(true).open(path).map_err(LogError::file("write", path))?;
        file.set_len(length as u64).map_err(LogError::file("write", path))?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// A line with its end, in one write, so that a run that is killed leaves whole lines but for the last.
    pub(crate) fn append(&mut self, mut line: Vec<u8>, end: &[u8]) -> Result<(), LogError> {
        line.extend_from_slice(end);
        self.write(&line)
    }

    pub(crate) fn sync(&mut self) -> Result<(), LogError> {
        self.file.sync_data().map_err(LogError::file("write", &self.path))
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), LogError> {
        self.file.write_all(bytes).map_err(LogError::file("write", &self.path))
    }
}

/// What is at `path`, if anything is. Devices and pipes are no logs: some of them can be read for ever.
pub(crate) fn existing(path: &Path) -> Result<Option<Vec<u8>>, LogError> {
    if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        let other = io::Error::new(ErrorKind::InvalidInput, "it is there, and no regular file; name another");
        return Err(LogError::file("write", path)(other));
    }
    match fs::read(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(LogError::file("read", path)(error)),
    }
}

/// Refuses a file of somebody else; not one of which no more than a part of its beginning was written.
fn ours(path: &Path, text: &[u8], begins: &[&str]) -> Result<(), LogError> {
    let is = |begins: &&str| text.starts_with(begins.as_bytes()) || begins.as_bytes().starts_with(text);
    if begins.iter().any(is) { Ok(()) } else { Err(LogError::Foreign { path: path.to_owned() }) }
}

/// Without the end of the line.
fn trimmed(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
