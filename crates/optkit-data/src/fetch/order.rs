//! An order: the files still wanted, and the way from a source's bytes to a verified file in its place.

use super::{Destination, Failure};
use crate::checksum::{Running, hex};
use crate::error::Error;
use crate::files::NAMES;
use crate::known::Known;
use crate::progress::Progress;
use flate2::bufread::MultiGzDecoder;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

const CHUNK: usize = 64 * 1024;

/// The files of one dataset that are still wanted.
pub(crate) struct Order<'a> {
    known: &'a Known,
    destination: Destination<'a>,
    pending: Vec<usize>,
    progress: &'a mut dyn Progress,
}

impl<'a> Order<'a> {
    pub(super) fn new(
        known: &'a Known,
        destination: Destination<'a>,
        pending: Vec<usize>,
        progress: &'a mut dyn Progress,
    ) -> Self {
        Self { known, destination, pending, progress }
    }

    /// Places in [`NAMES`] of the files still wanted.
    pub(crate) fn pending(&self) -> &[usize] {
        &self.pending
    }

    pub(super) fn pending_names(&self) -> String {
        self.pending.iter().map(|&k| NAMES[k]).collect::<Vec<_>>().join(", ")
    }

    pub(super) fn begin(&mut self, source: &str) {
        self.progress.source(self.known.name, source);
    }

    pub(super) fn failed(&mut self, source: &str, reason: &str) {
        self.progress.failed(source, reason);
    }

    /// Fails where the user wants to stop.
    pub(crate) fn check_stop(&self) -> Result<(), Failure> {
        if self.progress.stop() {
            return Err(Error::Interrupted { name: self.known.name.to_owned() }.into());
        }
        Ok(())
    }

    /// The folder that the files go to.
    pub(super) fn folder(&self) -> &Path {
        self.destination.folder
    }

    /// Takes the bytes of file `k`, plain or gzipped, and puts the file into its place if they are the right
    /// ones.
    pub(crate) fn accept(&mut self, k: usize, bytes: impl Read) -> Result<(), Failure> {
        let mut buffered = BufReader::with_capacity(CHUNK, bytes);
        let refused = |error: io::Error| Failure::Refused(format!("{}: {error}", NAMES[k]));
        // Two bytes tell gzip from idx; a reader may well give one at a time.
        let mut start = Vec::with_capacity(2);
        (&mut buffered).take(2).read_to_end(&mut start).map_err(refused)?;
        let packed = start == [0x1f, 0x8b];
        let whole = io::Cursor::new(start).chain(buffered);
        let (part, received, sum) = if packed {
            self.store(k, &mut MultiGzDecoder::new(whole))?
        } else {
            let mut whole = whole;
            self.store(k, &mut whole)?
        };
        let (name, length, expected) = (NAMES[k], self.known.lengths()[k], self.known.sums[k]);
        if received != length {
            let more = if received > length { " or more" } else { "" };
            return Err(Failure::Refused(format!("{name}: {received}{more} bytes, expected {length}")));
        }
        if sum != expected {
            return Err(Failure::Refused(format!("{name}: its SHA-256 is {sum}, expected {expected}")));
        }
        let path = self.destination.folder.join(name);
        part.commit(&path, self.destination.replace)?;
        self.pending.retain(|&other| other != k);
        self.progress.stored(name, &path);
        Ok(())
    }

    /// Writes a stream to a temporary file: the file, its length and its SHA-256.
    fn store(&mut self, k: usize, stream: &mut dyn Read) -> Result<(Part, u64, String), Failure> {
        let length = self.known.lengths()[k];
        let mut part = Part::create(self.destination.folder)?;
        let mut running = Running::default();
        let mut buffer = vec![0; CHUNK];
        let mut received = 0;
        while received <= length {
            self.check_stop()?;
            let count = match stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    let name = NAMES[k];
                    return Err(Failure::Refused(format!("{name}: {error} after {received} bytes")));
                }
            };
            running.update(&buffer[..count]);
            part.write(&buffer[..count])?;
            received += count as u64;
            self.progress.advance(NAMES[k], received, Some(length));
        }
        Ok((part, received, hex(&running.finish())))
    }
}

/// A name that no other process or thread uses.
pub(super) fn unique(what: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!(".optkit-{}-{}.{what}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// A file that is being written; removed unless it is committed.
pub(crate) struct Part {
    path: PathBuf,
    file: Option<File>,
}

impl Part {
    pub(crate) fn create(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(unique("part"));
        match File::create_new(&path) {
            Ok(file) => Ok(Self { path, file: Some(file) }),
            Err(source) => Err(Error::Write { path, source }),
        }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let file = self.file.as_mut().expect("a part is open until it is committed");
        file.write_all(bytes).map_err(|source| Error::Write { path: self.path.clone(), source })
    }

    /// Gives the file its name. After a power cut it may be short nonetheless: every load verifies it.
    pub(crate) fn commit(mut self, path: &Path, replace: bool) -> Result<(), Error> {
        drop(self.file.take()); // Windows renames closed files only
        let result = if replace { fs::rename(&self.path, path) } else { rename_new(&self.path, path) };
        result.map_err(|source| Error::Write { path: path.to_owned(), source })
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        drop(self.file.take());
        let _ = fs::remove_file(&self.path); // after a commit there is none
    }
}

/// Renames where the new name is free. A link fails if the name is taken, which a rename does not; file systems
/// without links get a look first.
fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) => fs::remove_file(from),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(error),
        Err(_) if to.try_exists()? => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => fs::rename(from, to),
    }
}
