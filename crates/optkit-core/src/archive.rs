//! The state of a run as named entries: what [`save`](crate::Optimizer::save) writes and `load` reads.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::Work;

/// A map from names to arrays and numbers. Floats are kept to the bit. A name stands for one entry: an integer takes
/// the place of an array of its name, and the other way round.
///
/// ```
/// use optkit_core::Archive;
/// let mut archive = Archive::default();
/// archive.scope("apts", |a| a.put("radius", vec![0.5]));
/// assert_eq!(archive.scoped("apts").array("radius").unwrap(), &[0.5]);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Archive {
    /// Shared by scopes: they are as large as what an optimizer holds.
    arrays: BTreeMap<String, Arc<Vec<f64>>>,
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
    /// A number that must be the same is another one.
    #[error("the saved `{name}` is {got} where {expected} is needed: it belongs to another problem")]
    Differs {
        /// The entry.
        name: String,
        /// As saved.
        got: String,
        /// What was needed.
        expected: String,
    },
}

impl Archive {
    /// Store an array.
    pub fn put(&mut self, name: &str, values: Vec<f64>) {
        self.put_shared(name, Arc::new(values));
    }

    fn put_shared(&mut self, name: &str, values: Arc<Vec<f64>>) {
        self.integers.remove(name);
        self.arrays.insert(name.to_owned(), values);
    }

    /// Store an integer.
    pub fn put_integer(&mut self, name: &str, value: u64) {
        self.arrays.remove(name);
        self.integers.insert(name.to_owned(), value);
    }

    /// Store a reading of a counter of evaluations.
    ///
    /// ```
    /// use optkit_core::{Archive, Work};
    /// let work = Work { values: 7, gradient_equivalents: 3.5, ..Work::default() };
    /// let mut archive = Archive::default();
    /// archive.put_work("work", work);
    /// assert_eq!(archive.work("work"), Ok(work));
    /// ```
    pub fn put_work(&mut self, name: &str, work: Work) {
        self.scope(name, |archive| {
            archive.put_integer("values", work.values);
            archive.put_integer("gradients", work.gradients);
            archive.put_integer("hessian_products", work.hessian_products);
            archive.put("gradient_equivalents", vec![work.gradient_equivalents]);
        });
    }

    /// The array called `name`.
    pub fn array(&self, name: &str) -> Result<&[f64], LoadError> {
        self.arrays
            .get(name)
            .map(|values| values.as_slice())
            .ok_or_else(|| LoadError::Missing(name.to_owned()))
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

    /// The reading of a counter stored as `name`.
    pub fn work(&self, name: &str) -> Result<Work, LoadError> {
        let count = |field: &str| self.integer(&format!("{name}.{field}"));
        Ok(Work {
            values: count("values")?,
            gradients: count("gradients")?,
            hessian_products: count("hessian_products")?,
            gradient_equivalents: self.number(&format!("{name}.gradient_equivalents"))?,
        })
    }

    /// All arrays, by name.
    pub fn arrays(&self) -> impl ExactSizeIterator<Item = (&str, &[f64])> {
        self.arrays.iter().map(|(name, values)| (name.as_str(), values.as_slice()))
    }

    /// All integers, by name.
    pub fn integers(&self) -> impl ExactSizeIterator<Item = (&str, u64)> {
        self.integers.iter().map(|(name, value)| (name.as_str(), *value))
    }

    /// Let `fill` write its entries under `scope.`.
    pub fn scope(&mut self, scope: &str, fill: impl FnOnce(&mut Archive)) {
        let mut inner = Archive::default();
        fill(&mut inner);
        for (name, values) in inner.arrays {
            self.put_shared(&format!("{scope}.{name}"), values);
        }
        for (name, value) in inner.integers {
            self.put_integer(&format!("{scope}.{name}"), value);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_for_one_entry_and_a_scope_for_its_own() {
        let mut archive = Archive::default();
        archive.put("x", vec![1.0]);
        archive.put_integer("x", 2);
        assert_eq!((archive.integer("x"), archive.array("x")), (Ok(2), Err(LoadError::Missing("x".into()))));
        archive.scope("x", |a| a.put("y", vec![f64::NAN]));
        archive.scope("xy", |a| a.put("y", Vec::new()));
        assert_eq!(archive.arrays().map(|(name, _)| name).collect::<Vec<_>>(), ["x.y", "xy.y"]);
        assert_eq!(archive.scoped("x").arrays().len(), 1);
        let wrong = archive.scoped("x").array_into("y", &mut [0.0; 3]).unwrap_err();
        assert!(wrong.to_string().contains("1 entries where 3 are needed"), "{wrong}");
    }
}
