//! `cifar10`: 60,000 colour photographs of ten things (A. Krizhevsky 2009), in its binary form.
//!
//! ```text
//! record:  1 byte the label, then 32×32 bytes of red, of green and of blue, row by row;  10,000 records a file
//! ```
//!
//! The archive as it is published is the dataset: it is kept packed, and its SHA-256 is checked whenever it is read. A
//! folder with the six unpacked files is read as well; nothing but their form can be checked then, since no sums of them
//! are published, and the dataset's checksum says which files they were.

#[cfg(feature = "fetch")]
mod fetch;
#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use tar::Archive;

use crate::checksum::{self, Running, Sum, hex};
use crate::dataset::{Dataset, Split};
use crate::error::Error;
use crate::get::Got;
use crate::locations::Locations;
use crate::progress::{Fetch, Progress};

pub(crate) const NAME: &str = "cifar10";
pub(crate) const SHAPE: &[usize] = &[3, 32, 32];
pub(crate) const CLASSES: usize = 10;
/// Share of the training samples' bytes that are not zero.
pub(crate) const NONZERO: f64 = 1.0;
pub(crate) const LICENCE: &str = "none stated (A. Krizhevsky, V. Nair, G. Hinton)";
/// Folders below a root that may hold it: ours, then that of the archive.
const LAYOUTS: [&str; 3] = ["cifar10", "cifar-10-batches-bin", ""];

/// What the dataset is made of; tests have a smaller one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
    pub(crate) archive: &'static str,
    pub(crate) archive_bytes: u64,
    pub(crate) archive_sum: &'static str,
    /// The last is the test set.
    pub(crate) files: &'static [&'static str],
    /// Records of a file.
    pub(crate) records: usize,
}

pub(crate) const PUBLISHED: Form = Form {
    archive: "cifar-10-binary.tar.gz",
    archive_bytes: 170_052_171,
    archive_sum: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    files: &[
        "data_batch_1.bin",
        "data_batch_2.bin",
        "data_batch_3.bin",
        "data_batch_4.bin",
        "data_batch_5.bin",
        "test_batch.bin",
    ],
    records: 10_000,
};

const PIXELS: usize = 3 * 32 * 32;
const RECORD: usize = 1 + PIXELS;

impl Form {
    /// Images to train on and to test on.
    pub(crate) fn samples(&self) -> [usize; 2] {
        [self.records * (self.files.len() - 1), self.records]
    }

    fn file_bytes(&self) -> usize {
        self.records * RECORD
    }
}

/// Where the dataset lies.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Packed(PathBuf),
    Unpacked(PathBuf),
}

impl Place {
    fn folder(&self) -> &Path {
        match self {
            Self::Packed(archive) => archive.parent().unwrap_or(archive),
            Self::Unpacked(folder) => folder,
        }
    }
}

/// What a search found, and where it looked.
struct Search {
    /// With whether it is in the cache folder, whose files are ours to replace.
    found: Option<(Place, bool)>,
    searched: Vec<PathBuf>,
    notes: Vec<String>,
}

fn search(form: &Form, locations: &Locations) -> Search {
    let (mut searched, mut notes) = (Vec::new(), Vec::new());
    for (root, cache) in locations.roots() {
        for layout in LAYOUTS {
            let folder = if layout.is_empty() { root.to_owned() } else { root.join(layout) };
            let archive = folder.join(form.archive);
            if archive.is_file() {
                return Search { found: Some((Place::Packed(archive), cache)), searched, notes };
            }
            let missing: Vec<&str> =
                form.files.iter().copied().filter(|file| !folder.join(file).is_file()).collect();
            if missing.is_empty() {
                return Search { found: Some((Place::Unpacked(folder), cache)), searched, notes };
            }
            if missing.len() < form.files.len() {
                notes.push(format!("`{}` lacks {}", folder.display(), missing.join(", ")));
            }
            searched.push(folder);
        }
    }
    Search { found: None, searched, notes }
}

/// The folder that holds the dataset, as far as names tell.
pub(crate) fn found(locations: &Locations) -> Option<PathBuf> {
    search(&PUBLISHED, locations).found.map(|(place, _)| place.folder().to_owned())
}

/// Loads the dataset; fetches it where it is nowhere, or corrupt in the cache folder, and `fetch` allows it.
pub(crate) fn load(form: &Form, locations: &Locations, fetch: Fetch<'_>) -> Result<Dataset, Error> {
    let mut search = search(form, locations);
    let broken = match &search.found {
        None => None,
        Some((place, cache)) => match read(form, place) {
            Ok(data) => return Ok(data),
            Err(error) if *cache && error.is_bad_file() => Some(error.refetchable(NAME)),
            Err(error) => return Err(error),
        },
    };
    match (fetch, broken) {
        (Fetch::IfMissing(progress), broken) => {
            search.notes.extend(broken.map(|error| error.to_string()));
            read(form, &fetch_into_place(form, search, locations, progress)?)
        }
        (Fetch::Never, Some(broken)) => Err(broken),
        (Fetch::Never, None) => Err(missing(search, Vec::new(), locations)),
    }
}

/// Makes sure that the dataset is on this machine, and right.
pub(crate) fn get(form: &Form, locations: &Locations, progress: &mut dyn Progress) -> Result<Got, Error> {
    let mut search = search(form, locations);
    if let Some((place, cache)) = &search.found {
        match read(form, place) {
            Ok(_) => return Ok(Got::Present(place.folder().to_owned())),
            Err(error) if *cache && error.is_bad_file() => search.notes.push(error.to_string()),
            Err(error) => return Err(error),
        }
    }
    let place = fetch_into_place(form, search, locations, progress)?;
    Ok(Got::Fetched(place.folder().to_owned()))
}

