//! Statements and blocks of settings.

use std::sync::Arc;

use super::{Grammar, Pair, Parser, Reader, Rule};
use crate::ast::{Block, Body, Entry, Formal, Layer, Statement, StatementKind, Varied, Written};
use crate::{Diagnostic, Span, Spanned};

impl Reader<'_> {
    pub(super) fn statement(&mut self, pair: Pair<'_>, offset: usize) {
        let whole = self.span_of(&pair, offset);
        let keyword =
            Span::new(self.source, whole.start, whole.start + super::word_at(self.text, whole.start).len());
        let rule = pair.as_rule();
        let mut parts =
            Parts { name: None, string: None, value: None, expression: None, body: None, planned: None };
        let (mut layers, mut formals) = (Vec::new(), Vec::new());
        // the entries of an experiment stand in the statement itself
        let (mut entries, mut varied) = (Vec::new(), Vec::new());
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::ident => parts.name = Some(self.word(&part, offset)),
                Rule::int => parts.string = Some(self.word(&part, offset)),
                Rule::string => parts.string = Some(self.string(&part, offset)),
                Rule::value => parts.value = Some(self.written(part, offset)),
                Rule::expr => parts.expression = Some(self.expression(part, offset)),
                Rule::body => parts.body = Some(self.body(part, offset)),
                Rule::net_body => layers = self.layers(part, offset),
                Rule::formals if rule == Rule::block_decl => formals = self.formals(part, offset),
                Rule::formals if rule == Rule::let_decl => parts.planned = Some("functions defined by `let`"),
                Rule::formals if rule == Rule::network_decl => {
                    parts.planned = Some("networks with parameters");
                }
                Rule::index if rule == Rule::param_decl => parts.planned = Some("`param` with an index"),
                Rule::kw_maximize => parts.planned = Some("`maximize`"),
                Rule::vary => varied.push(self.varied(part, offset)),
                Rule::entry => entries.push(self.entry(part, offset)),
                Rule::bad_entry => entries.extend(self.bad_entry(&part, offset)),
                _ => {}
            }
        }
        let kind = match parts.planned {
            None if rule == Rule::experiment_decl => {
                StatementKind::Experiment { name: parts.name, body: Body { entries, span: whole }, varied }
            }
            Some(what) => StatementKind::Planned { what, name: parts.name },
            None => parts.into_kind(rule, layers, formals),
        };
        self.statements.push(Statement { keyword, kind });
    }

    fn word(&self, pair: &Pair<'_>, offset: usize) -> Spanned<String> {
        Spanned::new(pair.as_str().to_owned(), self.span_of(pair, offset))
    }

    pub(super) fn string(&self, pair: &Pair<'_>, offset: usize) -> Spanned<String> {
        Spanned::new(unquote(pair.as_str()), self.span_of(pair, offset))
    }

    pub(super) fn written(&mut self, pair: Pair<'_>, offset: usize) -> Written {
        let mut inner = pair.into_inner();
        let span = inner.next().expect("a `value` begins with a `span`");
        let expression = self.range(span, offset);
        let body = inner.next().map(|body| self.body(body, offset));
        Written { expression, body }
    }

    fn body(&mut self, pair: Pair<'_>, offset: usize) -> Body {
        let span = self.span_of(&pair, offset);
        let mut entries = Vec::new();
        for entry in pair.into_inner() {
            match entry.as_rule() {
                Rule::entry => entries.push(self.entry(entry, offset)),
                _ => entries.extend(self.bad_entry(&entry, offset)),
            }
        }
        Body { entries, span }
    }

    fn entry(&mut self, pair: Pair<'_>, offset: usize) -> Entry {
        let mut inner = pair.into_inner();
        let key = inner.next().expect("an `entry` begins with its key");
        let value = inner.next().expect("an `entry` has a value");
        let key = self.word(&key, offset);
        Entry { key, value: Some(self.written(value, offset)) }
    }

    fn varied(&mut self, pair: Pair<'_>, offset: usize) -> Varied {
        let mut paths = Vec::new();
        let mut values = None;
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::path => paths.push(self.word(&part, offset)),
                Rule::span => values = Some(self.range(part, offset)),
                _ => {}
            }
        }
        Varied { paths, values: values.expect("a `vary` has its values") }
    }

    /// Report a setting that cannot be read; its key, where that much is clear.
    fn bad_entry(&mut self, pair: &Pair<'_>, offset: usize) -> Option<Entry> {
        let start = offset + pair.as_span().start();
        let text = pair.as_str().trim_end().trim_end_matches(',').trim_end();
        let end = start + text.len();
        let word = super::word_at(text, 0);
        let key = Spanned::new(word.to_owned(), Span::new(self.source, start, start + word.len()));
        let assigned = text[word.len()..].trim_start().strip_prefix('=').filter(|_| !word.is_empty());
        let diagnostic = if text.is_empty() {
            Diagnostic::error("E0102", "this comma separates nothing")
                .label(Span::new(self.source, start, start + 1), "no setting before it")
                .help("remove it")
        } else if assigned.is_some_and(|value| self.skip_blanks(end - value.len(), end) == end) {
            Diagnostic::error("E0108", format!("`{word}` has no value"))
                .label(Span::new(self.source, end, end), "expected a value")
                .help(format!("give one, or leave `{word}` out for its default"))
        } else {
            match Grammar::parse(Rule::one_entry, text) {
                Err(_) if assigned.is_none() && !text[word.len()..].starts_with('.') => {
                    let at = start + word.len();
                    Diagnostic::error("E0102", "cannot read this setting")
                        .label(
                            Span::new(self.source, at, at),
                            if word.is_empty() { "expected a key" } else { "expected `=`" },
                        )
                        .help("settings are written `key = value`, one a line or separated by commas")
                }
                Err(error) => {
                    let failure = self.failure(&error, start, end);
                    Diagnostic::error("E0102", "cannot read this setting")
                        .label(failure.span, failure.expected)
                }
                Ok(_) => Diagnostic::error("E0102", "cannot read this setting")
                    .label(Span::new(self.source, start, end), "not understood here"),
            }
        };
        self.diagnostics.push(diagnostic);
        (!word.is_empty()).then_some(Entry { key, value: None })
    }
}

