//! The first look at a text: strings, comments and brackets, and from these the pieces that hold one statement.
//!
//! One pass over the bytes, without recursion, so that the grammar behind it never sees an unclosed bracket or
//! nesting that would exhaust the stack, and an error in one statement cannot hide another's.

use crate::{Diagnostic, Span};

/// Deepest nesting of brackets and `if`s that the grammar is asked to read.
pub(crate) const DEEPEST: usize = 64;

/// Findings reported in one run; what follows is not looked at.
pub(crate) const MOST_FINDINGS: usize = 50;

/// The words that open a statement.
pub(crate) const STATEMENTS: [&str; 19] = [
    "apts",
    "use",
    "problem",
    "let",
    "param",
    "var",
    "data",
    "network",
    "block",
    "residual",
    "minimize",
    "maximize",
    "measure",
    "subject",
    "partition",
    "solver",
    "stop",
    "run",
    "report",
];
/// The one that is written with a name or without.
pub(crate) const EXPERIMENT: &str = "experiment";

/// A piece of the text that opens with a statement and reaches to the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Its brackets or strings do not match, and that has been reported.
    pub(crate) broken: bool,
}

/// What the scan found.
#[derive(Debug, Default)]
pub(crate) struct Scanned {
    pub(crate) pieces: Vec<Piece>,
    /// Where lines outside brackets have their first word or sign, and its column.
    pub(crate) lines: Vec<(usize, usize)>,
    /// Byte ranges of comments, ascending.
    pub(crate) comments: Vec<(usize, usize)>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// An open bracket, and the `if`s met since within it.
struct Frame {
    open: u8,
    at: usize,
    ifs: usize,
}

struct Scan<'a> {
    text: &'a str,
    source: usize,
    at: usize,
    /// Only blanks so far on this line.
    line_start: bool,
    /// Where this line begins.
    line: usize,
    frames: Vec<Frame>,
    /// Brackets open and `if`s met in them.
    depth: usize,
    piece: usize,
    broken: bool,
    found: Scanned,
}

/// Scan source number `source`.
pub(crate) fn scan(text: &str, source: usize) -> Scanned {
    let mut scan = Scan {
        text,
        source,
        at: 0,
        line_start: true,
        line: 0,
        frames: Vec::new(),
        depth: 0,
        piece: 0,
        broken: false,
        found: Scanned::default(),
    };
    while scan.at < text.len() {
        scan.token();
    }
    scan.close_all(None);
    scan.end_piece(text.len());
    scan.found
}

