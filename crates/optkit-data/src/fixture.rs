//! For tests: a dataset of a few bytes, sources that deliver or fail, and folders that vanish.

use crate::checksum::{hex, of};
use crate::fetch::{Failure, Order, Source};
use crate::files::NAMES;
use crate::known::Known;
use crate::locations::Locations;
use crate::progress::Progress;
use flate2::{Compression, write::GzEncoder};
use std::cell::RefCell;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder below the system's one for temporary files, removed with the value.
pub(crate) struct Temporary(PathBuf);

impl Temporary {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("optkit-data-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
    pub(crate) fn join(&self, below: &str) -> PathBuf {
        self.0.join(below)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The four files of a dataset of 3 + 2 images of 2×2; `seed` makes different ones.
pub(crate) fn contents(seed: u8) -> [Vec<u8>; 4] {
    let images = |samples: u8| {
        let mut file = vec![0, 0, 8, 3, 0, 0, 0, samples, 0, 0, 0, 2, 0, 0, 0, 2];
        file.extend((0..samples * 4).map(|k| seed.wrapping_mul(31).wrapping_add(k)));
        file
    };
    let labels = |samples: u8| {
        let mut file = vec![0, 0, 8, 1, 0, 0, 0, samples];
        file.extend((0..samples).map(|k| (seed + k) % 4));
        file
    };
    [images(3), labels(3), images(2), labels(2)]
}

/// The row of that dataset.
pub(crate) fn known(seed: u8) -> Known {
    let sums = contents(seed).map(|file| &*hex(&of(&file)).leak());
    let (shape, layouts) = (&[2, 2], &["tiny", "TINY/raw"]);
    Known { name: "tiny", shape, classes: 4, samples: [3, 2], nonzero: 1.0, layouts, sums, licence: "none" }
}

/// Puts the files into `folder`.
pub(crate) fn put(folder: &Path, files: &[Vec<u8>; 4]) {
    fs::create_dir_all(folder).unwrap();
    for (name, file) in NAMES.iter().zip(files) {
        fs::write(folder.join(name), file).unwrap();
    }
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Locations with a data folder and a cache folder below `top`.
pub(crate) fn data_dir_and_cache(top: &Temporary) -> Locations {
    Locations { data_dir: Some(top.join("data")), cache: Some(top.join("cache")), ..Locations::default() }
}

/// Locations with a cache folder alone.
pub(crate) fn cache_only(top: &Temporary) -> Locations {
    Locations { cache: Some(top.join("cache")), ..Locations::default() }
}

/// Delivers these bytes for these files, whatever they are.
pub(crate) struct Shelf {
    pub(crate) name: &'static str,
    pub(crate) files: Vec<(usize, Vec<u8>)>,
}

impl Shelf {
    pub(crate) fn whole(name: &'static str, files: [Vec<u8>; 4]) -> Self {
        Self { name, files: files.into_iter().enumerate().collect() }
    }
}

impl Source for Shelf {
    fn name(&self) -> String {
        self.name.to_owned()
    }
    fn deliver(&self, order: &mut Order<'_>) -> Result<(), Failure> {
        for (k, bytes) in &self.files {
            if order.pending().contains(k) {
                order.accept(*k, bytes.as_slice())?;
            }
        }
        Ok(())
    }
}

/// Writes down what it is told.
#[derive(Default)]
pub(crate) struct Diary {
    pub(crate) asked: Vec<String>,
    pub(crate) stored: Vec<String>,
    pub(crate) failed: Vec<String>,
    /// Bytes of the last report.
    pub(crate) received: u64,
    /// Paths that existed while a file was still on its way.
    pub(crate) too_early: RefCell<Vec<PathBuf>>,
    /// Paths to look for meanwhile.
    pub(crate) watched: Vec<PathBuf>,
    pub(crate) stop: bool,
}

impl Progress for Diary {
    fn source(&mut self, _dataset: &str, source: &str) {
        self.asked.push(source.to_owned());
    }
    fn advance(&mut self, file: &str, received: u64, _total: Option<u64>) {
        self.received = received;
        let here = self.watched.iter().filter(|path| path.ends_with(file) && path.exists());
        self.too_early.borrow_mut().extend(here.cloned());
    }
    fn stored(&mut self, file: &str, _path: &Path) {
        self.stored.push(file.to_owned());
    }
    fn failed(&mut self, _source: &str, reason: &str) {
        self.failed.push(reason.to_owned());
    }
    fn stop(&self) -> bool {
        self.stop
    }
}

/// Names of everything in `folder`, sorted.
pub(crate) fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}
