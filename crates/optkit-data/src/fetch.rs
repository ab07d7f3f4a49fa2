//! Fetching: sources are asked in the order of their table until every file is in place and verified.
//!
//! Three invariants: a file appears under its own name only complete and with the right SHA-256; a file outside
//! the cache folder is never replaced; files that one source delivered before it failed are not asked of the
//! next one.

mod command;
mod debian;
mod mirror;
mod npm;
mod order;
mod scratch;
mod sources;

pub(crate) use mirror::agent;
pub(crate) use order::{Order, Part};
pub(crate) use sources::sources;

use crate::error::{Attempt, Error};
use crate::files::{CONTENTS, NAMES, locate};
use crate::idx::read;
use crate::known::Known;
use crate::load::check_sum;
use crate::progress::Progress;
use std::path::Path;

/// Something that may deliver the files of a dataset.
pub(crate) trait Source: Sync {
    /// How it is called in messages.
    fn name(&self) -> String;
    /// Hands the pending files to `order`, as many as it can.
    fn deliver(&self, order: &mut Order<'_>) -> Result<(), Failure>;
}

/// Why a source did not deliver.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The source's fault: the next one is asked.
    Refused(String),
    /// No source could help: the disk is full, say, or the user stopped it.
    Fatal(Box<Error>),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Fatal(Box::new(error))
    }
}

/// Where fetched files go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Destination<'a> {
    pub(crate) folder: &'a Path,
    /// In the cache folder: what is wrong there may be replaced.
    pub(crate) replace: bool,
}

/// Fetches what `destination` lacks of `known`.
///
/// # Errors
/// [`Error::Missing`] with the sources that were asked in vain; whatever ended the fetch before its end.
pub(crate) fn fetch(
    known: &Known,
    destination: Destination<'_>,
    sources: &[&dyn Source],
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    let pending = pending(known, destination)?;
    let folder = destination.folder;
    std::fs::create_dir_all(folder).map_err(|source| Error::Write { path: folder.to_owned(), source })?;
    let mut attempts = Vec::new();
    let mut order = Order::new(known, destination, pending, progress);
    for source in sources {
        if order.pending().is_empty() {
            break;
        }
        let name = source.name();
        order.begin(&name);
        let refused = match source.deliver(&mut order) {
            Err(Failure::Fatal(error)) => return Err(*error),
            Err(Failure::Refused(reason)) => reason,
            Ok(()) if order.pending().is_empty() => break,
            Ok(()) => format!("has no {}", order.pending_names()),
        };
        order.failed(&name, &refused);
        attempts.push(Attempt { source: name, reason: refused });
    }
    if order.pending().is_empty() {
        return Ok(());
    }
    let (name, destination) = (known.name, Some(folder.to_owned()));
    Err(Error::Missing { name, searched: Vec::new(), notes: Vec::new(), attempts, destination })
}

/// The places in [`NAMES`] of files that are not there, or wrong and ours to replace.
fn pending(known: &Known, destination: Destination<'_>) -> Result<Vec<usize>, Error> {
    let mut pending = Vec::new();
    for k in 0..NAMES.len() {
        let Some(path) = locate(destination.folder, NAMES[k]) else {
            pending.push(k);
            continue;
        };
        match read(&path, CONTENTS[k]).and_then(|array| check_sum(known, k, &path, array)) {
            Ok(_) => {}
            Err(_) if destination.replace => pending.push(k),
            Err(error) => return Err(error),
        }
    }
    Ok(pending)
}

#[cfg(test)]
mod tests;
