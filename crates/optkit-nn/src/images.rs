//! Networks on images: convolutions, normalisations and skips, stage by stage over a whole mini-batch.
//!
//! Chains of dense layers are walked block by block ([`walk`](crate::walk)). Batch normalisation forbids that, for it looks
//! at all samples at once, and convolutions have outputs far larger than their weights; so image networks are computed one
//! stage after another, each over all samples.
//!
//! - **Layout.** \[pixels\]\[samples\]\[channels\]: for every pair of an output pixel and an input pixel, the samples are the
//!   rows of a product with the weights of a tap ([`convolution`]).
//! - **Stages.** The network's graph with normalisation, addition and relu joined ([`plan`]).
//! - **Back.** Gradients live in a few buffers that are dealt out along the way ([`scope`]).
//! - **Parts.** A part computes the stages that depend on its tensors; it reads everything else from the forward pass that
//!   the whole left at the frozen point ([`parts`]). One room to work in serves all parts.
//! - **State.** Running averages belong to the objective. They move where an optimizer accepts a point, to the moments of the
//!   pass there or, where there was none, of the last pass whose gradient was taken: so that SGD's are PyTorch's.

pub(crate) mod convolution;
pub(crate) mod footprint;
pub(crate) mod gauss_newton;
pub(crate) mod geometry;
pub(crate) mod input;
pub(crate) mod measure;
pub(crate) mod norm;
pub(crate) mod objective;
mod parameters;
pub(crate) mod parts;
pub(crate) mod plan;
pub(crate) mod pointwise;
pub(crate) mod pool;
pub(crate) mod run;
pub(crate) mod scope;
mod shape;
pub(crate) mod state;
#[cfg(test)]
mod tests;
pub(crate) mod whole;
pub(crate) mod workspace;
