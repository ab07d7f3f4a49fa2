//! The layers that a network may have, each a variant here and a file under `layers/`.

mod error;

use std::fmt;

use optkit_core::vocabulary::Entry;
use serde::{Deserialize, Serialize};

pub use error::LayerError;

use crate::graph::Graph;
use crate::initial::Start;
use crate::layers::written::Written;
use crate::layers::{self, batch_norm, conv, dense, layer_norm, skip};
use crate::{BatchNorm, Conv, NetworkError, Shortcut, Window};

/// One layer, without its parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// Convolution over the rows and columns of an image.
    Conv(Conv),
    /// Normalisation of every channel over the samples of a mini-batch.
    BatchNorm(BatchNorm),
    /// Normalisation of every sample over its values, which are then scaled and shifted one by one.
    LayerNorm {
        /// Added to the variance.
        eps: f64,
    },
    /// The largest value of each window.
    PoolMax(Window),
    /// The mean of each window; padding counts as zeros.
    PoolAvg(Window),
    /// The mean of each channel, in one row.
    PoolAvgGlobal,
    /// While training, zeros at random.
    Dropout {
        /// Probability of a zero.
        rate: f64,
    },
    /// max(x, 0).
    Relu,
    /// x where x > 0, slope·x elsewhere.
    LeakyRelu {
        /// Slope below 0.
        slope: f64,
    },
    /// x Φ(x), Φ the normal distribution function.
    Gelu,
    /// 1/(1 + e⁻ˣ).
    Sigmoid,
    /// tanh x.
    Tanh,
    /// x − log Σ eˣ over a sample's values.
    LogSoftmax,
    /// The result of some layers, plus what came into them.
    Skip {
        /// The layers.
        body: Vec<Layer>,
        /// What is added to their result.
        shortcut: Shortcut,
    },
}

impl Layer {
    /// The layer of a line such as `dense 32`: its keyword, the operands behind it and its `key=value` settings,
    /// all as they are written.
    ///
    /// ```
    /// use optkit_nn::{Conv, Layer};
    /// assert_eq!(Layer::from_words("dense", &["32"], &[])?, Layer::Dense { outputs: 32 });
    /// let conv = Conv { pad: [1, 1], ..Conv::new(64, [3, 3]) };
    /// assert_eq!(Layer::from_words("conv", &["3x3", "64"], &[("pad", "1")])?, Layer::Conv(conv));
    /// assert!(Layer::from_words("dense", &["many"], &[]).is_err());
    /// # Ok::<(), optkit_nn::LayerError>(())
    /// ```
    pub fn from_words(name: &str, operands: &[&str], settings: &[(&str, &str)]) -> Result<Self, LayerError> {
        let unknown = || LayerError::Unknown { name: name.to_owned() };
        let row = layers::ROWS.iter().find(|row| row.entry.name == name).ok_or_else(unknown)?;
        let (expected, got) = (row.entry.operands.len(), operands.len());
        if expected != got {
            return Err(LayerError::Operands { layer: row.entry.name, expected, got });
        }
        if let Some((setting, _)) = settings.iter().find(|(key, _)| row.entry.setting(key).is_none()) {
            return Err(LayerError::NoSetting { layer: row.entry.name, setting: (*setting).to_owned() });
        }
        (row.make)(&Written { layer: row.entry.name, operands, settings })
    }

