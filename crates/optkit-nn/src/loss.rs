//! What is minimised over the samples: the losses, and the measures reported beside them.

use optkit_core::vocabulary::{Entry, Support};
use serde::{Deserialize, Serialize};

/// A loss of a network's outputs against labels or targets, averaged over the samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Loss {
    /// Mean over the samples of −log softmax(y) at the label (PyTorch's `CrossEntropyLoss`). Behind a final
    /// `log_softmax` it is equally right: log-softmax is idempotent.
    CrossEntropy,
    /// Mean over samples *and* outputs of (y − t)² (PyTorch's `MSELoss`); labels count as one-hot targets.
    MeanSquared,
    /// Mean over samples *and* outputs of log(1 + eʸ) − ty, the cross entropy of Bernoulli outputs with logits y
    /// (PyTorch's `BCEWithLogitsLoss`); labels count as one-hot targets, numbers lie in [0, 1]. Behind a final `sigmoid`
    /// it is taken of what comes into it, as PyTorch's `BCELoss` is but for rounding.
    BinaryCrossEntropy,
}

impl Loss {
    /// The loss of that keyword.
    #[must_use]
    pub fn from_word(name: &str) -> Option<Self> {
        match name {
            "cross_entropy" => Some(Self::CrossEntropy),
            "mean_squared" => Some(Self::MeanSquared),
            "binary_cross_entropy" => Some(Self::BinaryCrossEntropy),
            _ => None,
        }
    }

    /// The loss's keyword.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CrossEntropy => "cross_entropy",
            Self::MeanSquared => "mean_squared",
            Self::BinaryCrossEntropy => "binary_cross_entropy",
        }
    }
}

/// The losses as the language knows them.
pub const LOSSES: [Entry; 3] = [
    entry(
        "cross_entropy",
        "mean over the samples of -log softmax(y) at the label; y are logits or log-probabilities",
        Support::Available,
    ),
    entry(
        "mean_squared",
        "mean over samples and outputs of (y - t)^2; labels count as one-hot targets",
        Support::Available,
    ),
    entry(
        "binary_cross_entropy",
        "mean over samples and outputs of log(1 + exp(y)) - t y; y are logits, or the outputs of a final sigmoid; labels count as one-hot targets",
        Support::Available,
    ),
];

/// The measures as the language knows them.
pub const MEASURES: [Entry; 1] =
    [entry("accuracy", "fraction of samples whose largest output is at the label", Support::Available)];

const fn entry(name: &'static str, doc: &'static str, support: Support) -> Entry {
    Entry { name, doc, operands: &[], settings: &[], slots: &[], support }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_available_loss_is_made_from_its_word() {
        for entry in LOSSES {
            let made = Loss::from_word(entry.name);
            assert_eq!(made.is_some(), entry.support == Support::Available, "{}", entry.name);
            assert_eq!(made.map_or(entry.name, Loss::name), entry.name);
        }
    }
}
