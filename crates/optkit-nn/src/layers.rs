//! The table of layers, one file each.

use optkit_core::vocabulary::{Entry, Kind, Operand, Setting, Support};

use crate::{Layer, LayerError};
use written::Written;

pub(crate) mod batch_norm;
pub(crate) mod conv;
pub(crate) mod dense;
pub(crate) mod dropout;
pub(crate) mod flatten;
pub(crate) mod gelu;
pub(crate) mod layer_norm;
pub(crate) mod leaky_relu;
pub(crate) mod log_softmax;
pub(crate) mod pool;
pub(crate) mod relu;
pub(crate) mod sigmoid;
pub(crate) mod skip;
pub(crate) mod tanh;
pub(crate) mod written;

/// Makes a layer from its operands and settings as written.
type Make = fn(&Written<'_>) -> Result<Layer, LayerError>;

/// A layer of the language, with its constructor.
pub(crate) struct Row {
    pub(crate) entry: Entry,
    pub(crate) make: Make,
}

/// Every layer of the language. A new one: its file, its variant of [`Layer`], a row here.
pub(crate) const ROWS: [Row; 14] = [
    Row { entry: flatten::ENTRY, make: |_| Ok(Layer::Flatten) },
    Row { entry: dense::ENTRY, make: dense::make },
    Row { entry: relu::ENTRY, make: |_| Ok(Layer::Relu) },
    Row { entry: sigmoid::ENTRY, make: |_| Ok(Layer::Sigmoid) },
    Row { entry: tanh::ENTRY, make: |_| Ok(Layer::Tanh) },
    Row { entry: log_softmax::ENTRY, make: |_| Ok(Layer::LogSoftmax) },
    Row { entry: conv::ENTRY, make: conv::make },
    Row { entry: batch_norm::ENTRY, make: batch_norm::make },
    Row { entry: pool::MAX, make: pool::make_max },
    Row { entry: pool::AVG, make: pool::make_avg },
    Row { entry: dropout::ENTRY, make: dropout::make },
    Row { entry: layer_norm::ENTRY, make: layer_norm::make },
    Row { entry: gelu::ENTRY, make: |_| Ok(Layer::Gelu) },
    Row { entry: leaky_relu::ENTRY, make: leaky_relu::make },
];

/// Layers of image networks.
const IMAGES: Support = Support::Available;

/// `input`, the line that every network begins with.
const INPUT: Entry = Entry {
    name: "input",
    doc: "shape of one sample; the first line of every network",
    operands: &[Operand { name: "shape", kind: Kind::Shape, default: None, doc: "extents, outermost first" }],
    settings: &[],
    slots: &[],
    support: Support::Available,
};

/// The layers as the language knows them, `input` first.
pub const LAYERS: [Entry; ROWS.len() + 1] = {
    let mut entries = [INPUT; ROWS.len() + 1];
    let mut i = 0;
    while i < ROWS.len() {
        entries[i + 1] = ROWS[i].entry;
        i += 1;
    }
    entries
};

/// A layer without operands and settings.
const fn plain(name: &'static str, doc: &'static str) -> Entry {
    Entry { name, doc, operands: &[], settings: &[], slots: &[], support: Support::Available }
}

/// A setting with its default as written.
const fn setting(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Setting {
    Setting { name, kind, default: Some(default), doc, support: Support::Available }
}

/// Channels, rows and columns of what comes into `layer`.
fn image(layer: &'static str, input: &[usize]) -> Result<[usize; 3], LayerError> {
    input.try_into().map_err(|_| LayerError::NotAnImage { layer, shape: input.to_vec() })
}

/// By rows and by columns: how many places a window has on an image,
///
/// ```text
/// ⌊(extent + 2 pad − dilation (window − 1) − 1)/stride⌋ + 1
/// ```
fn places(
    layer: &'static str,
    extents: [usize; 2],
    window: [usize; 2],
    stride: [usize; 2],
    pad: [usize; 2],
    dilation: [usize; 2],
) -> Result<[usize; 2], LayerError> {
    for (name, [rows, columns]) in [("window", window), ("stride", stride), ("dilation", dilation)] {
        if rows == 0 || columns == 0 {
            let text = pair_text([rows, columns]);
            return Err(LayerError::Value { layer, name, must: "at least 1 by rows and by columns", text });
        }
    }
    // Saturation keeps too large what is too large for an address.
    let seen: [usize; 2] =
        std::array::from_fn(|a| dilation[a].saturating_mul(window[a] - 1).saturating_add(1));
    let padded: [usize; 2] = std::array::from_fn(|a| extents[a].saturating_add(pad[a].saturating_mul(2)));
    if (0..2).any(|a| seen[a] > padded[a]) {
        return Err(LayerError::WindowTooLarge { layer, window: seen, image: padded });
    }
    Ok(std::array::from_fn(|a| (padded[a] - seen[a]) / stride[a] + 1))
}

fn is_positive(value: f64) -> bool {
    value.is_finite() && value > 0.0
}

/// `3x1`.
fn pair_text([rows, columns]: [usize; 2]) -> String {
    format!("{rows}x{columns}")
}

/// `2`, or `3x1` where the two differ.
fn one_or_pair_text(pair: [usize; 2]) -> String {
    if pair[0] == pair[1] { pair[0].to_string() } else { pair_text(pair) }
}