impl Scan<'_> {
    fn token(&mut self) {
        let bytes = self.text.as_bytes();
        let rest = &bytes[self.at..];
        match rest[0] {
            b'\n' | b'\r' => {
                self.line_start = true;
                self.at += 1;
                self.line = self.at;
            }
            b' ' | b'\t' => self.at += 1,
            _ if self.text[self.at..].starts_with('\u{FEFF}') => self.at += '\u{FEFF}'.len_utf8(),
            b'#' => self.line_comment(),
            b'/' if rest.starts_with(b"//") => self.line_comment(),
            b'/' if rest.starts_with(b"/*") => self.block_comment(),
            b'"' => self.string(),
            open @ (b'(' | b'[' | b'{') => self.open(open),
            close @ (b')' | b']' | b'}') => self.close(close),
            _ => self.word(),
        }
    }

    fn advance(&mut self, bytes: usize) {
        if self.line_start && self.frames.is_empty() {
            self.found.lines.push((self.at, self.at - self.line));
        }
        self.at += bytes;
        self.line_start = false;
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.source, start, end)
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.broken = true;
        if self.found.diagnostics.len() < MOST_FINDINGS {
            self.found.diagnostics.push(diagnostic);
        }
    }

    fn line_comment(&mut self) {
        let length = self.text[self.at..].find(['\n', '\r']).unwrap_or(self.text.len() - self.at);
        self.found.comments.push((self.at, self.at + length));
        self.at += length;
    }

    fn block_comment(&mut self) {
        let start = self.at;
        if let Some(length) = self.text[start + 2..].find("*/") {
            self.at = start + 2 + length + 2;
        } else {
            self.at = self.text.len();
            let opening = self.span(start, start + 2);
            self.report(
                Diagnostic::error("E0104", "this comment is never closed")
                    .label(opening, "opened here")
                    .help("end it with `*/`"),
            );
        }
        self.found.comments.push((start, self.at));
    }

    fn string(&mut self) {
        let start = self.at;
        let mut escaped = false;
        let mut end = self.text.len();
        for (offset, b) in self.text.as_bytes()[start + 1..].iter().enumerate() {
            match b {
                b'\n' | b'\r' => {
                    end = start + 1 + offset;
                    break;
                }
                b'"' if !escaped => {
                    self.advance(offset + 2);
                    return;
                }
                _ => escaped = *b == b'\\' && !escaped,
            }
        }
        self.advance(end - start);
        let whole = self.span(start, start + self.text[start..end].trim_end().len());
        self.report(
            Diagnostic::error("E0104", "this string is never closed")
                .label(whole, "no `\"` before the end of the line")
                .help("close it with `\"` on the same line"),
        );
    }

    fn open(&mut self, open: u8) {
        let at = self.at;
        self.advance(1);
        self.frames.push(Frame { open, at, ifs: 0 });
        self.deepen(at);
    }

    fn deepen(&mut self, at: usize) {
        self.depth += 1;
        if self.depth == DEEPEST + 1 && !self.broken {
            let here = self.span(at, at + 1);
            self.report(
                Diagnostic::error("E0105", "this is nested too deeply")
                    .label(here, format!("level {}; at most {DEEPEST} are read", self.depth))
                    .help("name the inner parts with `let`"),
            );
        }
        self.broken |= self.depth > DEEPEST;
    }

    fn pop(&mut self) -> Option<u8> {
        let frame = self.frames.pop()?;
        self.depth -= 1 + frame.ifs;
        Some(frame.open)
    }

    fn close(&mut self, close: u8) {
        let here = self.span(self.at, self.at + 1);
        let open = match close {
            b')' => b'(',
            b']' => b'[',
            _ => b'{',
        };
        match self.frames.last() {
            Some(frame) if frame.open == open => {
                self.pop();
            }
            Some(frame) => {
                let (wrong, opened) = (frame.open as char, self.span(frame.at, frame.at + 1));
                let close = close as char;
                if !self.broken {
                    self.report(
                        Diagnostic::error("E0103", format!("`{close}` closes a `{wrong}`"))
                            .label(here, format!("expected `{}`", closing(wrong)))
                            .label(opened, "opened here")
                            .help(format!("close the `{wrong}` before this `{close}`")),
                    );
                }
                while self.pop().is_some_and(|popped| popped != open) {}
            }
            None if !self.broken => {
                let close = close as char;
                self.report(
                    Diagnostic::error("E0103", format!("this `{close}` closes nothing"))
                        .label(here, "no bracket is open here")
                        .help("remove it"),
                );
            }
            None => {}
        }
        self.advance(1);
    }

    /// Report the innermost bracket that is still open, and forget all of them.
    fn close_all(&mut self, next: Option<Span>) {
        let Some(frame) = self.frames.last() else { return };
        let (open, opened) = (frame.open as char, self.span(frame.at, frame.at + 1));
        if !self.broken {
            let mut diagnostic = Diagnostic::error("E0103", format!("this `{open}` is never closed"))
                .label(opened, "opened here")
                .help(format!("close it with `{}`", closing(open)));
            if let Some(next) = next {
                diagnostic = diagnostic.label(next, "still open where this statement begins");
            }
            self.report(diagnostic);
        }
        self.frames.clear();
        self.depth = 0;
    }

    fn word(&mut self) {
        let start = self.at;
        let rest = &self.text[start..];
        let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let word = &rest[..length];
        if word.is_empty() {
            self.advance(1); // a sign, hence ASCII
            return;
        }
        if word == "if" {
            if let Some(frame) = self.frames.last_mut() {
                frame.ifs += 1;
            }
            self.deepen(start);
        } else if self.line_start && (word == EXPERIMENT || STATEMENTS.contains(&word)) {
            let inside = !self.frames.is_empty();
            if !inside || opens_statement(&self.text[start + length..]) {
                if inside {
                    self.close_all(Some(self.span(start, start + length)));
                }
                self.end_piece(start);
            }
        }
        self.advance(length);
    }

    fn end_piece(&mut self, end: usize) {
        if self.text[self.piece..end].trim_start_matches('\u{FEFF}').trim().is_empty() {
            self.piece = end;
        }
        if self.piece < end {
            self.found.pieces.push(Piece { start: self.piece, end, broken: self.broken });
        }
        self.piece = end;
        self.broken = false;
        self.depth = 0;
    }
}

/// Whether what follows a keyword can only be a statement: `solver apts`, `network net {`, `problem "x"`, not
/// `partition = blocks` or `solver.radius = 1`.
fn opens_statement(rest: &str) -> bool {
    let next = rest.trim_start_matches([' ', '\t']);
    let spaced = next.len() < rest.len();
    spaced && next.starts_with(|c| is_word(c) || c == '"' || c == '{')
}

fn closing(open: char) -> char {
    match open {
        '(' => ')',
        '[' => ']',
        _ => '}',
    }
}

/// What words and numbers are made of; all beyond ASCII counts, whatever the grammar makes of it, but the mark of
/// byte order, which is a blank to the grammar.
fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || (!c.is_ascii() && c != '\u{FEFF}')
}
