//! A network's parameters and running averages in a file of their own, which PyTorch reads and writes.
//!
//! The format is [safetensors](https://huggingface.co/docs/safetensors). Names, shapes and layout are those of the
//! `state_dict` of a `torch.nn.Sequential` of the same layers, as [`Network::tensors`] and [`Network::buffers`] give them:
//! `0.weight`, `1.running_mean`; a skip is a module with the sequences `body` and `shortcut`: `4.body.0.weight`. In Python:
//!
//! ```text
//! from safetensors.torch import load_file, save_file
//! model.load_state_dict(load_file("net.safetensors"))
//! save_file(model.state_dict(), "net.safetensors")
//! ```
//!
//! Numbers may be `F64`, `F32`, `F16` or `BF16`. PyTorch's counters `num_batches_tracked` are passed over: averages here
//! have a fixed momentum.

mod error;
mod format;
mod half;

use std::path::Path;

use optkit_lang::{ObjectiveKind, Source, check};
use optkit_nn::Network;

use crate::assemble::declared_network;
use crate::checkpoint::{Checkpoint, replace};
use crate::vocabulary;

pub use error::{ExportError, WeightsError, WeightsFormatError};
pub use format::Precision;

/// What a network has learnt.
///
/// ```
/// use optkit::nn::{BatchNorm, Layer, Network, RunningAverages};
/// use optkit::weights::{Precision, Weights};
///
/// let layers = vec![Layer::Dense { outputs: 3 }, Layer::BatchNorm(BatchNorm::default())];
/// let network = Network::new(vec![4], layers)?;
/// let averages = RunningAverages::new(&network).values();
/// let weights = Weights { parameters: network.initial(1), averages };
/// let bytes = weights.to_bytes(&network, Precision::F64);
/// assert_eq!(Weights::from_bytes(&bytes, &network)?, weights);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// θ, in the order of [`Network::tensors`].
    pub parameters: Vec<f64>,
    /// Running averages of batch normalisations, in the order of [`Network::buffers`].
    pub averages: Vec<f64>,
}

impl Weights {
    /// Reads the file at `path`: every tensor of `network` must be there with its shape, and nothing else.
    ///
    /// # Errors
    /// [`WeightsError::Read`] where the system refuses, [`WeightsError::Format`] where the file is not of this network.
    pub fn read(path: impl AsRef<Path>, network: &Network) -> Result<Self, WeightsError> {
        let path = path.as_ref();
        let bytes =
            std::fs::read(path).map_err(|source| WeightsError::Read { path: path.to_owned(), source })?;
        Self::from_bytes(&bytes, network)
            .map_err(|source| WeightsError::Format { path: path.to_owned(), source: Box::new(source) })
    }

    /// Writes a file for `network` to `path`, in place of what stands there. Until all of it is on the disk the old file
    /// stays.
    ///
    /// # Errors
    /// [`WeightsError::Write`] where the system refuses.
    ///
    /// # Panics
    /// Where these are not weights of `network`.
    pub fn write(
        &self,
        path: impl AsRef<Path>,
        network: &Network,
        precision: Precision,
    ) -> Result<(), WeightsError> {
        let path = path.as_ref();
        replace(path, &self.to_bytes(network, precision))
            .map_err(|source| WeightsError::Write { path: path.to_owned(), source })
    }
}

/// The network that a checkpoint is of, and what it had learnt there: at the point at which the run stood.
///
/// # Errors
/// [`ExportError`] where the checkpoint does not say of which problem it is, or is of one without a network.
pub fn of_checkpoint(checkpoint: &Checkpoint) -> Result<(Network, Weights), ExportError> {
    let text = checkpoint.problem().ok_or(ExportError::NoProblem)?;
    let source = Source::new("the checkpoint's problem", text);
    let checked = check(source, &mut |_| Err("not in the checkpoint".to_owned()), &[], &vocabulary());
    let unreadable =
        |reason: String| ExportError::Unreadable { version: checkpoint.version().to_owned(), reason };
    let wrong = checked.diagnostics.list.iter().find(|diagnostic| diagnostic.is_error());
    let reason = wrong.map_or_else(String::new, |diagnostic| diagnostic.title.clone());
    let problem = checked.problem.ok_or_else(|| unreadable(reason))?;
    let ObjectiveKind::NetworkLoss { network, .. } = &problem.objective.kind else {
        return Err(ExportError::NoNetwork);
    };
    let declared = problem.network(network).ok_or(ExportError::NoNetwork)?;
    let network = declared_network(declared).map_err(|diagnostic| unreadable(diagnostic.title))?;
    let archive = checkpoint.archive();
    let mut weights =
        Weights { parameters: vec![0.0; network.dim()], averages: vec![0.0; network.graph().buffers()] };
    archive.array_into("run.point", &mut weights.parameters)?;
    if !weights.averages.is_empty() {
        archive.array_into("objective.running", &mut weights.averages)?;
    }
    Ok((network, weights))
}
