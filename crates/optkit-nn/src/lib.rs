//! Networks as objectives that decompose by layers.
//!
//! ```text
//! minimise  f(θ) = mean over the samples of loss(network(x; θ), y),     θ ∈ ℝⁿ all weights and biases
//! ```
//!
//! A [`Network`] is plain data: an input shape and a list of [`Layer`]s. With [`Samples`], [`Targets`] and a [`Loss`]
//! it becomes a [`NetworkObjective`], which is all that an optimizer sees of it; [`Accuracy`] is what a run reports.
//!
//! ```
//! use std::sync::Arc;
//! use optkit_core::{Objective, Pass, Subset};
//! use optkit_nn::{Layer, Loss, Network, NetworkObjective, Samples, Targets};
//!
//! let layers = vec![Layer::Dense { outputs: 8 }, Layer::Relu, Layer::Dense { outputs: 2 }];
//! let network = Network::new(vec![4], layers)?;
//! let samples = Arc::new(Samples::from_bytes(&[0, 9, 0, 0, 7, 0, 0, 0], 4, 1.0 / 255.0)?);
//! let targets = Arc::new(Targets::labels(&[0, 1], 2)?);
//! let mut f: NetworkObjective = NetworkObjective::new(&network, Loss::CrossEntropy, samples, targets)?;
//!
//! let x = network.initial(1);
//! let mut gradient = vec![0.0; f.dim()];
//! let loss = f.value_gradient(&x, &mut gradient);
//!
//! // The last layer alone: its evaluations begin where the first layers' outputs are kept.
//! let last = Subset::from_ranges(f.dim(), network.tensors()[2..].iter().map(|t| t.range.clone()))?;
//! let mut split = f.decompose(&[last.clone()])?;
//! split.freeze(&x, Pass::default());
//! let mut own = vec![0.0; last.len()];
//! last.gather(&x, &mut own);
//! assert_eq!(split.parts()[0].value(&own), loss);
//! assert!(split.cost(0).forward < 0.4);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How it computes
//!
//! - **Storage.** Samples lie in tiles of 128. Bytes of which few are not zero are kept as sparse pairs of columns and
//!   multiplied as such ([`Samples::from_bytes`] decides); others are converted block by block, in cache.
//! - **Walk.** A *chunk* of tiles is one task. Within a tile, blocks of 64 samples go through all layers, the loss and
//!   back before the next one begins. Only outputs of dense layers go to memory; activations are computed again.
//! - **Kernels.** A handful of loops, written once over vectors of 16 lanes and compiled for AVX-512, AVX2 and
//!   portably; [`kernel()`] says which of them run here. Widths are padded to 16.
//! - **Sums.** Chunks, and with them gradient accumulators, are a constant of the samples. Losses and accumulators
//!   are summed in their order in `f64`: results do not depend on the number of threads, bit for bit.
//! - **Nothing twice.** Outputs of a forward pass stay in a slot keyed by the point. A gradient there walks back only.
//!   The gradient of the samples, and of frozen tensors, is never formed.
//!
//! # Image networks
//!
//! All of that holds of chains of dense layers. Networks with convolutions, normalisations or skips are computed stage by
//! stage over a whole mini-batch instead: outputs lie as \[pixels\]\[samples\]\[channels\], a convolution is a sum of
//! products over pairs of pixels without padding or copies, a batch normalisation, what is added behind it and a relu are
//! one stage. [`RunningAverages`] are state of the objective and move in [`accept`](optkit_core::Objective::accept) alone.
//! Where activations are many, outputs of normalisations are computed again rather than kept
//! ([`NetworkObjective::sparing_beyond`]). They offer neither products with the Hessian nor lines.
//!
//! # Curvature
//!
//! Products with the Hessian are those of the R-operator (Pearlmutter 1994): the walk up and back is differentiated
//! along the direction, on the outputs that the last pass left at the point. A part's product is that of its own
//! diagonal block. The dfdx backend offers none.
//!
//! # How it decomposes
//!
//! `freeze(x)` shares the outputs that the whole objective left at x among all parts (one `Arc`, no copy); a pass is
//! run only where it left none. A part begins at the lowest dense layer that it owns a tensor of. If it owns that
//! layer's weights, further trial points along a line need no product there; if it owns only the bias, none does.
//! Layers above whose products are narrow are computed again rather than kept, so that parts need little memory.
//! Costs are counted in multiply-adds: a whole forward pass is ½ gradient equivalent, a whole backward pass ½.
//!
//! # Mini-batches
//!
//! [`NetworkObjective::in_batches`] deals the samples anew in every epoch. A batch is gathered into tiles of its own, on
//! which the same kernels run; nothing is allocated for it after the first. Tiles of sparse bytes are sorted from the
//! samples by rows, which are kept besides the tiles of the whole set. What two batches share is one more batch to it:
//! [`select_shared`](optkit_core::Objective::select_shared).
//!
//! # Extending it
//!
//! A layer is a variant of [`Layer`], a file under `layers/` and a row of the table there; a loss is a variant of
//! [`Loss`], a row of [`LOSSES`] and an arm in `head.rs`.
#![deny(unsafe_code)]

// What unit tests and integration tests share names the crate as the latter do.
#[cfg(test)]
extern crate self as optkit_nn;

mod accuracy;
mod augment;
mod backend;
mod batches;
mod buffer;
mod chain;
mod deal;
mod decomposition;
mod evaluator;
mod executor;
mod gather;
mod gauss_newton;
mod graph;
mod head;
mod images;
mod initial;
mod kernels;
mod layer;
mod layers;
mod line;
mod loss;
mod model;
mod network;
mod normalization;
mod objective;
mod part;
mod plan;
mod resume;
mod samples;
mod scalar;
mod selected;
mod targets;
mod walk;
mod weight_decay;
mod weights;
mod worker;

pub use accuracy::Accuracy;
pub use augment::Augmentation;
#[cfg(feature = "dfdx")]
pub use backend::dfdx::{DfdxError, DfdxObjective};
pub use chain::footprint::{ChainFootprint, Seen, Uses};
pub use deal::{DEALINGS, Dealing};
pub use graph::{Graph, Node, Operation, Slot, ValueIndex};
pub use images::footprint::Footprint;
pub use kernels::{Kernel, kernel};
pub use layer::{Layer, LayerError};
pub use layers::LAYERS;
pub use layers::batch_norm::BatchNorm;
pub use layers::conv::{Conv, ConvInit};
pub use layers::pool::Window;
pub use layers::skip::Shortcut;
pub use loss::{LOSSES, Loss, MEASURES};
pub use network::{Buffer, Network, NetworkError, Tensor};
pub use normalization::Normalization;
pub use objective::{NetworkObjective, RunningAverages};
pub use samples::{Samples, SamplesError};
pub use scalar::Scalar;
pub use targets::Targets;
pub use weight_decay::WeightDecay;
