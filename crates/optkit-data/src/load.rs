//! From a name to a dataset: find the files, read them, verify them.

use crate::catalog::{DATASETS, names};
use crate::checksum::{hex, over};
use crate::dataset::{Dataset, Split};
use crate::digits;
use crate::error::Error;
use crate::files::{CONTENTS, Folder, NAMES, TRAIN_LABELS, complete, complete_any_rank, locate};
use crate::idx::{Array, Content, read, shape_text};
use crate::known::{Known, find};
use crate::locations::Locations;
use crate::progress::Fetch;
use std::path::{Path, PathBuf};

/// Loads the dataset called `name`; `argument` is what stands in its parentheses (the folder of `idx`).
///
/// A relative folder of `idx` is looked for as it stands and then below each of the `locations`.
///
/// # Errors
/// [`Error::Missing`] where the data are not on the machine and were not fetched; [`Error::Format`] and
/// [`Error::Checksum`] where a file is not what it should be (in the cache folder it is fetched again instead,
/// if `fetch` allows it); see [`Error`] for the rest.
pub fn load(
    name: &str,
    argument: Option<&str>,
    locations: &Locations,
    fetch: Fetch<'_>,
) -> Result<Dataset, Error> {
    let known = resolve(name)?;
    match (name, argument) {
        ("idx", None) => Err(Error::FolderNotNamed),
        ("idx", Some(folder)) => load_idx(folder, locations),
        (_, Some(argument)) => {
            Err(Error::UnexpectedArgument { name: name.to_owned(), argument: argument.to_owned() })
        }
        (_, None) => known.map_or_else(|| Ok(digits::load()), |known| load_known(known, locations, fetch)),
    }
}

/// The row of a dataset with known files; `None` for `digits` and `idx`.
pub(crate) fn resolve(name: &str) -> Result<Option<&'static Known>, Error> {
    use optkit_core::vocabulary::{Support, Vocabulary};
    match Vocabulary::find(DATASETS, name).map(|entry| entry.support) {
        Some(Support::Available) => Ok(find(name)),
        Some(Support::Planned) => Err(Error::NotSupported { name: name.to_owned(), known: names() }),
        None => Err(Error::Unknown { name: name.to_owned(), known: names() }),
    }
}

fn load_idx(folder: &str, locations: &Locations) -> Result<Dataset, Error> {
    let as_written = PathBuf::from(folder);
    let below = locations.roots().map(|(root, _)| root.join(folder));
    let path = std::iter::once(as_written.clone()).chain(below).find(|path| path.is_dir());
    let path = path.unwrap_or(as_written);
    let folder = complete_any_rank(&path)
        .map_err(|missing| Error::Absent { folder: path, missing: missing.join(", ") })?;
    read_folder(&folder, "idx", None)
}

fn load_known(known: &'static Known, locations: &Locations, _fetch: Fetch<'_>) -> Result<Dataset, Error> {
    let Search { found, searched, notes } = search(known, locations);
    match found {
        Some(Found { folder, cache }) => read_folder(&folder, known.name, Some(known))
            .map_err(|error| if cache { error.refetchable(known.name) } else { error }),
        None => Err(Error::Missing {
            name: known.name.to_owned(),
            searched,
            notes,
            attempts: Vec::new(),
            destination: None,
        }),
    }
}

/// A folder that holds a known dataset, as far as the names of its files tell.
pub(crate) struct Found {
    pub(crate) folder: Folder,
    /// In the cache folder, whose files are ours to replace.
    pub(crate) cache: bool,
}

/// What a search found, and what it saw on the way.
pub(crate) struct Search {
    pub(crate) found: Option<Found>,
    pub(crate) searched: Vec<PathBuf>,
    pub(crate) notes: Vec<String>,
}

/// Looks for all four files of `known`, in the order of the locations.
pub(crate) fn search(known: &Known, locations: &Locations) -> Search {
    let mut searched = Vec::new();
    let mut notes = Vec::new();
    for (root, cache) in locations.roots() {
        for layout in known.layouts {
            let path = root.join(layout);
            match complete(&path) {
                Ok(folder) => return Search { found: Some(Found { folder, cache }), searched, notes },
                Err(missing) if missing.len() < NAMES.len() => {
                    notes.push(format!("`{}` lacks {}", path.display(), missing.join(", ")));
                }
                Err(_) => {}
            }
        }
        searched.push(root.join(known.layouts[0]));
        if let Ok(folder) = complete(root) {
            match identified(known, root) {
                Ok(()) => return Search { found: Some(Found { folder, cache }), searched, notes },
                Err(note) => notes.push(note),
            }
        }
        searched.push(root.to_owned());
    }
    Search { found: None, searched, notes }
}

/// Files that lie in a root itself could be those of any dataset: the labels tell.
fn identified(known: &Known, root: &Path) -> Result<(), String> {
    let path = locate(root, NAMES[TRAIN_LABELS]).unwrap_or_default();
    match read(&path, Content::Labels) {
        Ok(array) if hex(&array.sum) == known.sums[TRAIN_LABELS] => Ok(()),
        Ok(_) => Err(format!("`{}` holds files of another dataset", root.display())),
        Err(error) => Err(error.to_string()),
    }
}

/// Reads and checks the four files of a folder; their checksums too where the dataset is known.
pub(crate) fn read_folder(folder: &Folder, name: &str, known: Option<&Known>) -> Result<Dataset, Error> {
    let array = |k: usize| {
        let array = read(&folder.files[k], CONTENTS[k])?;
        match known {
            Some(known) => check_sum(known, k, &folder.files[k], array),
            None => Ok(array),
        }
    };
    let (train_images, train_labels) = (array(0)?, array(1)?);
    let (test_images, test_labels) = (array(2)?, array(3)?);
    let checksum = hex(&over(&[train_images.sum, train_labels.sum, test_images.sum, test_labels.sum]));
    let shape = train_images.dimensions[1..].to_vec();
    if test_images.dimensions[1..] != shape[..] {
        return Err(Error::Shapes {
            path: folder.files[2].clone(),
            test: shape_text(&test_images.dimensions[1..]),
            train: shape_text(&shape),
        });
    }
    let train = split(train_images, train_labels, &folder.files[..2])?;
    let test = split(test_images, test_labels, &folder.files[2..])?;
    let largest = train.labels.iter().chain(&test.labels).max().copied().unwrap_or(0);
    let classes = known.map_or(usize::from(largest) + 1, |known| known.classes);
    let origin = folder.path.display().to_string();
    Ok(Dataset { name: name.to_owned(), shape, classes, scale: 1.0 / 255.0, train, test, checksum, origin })
}

fn check_sum(known: &Known, k: usize, path: &Path, array: Array) -> Result<Array, Error> {
    let found = hex(&array.sum);
    if found == known.sums[k] {
        return Ok(array);
    }
    Err(Error::Checksum {
        name: known.name.to_owned(),
        path: path.to_owned(),
        found,
        expected: known.sums[k].to_owned(),
        refetch: None,
    })
}

fn split(images: Array, labels: Array, files: &[PathBuf]) -> Result<Split, Error> {
    let samples = images.samples();
    if labels.samples() != samples {
        return Err(Error::SampleCounts {
            labels_path: files[1].clone(),
            labels: labels.samples(),
            images_path: files[0].clone(),
            images: samples,
        });
    }
    Ok(Split { features: images.bytes, labels: labels.bytes, samples })
}
