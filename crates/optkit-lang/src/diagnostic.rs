//! What is wrong with a file, where, why, and what to do about it.

use crate::{Source, Span};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The file cannot be run.
    Error,
    /// The file runs, but probably not as meant.
    Warning,
}

/// One finding. The first label is the place; further ones show what it has to do with.
///
/// ```
/// use optkit_lang::{Diagnostic, Span};
/// let d = Diagnostic::error("E0801", "the network ends in 9 outputs, but `mnist` has 10 classes")
///     .label(Span::new(0, 40, 48), "9 outputs")
///     .help("make the last layer `dense 10`");
/// assert!(d.is_error());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The stable code: `E0201`. Those of this crate are explained by [`explain`](crate::explain).
    pub code: &'static str,
    /// Error or warning.
    pub severity: Severity,
    /// One line, no full stop.
    pub title: String,
    /// Places with a few words each.
    pub labels: Vec<(Span, String)>,
    /// Reasons.
    pub notes: Vec<String>,
    /// Remedies.
    pub helps: Vec<String>,
}

impl Diagnostic {
    /// An error.
    pub fn error(code: &'static str, title: impl Into<String>) -> Self {
        Self::new(code, Severity::Error, title.into())
    }

    /// A warning.
    pub fn warning(code: &'static str, title: impl Into<String>) -> Self {
        Self::new(code, Severity::Warning, title.into())
    }

    fn new(code: &'static str, severity: Severity, title: String) -> Self {
        Self { code, severity, title, labels: Vec::new(), notes: Vec::new(), helps: Vec::new() }
    }

    /// Show `span` with a few words under it.
    #[must_use]
    pub fn label(mut self, span: Span, words: impl Into<String>) -> Self {
        self.labels.push((span, words.into()));
        self
    }

    /// Say why.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Say what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.helps.push(help.into());
        self
    }

    /// True for an error.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// All findings of one check, with the sources that they point into.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics {
    /// The file, the files it uses, and one source for each `--set`.
    pub sources: Vec<Source>,
    /// The findings, in the order of their places.
    pub list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Add a finding.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.list.push(diagnostic);
    }

    /// Whether any finding is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(Diagnostic::is_error)
    }
}

/// The one finding that a file, shown as `name`, is not text in UTF-8: `bytes[..valid]` are, what follows is not.
///
/// ```
/// let found = optkit_lang::not_text("x.apts", b"apts 1\nparam n = \xff", 17);
/// assert!(found.render(false).contains("x.apts:2:11"));
/// ```
#[must_use]
pub fn not_text(name: &str, bytes: &[u8], valid: usize) -> Diagnostics {
    let valid = valid.min(bytes.len());
    // the text up to there is enough to show the place, and places stay those of the file
    let text = format!("{}\u{FFFD}", String::from_utf8_lossy(&bytes[..valid]));
    let span = Span::new(0, text.len() - '\u{FFFD}'.len_utf8(), text.len());
    let byte =
        bytes.get(valid).map_or_else(String::new, |b| format!("the byte {b:#04x} begins no character"));
    let finding = Diagnostic::error("E0106", "this file is not text in UTF-8")
        .label(span, byte)
        .help("save it as UTF-8; Greek letters and the like are welcome then");
    Diagnostics { sources: vec![Source::new(name, text)], list: vec![finding] }
}
