//! `optkit data get`: a dataset put on this machine.

use crate::cifar;
use crate::error::Error;
use crate::fetch::{Destination, Source, fetch, sources};
use crate::files::{Folder, complete};
use crate::known::Known;
use crate::load::{read_folder, resolve};
use crate::locations::Locations;
use crate::progress::Progress;
use crate::search::{Search, search};
use std::path::PathBuf;

/// Where a dataset is after [`get()`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Got {
    /// Part of this crate.
    Embedded,
    /// It was in this folder already, and is complete and right.
    Present(PathBuf),
    /// It was fetched to this folder.
    Fetched(PathBuf),
}

/// Makes sure that the dataset `name` is on this machine, complete and verified; fetches what is not.
///
/// Fetched files go to `<data_dir>/<name>/`, or `<cache>/<name>/` where no `data_dir` is given.
///
/// # Errors
/// [`Error::Missing`] with the reason of every source where none delivered; [`Error::Format`] or
/// [`Error::Checksum`] where a wrong file lies in a folder of the user, which is never overwritten;
/// [`Error::NotFetchable`] for `idx`.
pub fn get(name: &str, locations: &Locations, progress: &mut dyn Progress) -> Result<Got, Error> {
    match resolve(name)? {
        Some(known) => get_known(known, locations, sources(name), progress),
        None if name == cifar::NAME => cifar::get(&cifar::PUBLISHED, locations, progress),
        None if name == "digits" => Ok(Got::Embedded),
        None => Err(Error::NotFetchable { name: name.to_owned() }),
    }
}

pub(crate) fn get_known(
    known: &Known,
    locations: &Locations,
    sources: &[&dyn Source],
    progress: &mut dyn Progress,
) -> Result<Got, Error> {
    let search = search(known, locations);
    let failure = match &search.found {
        None => None,
        Some(found) => match read_folder(&found.folder, known.name, Some(known)) {
            Ok(_) => return Ok(Got::Present(found.folder.path.clone())),
            Err(error) if found.cache && error.is_bad_file() => Some(error),
            Err(error) => return Err(error),
        },
    };
    let folder = fetch_into_place(known, search, failure, locations, sources, progress)?;
    Ok(Got::Fetched(folder.path))
}

/// Fetches what `search` did not find, or found in the cache and could not read because of `failure`.
pub(crate) fn fetch_into_place(
    known: &Known,
    mut search: Search,
    failure: Option<Error>,
    locations: &Locations,
    sources: &[&dyn Source],
    progress: &mut dyn Progress,
) -> Result<Folder, Error> {
    search.notes.extend(failure.map(|error| error.to_string()));
    let broken = search.found.map(|found| found.folder.path);
    let folder = broken
        .or_else(|| locations.destination(known.name))
        .ok_or_else(|| Error::NoDestination { name: known.name.to_owned() })?;
    let replace = locations.cache.as_ref().is_some_and(|cache| folder.starts_with(cache));
    let destination = Destination { folder: &folder, replace };
    fetch(known, destination, sources, progress).map_err(|error| match error {
        Error::Missing { name, attempts, destination, .. } => {
            Error::Missing { name, searched: search.searched, notes: search.notes, attempts, destination }
        }
        other => other,
    })?;
    complete(&folder).map_err(|missing| Error::Absent { folder, missing: missing.join(", ") })
}
