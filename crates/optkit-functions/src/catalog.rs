//! All functions, a row each.

use optkit_core::vocabulary::Entry;

use crate::{Error, Operands, TestFunction, operands::listed};
use crate::{beale, powell_singular, quadratic, rosenbrock, wood};

/// A function: its word in the language, how to make it, where it is from.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Name, operands with defaults, and a line of description.
    pub entry: Entry,
    /// Makes it.
    pub build: fn(&Operands) -> Result<Box<dyn TestFunction>, Error>,
    /// The publication that defines it.
    pub source: &'static str,
}

/// Every function, by name.
pub const CATALOG: &[Row] = &[beale::ROW, powell_singular::ROW, quadratic::ROW, rosenbrock::ROW, wood::ROW];

/// The row called `name`.
#[must_use]
pub fn find(name: &str) -> Option<&'static Row> {
    CATALOG.iter().find(|row| row.entry.name == name)
}

/// The function called `name` with the operands `given`, the others at their defaults.
///
/// ```
/// let f = optkit_functions::build("powell_singular", &[("n", 8.0)])?;
/// assert_eq!(f.dim(), 8);
/// let refused = optkit_functions::build("powell_singular", &[("n", 10.0)]).map(|_| ());
/// assert_eq!(
///     refused.unwrap_err().to_string(),
///     "`n` of `powell_singular` is 10, but must be a multiple of 4 (8 or 12, say)",
/// );
/// # Ok::<(), optkit_functions::Error>(())
/// ```
pub fn build(name: &str, given: &[(&str, f64)]) -> Result<Box<dyn TestFunction>, Error> {
    let row = find(name).ok_or_else(|| Error::UnknownFunction {
        name: name.to_owned(),
        known: listed(CATALOG.iter().map(|row| row.entry.name)),
    })?;
    (row.build)(&Operands::resolve(&row.entry, given)?)
}

/// The entries of [`CATALOG`], for a [`Vocabulary`](optkit_core::vocabulary::Vocabulary).
#[must_use]
pub fn entries() -> Vec<Entry> {
    CATALOG.iter().map(|row| row.entry).collect()
}
