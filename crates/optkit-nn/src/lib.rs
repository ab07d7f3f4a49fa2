//! Networks as objectives that decompose by layers.

mod layer;
mod layers;
mod loss;
mod network;

pub use layer::{Layer, LayerError};
pub use layers::LAYERS;
pub use loss::{LOSSES, Loss, MEASURES};
pub use network::{Network, NetworkError, Tensor};
