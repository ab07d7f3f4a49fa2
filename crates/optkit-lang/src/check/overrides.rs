//! `--set path=value`: the file is changed before it is checked, so that the same checks apply.

use optkit_core::vocabulary::{Entry, Vocabulary};

use super::names::declaration;
use crate::ast::{Argument, Body, Entry as Setting, ExpressionKind, Statement, StatementKind, Written};
use crate::parse::{parse_default, parse_value};
use crate::suggest::closest;
use crate::{Diagnostic, Diagnostics, Override, Source, Span, Spanned};

struct Setter<'a> {
    vocabulary: &'a Vocabulary,
    /// The path's words, each with its place.
    words: Vec<Spanned<String>>,
    path: Span,
    value: Written,
}

/// Apply `overrides` in their order.
pub(super) fn apply(
    overrides: &[Override],
    statements: &mut Vec<Statement>,
    vocabulary: &Vocabulary,
    diagnostics: &mut Diagnostics,
) {
    for given in overrides {
        let number = diagnostics.sources.len();
        let text = format!("{}={}", given.path, given.value);
        let value = parse_value(&text, number, given.path.len() + 1);
        diagnostics.sources.push(Source::new("--set", text));
        let path = Span::new(number, 0, given.path.len());
        let result = value
            .and_then(|value| set(&Spanned::new(given.path.clone(), path), value, statements, vocabulary));
        if let Err(diagnostic) = result {
            diagnostics.push(diagnostic);
        }
    }
}

/// Give what `path` leads to the value `value`, as if the file had it.
pub(super) fn set(
    path: &Spanned<String>,
    value: Written,
    statements: &mut Vec<Statement>,
    vocabulary: &Vocabulary,
) -> Result<(), Diagnostic> {
    Setter { vocabulary, words: words(path)?, path: path.span, value }.apply(statements)
}

/// The words of a path, which stands as one piece in its source.
fn words(path: &Spanned<String>) -> Result<Vec<Spanned<String>>, Diagnostic> {
    let Span { source, start: mut at, .. } = path.span;
    let mut words = Vec::new();
    for word in path.value.split('.') {
        let span = Span::new(source, at, at + word.len());
        if word.is_empty() || word.contains(|c: char| !(c.is_alphanumeric() || c == '_')) {
            return Err(Diagnostic::error("E0406", format!("`{}` is no path of a setting", path.value))
                .label(path.span, "expected names with dots between them")
                .help("paths are written `solver.radius`, `tensors.parts`, `run.seed`"));
        }
        words.push(Spanned::new(word.to_owned(), span));
        at += word.len() + 1;
    }
    Ok(words)
}

