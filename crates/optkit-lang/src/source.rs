//! Where a thing stands: sources, and spans of bytes in them.

/// A text with the name under which diagnostics show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Usually the path as the user wrote it.
    pub name: String,
    /// The whole text.
    pub text: String,
}

impl Source {
    /// A text and its name.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into() }
    }
}

/// The bytes `start..end` of one of the sources of a check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Index into [`Diagnostics::sources`](crate::Diagnostics::sources).
    pub source: usize,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The bytes `start..end` of source number `source`.
    #[must_use]
    pub const fn new(source: usize, start: usize, end: usize) -> Self {
        Self { source, start, end }
    }

    /// From the start of this span to the end of `last`, which lies in the same source.
    #[must_use]
    pub fn to(self, last: Self) -> Self {
        Self { source: self.source, start: self.start, end: last.end.max(self.start) }
    }
}

/// A value and where it was written. The span of a default is that of the word whose default it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// `value` at `span`.
    pub const fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}
