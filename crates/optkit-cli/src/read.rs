//! A problem file with the command line's changes, or what is wrong with it.

use optkit::lang::Override;
use optkit::problem::{Planned, ReadError, read};

use crate::args::Changes;
use crate::exit::Exit;
use crate::stderr;

/// Reads the file; errors and warnings go to stderr.
pub(crate) fn planned(changes: &Changes) -> Result<Planned, Exit> {
    let mut overrides = Vec::new();
    for set in &changes.set {
        let Some((path, value)) = set.split_once('=') else {
            stderr::error(format_args!("`--set {set}` has no value; write --set path=value"));
            return Err(Exit::Usage);
        };
        overrides.push(Override { path: path.trim().to_owned(), value: value.trim().to_owned() });
    }
    if let Some(seed) = changes.seed {
        overrides.push(Override { path: "run.seed".to_owned(), value: seed.to_string() });
    }
    match read(&changes.file, &overrides) {
        Ok(planned) => {
            stderr::diagnostics(&planned.diagnostics);
            Ok(planned)
        }
        Err(ReadError::Wrong(diagnostics)) => {
            stderr::diagnostics(&diagnostics);
            Err(Exit::Usage)
        }
        Err(error) => {
            stderr::error(error);
            Err(Exit::Usage)
        }
    }
}
