//! A value in a row, for formats that have columns.

use std::fmt;

/// One value of a row. Shown, it is what JSON writes, and nothing where JSON writes `null`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell {
    /// A count.
    Integer(u64),
    /// A number; not finite: there is none.
    Number(f64),
    /// Yes or no.
    Truth(bool),
}

impl Cell {
    /// As a finite number; yes is 1, no is 0.
    #[must_use]
    pub fn number(self) -> Option<f64> {
        match self {
            #[allow(clippy::cast_precision_loss)] // counts stay far below 2⁵³
            Self::Integer(count) => Some(count as f64),
            Self::Number(number) => number.is_finite().then_some(number),
            Self::Truth(truth) => Some(f64::from(u8::from(truth))),
        }
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Integer(count) => count.fmt(out),
            // Shortest digits that give the number back, with a point or an exponent: no column turns into integers.
            Self::Number(number) if number.is_finite() => write!(out, "{number:?}"),
            Self::Number(_) => Ok(()),
            Self::Truth(truth) => truth.fmt(out),
        }
    }
}
