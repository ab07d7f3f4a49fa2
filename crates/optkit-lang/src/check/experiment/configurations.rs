//! From an experiment as written to its configurations, each checked as a file of its own.

use super::{Axis, Draft, MOST};
use crate::ast::{ExpressionKind, Statement, StatementKind, Written};
use crate::check::{Checker, overrides};
use crate::{Configuration, Diagnostic, Experiment, Problem, Spanned, TermKind};

/// What one configuration sets: each path with its value.
type Settings<'a> = Vec<(&'a Spanned<String>, &'a Written)>;

impl Checker<'_> {
    /// Every configuration of `draft`, each checked as a file of its own.
    pub(in crate::check) fn spell_out(
        &mut self,
        draft: &Draft,
        statements: &[Statement],
    ) -> Option<Experiment> {
        let mut configurations = Vec::new();
        for solver in &draft.solvers {
            let axes: Vec<&Axis> = draft
                .axes
                .iter()
                .filter(|axis| axis.paths.iter().any(|path| self.concerns(path, &solver.value)))
                .collect();
            let count = axes.iter().try_fold(1_usize, |n, axis| n.checked_mul(axis.values.len()));
            let Some(count) = count.filter(|n| n + configurations.len() <= MOST) else {
                self.push(
                    Diagnostic::error("E0201", format!("this experiment has over {MOST} configurations"))
                        .label(draft.name.span, "the values of all `vary` lines multiply")
                        .help("vary fewer paths, or make several experiments"),
                );
                return None;
            };
            for index in 0..count {
                if self.is_full() {
                    return None;
                }
                let varied = combination(&axes, index);
                configurations.extend(self.configuration(draft, solver, &varied, statements));
            }
        }
        let several = draft.solvers.len() > 1;
        for configuration in &mut configurations {
            configuration.label = label(configuration, several);
        }
        let seed = configurations.first()?.problem.run.integer("seed").unwrap_or(0);
        Some(Experiment {
            name: draft.name.clone(),
            trials: draft.trials,
            seed: draft.seed.unwrap_or(seed),
            configurations,
        })
    }

    fn configuration(
        &mut self,
        draft: &Draft,
        solver: &Spanned<String>,
        varied: &Settings<'_>,
        statements: &[Statement],
    ) -> Option<Configuration> {
        let mut statements: Vec<Statement> = statements
            .iter()
            .filter(|s| match &s.kind {
                StatementKind::Experiment { .. } | StatementKind::Report { .. } => false,
                StatementKind::Solver { .. } => {
                    overrides::name_of(s).as_deref() == Some(solver.value.as_str())
                }
                _ => true,
            })
            .cloned()
            .collect();
        let fixed = draft.fixed.iter().map(|(path, value)| (path, value));
        for (path, value) in fixed.chain(varied.iter().copied()) {
            if !self.concerns(path, &solver.value) {
                continue;
            }
            if let Err(error) = overrides::set(path, value.clone(), &mut statements, self.vocabulary) {
                self.push_once(error);
                return None;
            }
        }
        let mut problem = self.problem_of(&statements)?;
        if let Some(budget) = &draft.budget {
            problem.stop.terms.retain(|term| !matches!(term.kind, TermKind::Budget { .. }));
            problem.stop.terms.push(budget.clone());
        }
        let text = |value: &Written| match &value.expression.kind {
            ExpressionKind::Number { integer: Some(n), unit: None, .. } => n.to_string(),
            _ => self.text_of(value.span()).split_whitespace().collect::<Vec<_>>().join(" "),
        };
        let varied = varied.iter().map(|(path, value)| (path.value.clone(), text(value))).collect();
        Some(Configuration { label: String::new(), solver: solver.value.clone(), varied, problem })
    }

    /// What `statements` say; errors that were not found before are kept.
    fn problem_of(&mut self, statements: &[Statement]) -> Option<Problem> {
        let (problem, found) = crate::check::problem_of(statements, self.sources, self.vocabulary);
        let wrong = found.iter().any(Diagnostic::is_error);
        for diagnostic in found.into_iter().filter(Diagnostic::is_error) {
            self.push_once(diagnostic);
        }
        problem.filter(|_| !wrong)
    }

    fn push_once(&mut self, diagnostic: Diagnostic) {
        let place = |d: &Diagnostic| d.labels.first().map(|l| l.0);
        let known = |d: &Diagnostic| d.title == diagnostic.title && place(d) == place(&diagnostic);
        if !self.diagnostics.iter().any(known) {
            self.push(diagnostic);
        }
    }
}

/// Combination number `index` of the values of `axes`; the last axis varies fastest.
fn combination<'a>(axes: &[&'a Axis], mut index: usize) -> Settings<'a> {
    let mut chosen = Vec::with_capacity(axes.len());
    for axis in axes.iter().rev() {
        chosen.push((*axis, index % axis.values.len()));
        index /= axis.values.len();
    }
    chosen.reverse();
    chosen.into_iter().flat_map(|(axis, at)| axis.paths.iter().zip(&axis.values[at])).collect()
}

/// `adam`, or `apts, parts = 2, order = 1`.
fn label(configuration: &Configuration, several: bool) -> String {
    let Configuration { solver, varied, problem, .. } = configuration;
    let name = if solver == "solver" { &problem.solver().name.value } else { solver };
    let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
    let settings = varied.iter().map(|(path, value)| {
        let ambiguous = varied.iter().filter(|(other, _)| last(other) == last(path)).count() > 1;
        let key = if ambiguous { path.clone() } else { last(path) };
        format!("{key} = {value}")
    });
    let name = (several || varied.is_empty() || solver == "solver").then(|| name.clone());
    name.into_iter().chain(settings).collect::<Vec<_>>().join(", ")
}
