//! What can be wrong with a file of weights, and with a checkpoint that is to become one.

use std::io;
use std::path::PathBuf;

use optkit_core::LoadError;

/// Names of tensors that are said.
const SAID: usize = 2;

/// Why weights could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The file cannot be read.
    #[error("cannot read the weights `{}`: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write the weights `{}`: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The file is no weights of the network.
    #[error("`{}`: {source}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<WeightsFormatError>,
    },
}

/// Why bytes are not the weights of a network.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsFormatError {
    /// No safetensors file.
    #[error("this is no safetensors file ({reason}); {}", if *pickled {
        "it looks like one of `torch.save`: write it with `safetensors.torch.save_file(model.state_dict(), …)`"
    } else {
        "name another file, or copy it again"
    })]
    NotSafetensors {
        /// What is not as in one.
        reason: String,
        /// Whether it begins as files of `torch.save` do.
        pickled: bool,
    },
    /// A checkpoint of a run.
    #[error("this is a checkpoint, with more in it than weights; `optkit export` makes weights of it")]
    Checkpoint,
    /// Tensors of other names than the network's.
    #[error(
        "its tensors are not those of the network: {}; name them as PyTorch would in a `Sequential` of the same layers",
        names(.missing, .unknown)
    )]
    Names {
        /// What the network has and the file has not.
        missing: Vec<String>,
        /// What the file has and the network has not.
        unknown: Vec<String>,
    },
    /// A tensor of another shape.
    #[error(
        "`{name}` is {found:?}, and the network's is {expected:?}; take weights of this network, or change its layers"
    )]
    Shape {
        /// The tensor.
        name: String,
        /// Its shape in the file.
        found: Vec<usize>,
        /// Its shape in the network.
        expected: Vec<usize>,
    },
    /// Numbers of a kind that parameters are not made of.
    #[error(
        "`{name}` holds numbers of the kind {found}; F64, F32, F16 and BF16 are read: convert it, `.float()` in PyTorch"
    )]
    Kind {
        /// The tensor.
        name: String,
        /// The kind, as safetensors calls it.
        found: String,
    },
    /// A number that cannot be where it is.
    #[error(
        "`{name}` has the value {value} at index {index}, and must be {must} there; take weights from an earlier time"
    )]
    Value {
        /// The tensor.
        name: String,
        /// The entry, counted from 0 along the whole tensor.
        index: usize,
        /// What stands there.
        value: f64,
        /// What may stand there.
        must: &'static str,
    },
}

/// Why a checkpoint gives no weights.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// It does not say of which problem it is.
    #[error(
        "the checkpoint does not say which problem it is of; export checkpoints of runs that are kept in folders"
    )]
    NoProblem,
    /// It is of a function that is no network.
    #[error(
        "the run minimises a function without a network, and has no weights; its point is `run.point` in the checkpoint"
    )]
    NoNetwork,
    /// This version does not read its problem.
    #[error("its problem cannot be read ({reason}); export it with optkit {version}, which wrote it")]
    Unreadable {
        /// Who wrote it.
        version: String,
        /// What is wrong.
        reason: String,
    },
    /// It lacks something.
    #[error(transparent)]
    State(#[from] LoadError),
}

fn names(missing: &[String], unknown: &[String]) -> String {
    let some = |names: &[String]| {
        let said: Vec<String> = names.iter().take(SAID).map(|name| format!("`{name}`")).collect();
        match names.len().saturating_sub(SAID) {
            0 => said.join(" and "),
            more => format!("{} and {more} more", said.join(", ")),
        }
    };
    match (missing, unknown) {
        (missing, []) => format!("it lacks {}", some(missing)),
        ([], unknown) => format!("the network has no {}", some(unknown)),
        (missing, unknown) => format!("it lacks {}, and the network has no {}", some(missing), some(unknown)),
    }
}
