//! Why a log cannot be written.

use std::io;
use std::path::{Path, PathBuf};

/// Why a log cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The system refuses.
    #[error("cannot {what} the log `{}`: {source}", path.display())]
    File {
        /// What was tried: `write`.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Something else has the name.
    #[error(
        "`{}` is no log of optkit and will not be replaced; remove it, or give the log another name", path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The name does not say what kind of log it is to be.
    #[error("`{target}` is no kind of log; name a file `….jsonl` or `….csv`, or a folder `tensorboard:DIR`")]
    Kind {
        /// As it was given.
        target: String,
    },
}

impl LogError {
    /// For `map_err`.
    pub(crate) fn file(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File { what, path: path.to_owned(), source }
    }
}
