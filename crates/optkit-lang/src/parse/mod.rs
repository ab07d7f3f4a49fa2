//! From text to statements, every piece of the text by itself.

mod expression;
mod failure;
mod network;
mod statement;

use pest::Parser;
use pest_derive::Parser;

use crate::ast::{Statement, StatementKind, Written};
use crate::scan::{MOST_FINDINGS, Piece, Scanned, scan};
use crate::suggest::closest;
use crate::{Diagnostic, Span};

/// The grammar; `grammar/apts.pest` of the repository is the same file.
#[derive(Parser)]
#[grammar = "apts.pest"]
struct Grammar;

type Pair<'a> = pest::iterators::Pair<'a, Rule>;

/// The largest file that is read, in bytes.
pub(crate) const LARGEST: usize = 4 << 20;

/// Reads the pieces of one source.
struct Reader<'a> {
    text: &'a str,
    source: usize,
    /// Where everything is said to stand, for texts that are in no source.
    fixed: Option<Span>,
    comments: Vec<(usize, usize)>,
    lines: Vec<(usize, usize)>,
    statements: Vec<Statement>,
    diagnostics: &'a mut Vec<Diagnostic>,
}

/// The statements of source number `source`; what is wrong is added to `diagnostics`.
pub(crate) fn parse(text: &str, source: usize, diagnostics: &mut Vec<Diagnostic>) -> Vec<Statement> {
    if text.len() > LARGEST {
        let megabytes = text.len() / 1_000_000;
        diagnostics.push(
            Diagnostic::error("E0106", format!("this file has {megabytes} MB"))
                .label(Span::new(source, 0, 0), format!("at most {} MiB are read", LARGEST >> 20))
                .help("problem files are small; put data into files of their own"),
        );
        return Vec::new();
    }
    let Scanned { pieces, lines, comments, diagnostics: found } = scan(text, source);
    diagnostics.extend(found);
    let mut reader = Reader { comments, lines, ..Reader::new(text, source, diagnostics) };
    for piece in pieces {
        if reader.diagnostics.len() >= MOST_FINDINGS {
            break;
        }
        reader.piece(piece);
    }
    reader.statements
}

/// The value that stands in source number `source` from `offset` on: what `--set` gives.
pub(crate) fn parse_value(text: &str, source: usize, offset: usize) -> Result<Written, Diagnostic> {
    let whole = Span::new(source, offset, text.len());
    read_value(text, offset, whole, None)
}

/// A default of the vocabulary; all of it is said to stand at `span`.
pub(crate) fn parse_default(text: &str, span: Span) -> Result<Written, Diagnostic> {
    read_value(text, 0, span, Some(span))
}

fn read_value(text: &str, offset: usize, whole: Span, fixed: Option<Span>) -> Result<Written, Diagnostic> {
    let mut diagnostics = Vec::new();
    let found = scan(&text[offset..], whole.source).diagnostics;
    if let Some(mut first) = found.into_iter().next() {
        first.labels.iter_mut().for_each(|(span, _)| *span = whole);
        return Err(first);
    }
    let mut reader = Reader { fixed, ..Reader::new(text, whole.source, &mut diagnostics) };
    let read = match Grammar::parse(Rule::one_value, &text[offset..]) {
        Ok(mut pairs) => {
            let value = pairs.next().expect("a rule that matched yields its pair");
            let value = value.into_inner().next().expect("`one_value` holds a value");
            reader.written(value, offset)
        }
        Err(error) => {
            let failure = reader.failure(&error, offset, text.len());
            let span = fixed.unwrap_or(failure.span);
            return Err(Diagnostic::error("E0102", "cannot read this value").label(span, failure.expected));
        }
    };
    diagnostics.into_iter().next().map_or(Ok(read), Err)
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, source: usize, diagnostics: &'a mut Vec<Diagnostic>) -> Self {
        let (comments, lines, statements) = (Vec::new(), Vec::new(), Vec::new());
        Self { text, source, fixed: None, comments, lines, statements, diagnostics }
    }
}

