//! What stands in the place of `fetch` where the crate is built without that feature: no source delivers.

use crate::error::{Attempt, Error};
use crate::known::Known;
use crate::progress::Progress;
use std::path::Path;

/// There is none.
pub(crate) trait Source: Sync {}

/// Where fetched files would go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Destination<'a> {
    pub(crate) folder: &'a Path,
    #[expect(dead_code, reason = "nothing is written")]
    pub(crate) replace: bool,
}

/// No sources.
pub(crate) fn sources(_name: &str) -> &'static [&'static dyn Source] {
    &[]
}

/// Fails, and says why.
pub(crate) fn fetch(
    known: &Known,
    destination: Destination<'_>,
    _sources: &[&dyn Source],
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    let attempt = Attempt {
        source: "this build of optkit".to_owned(),
        reason: "made without the feature `fetch`".to_owned(),
    };
    progress.failed(&attempt.source, &attempt.reason);
    Err(Error::Missing {
        name: known.name,
        searched: Vec::new(),
        notes: Vec::new(),
        attempts: vec![attempt],
        destination: Some(destination.folder.to_owned()),
    })
}
