//! The four files of a dataset in MNIST's layout, and their names.

use crate::idx::Content;
use std::path::{Path, PathBuf};

/// Train images, train labels, test images, test labels: the order used everywhere.
pub(crate) const NAMES: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];
/// What each holds.
pub(crate) const CONTENTS: [Content; 4] =
    [Content::Images, Content::Labels, Content::Images, Content::Labels];
/// Place of the train labels in [`NAMES`]: small, and different in every dataset.
pub(crate) const TRAIN_LABELS: usize = 1;

/// A folder in which all four files were found, each perhaps under a variant of its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
    pub(crate) files: [PathBuf; 4],
}

/// The file of `name` in `folder`: plain or `.gz`, with `-idx3` or `.idx3` as some mirrors write it.
pub(crate) fn locate(folder: &Path, name: &str) -> Option<PathBuf> {
    let dotted = name.replace("-idx", ".idx");
    [name, &dotted].into_iter().find_map(|name| {
        let plain = folder.join(name);
        let packed = folder.join(format!("{name}.gz"));
        [plain, packed].into_iter().find(|path| path.is_file())
    })
}

/// All four files, or the names of those that are not there.
pub(crate) fn complete(folder: &Path) -> Result<Folder, Vec<&'static str>> {
    collect(folder, locate)
}

/// As [`complete`], where images may also have one dimension less (plain rows) or more (channels).
pub(crate) fn complete_any_rank(folder: &Path) -> Result<Folder, Vec<&'static str>> {
    collect(folder, |folder, name| {
        ["idx3", "idx2", "idx4"].iter().find_map(|rank| locate(folder, &name.replace("idx3", rank)))
    })
}

fn collect(
    folder: &Path,
    locate: impl Fn(&Path, &str) -> Option<PathBuf>,
) -> Result<Folder, Vec<&'static str>> {
    let found = NAMES.map(|name| locate(folder, name));
    if let [Some(a), Some(b), Some(c), Some(d)] = found {
        return Ok(Folder { path: folder.to_owned(), files: [a, b, c, d] });
    }
    Err(NAMES.into_iter().zip(&found).filter(|(_, found)| found.is_none()).map(|(name, _)| name).collect())
}
