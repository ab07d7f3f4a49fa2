//! Looking for a known dataset on this machine.

use crate::checksum::hex;
use crate::error::Error;
use crate::files::{Folder, NAMES, TRAIN_LABELS, complete, locate};
use crate::idx::{Content, read};
use crate::known::Known;
use crate::locations::Locations;
use std::path::{Path, PathBuf};

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

impl Search {
    /// The error for a dataset that was not found and may not be fetched.
    pub(crate) fn missing(self, known: &Known, locations: &Locations) -> Error {
        Error::Missing {
            name: known.name,
            searched: self.searched,
            notes: self.notes,
            attempts: Vec::new(),
            destination: locations.destination(known.name),
        }
    }
}

/// Looks for all four files of `known`, in the order of the locations.
pub(crate) fn search(known: &Known, locations: &Locations) -> Search {
    let (mut searched, mut notes) = (Vec::new(), Vec::new());
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
