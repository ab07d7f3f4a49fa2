//! The operands of a call, checked against the function's entry: `quadratic(n = 1000, condition = 100)`.

use optkit_core::vocabulary::{Entry, Kind, Operand, Range};

use crate::Error;
use crate::starts::DRAWN;

/// Of functions whose starts are drawn.
pub(crate) const START: Operand =
    count("start", 1, DRAWN as u64, "1", "which of the 20 starts, drawn once and for all, to begin at");

/// A whole number called `name`.
pub(crate) const fn count(
    name: &'static str,
    least: u64,
    most: u64,
    default: &'static str,
    doc: &'static str,
) -> Operand {
    Operand { name, kind: Kind::Integer(least, most), default: Some(default), doc }
}

/// The number of variables, up to where a vector fills a machine's memory.
pub(crate) const fn variables(least: u64, default: &'static str) -> Operand {
    count("n", least, 100_000_000, default, "number of variables")
}

/// A value for every operand of one function, each inside its range.
#[derive(Clone, Debug, PartialEq)]
pub struct Operands {
    entry: Entry,
    values: Vec<f64>,
}

impl Operands {
    /// The `given` operands by name, the others by their defaults.
    ///
    /// ```
    /// use optkit_functions::{Operands, find};
    /// let row = find("quadratic").unwrap();
    /// let operands = Operands::resolve(&row.entry, &[("condition", 1e4)])?;
    /// assert_eq!(operands.real("condition"), 1e4);
    /// assert!(Operands::resolve(&row.entry, &[("condition", 0.5)]).is_err());
    /// # Ok::<(), optkit_functions::Error>(())
    /// ```
    pub fn resolve(entry: &Entry, given: &[(&str, f64)]) -> Result<Self, Error> {
        let mut values: Vec<Option<f64>> = vec![None; entry.operands.len()];
        for &(name, value) in given {
            let Some(at) = entry.operands.iter().position(|o| o.name == name) else {
                return Err(Error::UnknownOperand {
                    function: entry.name,
                    operand: name.to_owned(),
                    known: listed(entry.operands.iter().map(|o| o.name)),
                });
            };
            let operand = &entry.operands[at];
            check(entry, operand, value)?;
            if values[at].replace(value).is_some() {
                return Err(Error::Repeated { function: entry.name, operand: operand.name });
            }
        }
        let values = entry.operands.iter().zip(values).map(|(operand, value)| {
            value.or_else(|| operand.default?.parse().ok()).ok_or(Error::Missing {
                function: entry.name,
                operand: operand.name,
                doc: operand.doc,
            })
        });
        Ok(Self { entry: *entry, values: values.collect::<Result<_, _>>()? })
    }

    /// The operand called `name`. Panics where the entry has none: a row reads only what it declares.
    #[must_use]
    pub fn real(&self, name: &str) -> f64 {
        let at = self.entry.operands.iter().position(|o| o.name == name);
        self.values[at.expect("a row reads only operands that its entry declares")]
    }

    /// The whole number called `name`. Panics as [`real`](Self::real) does.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // checked against an Integer kind
    pub fn count(&self, name: &str) -> usize {
        self.real(name) as usize
    }

    /// The start asked for, counted from 0; the first where the function has one only.
    pub(crate) fn start(&self) -> usize {
        let declared = self.entry.operands.iter().any(|o| o.name == START.name);
        if declared { self.count(START.name) - 1 } else { 0 }
    }

    /// The error that `operand` is not what the function needs beyond its range.
    pub(crate) fn refuse(&self, operand: &'static str, requirement: String) -> Error {
        Error::OutOfRange { function: self.entry.name, operand, value: self.real(operand), requirement }
    }
}

/// The value lies in the operand's range, and is whole where it must be.
fn check(entry: &Entry, operand: &Operand, value: f64) -> Result<(), Error> {
    let (fits, requirement) = match operand.kind {
        #[allow(clippy::cast_precision_loss)] // counts of variables are far below 2⁵³
        Kind::Integer(least, most) => (
            value.fract() == 0.0 && (least as f64..=most as f64).contains(&value),
            format!("a whole number from {least} to {most}"),
        ),
        Kind::Real(range) => (range.contains(value), said(range)),
        _ => (false, "a number".to_owned()),
    };
    if fits {
        return Ok(());
    }
    Err(Error::OutOfRange { function: entry.name, operand: operand.name, value, requirement })
}

fn said(range: Range) -> String {
    let below = if range.open_below { "greater than" } else { "at least" };
    let above = if range.open_above { "less than" } else { "at most" };
    format!("{below} {} and {above} {:e}", range.least, range.most)
}

/// `a`, `b` and `c`.
pub(crate) fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.map(|n| format!("`{n}`")).collect();
    match names.split_last() {
        None => "none".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}
