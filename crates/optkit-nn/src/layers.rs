//! The table of layers, one file each.

use optkit_core::vocabulary::{Entry, Kind, Operand, Support};

use crate::{Layer, LayerError};

pub(crate) mod dense;
pub(crate) mod flatten;
pub(crate) mod log_softmax;
pub(crate) mod relu;
pub(crate) mod sigmoid;
pub(crate) mod tanh;

/// Makes a layer from its operands and settings as written.
type Make = fn(&[&str], &[(&str, &str)]) -> Result<Layer, LayerError>;

/// A layer of the language, with its constructor where this version has one.
pub(crate) struct Row {
    pub(crate) entry: Entry,
    pub(crate) make: Option<Make>,
}

/// Every layer of the language. A new one: its file, its variant of [`Layer`], a row here.
pub(crate) const ROWS: [Row; 14] = [
    Row { entry: flatten::ENTRY, make: Some(|_, _| Ok(Layer::Flatten)) },
    Row { entry: dense::ENTRY, make: Some(dense::make) },
    Row { entry: relu::ENTRY, make: Some(|_, _| Ok(Layer::Relu)) },
    Row { entry: sigmoid::ENTRY, make: Some(|_, _| Ok(Layer::Sigmoid)) },
    Row { entry: tanh::ENTRY, make: Some(|_, _| Ok(Layer::Tanh)) },
    Row { entry: log_softmax::ENTRY, make: Some(|_, _| Ok(Layer::LogSoftmax)) },
    planned("conv", "convolution over the two last extents"),
    planned("batch_norm", "normalisation over the samples of a batch"),
    planned("pool_max", "largest value of a window"),
    planned("pool_avg", "mean of a window"),
    planned("dropout", "random zeros while training"),
    planned("layer_norm", "normalisation over the values of a sample"),
    planned("gelu", "x Φ(x), Φ the normal distribution function"),
    planned("leaky_relu", "max(x, slope·x)"),
];

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

/// A layer of a later version.
const fn planned(name: &'static str, doc: &'static str) -> Row {
    let entry = Entry { name, doc, operands: &[], settings: &[], slots: &[], support: Support::Planned };
    Row { entry, make: None }
}

/// A layer without operands and settings.
const fn plain(name: &'static str, doc: &'static str) -> Entry {
    Entry { name, doc, operands: &[], settings: &[], slots: &[], support: Support::Available }
}
