//! The state of a run as named entries: what [`save`](crate::Optimizer::save) writes and `load` reads.

use std::collections::BTreeMap;

/// A map from names to arrays and numbers. Floats are kept to the bit.
///
/// ```
/// use optkit_core::Archive;
/// let mut archive = Archive::default();
/// archive.scope("apts", |a| a.put("radius", vec![0.5]));
/// assert_eq!(archive.scoped("apts").array("radius").unwrap(), &[0.5]);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Archive {
    arrays: BTreeMap<String, Vec<f64>>,
    integers: BTreeMap<String, u64>,
}

/// Why a saved state cannot be taken up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// An entry is not there.
    #[error("the saved state has no entry `{0}`: it was saved by another method or version")]
    Missing(String),
    /// An array has another length.
    #[error(
        "the saved `{name}` has {got} entries where {expected} are needed: it belongs to another problem"
    )]
    Length {
        /// The entry.
        name: String,
        /// Its length.
        got: usize,
        /// What was needed.
        expected: usize,
    },
}

impl Archive {
    /// Store an array.
    pub fn put(&mut self, name: &str, values: Vec<f64>) {
        self.arrays.insert(name.to_owned(), values);
    }

    /// Store an integer.
    pub fn put_integer(&mut self, name: &str, value: u64) {
        self.integers.insert(name.to_owned(), value);
    }

    /// The array called `name`.
    pub fn array(&self, name: &str) -> Result<&[f64], LoadError> {
        self.arrays.get(name).map(Vec::as_slice).ok_or_else(|| LoadError::Missing(name.to_owned()))
    }

    /// The array called `name`, copied into a buffer of its length.
    pub fn array_into(&self, name: &str, into: &mut [f64]) -> Result<(), LoadError> {
        let saved = self.array(name)?;
        if saved.len() != into.len() {
            return Err(LoadError::Length { name: name.to_owned(), got: saved.len(), expected: into.len() });
        }
        into.copy_from_slice(saved);
        Ok(())
    }

    /// The single number called `name`.
    pub fn number(&self, name: &str) -> Result<f64, LoadError> {
        let mut one = [0.0];
        self.array_into(name, &mut one)?;
        Ok(one[0])
    }

    /// The integer called `name`.
    pub fn integer(&self, name: &str) -> Result<u64, LoadError> {
        self.integers.get(name).copied().ok_or_else(|| LoadError::Missing(name.to_owned()))
    }

    /// Let `fill` write its entries under `scope.`.
    pub fn scope(&mut self, scope: &str, fill: impl FnOnce(&mut Archive)) {
        let mut inner = Archive::default();
        fill(&mut inner);
        for (name, values) in inner.arrays {
            self.arrays.insert(format!("{scope}.{name}"), values);
        }
        for (name, value) in inner.integers {
            self.integers.insert(format!("{scope}.{name}"), value);
        }
    }

    /// The entries that were written under `scope.`.
    #[must_use]
    pub fn scoped(&self, scope: &str) -> Archive {
        let strip = |name: &String| name.strip_prefix(scope)?.strip_prefix('.').map(str::to_owned);
        Archive {
            arrays: self.arrays.iter().filter_map(|(k, v)| Some((strip(k)?, v.clone()))).collect(),
            integers: self.integers.iter().filter_map(|(k, v)| Some((strip(k)?, *v))).collect(),
        }
    }
}
