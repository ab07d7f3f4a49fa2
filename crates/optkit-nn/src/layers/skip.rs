//! Residual connections (He, Zhang, Ren & Sun 2016): y = body(x) + shortcut(x).

use optkit_core::vocabulary::{Entry, Support};
use serde::{Deserialize, Serialize};

use crate::Layer;

/// What is added to the layers of a skip.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shortcut {
    /// x.
    #[default]
    Identity,
    /// These layers, applied to x.
    Layers(Vec<Layer>),
    /// These layers where body(x) has another shape than x; x elsewhere.
    Auto(Vec<Layer>),
}

impl Shortcut {
    /// The layers written, applied or not.
    #[must_use]
    pub fn layers(&self) -> &[Layer] {
        match self {
            Self::Identity => &[],
            Self::Layers(layers) | Self::Auto(layers) => layers,
        }
    }
}

/// `skip` is a word of the grammar, which reads what stands in its braces.
pub(crate) const ENTRY: Entry = Entry {
    name: "skip",
    doc: "adds what comes in, or a shortcut of it, to the result of the layers in braces",
    operands: &[],
    settings: &[],
    slots: &[],
    support: Support::Available,
};
