//! Diagnostics as text, in the manner of rustc.

use std::borrow::Cow;
use std::fmt::Write as _;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};

use crate::{Diagnostic, Diagnostics, Severity, Source, Span};

/// Longest stretch of source that is shown with a diagnostic, in bytes.
const MOST_SHOWN: usize = 8 << 10;

impl Diagnostics {
    /// All findings as text for a terminal, with colours or without.
    ///
    /// ```
    /// use optkit_lang::{Diagnostic, Diagnostics, Source, Span};
    /// let mut all = Diagnostics { sources: vec![Source::new("a.apts", "radius = -1\n")], list: vec![] };
    /// all.push(Diagnostic::error("E0201", "`radius` must be positive").label(Span::new(0, 9, 11), "this value"));
    /// let text = all.render(false);
    /// assert!(text.starts_with("error[E0201]: `radius` must be positive\n --> a.apts:1:10\n"));
    /// ```
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let mut text = String::new();
        for diagnostic in &self.list {
            text.push_str(&renderer.render(&[self.group(diagnostic)]));
            text.push_str("\n\n");
        }
        text
    }

    fn group<'a>(&'a self, diagnostic: &'a Diagnostic) -> Group<'a> {
        let level = match diagnostic.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut group = Group::with_title(level.primary_title(clean(&diagnostic.title)).id(diagnostic.code));
        let mut notes: Vec<Cow<'_, str>> = Vec::new();
        let mut shown: Vec<usize> = Vec::new();
        for (span, _) in &diagnostic.labels {
            let Some(source) = self.sources.get(span.source) else { continue };
            if shown.contains(&span.source) {
                continue;
            }
            shown.push(span.source);
            match excerpt(source, span.source, diagnostic) {
                Some(snippet) => group = group.element(snippet),
                None => notes.push(Cow::Owned(format!("at {}", place(source, *span)))),
            }
        }
        notes.extend(diagnostic.notes.iter().map(|n| clean(n)));
        group
            .elements(notes.into_iter().map(|note| Level::NOTE.message(note)))
            .elements(diagnostic.helps.iter().map(|help| Level::HELP.message(clean(help))))
    }
}

/// The lines of `source` that the labels touch; `None` where that is too much to show.
fn excerpt<'a>(
    source: &'a Source,
    number: usize,
    diagnostic: &'a Diagnostic,
) -> Option<Snippet<'a, Annotation<'a>>> {
    let text = source.text.as_str();
    let labels = || diagnostic.labels.iter().filter(move |l| l.0.source == number);
    let first = labels().map(|l| boundary(text, l.0.start)).min()?;
    let last = labels().map(|l| boundary(text, l.0.end)).max()?;
    let start = text[..first].rfind('\n').map_or(0, |at| at + 1);
    let end = text[last..].find('\n').map_or(text.len(), |at| last + at);
    if end.saturating_sub(start) > MOST_SHOWN {
        return None;
    }
    let line = 1 + text[..start].bytes().filter(|b| *b == b'\n').count();
    let mut snippet = Snippet::source(&text[start..end]).line_start(line).path(clean(&source.name));
    for (index, (span, words)) in diagnostic.labels.iter().enumerate() {
        if span.source != number {
            continue;
        }
        let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
        let from = boundary(text, span.start) - start;
        let to = (boundary(text, span.end) - start).max(from);
        snippet = snippet.annotation(kind.span(from..to).label(clean(words)));
    }
    Some(snippet)
}

/// `at`, moved down to the start of a character within the text.
fn boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// `name:line:column`, both counted from 1.
fn place(source: &Source, span: Span) -> String {
    let before = &source.text[..boundary(&source.text, span.start)];
    let line = 1 + before.bytes().filter(|b| *b == b'\n').count();
    let column = 1 + before.rsplit('\n').next().unwrap_or("").chars().count();
    format!("{}:{line}:{column}", clean(&source.name))
}

/// Without control characters, which could steer a terminal.
fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut cleaned = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            write!(cleaned, "{}", c.escape_default()).expect("writing to a string succeeds");
        } else {
            cleaned.push(c);
        }
    }
    Cow::Owned(cleaned)
}