/// What a statement is made of.
struct Parts {
    name: Option<Spanned<String>>,
    string: Option<Spanned<String>>,
    value: Option<Written>,
    expression: Option<crate::ast::Expression>,
    body: Option<Body>,
    planned: Option<&'static str>,
}

impl Parts {
    fn into_kind(self, rule: Rule, layers: Vec<Layer>, formals: Vec<Formal>) -> StatementKind {
        use StatementKind as K;
        let Self { name, string, value, expression, body, .. } = self;
        let planned = |what, name| K::Planned { what, name };
        match (rule, name, string, value, expression) {
            (Rule::edition, _, Some(edition), ..) => K::Edition(edition),
            (Rule::use_decl, _, Some(path), ..) => K::Use(path),
            (Rule::problem_decl, _, Some(title), ..) => K::Problem { title, body: body.unwrap_or_default() },
            (Rule::let_decl | Rule::param_decl, Some(name), _, Some(value), _) => {
                K::Constant { name, value, param: rule == Rule::param_decl }
            }
            (Rule::data_decl, Some(name), _, Some(value), _) => K::Data { name, value },
            (Rule::partition_decl, Some(name), _, Some(value), _) => K::Partition { name, value },
            (Rule::solver_decl, name, _, Some(value), _) => K::Solver { name, value },
            (Rule::network_decl, Some(name), ..) => K::Network { name, layers },
            (Rule::block_decl, Some(name), ..) => K::Block(Arc::new(Block { name, formals, layers })),
            (Rule::objective_decl, name, _, Some(value), _) => K::Objective { name, value },
            (Rule::measure_decl, Some(name), _, _, Some(expression)) => K::Measure { name, expression },
            (Rule::stop_decl, _, _, _, Some(expression)) => K::Stop(expression),
            (Rule::run_decl, ..) => K::Run(body.unwrap_or_default()),
            (Rule::var_decl, name, ..) => planned("`var`", name),
            (Rule::residual_decl, name, ..) => planned("`residual`", name),
            (Rule::constraint_decl, ..) => planned("`subject to`", None),
            (Rule::report_decl, _, Some(path), ..) => K::Report { path, body: body.unwrap_or_default() },
            (rule, name, ..) => {
                unreachable!("`{rule:?}` ({name:?}) is no statement, or lacks a part that its rule has")
            }
        }
    }
}

/// The text of a string in quotes.
fn unquote(quoted: &str) -> String {
    let mut text = String::with_capacity(quoted.len());
    let mut chars = quoted[1..quoted.len() - 1].chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some(other) => text.push(other),
                None => {}
            },
            c => text.push(c),
        }
    }
    text
}
