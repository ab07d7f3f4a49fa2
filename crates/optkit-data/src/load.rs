//! From a name to a dataset: find the files, read them, verify them.

use crate::catalog::{DATASETS, names};
use crate::checksum::{hex, over};
use crate::cifar;
use crate::dataset::{Dataset, Split};
use crate::digits;
use crate::error::Error;
use crate::fetch::{Source, sources};
use crate::files::{CONTENTS, Folder, complete_any_rank};
use crate::get::fetch_into_place;
use crate::idx::{Array, read, shape_text};
use crate::known::{Known, find};
use crate::locations::Locations;
use crate::progress::Fetch;
use crate::search::search;
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
        (cifar::NAME, None) => cifar::load(&cifar::PUBLISHED, locations, fetch),
        (_, None) => match known {
            Some(known) => load_known(known, locations, fetch, sources(name)),
            None => Ok(digits::load()),
        },
    }
}

/// The row of a dataset of four idx files that are known; `None` for the others.
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

pub(crate) fn load_known(
    known: &Known,
    locations: &Locations,
    fetch: Fetch<'_>,
    sources: &[&dyn Source],
) -> Result<Dataset, Error> {
    let read = |folder: &Folder| read_folder(folder, known.name, Some(known));
    let search = search(known, locations);
    let failure = match &search.found {
        None => None,
        Some(found) => match read(&found.folder) {
            Ok(data) => return Ok(data),
            Err(error) if found.cache && error.is_bad_file() => Some(error.refetchable(known.name)),
            Err(error) => return Err(error),
        },
    };
    match (fetch, failure) {
        (Fetch::IfMissing(progress), failure) => {
            read(&fetch_into_place(known, search, failure, locations, sources, progress)?)
        }
        (Fetch::Never, Some(failure)) => Err(failure),
        (Fetch::Never, None) => Err(search.missing(known, locations)),
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

pub(crate) fn check_sum(known: &Known, k: usize, path: &Path, array: Array) -> Result<Array, Error> {
    let found = hex(&array.sum);
    if found == known.sums[k] {
        return Ok(array);
    }
    Err(Error::Checksum {
        name: known.name,
        path: path.to_owned(),
        found,
        expected: known.sums[k],
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