fn missing(search: Search, attempts: Vec<crate::Attempt>, locations: &Locations) -> Error {
    Error::Missing {
        name: NAME,
        searched: search.searched,
        notes: search.notes,
        attempts,
        destination: locations.destination(NAME),
    }
}

fn fetch_into_place(
    form: &Form,
    search: Search,
    locations: &Locations,
    progress: &mut dyn Progress,
) -> Result<Place, Error> {
    let folder = locations.destination(NAME).ok_or_else(|| Error::NoDestination { name: NAME.to_owned() })?;
    #[cfg(feature = "fetch")]
    let fetched = fetch::fetch(form, &folder, fetch::MIRRORS, progress)?;
    #[cfg(not(feature = "fetch"))]
    let fetched = {
        let (source, reason) =
            ("this build of optkit".to_owned(), "made without the feature `fetch`".to_owned());
        progress.failed(&source, &reason);
        Err(vec![crate::Attempt { source, reason }])
    };
    match fetched {
        Ok(()) => Ok(Place::Packed(folder.join(form.archive))),
        Err(attempts) => Err(missing(search, attempts, locations)),
    }
}

fn read(form: &Form, place: &Place) -> Result<Dataset, Error> {
    let files = match place {
        Place::Packed(archive) => unpack(form, archive)?,
        Place::Unpacked(folder) => {
            let read = |name: &&str| {
                let path = folder.join(name);
                fs::read(&path).map_err(|source| Error::Read { path, source })
            };
            form.files.iter().map(read).collect::<Result<Vec<_>, _>>()?
        }
    };
    let path = |k: usize| match place {
        Place::Packed(archive) => archive.clone(),
        Place::Unpacked(folder) => folder.join(form.files[k]),
    };
    let (mut train, mut test) = (Split::default(), Split::default());
    let mut sums: Vec<Sum> = Vec::new();
    for (k, bytes) in files.into_iter().enumerate() {
        sums.push(checksum::of(&bytes));
        let to = if k + 1 == form.files.len() { &mut test } else { &mut train };
        append(form, k, &bytes, to).map_err(|problem| Error::Records { path: path(k), problem })?;
    }
    Ok(Dataset {
        name: NAME.to_owned(),
        shape: SHAPE.to_vec(),
        classes: CLASSES,
        scale: 1.0 / 255.0,
        train,
        test,
        checksum: hex(&checksum::over(&sums)),
        origin: place.folder().display().to_string(),
    })
}

/// The records of file `k` behind those in `to`; else what is wrong with them.
fn append(form: &Form, k: usize, bytes: &[u8], to: &mut Split) -> Result<(), String> {
    let (name, expected) = (form.files[k], form.file_bytes());
    if bytes.len() != expected {
        return Err(format!(
            "{name} has {} bytes where {} records have {expected}",
            bytes.len(),
            form.records
        ));
    }
    to.features.reserve_exact(form.records * PIXELS);
    for (record, bytes) in bytes.chunks_exact(RECORD).enumerate() {
        if usize::from(bytes[0]) >= CLASSES {
            return Err(format!("{name}: record {record} has the label {}, of 10 classes", bytes[0]));
        }
        to.labels.push(bytes[0]);
        to.features.extend_from_slice(&bytes[1..]);
    }
    to.samples += form.records;
    Ok(())
}

/// The files of the archive, whose SHA-256 is checked.
fn unpack(form: &Form, archive: &Path) -> Result<Vec<Vec<u8>>, Error> {
    let cannot_read = |source| Error::Read { path: archive.to_owned(), source };
    let file = File::open(archive).map_err(cannot_read)?;
    let mut summed = Summed { inner: BufReader::with_capacity(1 << 16, file), sum: Running::default() };
    let unpacked = entries(form, &mut summed);
    // The whole of the file, whatever lies behind the archive in it; and if it is another file, that is said first.
    io::copy(&mut summed, &mut io::sink()).map_err(cannot_read)?;
    let found = hex(&summed.sum.finish());
    if found != form.archive_sum {
        let (path, expected) = (archive.to_owned(), form.archive_sum);
        return Err(Error::Checksum { name: NAME, path, found, expected, refetch: None });
    }
    unpacked.map_err(|problem| Error::Records { path: archive.to_owned(), problem })
}

fn entries(form: &Form, packed: impl Read) -> Result<Vec<Vec<u8>>, String> {
    let broken = |error: io::Error| format!("it cannot be unpacked: {error}");
    let mut files = vec![Vec::new(); form.files.len()];
    let mut archive = Archive::new(GzDecoder::new(packed));
    for entry in archive.entries().map_err(broken)? {
        let entry = entry.map_err(broken)?;
        let path = entry.path().map_err(broken)?.into_owned();
        let Some(k) = form.files.iter().position(|name| path.file_name().is_some_and(|n| n == *name)) else {
            continue;
        };
        // No more than belongs there, and a byte that shows what is too long.
        let most = form.file_bytes() as u64 + 1;
        entry.take(most).read_to_end(&mut files[k]).map_err(broken)?;
    }
    Ok(files)
}

/// A reader whose bytes are summed as they pass.
struct Summed<R> {
    inner: R,
    sum: Running,
}

impl<R: Read> Read for Summed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.sum.update(&buffer[..count]);
        Ok(count)
    }
}