impl Setter<'_> {
    fn apply(self, statements: &mut Vec<Statement>) -> Result<(), Diagnostic> {
        let first = self.words[0].value.clone();
        if matches!(first.as_str(), "run" | "problem") && self.words.len() == 2 {
            return self.in_block(statements, &first);
        }
        let Some(statement) = statements.iter_mut().find(|s| name_of(s).as_deref() == Some(first.as_str()))
        else {
            return Err(self.nothing_called(&first, statements));
        };
        match &mut statement.kind {
            StatementKind::Constant { value, param: true, .. } if self.words.len() == 1 => {
                *value = self.value;
                Ok(())
            }
            StatementKind::Constant { param: false, .. } => Err(self.error(
                format!("`{first}` is fixed by `let`"),
                format!("declare it with `param {first} = …` to let it be set"),
            )),
            StatementKind::Data { value, .. }
            | StatementKind::Partition { value, .. }
            | StatementKind::Solver { value, .. } => {
                if self.words.len() == 1 {
                    *value = self.value;
                    return Ok(());
                }
                self.descend(value)
            }
            StatementKind::Objective { value, .. } if self.words.len() == 2 => {
                let is_setting = |entry: Entry| entry.setting(&self.words[1].value).is_some();
                if self.entry_of(value).is_some_and(is_setting) {
                    self.descend(value)
                } else {
                    self.set_operand(value)
                }
            }
            StatementKind::Experiment { body, .. } if self.words.len() > 1 => {
                let rest = &self.words[1..];
                let key = rest.iter().map(|word| word.value.as_str()).collect::<Vec<_>>().join(".");
                let span = rest[0].span.to(self.path);
                put(body, Spanned::new(key, span), self.value);
                Ok(())
            }
            StatementKind::Broken { .. } | StatementKind::Planned { .. } => Ok(()),
            _ => Err(self.error(
                format!("`{first}` has nothing to set"),
                "paths lead to settings of solvers, partitions, data and `run`, and to `param`s".to_owned(),
            )),
        }
    }

    fn in_block(self, statements: &mut Vec<Statement>, block: &str) -> Result<(), Diagnostic> {
        let body = statements.iter_mut().find_map(|s| match &mut s.kind {
            StatementKind::Run(body) if block == "run" => Some(body),
            StatementKind::Problem { body, .. } if block == "problem" => Some(body),
            _ => None,
        });
        match body {
            Some(body) => put(body, self.words[1].clone(), self.value),
            None if block == "run" => {
                let mut body = Body { entries: Vec::new(), span: self.path };
                put(&mut body, self.words[1].clone(), self.value);
                statements.push(Statement { keyword: self.words[0].span, kind: StatementKind::Run(body) });
            }
            None => {
                return Err(
                    self.error("the file has no `problem`".to_owned(), "add `problem \"title\"`".to_owned())
                );
            }
        }
        Ok(())
    }

    /// Follow the path from its second word into the methods of `written`.
    fn descend(self, mut written: &mut Written) -> Result<(), Diagnostic> {
        for depth in 1..self.words.len() - 1 {
            let key = &self.words[depth];
            let default = self.default_method(written, &key.value);
            let body = written.body.get_or_insert_with(|| Body { entries: Vec::new(), span: self.path });
            if !body.entries.iter().any(|e| e.key.value == key.value) {
                let Some(default) = default else {
                    return Err(self.no_method(&key.value));
                };
                body.entries.push(Setting { key: key.clone(), value: Some(default) });
            }
            let entry = body.entries.iter_mut().find(|e| e.key.value == key.value);
            match entry.and_then(|e| e.value.as_mut()) {
                Some(inner) if inner.body.is_some() || inner.expression.name().is_some() => written = inner,
                Some(_) => return Err(self.no_method(&key.value)),
                None => return Ok(()), // unreadable, and reported
            }
        }
        let key = self.words[self.words.len() - 1].clone();
        if self.words.len() == 2 && self.entry_of(written).is_some_and(|e| is_operand(&e, &key.value)) {
            return self.set_operand(written);
        }
        let body = written.body.get_or_insert_with(|| Body { entries: Vec::new(), span: self.path });
        put(body, key, self.value);
        Ok(())
    }

    /// Give a named operand of a call.
    fn set_operand(self, written: &mut Written) -> Result<(), Diagnostic> {
        let key = self.words[1].clone();
        let Some(entry) = self.entry_of(written).filter(|e| is_operand(e, &key.value)) else {
            return Err(self.error(
                format!("`{}` has no operand or setting `{}`", self.words[0].value, key.value),
                "see `optkit list` for what it takes".to_owned(),
            ));
        };
        let expression = &mut written.expression;
        if let ExpressionKind::Name(_) = expression.kind {
            let callee = Box::new(expression.clone());
            expression.kind = ExpressionKind::Call(callee, Vec::new());
            expression.height += 1;
        }
        let ExpressionKind::Call(_, arguments) = &mut expression.kind else { return Ok(()) };
        let position = entry.operands.iter().position(|o| o.name == key.value);
        let place = arguments.iter().enumerate().position(|(index, argument)| match &argument.name {
            Some(name) => name.value == key.value,
            None => Some(index) == position,
        });
        let argument = Argument { name: Some(key), value: self.value.expression };
        match place {
            Some(index) => arguments[index] = argument,
            None => arguments.push(argument),
        }
        Ok(())
    }

    fn entry_of(&self, written: &Written) -> Option<Entry> {
        let expression = &written.expression;
        let name = expression.name().or(expression.call().map(|(callee, _)| callee.value))?;
        let v = self.vocabulary;
        [&v.functions, &v.datasets, &v.partitions, &v.methods, &v.losses]
            .into_iter()
            .find_map(|table| Vocabulary::find(table, name))
    }

    /// The method that `key` of `written` has where the file gives none.
    fn default_method(&self, written: &Written, key: &str) -> Option<Written> {
        let default = self.entry_of(written)?.setting(key)?.default.filter(|d| !d.is_empty())?;
        parse_default(default, self.path).ok()
    }

    fn nothing_called(&self, name: &str, statements: &[Statement]) -> Diagnostic {
        let names: Vec<_> = statements.iter().filter_map(name_of).collect();
        let names = names.iter().map(String::as_str).chain(["run"]);
        let help = match closest(name, names) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "paths begin with a declared name, `solver` or `run`".to_owned(),
        };
        Diagnostic::error("E0406", format!("nothing here is called `{name}`"))
            .label(self.words[0].span, "not declared in the file")
            .help(help)
    }

    fn no_method(&self, key: &str) -> Diagnostic {
        self.error(
            format!("`{key}` is no method with settings of its own"),
            "leave out what follows it in the path".to_owned(),
        )
    }

    fn error(&self, title: String, help: String) -> Diagnostic {
        Diagnostic::error("E0406", title).label(self.path, "this path").help(help)
    }
}

fn is_operand(entry: &Entry, key: &str) -> bool {
    entry.setting(key).is_none() && entry.operands.iter().any(|o| o.name == key)
}

/// Give `key` in `body`, in place of what it had.
fn put(body: &mut Body, key: Spanned<String>, value: Written) {
    body.entries.retain(|e| e.key.value != key.value);
    body.entries.push(Setting { key, value: Some(value) });
}

/// The name that begins the paths into a statement.
pub(super) fn name_of(statement: &Statement) -> Option<String> {
    match &statement.kind {
        StatementKind::Solver { name: None, .. } => Some("solver".to_owned()),
        StatementKind::Objective { name: None, .. } => Some("loss".to_owned()),
        StatementKind::Experiment { name: None, .. } => Some("experiment".to_owned()),
        _ => declaration(statement).map(|(name, _)| name.value),
    }
}
