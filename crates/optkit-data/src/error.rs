//! What can go wrong, each with the value, the place and the remedy.

use crate::idx::IdxProblem;
use std::fmt::Write as _;
use std::path::PathBuf;

/// A source that was asked and did not deliver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// A mirror's address, or a package.
    pub source: String,
    /// Why it did not deliver.
    pub reason: String,
}

/// Why a dataset could not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No dataset of that name.
    #[error("there is no dataset `{name}`; known are {known}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// A dataset that a later version will read.
    #[error("dataset `{name}` is not supported yet; use one of {known}")]
    NotSupported {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// `idx` without a folder.
    #[error("`idx` needs the folder that holds the files: `idx(\"folder\")`")]
    FolderNotNamed,
    /// `mnist("…")`.
    #[error(
        "dataset `{name}` takes no operand, got \"{argument}\"; to read files of your own write `idx(\"folder\")`, to \
         say where {name} lies use --data-dir"
    )]
    UnexpectedArgument {
        /// The dataset.
        name: String,
        /// What stood in its parentheses.
        argument: String,
    },
    /// `optkit data get idx`.
    #[error("`{name}` reads a folder of your own: there is nothing to fetch")]
    NotFetchable {
        /// The dataset.
        name: String,
    },
    /// The dataset is nowhere on the machine, and no source delivered it (or none was asked).
    #[error("{}", missing(.name, .searched, .notes, .attempts, .destination.as_ref()))]
    Missing {
        /// The dataset.
        name: &'static str,
        /// The folders that were searched.
        searched: Vec<PathBuf>,
        /// What was found there and could not be taken.
        notes: Vec<String>,
        /// The sources that were asked.
        attempts: Vec<Attempt>,
        /// Where the files may be put by hand.
        destination: Option<PathBuf>,
    },
    /// The folder of `idx("folder")` lacks files.
    #[error("no {missing} (plain or .gz) in `{}`; put what is missing there, or name another folder", .folder.display())]
    Absent {
        /// The folder.
        folder: PathBuf,
        /// The files that are not there.
        missing: String,
    },
    /// No folder is known to which files could be fetched.
    #[error("no folder to fetch `{name}` to: name one with --data-dir, or set HOME or XDG_CACHE_HOME")]
    NoDestination {
        /// The dataset.
        name: String,
    },
    /// The file exists, but the system does not let us read it.
    #[error("cannot read `{}`: {source}; check that it is a file and its permissions", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A fetched file could not be written.
    #[error("cannot write `{}`: {source}; free some space, or name a writable folder with --data-dir", .path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The file is not a complete idx file of bytes.
    #[error("`{}`: {problem}; replace the file by a complete one{}", .path.display(), by_fetching(.refetch.as_ref()))]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        problem: IdxProblem,
        /// The dataset that `optkit data get` would fetch again to this place.
        refetch: Option<String>,
    },
    /// The file does not hold the records that it should.
    #[error("`{}`: {problem}; replace it by a complete one", .path.display())]
    Records {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        problem: String,
    },
    /// The file's contents are not the dataset's.
    #[error(
        "`{}` is not the file of `{name}`: its SHA-256 is {found}, expected {expected}; replace the file, or \
         remove it to have it fetched{}",
        .path.display(), by_fetching(.refetch.as_ref())
    )]
    Checksum {
        /// The dataset.
        name: &'static str,
        /// The file.
        path: PathBuf,
        /// SHA-256 of what it holds, uncompressed.
        found: String,
        /// SHA-256 of the dataset's file.
        expected: &'static str,
        /// The dataset that `optkit data get` would fetch again to this place.
        refetch: Option<String>,
    },
    /// As many labels as images are needed.
    #[error(
        "`{}` holds {labels} labels, but `{}` holds {images} images; both must be of the same set",
        .labels_path.display(), .images_path.display()
    )]
    SampleCounts {
        /// The file of labels.
        labels_path: PathBuf,
        /// Number of labels.
        labels: usize,
        /// The file of images.
        images_path: PathBuf,
        /// Number of images.
        images: usize,
    },
    /// Training and test images differ in shape.
    #[error(
        "the images of `{}` have shape {test}, those for training {train}; both must be of the same set",
        .path.display()
    )]
    Shapes {
        /// The file of test images.
        path: PathBuf,
        /// Its shape, as `28x28`.
        test: String,
        /// Shape of the training images.
        train: String,
    },
    /// The user stopped the fetch.
    #[error("fetching `{name}` was interrupted; files already complete are kept")]
    Interrupted {
        /// The dataset.
        name: String,
    },
}

impl Error {
    /// True where the data are not there (exit code 4 of the command line).
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Missing { .. } | Self::Absent { .. } | Self::NoDestination { .. })
    }

    /// True where a file is there, but cannot be read or is wrong (exit code 2).
    #[must_use]
    pub fn is_bad_file(&self) -> bool {
        matches!(
            self,
            Self::Read { .. }
                | Self::Format { .. }
                | Self::Records { .. }
                | Self::Checksum { .. }
                | Self::SampleCounts { .. }
                | Self::Shapes { .. }
        )
    }

    /// True where the user stopped the fetch (exit code 130).
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        matches!(self, Self::Interrupted { .. })
    }

    /// Says that `optkit data get name` would replace the bad file.
    pub(crate) fn refetchable(mut self, name: &str) -> Self {
        if let Self::Format { refetch, .. } | Self::Checksum { refetch, .. } = &mut self {
            *refetch = Some(name.to_owned());
        }
        self
    }
}

fn by_fetching(name: Option<&String>) -> String {
    name.map_or_else(String::new, |name| format!(" (`optkit data get {name}` does)"))
}

fn missing(
    name: &str,
    searched: &[PathBuf],
    notes: &[String],
    attempts: &[Attempt],
    destination: Option<&PathBuf>,
) -> String {
    let mut text = format!("dataset `{name}` is not on this machine");
    let places: Vec<String> = searched.iter().map(|p| format!("`{}`", p.display())).collect();
    if !places.is_empty() {
        let _ = write!(text, "\n  looked in {}", places.join(", "));
    }
    for note in notes {
        let _ = write!(text, "\n  {note}");
    }
    if !attempts.is_empty() {
        text.push_str("\n  asked in vain:");
    }
    for Attempt { source, reason } in attempts {
        let _ = write!(text, "\n    {source}: {reason}");
    }
    let files = if name == crate::cifar::NAME {
        format!("{}, or the files in it,", crate::cifar::PUBLISHED.archive)
    } else {
        format!("{} (plain or .gz)", crate::files::NAMES.join(", "))
    };
    let fetch =
        if attempts.is_empty() { format!("run `optkit data get {name}`, or ") } else { String::new() };
    let place = destination.map_or_else(String::new, |d| format!(" into `{}`, or", d.display()));
    let _ = write!(
        text,
        "\n  remedy: {fetch}put {files}{place} into a folder of your own and name it with --data-dir"
    );
    text
}
