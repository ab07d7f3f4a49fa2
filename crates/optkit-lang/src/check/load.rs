//! `use "file"`: everything in it by its own names; what is declared later replaces.

use std::collections::BTreeMap;

use super::names::declaration;
use crate::ast::{Statement, StatementKind};
use crate::parse::parse;
use crate::{Diagnostic, Diagnostics, Source, Span};

/// Deepest chain of files that use files.
const DEEPEST: usize = 16;

/// Reads a file that another one uses.
pub(super) type Load<'a> = &'a mut dyn FnMut(&str) -> Result<String, String>;

struct Loader<'a> {
    load: Load<'a>,
    diagnostics: &'a mut Diagnostics,
    statements: Vec<Statement>,
    /// Files being read now, outermost first.
    open: Vec<String>,
}

/// The statements of `source` and of all that it uses, in the order of reading.
pub(super) fn load(source: Source, load: Load<'_>, diagnostics: &mut Diagnostics) -> Vec<Statement> {
    let mut loader = Loader { load, diagnostics, statements: Vec::new(), open: Vec::new() };
    loader.file(source);
    loader.statements
}

impl Loader<'_> {
    fn file(&mut self, source: Source) {
        let number = self.diagnostics.sources.len();
        let statements = parse(&source.text, number, &mut self.diagnostics.list);
        self.open.push(source.name.clone());
        self.diagnostics.sources.push(source);
        for statement in statements {
            match &statement.kind {
                StatementKind::Use(path) => self.used(&path.value, path.span),
                _ => self.statements.push(statement),
            }
        }
        self.open.pop();
    }

    fn used(&mut self, path: &str, span: Span) {
        let path = match self.open.last().and_then(|user| user.rsplit_once('/')) {
            // beside the file that uses it; the first file's folder is the caller's business
            Some((folder, _)) if self.open.len() > 1 && !path.starts_with('/') => format!("{folder}/{path}"),
            _ => path.to_owned(),
        };
        if self.open.iter().skip(1).any(|open| *open == path) || self.open.len() > DEEPEST {
            self.diagnostics.push(
                Diagnostic::error("E0502", format!("`{path}` uses itself"))
                    .label(span, format!("reached through {}", self.open.join(", ")))
                    .help("move what both need into a third file"),
            );
            return;
        }
        if self.diagnostics.sources.iter().skip(1).any(|known| known.name == path) {
            return; // brought in already
        }
        match (self.load)(&path) {
            Ok(text) => self.file(Source::new(path, text)),
            Err(reason) => self.diagnostics.push(
                Diagnostic::error("E0501", format!("cannot read `{path}`"))
                    .label(span, reason)
                    .help("paths are relative to the file that uses them"),
            ),
        }
    }
}

/// Let later declarations replace those of used files; twice in one file is an error.
pub(super) fn merge(statements: Vec<Statement>, diagnostics: &mut Vec<Diagnostic>) -> Vec<Statement> {
    let mut merged: Vec<Statement> = Vec::with_capacity(statements.len());
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for statement in statements {
        let Some(key) = key(&statement) else {
            merged.push(statement);
            continue;
        };
        let Some(&earlier) = known.get(&key) else {
            known.insert(key, merged.len());
            merged.push(statement);
            continue;
        };
        let (first, again) = (place(&merged[earlier]), place(&statement));
        if first.source == again.source && !matches!(statement.kind, StatementKind::Broken { .. }) {
            let (title, help) = if key.starts_with('`') || key.starts_with("unnamed") {
                (format!("there is a second {key}"), "remove one of them")
            } else {
                (format!("`{key}` is declared twice"), "remove one, or give it another name")
            };
            diagnostics.push(
                Diagnostic::error("E0307", title)
                    .label(again, "declared again here")
                    .label(first, "declared here")
                    .help(help),
            );
            continue;
        }
        if let Some((name, _)) = declaration(&merged[earlier]) {
            known.remove(&name.value); // an objective may be replaced by one of another name
        }
        if let Some((name, _)) = declaration(&statement) {
            known.insert(name.value, earlier);
        }
        known.insert(key, earlier);
        merged[earlier] = statement;
    }
    merged
}

/// What a statement replaces, or is replaced by.
fn key(statement: &Statement) -> Option<String> {
    match &statement.kind {
        StatementKind::Objective { .. } => Some("`minimize`".to_owned()),
        StatementKind::Solver { name: None, .. } => Some("unnamed `solver`".to_owned()),
        StatementKind::Stop(_) => Some("`stop when`".to_owned()),
        StatementKind::Run(_) => Some("`run`".to_owned()),
        StatementKind::Problem { .. } => Some("`problem`".to_owned()),
        StatementKind::Experiment { name: None, .. } => Some("unnamed `experiment`".to_owned()),
        StatementKind::Report { path, .. } => Some(format!("`report` \"{}\"", path.value)),
        _ => declaration(statement).map(|(name, _)| name.value),
    }
}

fn place(statement: &Statement) -> Span {
    match declaration(statement) {
        Some((name, _)) => name.span,
        None => statement.keyword,
    }
}
