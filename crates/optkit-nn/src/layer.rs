//! The layers that a network may have, each a variant here and a file under `layers/`.

use optkit_core::vocabulary::Entry;
use serde::{Deserialize, Serialize};

use crate::layers;

/// One layer, without its parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Layer {
    /// All values of a sample in one row.
    Flatten,
    /// y = Wx + b.
    Dense {
        /// Length of y.
        outputs: usize,
    },
    /// max(x, 0).
    Relu,
    /// 1/(1 + e⁻ˣ).
    Sigmoid,
    /// tanh x.
    Tanh,
    /// x − log Σ eˣ over a sample's values.
    LogSoftmax,
}

/// What is wrong with a layer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayerError {
    /// A layer of flat vectors behind something with more extents.
    #[error("`{layer}` takes a flat input, but gets {}; put `flatten` before it", product(.shape))]
    NotFlat {
        /// The layer's keyword.
        layer: &'static str,
        /// What comes into it.
        shape: Vec<usize>,
    },
    /// A layer without outputs.
    #[error("`{layer}` needs at least 1 output")]
    NoOutputs {
        /// The layer's keyword.
        layer: &'static str,
    },
    /// No layer of that name.
    #[error("there is no layer `{name}`; the layers are {}", names())]
    Unknown {
        /// The word given.
        name: String,
    },
    /// A layer that the language knows, but this version does not compute.
    #[error("layer `{name}` is not supported yet")]
    Planned {
        /// The layer's keyword.
        name: &'static str,
    },
    /// Too many or too few operands.
    #[error("`{layer}` takes {expected} operand(s), but {got} are given")]
    Operands {
        /// The layer's keyword.
        layer: &'static str,
        /// How many it takes.
        expected: usize,
        /// How many it got.
        got: usize,
    },
    /// An operand that does not read as what it must be.
    #[error("`{layer}`: `{operand}` must be a whole number of at least 1, but is `{text}`")]
    NotACount {
        /// The layer's keyword.
        layer: &'static str,
        /// The operand's name.
        operand: &'static str,
        /// As written.
        text: String,
    },
    /// A setting that the layer does not have.
    #[error("`{layer}` has no setting `{setting}`; remove it")]
    NoSetting {
        /// The layer's keyword.
        layer: &'static str,
        /// The setting.
        setting: String,
    },
}

impl Layer {
    /// The layer of a line such as `dense 32`: its keyword, the operands behind it and its `key=value` settings,
    /// all as they are written.
    ///
    /// ```
    /// use optkit_nn::Layer;
    /// assert_eq!(Layer::from_words("dense", &["32"], &[])?, Layer::Dense { outputs: 32 });
    /// assert!(Layer::from_words("dense", &["many"], &[]).is_err());
    /// # Ok::<(), optkit_nn::LayerError>(())
    /// ```
    pub fn from_words(name: &str, operands: &[&str], settings: &[(&str, &str)]) -> Result<Self, LayerError> {
        let unknown = || LayerError::Unknown { name: name.to_owned() };
        let row = layers::ROWS.iter().find(|row| row.entry.name == name).ok_or_else(unknown)?;
        let make = row.make.ok_or(LayerError::Planned { name: row.entry.name })?;
        let (expected, got) = (row.entry.operands.len(), operands.len());
        if expected != got {
            return Err(LayerError::Operands { layer: row.entry.name, expected, got });
        }
        if let Some((setting, _)) = settings.iter().find(|(key, _)| row.entry.setting(key).is_none()) {
            return Err(LayerError::NoSetting { layer: row.entry.name, setting: (*setting).to_owned() });
        }
        make(operands, settings)
    }

    /// The layer's row in the table of layers.
    #[must_use]
    pub fn entry(&self) -> &'static Entry {
        match self {
            Self::Flatten => &layers::flatten::ENTRY,
            Self::Dense { .. } => &layers::dense::ENTRY,
            Self::Relu => &layers::relu::ENTRY,
            Self::Sigmoid => &layers::sigmoid::ENTRY,
            Self::Tanh => &layers::tanh::ENTRY,
            Self::LogSoftmax => &layers::log_softmax::ENTRY,
        }
    }

    /// Shape behind the layer for one of `input` before it.
    pub fn output(&self, input: &[usize]) -> Result<Vec<usize>, LayerError> {
        match self {
            Self::Flatten => Ok(vec![input.iter().product()]),
            Self::Dense { outputs } => layers::dense::output(input, *outputs),
            Self::Relu | Self::Sigmoid | Self::Tanh => Ok(input.to_vec()),
            Self::LogSoftmax => layers::log_softmax::output(input),
        }
    }

    /// Names and shapes of the layer's parameter tensors, in their order.
    #[must_use]
    pub fn tensors(&self, input: &[usize]) -> Vec<(&'static str, Vec<usize>)> {
        match self {
            Self::Dense { outputs } => layers::dense::tensors(input, *outputs),
            Self::Flatten | Self::Relu | Self::Sigmoid | Self::Tanh | Self::LogSoftmax => Vec::new(),
        }
    }

    /// Number of inputs that one output sums over; 1 for layers without parameters.
    pub(crate) fn fan_in(&self, input: &[usize]) -> usize {
        match self {
            Self::Dense { .. } => input.iter().product(),
            Self::Flatten | Self::Relu | Self::Sigmoid | Self::Tanh | Self::LogSoftmax => 1,
        }
    }
}

/// A shape as the language writes it: `28x28`.
fn product(shape: &[usize]) -> String {
    shape.iter().map(usize::to_string).collect::<Vec<_>>().join("x")
}

/// The keywords of all layers that can be used.
fn names() -> String {
    let available = layers::ROWS.iter().filter(|row| row.make.is_some());
    available.map(|row| row.entry.name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_give_layers_or_say_what_is_wrong() {
        assert_eq!(Layer::from_words("relu", &[], &[]), Ok(Layer::Relu));
        let text = |r: Result<Layer, LayerError>| r.unwrap_err().to_string();
        assert_eq!(
            text(Layer::from_words("dense", &["-3"], &[])),
            "`dense`: `outputs` must be a whole number of at least 1, but is `-3`"
        );
        assert_eq!(
            text(Layer::from_words("relu", &["3"], &[])),
            "`relu` takes 0 operand(s), but 1 are given"
        );
        assert_eq!(text(Layer::from_words("conv", &[], &[])), "layer `conv` is not supported yet");
        assert_eq!(
            text(Layer::from_words("relu", &[], &[("slope", "1")])),
            "`relu` has no setting `slope`; remove it"
        );
        assert!(text(Layer::from_words("dens", &["3"], &[])).contains("flatten, dense, relu"));
    }

    #[test]
    fn every_available_row_makes_a_layer_that_knows_its_row() {
        for row in layers::ROWS.iter().filter(|row| row.make.is_some()) {
            let operands: Vec<_> = row.entry.operands.iter().map(|_| "3").collect();
            let layer = Layer::from_words(row.entry.name, &operands, &[]).unwrap();
            assert_eq!(layer.entry().name, row.entry.name);
        }
    }
}