    /// The layer's row in the table of layers.
    #[must_use]
    pub fn entry(&self) -> &'static Entry {
        match self {
            Self::Flatten => &layers::flatten::ENTRY,
            Self::Dense { .. } => &dense::ENTRY,
            Self::Conv(_) => &conv::ENTRY,
            Self::BatchNorm(_) => &batch_norm::ENTRY,
            Self::LayerNorm { .. } => &layer_norm::ENTRY,
            Self::PoolMax(_) => &layers::pool::MAX,
            Self::PoolAvg(_) | Self::PoolAvgGlobal => &layers::pool::AVG,
            Self::Dropout { .. } => &layers::dropout::ENTRY,
            Self::Relu => &layers::relu::ENTRY,
            Self::LeakyRelu { .. } => &layers::leaky_relu::ENTRY,
            Self::Gelu => &layers::gelu::ENTRY,
            Self::Sigmoid => &layers::sigmoid::ENTRY,
            Self::Tanh => &layers::tanh::ENTRY,
            Self::LogSoftmax => &layers::log_softmax::ENTRY,
            Self::Skip { .. } => &skip::ENTRY,
        }
    }

    /// Shape behind the layer for one of `input` before it.
    pub fn output(&self, input: &[usize]) -> Result<Vec<usize>, LayerError> {
        match self {
            Self::Flatten => Ok(vec![input.iter().product()]),
            Self::Dense { outputs } => dense::output(input, *outputs),
            Self::Conv(conv) => conv.output(input),
            Self::BatchNorm(norm) => norm.output(input),
            Self::LayerNorm { eps } => layer_norm::output(input, *eps),
            Self::PoolMax(window) => window.output(layers::pool::MAX.name, input),
            Self::PoolAvg(window) => window.output(layers::pool::AVG.name, input),
            Self::PoolAvgGlobal => layers::pool::global_output(input),
            Self::Dropout { rate } => layers::dropout::output(input, *rate),
            Self::LeakyRelu { slope } => layers::leaky_relu::output(input, *slope),
            Self::Relu | Self::Gelu | Self::Sigmoid | Self::Tanh => Ok(input.to_vec()),
            Self::LogSoftmax => layers::log_softmax::output(input),
            Self::Skip { .. } => match Graph::new(input, std::slice::from_ref(self)) {
                Ok(graph) => Ok(graph.shape_of(graph.output()).to_vec()),
                Err(NetworkError::Layer { source, .. }) => Err(source),
                Err(_) => Err(LayerError::TooLarge { layer: skip::ENTRY.name }),
            },
        }
    }

    /// Names and shapes of the layer's own parameter tensors, in their order. A skip has none of its own: its layers
    /// have them.
    #[must_use]
    pub fn tensors(&self, input: &[usize]) -> Vec<(&'static str, Vec<usize>)> {
        match self {
            Self::Dense { outputs } => dense::tensors(input, *outputs),
            Self::Conv(conv) => conv.tensors(input),
            Self::BatchNorm(_) => batch_norm::tensors(input),
            Self::LayerNorm { .. } => layer_norm::tensors(input),
            _ => Vec::new(),
        }
    }

    /// Names, shapes and first values of what the layer keeps besides parameters.
    pub(crate) fn buffers(&self, input: &[usize]) -> Vec<(&'static str, Vec<usize>, f64)> {
        if let Self::BatchNorm(_) = self { batch_norm::buffers(input) } else { Vec::new() }
    }

    /// What the entries of its parameter tensor `tensor` begin as.
    pub(crate) fn start(&self, input: &[usize], tensor: &str) -> Start {
        match self {
            Self::Dense { .. } => dense::start(input),
            Self::Conv(conv) => conv.start(input, tensor),
            // Normalisations begin as nothing but that.
            _ => Start::Constant(if tensor == "weight" { 1.0 } else { 0.0 }),
        }
    }

    /// The layers inside, applied or not, before those of the shortcut.
    fn inner(&self) -> [&[Layer]; 2] {
        match self {
            Self::Skip { body, shortcut } => [body, shortcut.layers()],
            _ => [&[], &[]],
        }
    }

    /// How many layers this is: itself, and all inside.
    pub(crate) fn count(&self) -> usize {
        1 + self.inner().into_iter().flatten().map(Self::count).sum::<usize>()
    }
}

/// As a line of the language says it, what has its default left out. A skip is its word alone.
///
/// ```
/// use optkit_nn::{Conv, Layer};
/// let stem = Conv { stride: [2, 2], pad: [3, 3], bias: false, ..Conv::new(64, [7, 7]) };
/// assert_eq!(Layer::Conv(stem).to_string(), "conv 7x7 64 stride=2 pad=3 bias=off");
/// ```
impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match self {
            Self::Dense { outputs } => outputs.to_string(),
            Self::Conv(conv) => conv.settings(),
            Self::BatchNorm(norm) => norm.settings(),
            Self::LayerNorm { eps } if *eps != layer_norm::EPS => format!("eps={eps}"),
            Self::PoolMax(window) | Self::PoolAvg(window) => window.settings(),
            Self::PoolAvgGlobal => "global".to_owned(),
            Self::Dropout { rate } => rate.to_string(),
            Self::LeakyRelu { slope } if *slope != layers::leaky_relu::SLOPE => format!("slope={slope}"),
            _ => String::new(),
        };
        f.write_str(self.entry().name)?;
        if words.is_empty() { Ok(()) } else { write!(f, " {words}") }
    }
}

/// The keywords of all layers.
fn names() -> String {
    layers::ROWS.iter().map(|row| row.entry.name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
