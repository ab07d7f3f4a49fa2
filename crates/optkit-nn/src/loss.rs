//! What is minimised over the samples: the losses, and the measures reported beside them.

use optkit_core::vocabulary::{Entry, Kind, Range, Setting, Support};
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

const SMOOTHING: Setting = Setting {
    name: "smoothing",
    kind: Kind::Real(Range { least: 0.0, open_below: false, most: 1.0, open_above: true }),
    default: Some(""),
    doc: "share e of each label that is spread evenly over all classes, as PyTorch's label_smoothing; 0 unless given",
    support: Support::Available,
};

const WEIGHT_DECAY: Setting = Setting {
    name: "weight_decay",
    kind: Kind::Real(Range::NOT_NEGATIVE),
    default: Some(""),
    doc: "c of c/2 times the sum of squares of all parameters, added to the loss; 0 unless given",
    support: Support::Available,
};

/// The losses as the language knows them.
pub const LOSSES: [Entry; 3] = [
    Entry {
        settings: &[SMOOTHING, WEIGHT_DECAY],
        ..entry(
            "cross_entropy",
            "mean over the samples of -log softmax(y) at the label; y are logits or log-probabilities",
        )
    },
    Entry {
        settings: &[WEIGHT_DECAY],
        ..entry("mean_squared", "mean over samples and outputs of (y - t)^2; labels count as one-hot targets")
    },
    Entry {
        settings: &[WEIGHT_DECAY],
        ..entry(
            "binary_cross_entropy",
            "mean over samples and outputs of log(1 + exp(y)) - t y; y are logits, or the outputs of a final sigmoid; labels count as one-hot targets",
        )
    },
];

/// The measures as the language knows them.
pub const MEASURES: [Entry; 1] =
    [entry("accuracy", "fraction of samples whose largest output is at the label")];

const fn entry(name: &'static str, doc: &'static str) -> Entry {
    Entry { name, doc, operands: &[], settings: &[], slots: &[], support: Support::Available }
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
