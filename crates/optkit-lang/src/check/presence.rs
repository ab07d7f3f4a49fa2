//! What a file must say and does not, and what it says to no purpose.

use super::{Checker, Draft};
use crate::ast::{Statement, StatementKind};
use crate::suggest::closest;
use crate::{Diagnostic, Span};

impl Checker<'_> {
    pub(super) fn check_edition(&mut self, statements: &[Statement]) {
        let has = |s: &Statement| matches!(s.kind, StatementKind::Edition(_)) && s.keyword.source == 0;
        if !statements.iter().any(has) {
            self.push(
                Diagnostic::warning("W0601", "the file does not say which edition it is written in")
                    .label(Span::default(), "expected `apts 1`")
                    .help("begin it with `apts 1`, so that later versions read it the same way"),
            );
        }
    }

    /// What every problem must have, unless an unreadable statement may have been it.
    pub(super) fn check_presence(&mut self, statements: &[Statement], draft: &Draft) {
        let seems = |word: &str| {
            statements.iter().any(|s| match &s.kind {
                StatementKind::Broken { word: found, .. } => closest(found, [word]).is_some(),
                StatementKind::Objective { .. } => word == "minimize",
                StatementKind::Solver { .. } => word == "solver",
                StatementKind::Planned { what, .. } => word == "minimize" && *what == "`maximize`",
                StatementKind::Stop(_) => word == "stop",
                _ => false,
            })
        };
        let end = self.sources.first().map_or(0, |s| s.text.trim_end().len());
        let end = Span::new(0, end, end);
        if !seems("minimize") {
            self.push(
                Diagnostic::error("E0401", "the file says nothing to minimise")
                    .label(end, "no `minimize` up to here")
                    .help("add one: `minimize f = quadratic(n = 1000)`"),
            );
        }
        if !seems("solver") {
            self.push(
                Diagnostic::error("E0402", "the file names no solver")
                    .label(end, "no `solver` up to here")
                    .help("add one: `solver trust_region { radius = 1 }`"),
            );
        }
        if !seems("stop") {
            self.push(
                Diagnostic::warning("W0602", "the file does not say when to stop")
                    .label(end, "no `stop when` up to here")
                    .help("add one: `stop when norm(grad) <= 1e-6 or iterations >= 1000`"),
            );
        }
        let experiments = statements.iter().any(|s| matches!(s.kind, StatementKind::Experiment { .. }));
        if draft.solvers.len() > 1 && !experiments && draft.solvers.iter().all(|(name, _)| name != "solver") {
            let mut d = Diagnostic::error("E0402", "none of the solvers is the one to run");
            for (name, method) in &draft.solvers {
                d = d.label(method.name.span, format!("`{name}`"));
            }
            self.push(d.help("leave the one to run unnamed: `solver apts { … }`"));
        }
    }

    pub(super) fn warn_of_unused(&mut self, draft: &Draft) {
        let ran = match draft.solvers.as_slice() {
            [(only, _)] => only.as_str(),
            _ => "solver",
        };
        let unused: Vec<_> = self
            .names
            .unused()
            .filter(|(name, ..)| *name != ran)
            .map(|(name, declared, span)| {
                Diagnostic::warning("W0604", format!("`{name}` is declared but not used"))
                    .label(span, format!("{} that nothing refers to", declared.words()))
                    .help("remove it, or use it")
            })
            .collect();
        self.diagnostics.extend(unused);
        let idle: Vec<_> = self
            .formals
            .iter()
            .filter(|(span, (_, used))| !used && span.source == 0)
            .map(|(span, (name, _))| {
                Diagnostic::warning("W0604", format!("`{name}` is declared but not used"))
                    .label(*span, "given to the block, which does not use it")
                    .help("remove it, or use it")
            })
            .collect();
        self.diagnostics.extend(idle);
    }
}
