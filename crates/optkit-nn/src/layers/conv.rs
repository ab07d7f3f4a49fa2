//! Convolution over images, as PyTorch's `Conv2d` (a correlation: the kernel is not mirrored).
//!
//! ```text
//! y[o, i, j] = b[o] + Σ over c, u, v of  W[o, c, u, v] · x[g + c, s i + d u − p, s j + d v − p]      (0 outside x)
//! ```
//!
//! with stride s, dilation d and padding p, by rows and by columns; g is the first input channel of o's group.

use optkit_core::vocabulary::{Entry, Kind, Operand, Setting, Support};
use serde::{Deserialize, Serialize};

use super::written::Written;
use super::{image, setting};
use crate::initial::Start;
use crate::{Layer, LayerError};

/// A convolution. [`new`](Self::new) gives the defaults; the fields say the rest.
///
/// ```
/// use optkit_nn::{Conv, Layer};
/// let stem = Conv { stride: [2, 2], pad: [3, 3], bias: false, ..Conv::new(64, [7, 7]) };
/// assert_eq!(Layer::Conv(stem).output(&[3, 32, 32])?, [64, 16, 16]);
/// # Ok::<(), optkit_nn::LayerError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conv {
    /// Channels of y.
    pub outputs: usize,
    /// Rows and columns of W.
    pub kernel: [usize; 2],
    /// Rows and columns of x from one value of y to the next.
    pub stride: [usize; 2],
    /// Rows and columns of zeros around x, on either side.
    pub pad: [usize; 2],
    /// Rows and columns of x from one value of W to the next.
    pub dilation: [usize; 2],
    /// Groups of channels that do not see each other.
    pub groups: usize,
    /// Whether there is a b.
    pub bias: bool,
    /// What the parameters begin as.
    pub init: ConvInit,
}

/// What the parameters of a convolution begin as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConvInit {
    /// Weights normal with variance 2/(outputs · values of the kernel), biases 0 (He, Zhang, Ren & Sun 2015, for the way
    /// back): what torchvision's residual networks begin with.
    #[default]
    Kaiming,
    /// Weights and biases uniform in ±1/√(inputs of a value): what PyTorch's `Conv2d` begins with.
    Uniform,
}

impl Conv {
    /// Without padding and groups, with a bias: PyTorch's defaults.
    #[must_use]
    pub fn new(outputs: usize, kernel: [usize; 2]) -> Self {
        Self {
            outputs,
            kernel,
            stride: [1, 1],
            pad: [0, 0],
            dilation: [1, 1],
            groups: 1,
            bias: true,
            init: ConvInit::default(),
        }
    }

    pub(crate) fn output(&self, input: &[usize]) -> Result<Vec<usize>, LayerError> {
        let layer = ENTRY.name;
        let [channels, rows, columns] = image(layer, input)?;
        if self.outputs == 0 {
            return Err(LayerError::NoOutputs { layer });
        }
        for (side, of) in [("input", channels), ("output", self.outputs)] {
            if self.groups == 0 || !of.is_multiple_of(self.groups) {
                return Err(LayerError::Groups { layer, groups: self.groups, channels: of, side });
            }
        }
        let places =
            super::places(layer, [rows, columns], self.kernel, self.stride, self.pad, self.dilation)?;
        Ok(vec![self.outputs, places[0], places[1]])
    }

    pub(crate) fn tensors(&self, input: &[usize]) -> Vec<(&'static str, Vec<usize>)> {
        let [rows, columns] = self.kernel;
        let channels = input[0] / self.groups;
        let mut tensors = vec![("weight", vec![self.outputs, channels, rows, columns])];
        if self.bias {
            tensors.push(("bias", vec![self.outputs]));
        }
        tensors
    }

    pub(crate) fn start(&self, input: &[usize], tensor: &str) -> Start {
        let taps = (self.kernel[0] * self.kernel[1]) as f64;
        match (self.init, tensor) {
            (ConvInit::Kaiming, "weight") => {
                Start::Normal { deviation: (2.0 / (self.outputs as f64 * taps)).sqrt() }
            }
            (ConvInit::Kaiming, _) => Start::Constant(0.0),
            (ConvInit::Uniform, _) => {
                Start::Uniform { bound: 1.0 / ((input[0] / self.groups) as f64 * taps).sqrt() }
            }
        }
    }

    pub(crate) fn settings(&self) -> String {
        let plain = Self::new(self.outputs, self.kernel);
        let mut text = format!("{} {}", super::pair_text(self.kernel), self.outputs);
        for (name, value, default) in [
            ("stride", self.stride, plain.stride),
            ("pad", self.pad, plain.pad),
            ("dilation", self.dilation, plain.dilation),
        ] {
            if value != default {
                text += &format!(" {name}={}", super::one_or_pair_text(value));
            }
        }
        if self.groups != 1 {
            text += &format!(" groups={}", self.groups);
        }
        if !self.bias {
            text += " bias=off";
        }
        if self.init == ConvInit::Uniform {
            text += " init=uniform";
        }
        text
    }
}

pub(crate) const ENTRY: Entry = Entry {
    name: "conv",
    doc: "convolution over the rows and columns of an image",
    operands: &[
        Operand {
            name: "kernel",
            kind: Kind::Pair(1),
            default: None,
            doc: "rows and columns of the kernel: 3x3",
        },
        Operand {
            name: "outputs",
            kind: Kind::Integer(1, u32::MAX as u64),
            default: None,
            doc: "channels of the result",
        },
    ],
    settings: &[
        setting("stride", Kind::Pair(1), "1", "rows and columns from one place of the kernel to the next"),
        setting("pad", Kind::Pair(0), "0", "rows and columns of zeros around the image"),
        setting("dilation", Kind::Pair(1), "1", "rows and columns from one value of the kernel to the next"),
        setting(
            "groups",
            Kind::Integer(1, u32::MAX as u64),
            "1",
            "groups of channels that do not see each other",
        ),
        setting("bias", Kind::Switch, "on", "whether a number is added to every channel"),
        INIT,
    ],
    slots: &[],
    support: super::IMAGES,
};

const INIT: Setting = Setting {
    name: "init",
    kind: Kind::Word(INITS),
    default: Some("kaiming"),
    doc: "what it begins as: `kaiming`, weights normal with variance 2/(outputs·kernel) and biases 0 as in torchvision's residual networks; `uniform`, all uniform in ±1/√inputs as PyTorch's Conv2d",
    support: Support::Available,
};

const INITS: &[&str] = &["kaiming", "uniform"];

pub(crate) fn make(written: &Written<'_>) -> Result<Layer, LayerError> {
    let plain = Conv::new(written.count(1, "outputs")?, written.window(0, "kernel")?);
    let init = match written.word("init", INITS, "`kaiming` or `uniform`")? {
        Some("uniform") => ConvInit::Uniform,
        _ => ConvInit::Kaiming,
    };
    Ok(Layer::Conv(Conv {
        stride: written.pair("stride", plain.stride, 1)?,
        pad: written.pair("pad", plain.pad, 0)?,
        dilation: written.pair("dilation", plain.dilation, 1)?,
        groups: written.whole("groups")?.unwrap_or(1),
        bias: written.switch("bias", true)?,
        init,
        ..plain
    }))
}
