//! `stop when`: convergence tests, targets and budgets.

use optkit_core::vocabulary::{Kind, Range};

use super::{Checker, Declared};
use crate::arithmetic::{Binary, FUNCTIONS, Unary};
use crate::ast::{Comparison, Expression, ExpressionKind, Operator};
use crate::stop::Operation;
use crate::suggest::closest;
use crate::{Bound, Budget, Diagnostic, Measure, Norm, Quantity, Stop, Term, TermKind, Value};

/// The left side of a term.
enum Left {
    Gradient(Norm),
    Quantity(Quantity),
    Budget(Budget),
}

const SHAPES: &str = "terms are `norm(grad) <= 1e-6`, `loss <= 0.1`, `accuracy >= 95%`, `epochs >= 100`, \
                      `iterations >= 100`, `gradients >= 100` or `time >= 15 min`";

impl Checker<'_> {
    pub(super) fn stop(&mut self, expression: &Expression) -> Stop {
        let mut terms = Vec::new();
        let mut sides = vec![expression];
        while let Some(side) = sides.pop().filter(|_| !self.is_full()) {
            match &side.kind {
                ExpressionKind::Binary(Operator::Or, left, right) => sides.extend([&**right, &**left]),
                _ => terms.extend(self.term(side)),
            }
        }
        Stop { terms }
    }

    fn term(&mut self, expression: &Expression) -> Option<Term> {
        let span = expression.span;
        let ExpressionKind::Binary(Operator::Compare(comparison), left, right) = &expression.kind else {
            let label = match &expression.kind {
                ExpressionKind::Broken => return None,
                ExpressionKind::Binary(Operator::And, ..) => {
                    "`and` does not join terms: the first that holds ends the run"
                }
                ExpressionKind::Not(_) => "terms cannot be negated",
                _ => "expected a comparison",
            };
            return self.no_term(expression, label);
        };
        let at_least = match comparison {
            Comparison::AtLeast => true,
            Comparison::AtMost => false,
            _ => return self.no_term(expression, "terms compare with `<=` or `>=`"),
        };
        let kind = match (self.left(left, right)?, at_least) {
            (Left::Gradient(norm), false) => TermKind::Gradient { norm, bound: self.gradient_bound(right)? },
            (Left::Gradient(_), true) => {
                return self.no_term(expression, "the gradient shrinks: write `<=`");
            }
            (Left::Quantity(quantity), at_least) => {
                TermKind::Target { quantity, at_least, bound: self.target(right)? }
            }
            (Left::Budget(what), true) => TermKind::Budget { what, limit: self.limit(what, right)? },
            (Left::Budget(_), false) => {
                return self.no_term(expression, "this holds at the start: write `>=`");
            }
        };
        let text = self.text_of(span).split_whitespace().collect::<Vec<_>>().join(" ");
        Some(Term { text, span, kind })
    }

    fn no_term(&mut self, expression: &Expression, label: &str) -> Option<Term> {
        self.push(
            Diagnostic::error("E0405", "this is no term of `stop when`")
                .label(expression.span, label)
                .help(SHAPES),
        );
        None
    }

    fn left(&mut self, left: &Expression, right: &Expression) -> Option<Left> {
        if let Some((callee, [argument])) = left.call()
            && argument.value.name() == Some("grad")
        {
            match callee.value {
                "norm" => return Some(Left::Gradient(Norm::Two)),
                "norm_inf" => return Some(Left::Gradient(Norm::Infinity)),
                _ => {}
            }
        }
        match left.name() {
            Some("epochs") => return Some(Left::Budget(Budget::Epochs)),
            Some("iterations") => return Some(Left::Budget(Budget::Iterations)),
            Some("gradients") => return Some(Left::Budget(Budget::Gradients)),
            Some("time") => return Some(Left::Budget(Budget::Time)),
            Some(name) => match self.names.use_of(name) {
                Some(Declared::Objective) => return Some(Left::Quantity(Quantity::Objective)),
                Some(Declared::Measure) => return Some(Left::Quantity(Quantity::Measure(name.to_owned()))),
                Some(Declared::Reported) => return None,
                None if name == "loss" => return Some(Left::Quantity(Quantity::Objective)),
                _ => {}
            },
            None => {}
        }
        self.unknown_quantity(left, right);
        None
    }

    fn unknown_quantity(&mut self, left: &Expression, right: &Expression) {
        let words = ["norm", "norm_inf", "loss", "epochs", "iterations", "gradients", "time"];
        let declared: Vec<_> =
            self.names.all(Declared::Measure).chain(self.names.all(Declared::Objective)).collect();
        let word = left.name().or(left.call().map(|(callee, _)| callee.value));
        let meant = word.and_then(|w| closest(w, words.into_iter().chain(declared.iter().copied())));
        let mut d =
            Diagnostic::error("E0405", "no such quantity to stop by").label(left.span, "unknown quantity");
        d = match meant {
            _ if left.name() == Some("grad") => d.help("write `norm(grad)` or `norm_inf(grad)`"),
            Some(meant) if Some(meant) != word => d.help(format!("did you mean `{meant}`?")),
            _ if right.name().is_some() || right.call().is_some() => {
                d.help(format!("put the quantity on the left; {SHAPES}"))
            }
            _ => d.help(SHAPES),
        };
        self.push(d);
    }

    /// The limit of a budget.
    fn limit(&mut self, what: Budget, right: &Expression) -> Option<f64> {
        let (kind, word) = match what {
            Budget::Epochs => (Kind::Integer(0, u64::MAX), "epochs"),
            Budget::Iterations => (Kind::Integer(0, u64::MAX), "iterations"),
            Budget::Gradients => (Kind::Real(Range::NOT_NEGATIVE), "gradients"),
            Budget::Time => (Kind::Duration, "time"),
        };
        match self.plain(right, kind, word)? {
            Value::Seconds(seconds) => Some(seconds),
            value => value.real(),
        }
    }

    /// The right side of a convergence test.
    fn gradient_bound(&mut self, right: &Expression) -> Option<Bound> {
        let bound = self.bound(right)?;
        if bound.is_constant() && bound.at(0.0) < 0.0 {
            self.push(
                Diagnostic::error("E0201", "the bound of a norm must not be negative")
                    .label(right.span, "no norm is below this")
                    .help("write a small positive number: `1e-6`"),
            );
            return None;
        }
        Some(bound)
    }

    /// The right side of a target.
    fn target(&mut self, right: &Expression) -> Option<Bound> {
        let bound = self.bound(right)?;
        if !bound.is_constant() {
            self.push(
                Diagnostic::error("E0405", "a target is a constant")
                    .label(right.span, "this changes with the objective")
                    .help("only bounds of `norm(grad)` and `norm_inf(grad)` may use the objective's value"),
            );
            return None;
        }
        Some(bound)
    }

    /// A share that no accuracy reaches: `accuracy >= 95` for `95%`.
    pub(super) fn check_targets(&mut self, stop: &Stop, measures: &[Measure]) {
        for term in &stop.terms {
            let TermKind::Target { quantity: Quantity::Measure(name), at_least: true, bound } = &term.kind
            else {
                continue;
            };
            let target = bound.at(0.0);
            let share = measures.iter().any(|m| m.name.value == *name && m.measure.value == "accuracy");
            if share && target > 1.0 {
                self.push(
                    Diagnostic::error("E0201", format!("`{name}` never reaches {target}"))
                        .label(term.span, "an accuracy is at most 1")
                        .help(format!("write a percentage: `{name} >= {target}%`")),
                );
            }
        }
    }

    /// A right side in postfix order.
    fn bound(&mut self, right: &Expression) -> Option<Bound> {
        let mut operations = Vec::new();
        self.lower(right, &mut operations)?;
        Some(Bound::from_operations(operations))
    }

    fn is_objective(&self, name: &str) -> bool {
        match self.names.get(name) {
            Some(declared) => declared == Declared::Objective,
            None => name == "loss",
        }
    }

    fn mentions_objective(&self, expression: &Expression) -> bool {
        match &expression.kind {
            ExpressionKind::Name(name) => self.is_objective(name),
            ExpressionKind::Unary(_, inner) => self.mentions_objective(inner),
            ExpressionKind::Binary(Operator::Arithmetic(_), left, right) => {
                self.mentions_objective(left) || self.mentions_objective(right)
            }
            ExpressionKind::Call(_, arguments) => arguments.iter().any(|a| self.mentions_objective(&a.value)),
            _ => false,
        }
    }

    /// `expression` in postfix order; parts without the objective's value are folded.
    fn lower(&mut self, expression: &Expression, into: &mut Vec<Operation>) -> Option<()> {
        if !self.mentions_objective(expression) {
            let value = self.constant(expression)?;
            let Some(number) = value.number() else {
                self.push(
                    Diagnostic::error("E0205", "a bound is a plain number")
                        .label(expression.span, format!("this is {}", value.words()))
                        .help("only `time` takes a duration: `time >= 15 min`"),
                );
                return None;
            };
            into.push(Operation::Constant(number));
            return Some(());
        }
        match &expression.kind {
            ExpressionKind::Unary(operation, inner) => {
                self.lower(inner, into)?;
                into.push(Operation::Unary(*operation));
            }
            ExpressionKind::Binary(Operator::Arithmetic(operation), left, right) => {
                self.lower(left, into)?;
                self.lower(right, into)?;
                into.push(Operation::Binary(*operation));
            }
            ExpressionKind::Call(..) => self.lower_call(expression, into)?,
            _ => into.push(Operation::Value),
        }
        Some(())
    }

    fn lower_call(&mut self, expression: &Expression, into: &mut Vec<Operation>) -> Option<()> {
        let (callee, arguments) = expression.call()?;
        let operation = match arguments.len() {
            1 => Unary::named(callee.value).map(Operation::Unary),
            2 => Binary::named(callee.value).map(Operation::Binary),
            _ => None,
        };
        let Some(operation) = operation else {
            self.push(
                Diagnostic::error("E0405", format!("a bound cannot use `{}`", callee.value))
                    .label(expression.span, "not a function of one or two numbers")
                    .help(format!("bounds may use {}", FUNCTIONS.join(", "))),
            );
            return None;
        };
        for argument in arguments {
            self.lower(&argument.value, into)?;
        }
        into.push(operation);
        Some(())
    }
}
