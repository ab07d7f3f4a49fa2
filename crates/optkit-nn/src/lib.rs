//! Networks as objectives that decompose by layers.
#![deny(unsafe_code)]

mod accuracy;
mod backend;
mod buffer;
mod decomposition;
mod evaluator;
mod head;
mod kernels;
mod layer;
mod layers;
mod line;
mod loss;
mod model;
mod network;
mod objective;
mod part;
mod plan;
mod resume;
mod samples;
mod scalar;
mod walk;
mod weights;

pub use accuracy::Accuracy;
#[cfg(feature = "dfdx")]
pub use backend::dfdx::{DfdxError, DfdxObjective};
pub use kernels::{Kernel, kernel};
pub use layer::{Layer, LayerError};
pub use layers::LAYERS;
pub use loss::{LOSSES, Loss, MEASURES};
pub use network::{Network, NetworkError, Tensor};
pub use objective::NetworkObjective;
pub use samples::{Samples, SamplesError, Targets};
pub use scalar::Scalar;
