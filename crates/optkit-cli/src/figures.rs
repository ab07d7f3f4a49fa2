//! Words of the language and the command line, as the crate that draws knows them; figures as files.

use optkit::lang;
use optkit_report::{Axis, Band, Chart, png};

use crate::args::{self, Output};

/// Pixels of an image for one of its figure: sharp on screens and in print at the width of a column.
const SCALE: f32 = 2.0;

impl From<args::Against> for Axis {
    fn from(against: args::Against) -> Self {
        match against {
            args::Against::Epochs => Self::Epochs,
            args::Against::Iterations => Self::Iterations,
            args::Against::Gradients => Self::Gradients,
            args::Against::Time => Self::Time,
        }
    }
}

impl From<args::Band> for Band {
    fn from(band: args::Band) -> Self {
        match band {
            args::Band::MinMax => Self::MinMax,
            args::Band::Std => Self::Std,
            args::Band::None => Self::None,
        }
    }
}

/// The axis that a file names.
pub(crate) fn axis(against: lang::Against) -> Axis {
    match against {
        lang::Against::Epochs => Axis::Epochs,
        lang::Against::Iterations => Axis::Iterations,
        lang::Against::Gradients => Axis::Gradients,
        lang::Against::Time => Axis::Time,
    }
}

/// The band that a file names.
pub(crate) fn band(band: lang::Band) -> Band {
    match band {
        lang::Band::MinMax => Band::MinMax,
        lang::Band::Std => Band::Std,
        lang::Band::None => Band::None,
    }
}

impl Output {
    /// A figure in this form.
    pub(crate) fn content(&self, chart: &Chart) -> Result<Vec<u8>, String> {
        match self {
            Self::Page(_) | Self::Drawing(_) => Ok(chart.svg().into_bytes()),
            Self::Image(_) => png(&chart.svg(), SCALE).map_err(|error| error.to_string()),
            Self::Table(_) => Ok(chart.csv().into_bytes()),
        }
    }
}
