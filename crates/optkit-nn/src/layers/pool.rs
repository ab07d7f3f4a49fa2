//! Pooling: the largest value or the mean of windows of an image, channel by channel, as PyTorch's `MaxPool2d`,
//! `AvgPool2d` and, for means over whole images, `AdaptiveAvgPool2d(1)` with `Flatten`.
//!
//! Padding never is the largest value; in means it counts as zeros.

use optkit_core::vocabulary::{Entry, Kind, Operand, Setting};
use serde::{Deserialize, Serialize};

use super::written::Written;
use super::{image, setting};
use crate::{Layer, LayerError};

/// Windows on an image, by rows and by columns.
///
/// ```
/// use optkit_nn::{Layer, Window};
/// let halves = Layer::PoolMax(Window { stride: [2, 2], pad: [1, 1], ..Window::new([3, 3]) });
/// assert_eq!(halves.output(&[64, 16, 16])?, [64, 8, 8]);
/// # Ok::<(), optkit_nn::LayerError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Extents of a window.
    pub kernel: [usize; 2],
    /// From one window to the next.
    pub stride: [usize; 2],
    /// Around the image, on either side; at most half of a window.
    pub pad: [usize; 2],
}

impl Window {
    /// Windows side by side, without padding: PyTorch's defaults.
    #[must_use]
    pub fn new(kernel: [usize; 2]) -> Self {
        Self { kernel, stride: kernel, pad: [0, 0] }
    }

    pub(crate) fn output(&self, layer: &'static str, input: &[usize]) -> Result<Vec<usize>, LayerError> {
        let [channels, rows, columns] = image(layer, input)?;
        if (0..2).any(|axis| self.pad[axis] > self.kernel[axis] / 2) {
            return Err(LayerError::PadTooLarge { layer, pad: self.pad, window: self.kernel });
        }
        let places = super::places(layer, [rows, columns], self.kernel, self.stride, self.pad, [1, 1])?;
        Ok(vec![channels, places[0], places[1]])
    }

    pub(crate) fn settings(&self) -> String {
        let mut text = super::pair_text(self.kernel);
        if self.stride != self.kernel {
            text += &format!(" stride={}", super::one_or_pair_text(self.stride));
        }
        if self.pad != [0, 0] {
            text += &format!(" pad={}", super::one_or_pair_text(self.pad));
        }
        text
    }

    fn read(written: &Written<'_>) -> Result<Self, LayerError> {
        let plain = Self::new(written.window(0, "window")?);
        Ok(Self {
            stride: written.pair("stride", plain.stride, 1)?,
            pad: written.pair("pad", plain.pad, 0)?,
            ..plain
        })
    }
}

/// Shape behind the mean of whole images: flat.
pub(crate) fn global_output(input: &[usize]) -> Result<Vec<usize>, LayerError> {
    image(AVG.name, input).map(|[channels, ..]| vec![channels])
}

const SETTINGS: &[Setting] = &[
    setting(
        "stride",
        Kind::Pair(1),
        "",
        "rows and columns from one window to the next; its extents unless given",
    ),
    setting("pad", Kind::Pair(0), "0", "rows and columns around the image; at most half of a window"),
];

pub(crate) const MAX: Entry = Entry {
    name: "pool_max",
    doc: "the largest value of each window of an image",
    operands: &[Operand { name: "window", kind: Kind::Pair(1), default: None, doc: "rows and columns: 2x2" }],
    settings: SETTINGS,
    slots: &[],
    support: super::IMAGES,
};

pub(crate) const AVG: Entry = Entry {
    name: "pool_avg",
    doc: "the mean of each window of an image; padding counts as zeros",
    operands: &[Operand {
        name: "window",
        kind: Kind::Window,
        default: None,
        doc: "rows and columns: 2x2; or `global`: the whole image, which leaves one flat value a channel",
    }],
    settings: SETTINGS,
    slots: &[],
    support: super::IMAGES,
};

pub(crate) fn make_max(written: &Written<'_>) -> Result<Layer, LayerError> {
    Ok(Layer::PoolMax(Window::read(written)?))
}

pub(crate) fn make_avg(written: &Written<'_>) -> Result<Layer, LayerError> {
    if written.operands[0] != "global" {
        return Ok(Layer::PoolAvg(Window::read(written)?));
    }
    // Its default may be written out.
    let padded = written.pair("pad", [0, 0], 0)? != [0, 0];
    match written.settings.iter().find(|(key, _)| *key != "pad" || padded) {
        Some((setting, _)) => {
            Err(LayerError::NoSetting { layer: "pool_avg global", setting: (*setting).to_owned() })
        }
        None => Ok(Layer::PoolAvgGlobal),
    }
}
