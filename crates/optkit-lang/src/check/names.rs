//! The names that a problem declares.

use std::collections::BTreeMap;

use crate::ast::{Statement, StatementKind};
use crate::suggest::closest;
use crate::{Diagnostic, Span, Spanned};

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Declared {
    Constant,
    Data,
    Network,
    Block,
    Objective,
    Measure,
    Partition,
    Solver,
    Experiment,
    /// Something without meaning yet, or unreadable; that has been reported.
    Reported,
}

impl Declared {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Constant => "a constant",
            Self::Data => "a data set",
            Self::Network => "a network",
            Self::Block => "a block",
            Self::Objective => "the objective",
            Self::Measure => "a measure",
            Self::Partition => "a partition",
            Self::Solver => "a solver",
            Self::Experiment => "an experiment",
            Self::Reported => "not understood",
        }
    }
}

#[derive(Clone, Copy)]
pub(super) struct Name {
    declared: Declared,
    span: Span,
    pub(super) used: bool,
}

/// All declared names.
#[derive(Default)]
pub(super) struct Names {
    names: BTreeMap<String, Name>,
}

/// Names that terms of `stop when` give a meaning.
const TAKEN: [&str; 5] = ["grad", "epochs", "iterations", "gradients", "time"];

impl Names {
    /// The names that `statements` declare.
    pub(super) fn of(statements: &[Statement], diagnostics: &mut Vec<Diagnostic>) -> Self {
        let mut names = Self::default();
        for statement in statements {
            let Some((name, declared)) = declaration(statement) else { continue };
            if TAKEN.contains(&name.value.as_str()) && declared != Declared::Reported {
                diagnostics.push(
                    Diagnostic::error("E0307", format!("`{}` has a meaning of its own", name.value))
                        .label(name.span, "declared here")
                        .note("terms of `stop when` use this word")
                        .help("choose another name"),
                );
            }
            names.names.insert(name.value, Name { declared, span: name.span, used: false });
        }
        names
    }

    /// `name` stands for a constant from now on; what it stood for.
    pub(super) fn bind(&mut self, name: &Spanned<String>) -> Option<Name> {
        let bound = Name { declared: Declared::Constant, span: name.span, used: false };
        self.names.insert(name.value.clone(), bound)
    }

    /// `name` stands again for what it stood for; what it stood for meanwhile.
    pub(super) fn unbind(&mut self, name: &str, before: Option<Name>) -> Option<Name> {
        match before {
            Some(before) => self.names.insert(name.to_owned(), before),
            None => self.names.remove(name),
        }
    }

    /// What `name` stands for; from now on it counts as used.
    pub(super) fn use_of(&mut self, name: &str) -> Option<Declared> {
        let found = self.names.get_mut(name)?;
        found.used = true;
        Some(found.declared)
    }

    /// What `name` stands for.
    pub(super) fn get(&self, name: &str) -> Option<Declared> {
        self.names.get(name).map(|n| n.declared)
    }

    /// The declared names of one sort.
    pub(super) fn all(&self, sort: Declared) -> impl Iterator<Item = &str> {
        self.names.iter().filter(move |(_, n)| n.declared == sort).map(|(name, _)| name.as_str())
    }

    /// Names of the main file that nothing uses.
    pub(super) fn unused(&self) -> impl Iterator<Item = (&str, Declared, Span)> {
        self.names
            .iter()
            .filter(|(_, n)| !n.used && n.span.source == 0)
            .filter(|(_, n)| {
                !matches!(
                    n.declared,
                    Declared::Objective | Declared::Measure | Declared::Experiment | Declared::Reported
                )
            })
            .map(|(name, n)| (name.as_str(), n.declared, n.span))
    }

    /// The error that `name` is not the `wanted` that belongs here; `None` where that is reported already.
    pub(super) fn mismatch(&self, name: &str, span: Span, wanted: Declared) -> Option<Diagnostic> {
        let wants = wanted.words();
        match self.names.get(name) {
            Some(found) if found.declared == Declared::Reported => None,
            Some(found) => Some(
                Diagnostic::error("E0310", format!("`{name}` is {}, not {wants}", found.declared.words()))
                    .label(span, format!("expected {wants}"))
                    .label(found.span, "declared here")
                    .help(self.remedy(wanted)),
            ),
            None => {
                let diagnostic = Diagnostic::error("E0304", format!("`{name}` is not declared"))
                    .label(span, format!("expected {wants}"));
                Some(match closest(name, self.all(wanted)) {
                    Some(known) => diagnostic.help(format!("did you mean `{known}`?")),
                    None => diagnostic.help(self.remedy(wanted)),
                })
            }
        }
    }

    fn remedy(&self, wanted: Declared) -> String {
        let known: Vec<_> = self.all(wanted).map(|name| format!("`{name}`")).collect();
        let known = known.join(", ");
        match wanted {
            Declared::Constant => "declare it before this line: `param n = 1000`".to_owned(),
            _ if !known.is_empty() => format!("declared here: {known}"),
            Declared::Data => "declare it: `data mnist = mnist()`".to_owned(),
            Declared::Network => "declare it: `network net { … }`".to_owned(),
            Declared::Partition => "declare it: `partition blocks = contiguous { parts = 4 }`".to_owned(),
            _ => "declare it first".to_owned(),
        }
    }
}

/// The name that a statement declares.
pub(super) fn declaration(statement: &Statement) -> Option<(Spanned<String>, Declared)> {
    use StatementKind as K;
    let (name, declared) = match &statement.kind {
        K::Constant { name, .. } => (name.clone(), Declared::Constant),
        K::Data { name, .. } => (name.clone(), Declared::Data),
        K::Network { name, .. } => (name.clone(), Declared::Network),
        K::Block(block) => (block.name.clone(), Declared::Block),
        K::Objective { name: Some(name), .. } => (name.clone(), Declared::Objective),
        K::Measure { name, .. } => (name.clone(), Declared::Measure),
        K::Partition { name, .. } => (name.clone(), Declared::Partition),
        K::Solver { name: Some(name), .. } => (name.clone(), Declared::Solver),
        K::Experiment { name: Some(name), .. } => (name.clone(), Declared::Experiment),
        K::Planned { name: Some(name), .. } => (name.clone(), Declared::Reported),
        K::Broken { name: Some(name), .. } => {
            (Spanned::new(name.clone(), statement.keyword), Declared::Reported)
        }
        _ => return None,
    };
    Some((name, declared))
}
