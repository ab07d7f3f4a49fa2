//! `experiment`: which solvers run, how often, and what is varied between runs.

mod configurations;

use optkit_core::vocabulary::Kind;

use super::constant::Constant;
use super::{Checker, Declared};
use crate::ast::{Body, Entry, Expression, ExpressionKind, Varied, Written};
use crate::suggest::closest;
use crate::{Budget, Diagnostic, Span, Spanned, Term, TermKind, Value};

/// Most configurations that one experiment spells out.
const MOST: usize = 10_000;

/// The settings of an experiment that are no paths.
const SETTINGS: [&str; 4] = ["solvers", "trials", "seed", "budget"];

/// An experiment as written, before it is spelt out.
pub(super) struct Draft {
    name: Spanned<String>,
    solvers: Vec<Spanned<String>>,
    trials: u64,
    seed: Option<u64>,
    budget: Option<Term>,
    fixed: Vec<(Spanned<String>, Written)>,
    axes: Vec<Axis>,
}

/// Paths that vary together, and the values that they take in turn.
struct Axis {
    paths: Vec<Spanned<String>>,
    values: Vec<Vec<Written>>,
}

impl Checker<'_> {
    pub(super) fn experiment(
        &mut self,
        name: Option<&Spanned<String>>,
        keyword: Span,
        body: &Body,
        varied: &[Varied],
    ) -> Option<Draft> {
        let unnamed = || Spanned::new("experiment".to_owned(), keyword);
        let before = self.diagnostics.len();
        let mut draft = Draft {
            name: name.cloned().unwrap_or_else(unnamed),
            solvers: Vec::new(),
            trials: 1,
            seed: None,
            budget: None,
            fixed: Vec::new(),
            axes: Vec::new(),
        };
        for (index, entry) in body.entries.iter().enumerate() {
            if let Some(first) = body.entries[..index].iter().find(|e| e.key.value == entry.key.value) {
                self.given_twice(&entry.key, first.key.span);
            } else {
                self.experiment_entry(entry, &mut draft);
            }
        }
        if draft.solvers.is_empty() && !body.entries.iter().any(|e| e.key.value == "solvers") {
            draft.solvers.extend(self.default_solver(draft.name.span));
        }
        for varied in varied {
            draft.axes.extend(self.axis(varied));
        }
        self.check_paths(&draft);
        (self.diagnostics.len() == before).then_some(draft)
    }

    fn given_twice(&mut self, key: &Spanned<String>, first: Span) {
        self.push(
            Diagnostic::error("E0303", format!("`{}` is given twice", key.value))
                .label(key.span, "given again here")
                .label(first, "given here")
                .help("remove one of them"),
        );
    }

    fn experiment_entry(&mut self, entry: &Entry, draft: &mut Draft) {
        let Some(written) = &entry.value else { return };
        let key = entry.key.value.as_str();
        let whole = |value: Option<Spanned<Value>>| value.and_then(|v| v.value.integer());
        match key {
            "solvers" => draft.solvers = self.solvers(written),
            "trials" => {
                let trials = whole(self.value(written, Kind::Integer(1, 100_000), "trials"));
                draft.trials = trials.unwrap_or(1);
            }
            "seed" => draft.seed = whole(self.value(written, Kind::Integer(0, u64::MAX), "seed")),
            "budget" => draft.budget = self.budget(written),
            _ if key.contains('.') || self.names.get(key) == Some(Declared::Constant) => {
                draft.fixed.push((entry.key.clone(), written.clone()));
            }
            _ => {
                let d = Diagnostic::error("E0301", format!("`experiment` has no setting `{key}`"))
                    .label(entry.key.span, "not a setting of `experiment`");
                self.push(match closest(key, SETTINGS) {
                    Some(meant) => d.help(format!("did you mean `{meant}`?")),
                    None => d.help(
                        "its settings are `solvers`, `trials`, `seed`, `budget`, and paths into the file such as \
                         `solver.radius`",
                    ),
                });
            }
        }
    }

    /// `[gd, adam]`: declared solvers, or `solver` for the unnamed one.
    fn solvers(&mut self, written: &Written) -> Vec<Spanned<String>> {
        let ExpressionKind::List(elements) = &written.expression.kind else {
            self.push(
                Diagnostic::error("E0202", "`solvers` must be a list of declared solvers")
                    .label(written.span(), "this is none")
                    .help("write `solvers = [solver]`, or names of solvers: `solvers = [gd, adam]`"),
            );
            return Vec::new();
        };
        let mut solvers: Vec<Spanned<String>> = Vec::new();
        for element in elements {
            let span = element.span();
            let Some(name) = element.expression.name().filter(|_| element.body.is_none()) else {
                self.push(
                    Diagnostic::error("E0202", "`solvers` lists declared solvers by their names")
                        .label(span, "this is no name")
                        .help("declare it: `solver adam = adam { lr = 0.02 }`, and list `adam`"),
                );
                continue;
            };
            let known = match self.names.use_of(name) {
                Some(Declared::Solver) => true,
                None => name == "solver" && self.solvers.contains_key("solver"),
                _ => false,
            };
            if let Some(first) = solvers.iter().find(|s| s.value == name) {
                self.given_twice(&Spanned::new(name.to_owned(), span), first.span);
            } else if known {
                solvers.push(Spanned::new(name.to_owned(), span));
            } else if name == "solver" && self.names.get(name).is_none() {
                self.push(
                    Diagnostic::error("E0304", "the file has no unnamed solver")
                        .label(span, "stands for it")
                        .help("add `solver apts { … }`, or list solvers that have names"),
                );
            } else {
                let error = self.names.mismatch(name, span, Declared::Solver);
                self.diagnostics.extend(error);
            }
        }
        if elements.is_empty() {
            self.push(
                Diagnostic::error("E0202", "`solvers` is empty")
                    .label(written.span(), "nothing would run")
                    .help("list the solvers to run, or leave `solvers` out for the unnamed one"),
            );
        }
        solvers
    }

    fn default_solver(&mut self, span: Span) -> Option<Spanned<String>> {
        if self.solvers.contains_key("solver") {
            return Some(Spanned::new("solver".to_owned(), span));
        }
        let only: Vec<String> = self.names.all(Declared::Solver).map(str::to_owned).collect();
        if let [only] = only.as_slice() {
            self.names.use_of(only);
            return Some(Spanned::new(only.clone(), span));
        }
        if !only.is_empty() {
            self.push(
                Diagnostic::error("E0402", "the experiment does not say which solvers it runs")
                    .label(span, "this one")
                    .help(format!("add `solvers = [{}]`", only.join(", "))),
            );
        }
        None
    }

    /// `1000 gradients`, `100 epochs`, `15 min`.
    fn budget(&mut self, written: &Written) -> Option<Term> {
        let span = written.span();
        let wrong = |checker: &mut Self| {
            checker.push(
                Diagnostic::error("E0202", "`budget` must be an amount of something")
                    .label(span, "this has no unit that limits a run")
                    .help("write `1000 gradients`, `100 epochs`, `500 iterations` or `15 min`"),
            );
            None
        };
        if written.body.is_some() || matches!(written.expression.kind, ExpressionKind::List(_)) {
            return wrong(self);
        }
        let (what, limit) = match self.constant(&written.expression)? {
            Constant::Count(n, "epochs") => (Budget::Epochs, n),
            Constant::Count(n, "iterations") => (Budget::Iterations, n),
            Constant::Count(n, _) => (Budget::Gradients, n),
            Constant::Seconds(s) => (Budget::Time, s),
            _ => return wrong(self),
        };
        let fraction = matches!(what, Budget::Epochs | Budget::Iterations) && limit.fract() != 0.0;
        if limit <= 0.0 || fraction {
            self.push(
                Diagnostic::error("E0201", "this budget limits nothing that can be done")
                    .label(span, if fraction { "not a whole number" } else { "not above zero" })
                    .help("write a budget such as `1000 gradients` or `100 epochs`"),
            );
            return None;
        }
        let text =
            format!("budget = {}", self.text_of(span).split_whitespace().collect::<Vec<_>>().join(" "));
        Some(Term { text, span, kind: TermKind::Budget { what, limit } })
    }

    fn axis(&mut self, varied: &Varied) -> Option<Axis> {
        let values = &varied.values;
        let paths = varied.paths.clone();
        let values = match &values.kind {
            ExpressionKind::List(elements) if paths.len() == 1 => {
                elements.iter().map(|e| vec![e.clone()]).collect()
            }
            ExpressionKind::List(elements) => self.tuples(elements, paths.len())?,
            ExpressionKind::Range(first, last) if paths.len() == 1 => self.whole_numbers(first, last)?,
            ExpressionKind::Broken => return None,
            ExpressionKind::Planned(what) => {
                self.not_yet(what, values.span);
                return None;
            }
            _ => {
                self.push(
                    Diagnostic::error("E0202", "`vary` takes a list of values")
                        .label(values.span, "this is none")
                        .help("write `vary tensors.parts in [2, 4, 6]`, or a range of whole numbers: `in 1..10`"),
                );
                return None;
            }
        };
        if values.is_empty() {
            self.push(
                Diagnostic::error("E0202", "`vary` has no values")
                    .label(varied.values.span, "nothing would run")
                    .help("list at least one value, or remove the line"),
            );
            return None;
        }
        Some(Axis { paths, values })
    }

    /// `[[0.01, 0.1], [0.1, 1]]`: a value for each path in turn.
    fn tuples(&mut self, elements: &[Written], paths: usize) -> Option<Vec<Vec<Written>>> {
        let mut tuples = Vec::with_capacity(elements.len());
        for element in elements {
            match &element.expression.kind {
                ExpressionKind::List(values) if values.len() == paths && element.body.is_none() => {
                    tuples.push(values.clone());
                }
                _ => {
                    self.push(
                        Diagnostic::error("E0202", "paths that vary together take their values together")
                            .label(element.span(), format!("expected a list of {paths} values"))
                            .help("write `vary a, b in [[1, 2], [3, 4]]`"),
                    );
                    return None;
                }
            }
        }
        Some(tuples)
    }

    fn whole_numbers(&mut self, first: &Expression, last: &Expression) -> Option<Vec<Vec<Written>>> {
        let span = first.span.to(last.span);
        let most = u64::MAX;
        let a = self.plain(first, Kind::Integer(0, most), "the start of the range")?.integer()?;
        let b = self.plain(last, Kind::Integer(0, most), "the end of the range")?.integer()?;
        if a > b || b - a >= MOST as u64 {
            self.push(
                Diagnostic::error("E0201", format!("`{a}..{b}` is no range to vary over"))
                    .label(span, if a > b { "it is empty" } else { "it has too many values" })
                    .help("both ends are included: `1..10` are ten values"),
            );
            return None;
        }
        #[allow(clippy::cast_precision_loss)] // `integer` is what counts
        let number = |n: u64| Expression {
            span,
            kind: ExpressionKind::Number { value: n as f64, integer: Some(n), unit: None },
            height: 1,
        };
        Some((a..=b).map(|n| vec![Written { expression: number(n), body: None }]).collect())
    }

    /// What an experiment sets must concern one of its runs, and each path be set once.
    fn check_paths(&mut self, draft: &Draft) {
        let varied = draft.axes.iter().flat_map(|axis| &axis.paths);
        let mut seen: Vec<&Spanned<String>> = Vec::new();
        for path in draft.fixed.iter().map(|(path, _)| path).chain(varied) {
            if let Some(first) = seen.iter().find(|p| p.value == path.value) {
                self.given_twice(path, first.span);
            }
            seen.push(path);
            if path.value == "run.seed" {
                self.push(
                    Diagnostic::error("E0301", "an experiment seeds its trials itself")
                        .label(path.span, "every trial has a seed of its own")
                        .help("set `seed` of the experiment, and `trials`"),
                );
            } else if !draft.solvers.iter().any(|s| self.concerns(path, &s.value)) {
                self.push(
                    Diagnostic::error(
                        "E0406",
                        format!("`{}` concerns no run of this experiment", path.value),
                    )
                    .label(path.span, "of a solver that it does not run, or of a partition that none uses")
                    .help("add the solver to `solvers`, or remove this"),
                );
            }
        }
    }

    /// Whether a run of `solver` depends on what `path` sets.
    fn concerns(&self, path: &Spanned<String>, solver: &str) -> bool {
        let first = path.value.split('.').next().unwrap_or_default();
        match self.names.get(first) {
            Some(Declared::Solver) => first == solver,
            Some(Declared::Partition) => self.solvers.get(solver).is_some_and(|names| names.contains(first)),
            _ => first != "solver" || first == solver,
        }
    }
}