impl Reader<'_> {
    fn piece(&mut self, piece: Piece) {
        let mut at = piece.start;
        if piece.broken {
            self.salvage(at);
            return;
        }
        while at < piece.end && self.diagnostics.len() < MOST_FINDINGS {
            let text = &self.text[at..piece.end];
            let read = Grammar::parse(Rule::statements, text);
            let mut last = None;
            let mut end = at;
            // `statements` matches every text, if only with no statement at all
            for pair in read.into_iter().flatten().next().into_iter().flat_map(Pair::into_inner) {
                last = Some(at + pair.as_span().start());
                end = at + pair.as_span().end();
                self.statement(pair, at);
            }
            let rest = self.skip_blanks(end, piece.end);
            if rest == piece.end {
                return;
            }
            at = self.unreadable(rest, last, piece);
        }
    }

    /// Report what stands at `rest` behind the statement at `last`; returns where to go on.
    fn unreadable(&mut self, rest: usize, last: Option<usize>, piece: Piece) -> usize {
        let own_line = self.lines.binary_search_by_key(&rest, |l| l.0);
        let word = word_at(self.text, rest);
        let keyword = keywords().any(|k| k == word);
        if let (Ok(line), false, false) = (own_line, word.is_empty(), keyword) {
            self.unknown_statement(rest, word);
            let column = self.lines[line].1;
            return self.lines[line + 1..]
                .iter()
                .find(|l| l.1 <= column)
                .map_or(piece.end, |l| l.0.min(piece.end));
        }
        let start = if keyword { rest } else { last.unwrap_or(rest) };
        if keyword {
            self.salvage(rest);
        }
        self.broken_statement(start, piece.end);
        piece.end
    }

    fn unknown_statement(&mut self, at: usize, word: &str) {
        let span = Span::new(self.source, at, at + word.len());
        let mut diagnostic = Diagnostic::error("E0101", format!("`{word}` does not start a statement"))
            .label(span, "unknown statement");
        diagnostic = match closest(word, keywords()) {
            Some(known) => diagnostic.help(format!("did you mean `{known}`?")),
            None => diagnostic.help("statements open with a keyword: `minimize`, `solver`, `stop when`, …"),
        };
        self.diagnostics.push(diagnostic);
        self.salvage(at);
    }

    fn broken_statement(&mut self, start: usize, end: usize) {
        let word = word_at(self.text, start);
        let title = if word.is_empty() {
            "cannot read this".to_owned()
        } else {
            format!("cannot read this `{word}` statement")
        };
        let diagnostic = match Grammar::parse(Rule::one_statement, &self.text[start..end]) {
            Err(error) => {
                let failure = self.failure(&error, start, end);
                Diagnostic::error("E0102", title).label(failure.span, failure.expected)
            }
            Ok(_) => Diagnostic::error("E0102", title)
                .label(Span::new(self.source, start, start + word.len()), "here"),
        };
        let form = FORMS.iter().find(|(keyword, _)| *keyword == word);
        self.diagnostics.push(match form {
            Some((_, form)) => diagnostic.help(format!("it is written {form}")),
            None => diagnostic.help("statements open with a keyword, one after the other"),
        });
    }

    /// Keep the name that an unreadable statement seems to declare.
    fn salvage(&mut self, at: usize) {
        let start = self.skip_blanks(at, self.text.len());
        let word = word_at(self.text, start);
        let next = self.skip_blanks(start + word.len(), self.text.len());
        let name = word_at(self.text, next);
        self.statements.push(Statement {
            keyword: Span::new(self.source, start, start + word.len()),
            kind: StatementKind::Broken {
                word: word.to_owned(),
                name: (!name.is_empty()).then(|| name.to_owned()),
            },
        });
    }

    /// The first byte from `at` on that is neither blank nor in a comment, at most `end`.
    fn skip_blanks(&self, mut at: usize, end: usize) -> usize {
        loop {
            let text = &self.text[at..end];
            at = end - text.trim_start_matches([' ', '\t', '\r', '\n', '\u{FEFF}']).len();
            match self.comments.binary_search_by_key(&at, |c| c.0) {
                Ok(comment) if at < end => at = self.comments[comment].1.min(end),
                _ => return at,
            }
        }
    }

    fn span_of(&self, pair: &Pair<'_>, offset: usize) -> Span {
        let span = pair.as_span();
        self.fixed.unwrap_or(Span::new(self.source, offset + span.start(), offset + span.end()))
    }
}

/// How statements are written.
const FORMS: &[(&str, &str)] = &[
    ("apts", "`apts 1`"),
    ("use", "`use \"file.apts\"`"),
    ("problem", "`problem \"title\" { reference = \"…\" }`"),
    ("let", "`let name = value`"),
    ("param", "`param name = value`"),
    ("var", "`var x[i in 1..n] start 0`"),
    ("data", "`data name = dataset() { … }`"),
    ("network", "`network name { … }`, one layer a line"),
    ("block", "`block name(…) { … }`, one layer a line"),
    ("residual", "`residual r[k in 1..m] = …`"),
    ("minimize", "`minimize name = …`, a loss with its settings in braces"),
    ("maximize", "`maximize name = …`"),
    ("measure", "`measure name = …`"),
    ("subject", "`subject to name: …`"),
    ("partition", "`partition name = weights(network) { parts = 4 }`"),
    ("solver", "`solver method { … }` or `solver name = method { … }`"),
    ("stop", "`stop when norm(grad) <= 1e-6 or iterations >= 1000`"),
    ("run", "`run { seed = 1 }`"),
    ("report", "`report \"file.html\" { … }`"),
    ("experiment", "`experiment name { … }`"),
];

/// All words that open a statement.
fn keywords() -> impl Iterator<Item = &'static str> {
    crate::scan::STATEMENTS.into_iter().chain([crate::scan::EXPERIMENT])
}

/// The word that begins at `at`, "" where there is none.
fn word_at(text: &str, at: usize) -> &str {
    let rest = &text[at..];
    let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
    if rest.starts_with(|c: char| c.is_ascii_digit()) { "" } else { &rest[..end] }
}

#[cfg(test)]
mod tests {
    /// The packaged crate cannot see the repository's folders, so it brings a copy.
    #[test]
    fn the_grammar_here_is_the_one_of_the_repository() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../grammar/apts.pest");
        match std::fs::read_to_string(path) {
            Ok(grammar) => assert_eq!(grammar, include_str!("../apts.pest"), "copy grammar/apts.pest here"),
            Err(_) => println!("skipped: no grammar/apts.pest beside this crate"),
        }
    }
}
