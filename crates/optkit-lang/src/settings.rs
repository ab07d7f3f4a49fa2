//! Checked values: what stands behind `key =`, in operands and behind a layer's name.

use std::collections::BTreeMap;

use crate::{Span, Spanned};

/// A checked value. Its kind is the one that the vocabulary asks for, so numbers lie in their range.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A real number; `5%` is 0.05.
    Real(f64),
    /// A whole number.
    Integer(u64),
    /// `on` or `off`.
    Switch(bool),
    /// One of the words that the vocabulary lists.
    Word(String),
    /// A string, unquoted.
    Text(String),
    /// A method with its settings.
    Method(Method),
    /// The name of a declared network, partition or variable.
    Name(String),
    /// Lists of whole numbers as written: ranges are spelt out, both ends included.
    Lists(Vec<Vec<u64>>),
    /// Whole numbers in the order written: ranges are spelt out, both ends included.
    Indices(Vec<u64>),
    /// A duration in seconds.
    Seconds(f64),
    /// A size in bytes.
    Bytes(u64),
    /// A shape: `28x28`.
    Shape(Vec<usize>),
}

/// A method as a value: `trust_region { iterations = 5 }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Method {
    /// The method's word in the vocabulary.
    pub name: Spanned<String>,
    /// Its settings, defaults included.
    pub settings: Settings,
}

/// A function, dataset or partition with operands in parentheses and settings in braces.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The word in the vocabulary.
    pub name: Spanned<String>,
    /// Operands by the vocabulary's names and in its order, defaults included; one without a default that was
    /// left out is absent.
    pub operands: Vec<(String, Spanned<Value>)>,
    /// Settings, defaults included.
    pub settings: Settings,
}

impl Call {
    /// The operand called `name`.
    #[must_use]
    pub fn operand(&self, name: &str) -> Option<&Spanned<Value>> {
        self.operands.iter().find(|(n, _)| n == name).map(|(_, value)| value)
    }

    /// The operand called `name` as a real number.
    #[must_use]
    pub fn real(&self, name: &str) -> Option<f64> {
        self.operand(name).and_then(|v| v.value.real())
    }

    /// The operand called `name` as a whole number.
    #[must_use]
    pub fn integer(&self, name: &str) -> Option<u64> {
        self.operand(name).and_then(|v| v.value.integer())
    }
}

impl Value {
    /// A number, whole or real.
    #[must_use]
    pub fn real(&self) -> Option<f64> {
        match self {
            Self::Real(v) => Some(*v),
            #[allow(clippy::cast_precision_loss)] // settings count things: far below 2⁵³
            Self::Integer(v) => Some(*v as f64),
            _ => None,
        }
    }

    /// A whole number.
    #[must_use]
    pub fn integer(&self) -> Option<u64> {
        if let Self::Integer(v) = self { Some(*v) } else { None }
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Entry {
    value: Spanned<Value>,
    key: Option<Span>,
}

/// Settings by key. Defaults of the vocabulary are filled in; [`given`](Settings::given) tells what the file said.
///
/// A getter returns `None` where the setting is absent (it has no default and may be left out) or of another
/// kind than asked for; the vocabulary fixes the kind, so the latter is a mistake of the caller.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    entries: BTreeMap<String, Entry>,
}

impl Settings {
    /// Set `key` as a file would: `key_span` is where the key stands.
    pub fn insert(&mut self, key: &str, key_span: Span, value: Spanned<Value>) {
        self.entries.insert(key.to_owned(), Entry { value, key: Some(key_span) });
    }

    /// Set `key` as a default.
    pub fn insert_default(&mut self, key: &str, value: Spanned<Value>) {
        self.entries.insert(key.to_owned(), Entry { value, key: None });
    }

    /// Leave `key` out.
    pub fn remove(&mut self, key: &str) {
        self.entries.remove(key);
    }

    /// The value of `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Spanned<Value>> {
        self.entries.get(key).map(|e| &e.value)
    }

    /// Whether the file itself (or `--set`) gave `key`.
    #[must_use]
    pub fn given(&self, key: &str) -> bool {
        self.entries.get(key).is_some_and(|e| e.key.is_some())
    }

    /// Where the value of `key` stands; for a default, the word whose default it is.
    #[must_use]
    pub fn span(&self, key: &str) -> Option<Span> {
        self.get(key).map(|v| v.span)
    }

    /// Where the key itself stands, if the file gave it.
    #[must_use]
    pub fn key_span(&self, key: &str) -> Option<Span> {
        self.entries.get(key).and_then(|e| e.key)
    }

    /// All settings in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Spanned<Value>)> {
        self.entries.iter().map(|(k, e)| (k.as_str(), &e.value))
    }

    /// A number, whole or real.
    #[must_use]
    pub fn real(&self, key: &str) -> Option<f64> {
        self.get(key)?.value.real()
    }

    /// A whole number.
    #[must_use]
    pub fn integer(&self, key: &str) -> Option<u64> {
        self.get(key)?.value.integer()
    }

    /// `on` or `off`.
    #[must_use]
    pub fn switch(&self, key: &str) -> Option<bool> {
        if let Value::Switch(v) = self.get(key)?.value { Some(v) } else { None }
    }

    /// One of the listed words.
    #[must_use]
    pub fn word(&self, key: &str) -> Option<&str> {
        if let Value::Word(v) = &self.get(key)?.value { Some(v) } else { None }
    }

    /// A string.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        if let Value::Text(v) = &self.get(key)?.value { Some(v) } else { None }
    }

    /// A method.
    #[must_use]
    pub fn method(&self, key: &str) -> Option<&Method> {
        if let Value::Method(v) = &self.get(key)?.value { Some(v) } else { None }
    }

    /// The name of a declared partition (or network, or variable).
    #[must_use]
    pub fn name(&self, key: &str) -> Option<&str> {
        if let Value::Name(v) = &self.get(key)?.value { Some(v) } else { None }
    }

    /// The name of a declared partition.
    #[must_use]
    pub fn partition(&self, key: &str) -> Option<&str> {
        self.name(key)
    }

    /// Lists of whole numbers.
    #[must_use]
    pub fn lists(&self, key: &str) -> Option<&[Vec<u64>]> {
        if let Value::Lists(v) = &self.get(key)?.value { Some(v) } else { None }
    }

    /// Whole numbers.
    #[must_use]
    pub fn indices(&self, key: &str) -> Option<&[u64]> {
        if let Value::Indices(v) = &self.get(key)?.value { Some(v) } else { None }
    }

    /// A duration in seconds.
    #[must_use]
    pub fn seconds(&self, key: &str) -> Option<f64> {
        if let Value::Seconds(v) = self.get(key)?.value { Some(v) } else { None }
    }

    /// A size in bytes.
    #[must_use]
    pub fn bytes(&self, key: &str) -> Option<u64> {
        if let Value::Bytes(v) = self.get(key)?.value { Some(v) } else { None }
    }

    /// A shape.
    #[must_use]
    pub fn shape(&self, key: &str) -> Option<&[usize]> {
        if let Value::Shape(v) = &self.get(key)?.value { Some(v) } else { None }
    }
}
