//! Why a run of an experiment, or one that is kept in a folder, did not come to an end of its own.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use optkit_core::StartError;
use optkit_log::LogError;

use crate::assemble::LoadPlanError;
use crate::checkpoint::{CheckpointError, ResumeError};

/// Why a run could not be made, or its folder not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The system refuses.
    #[error("cannot {what} `{}`: {source}{}", path.display(), remedy(source))]
    File {
        /// What was tried: `write`.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Another process runs it.
    #[error(
        "`{}` is in use by another optkit; wait until that ends, or keep this run elsewhere: --runs DIR",
        folder.display()
    )]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// Something else has the folder's name.
    #[error(
        "`{}` is no run of optkit (it holds `{found}`) and will not be used; choose another place: --runs DIR",
        folder.display()
    )]
    Foreign {
        /// The folder.
        folder: PathBuf,
        /// What is in it.
        found: String,
    },
    /// A version that does not exist yet wrote it.
    #[error(
        "`{}` has format {found}, written by optkit {version}; formats up to {known} are read: use that version or a \
         newer one, or keep this run elsewhere: --runs DIR", folder.display()
    )]
    Newer {
        /// The folder.
        folder: PathBuf,
        /// Its format.
        found: u64,
        /// The newest that is read.
        known: u64,
        /// Who wrote it.
        version: String,
    },
    /// Its `run.json` cannot be understood.
    #[error("`{}` is damaged: {reason}; --again runs it anew", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// It belongs to a problem that has changed since.
    #[error(
        "`{}` holds a run of another problem: {difference}; --again replaces it, --runs DIR keeps both",
        folder.display()
    )]
    Changed {
        /// The folder.
        folder: PathBuf,
        /// The first difference, in words.
        difference: String,
    },
    /// It was begun by another version, whose iterates may differ.
    #[error(
        "`{}` was begun by optkit {version}, and this is {this}: another version may go on differently; finish it with \
         that version, or run it anew: --again", folder.display()
    )]
    Version {
        /// The folder.
        folder: PathBuf,
        /// Who began it.
        version: String,
        /// Who was to go on.
        this: &'static str,
    },
    /// The data are not those that it was begun on.
    #[error(
        "`{}` was begun on other data (SHA-256 {saved} there, {this} here); bring those data back, or run it anew: \
         --again", folder.display()
    )]
    Data {
        /// The folder.
        folder: PathBuf,
        /// Of the data then.
        saved: String,
        /// Of the data now.
        this: String,
    },
    /// It has ended, further on than is asked now.
    #[error(
        "`{}` has ended beyond what is asked now: {status}, and now {stop}; --again runs it anew", folder.display()
    )]
    Beyond {
        /// The folder.
        folder: PathBuf,
        /// How it ended.
        status: String,
        /// The budget that is exceeded.
        stop: String,
    },
    /// Nothing was kept to go on from.
    #[error("`{}` has no checkpoint to resume from; leave out --resume to begin", folder.display())]
    NothingToResume {
        /// The folder.
        folder: PathBuf,
    },
    /// Its checkpoints are damaged, all of them.
    #[error("no checkpoint of `{}` can be read ({reason}); --again runs it anew", folder.display())]
    NoneReadable {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with the newest.
        reason: String,
    },
    /// A checkpoint cannot be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A checkpoint cannot be taken up.
    #[error("{}: {source}; --again runs it anew", folder.display())]
    Resume {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: ResumeError,
    },
    /// The method refuses the objective.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The data could not be had, or do not fit.
    #[error(transparent)]
    Load(#[from] LoadPlanError),
    /// The log cannot be written.
    #[error("{source}{}", remedy_of_log(source))]
    Log {
        /// Why.
        #[from]
        source: LogError,
    },
    /// The problem cannot be planned.
    #[error("{reason}")]
    Plan {
        /// The first thing that is wrong.
        reason: String,
    },
    /// The run met an error in optkit.
    #[error("internal error: {message}; please report it. Other runs are not affected")]
    Panicked {
        /// What the panic said.
        message: String,
    },
}

impl RunError {
    /// For `map_err`.
    pub(crate) fn file(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File { what, path: path.to_owned(), source }
    }
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "; free some space and run the same command: what is finished stays"
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => "; choose another place: --runs DIR",
        _ => "",
    }
}

fn remedy_of_log(error: &LogError) -> &'static str {
    match error {
        LogError::File { source, .. } => remedy(source),
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_refuses_comes_with_a_remedy() {
        let error = |kind: ErrorKind| RunError::file("write", Path::new("runs/a"))(kind.into()).to_string();
        let full = error(ErrorKind::StorageFull);
        assert!(full.starts_with("cannot write `runs/a`: ") && full.contains("free some space"), "{full}");
        assert!(error(ErrorKind::PermissionDenied).contains("choose another place: --runs DIR"));
        let source = io::Error::from(ErrorKind::StorageFull);
        let log = RunError::from(LogError::File { what: "write", path: "run.jsonl".into(), source });
        assert!(
            log.to_string().contains("the log `run.jsonl`") && log.to_string().contains("free some space")
        );
    }
}
