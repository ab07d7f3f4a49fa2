//! What is minimised and what is measured.

use optkit_core::vocabulary::{Entry, Vocabulary};

use super::{Checker, Declared};
use crate::ast::{Argument, Expression, ExpressionKind, Written};
use crate::suggest::closest;
use crate::{Diagnostic, Measure, Objective, ObjectiveKind, Span, Spanned, Split};

/// A loss or measure of a network on data.
struct OnNetwork {
    word: Spanned<String>,
    network: String,
    data: String,
    split: Split,
}

impl Checker<'_> {
    pub(super) fn objective(
        &mut self,
        name: Option<&Spanned<String>>,
        written: &Written,
    ) -> Option<Objective> {
        let name = name.map_or_else(|| "loss".to_owned(), |n| n.value.clone());
        let kind = self.objective_kind(written)?;
        Some(Objective { name, kind })
    }

    fn objective_kind(&mut self, written: &Written) -> Option<ObjectiveKind> {
        let vocabulary = self.vocabulary;
        let Written { expression, body } = written;
        let (callee, arguments) = match (expression.call(), expression.name()) {
            (Some(call), _) => call,
            (None, Some(name)) => (Spanned::new(name, expression.span), &[][..]),
            (None, None) => {
                if !matches!(expression.kind, ExpressionKind::Broken) {
                    self.not_yet("objectives written as expressions", expression.span);
                }
                return None;
            }
        };
        if Vocabulary::find(&vocabulary.functions, callee.value).is_some() {
            return self.call(written, &vocabulary.functions, "function").map(ObjectiveKind::Function);
        }
        if let Some(entry) = Vocabulary::find(&vocabulary.losses, callee.value) {
            let settings = self.settings(callee, body.as_ref(), entry.settings);
            let found = self.on_network(&callee, arguments, expression.span, &vocabulary.losses, "loss")?;
            if found.split == Split::Test {
                self.push(
                    Diagnostic::warning("W0603", "this minimises on the test samples")
                        .label(expression.span, format!("`{}.test` is what measures are for", found.data))
                        .help(format!("train on `{}.train`", found.data)),
                );
            }
            let OnNetwork { word: loss, network, data, split } = found;
            let span = expression.span;
            return Some(ObjectiveKind::NetworkLoss { loss, network, data, split, settings, span });
        }
        if self.names.use_of(callee.value).is_some() {
            self.not_yet("objectives written as expressions", expression.span);
            return None;
        }
        let known = || vocabulary.functions.iter().chain(&vocabulary.losses).map(|e| e.name);
        let d = Diagnostic::error("E0305", format!("there is no function or loss `{}`", callee.value))
            .label(callee.span, "unknown function");
        self.push(match closest(callee.value, known()) {
            Some(meant) => d.help(format!("did you mean `{meant}`?")),
            None => {
                d.help(format!("known: {}", known().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ")))
            }
        });
        None
    }

    pub(super) fn measure(&mut self, name: &Spanned<String>, expression: &Expression) -> Option<Measure> {
        let vocabulary = self.vocabulary;
        let Some((callee, arguments)) = expression.call() else {
            if !matches!(expression.kind, ExpressionKind::Broken) {
                self.not_yet("measures written as expressions", expression.span);
            }
            return None;
        };
        // a loss measures as well: the loss on the test samples, say
        let table: Vec<Entry> = vocabulary.measures.iter().chain(&vocabulary.losses).copied().collect();
        let found = self.on_network(&callee, arguments, expression.span, &table, "measure")?;
        let OnNetwork { word: measure, network, data, split } = found;
        Some(Measure { name: name.clone(), measure, network, data, split })
    }

    /// `word(network(data.split.x), data.split.y)`.
    fn on_network(
        &mut self,
        callee: &Spanned<&str>,
        arguments: &[Argument],
        span: Span,
        table: &[Entry],
        what: &str,
    ) -> Option<OnNetwork> {
        self.entry(*callee, table, what)?;
        let [output, target] = arguments else {
            return self.malformed(callee.value, span, "expected two operands");
        };
        let Some((network, inputs)) = output.value.call() else {
            return self.malformed(callee.value, output.value.span, "expected a network applied to data");
        };
        let [input] = inputs else {
            return self.malformed(callee.value, output.value.span, "a network takes one operand");
        };
        if self.names.use_of(network.value) != Some(Declared::Network) {
            let error = self.names.mismatch(network.value, network.span, Declared::Network);
            self.diagnostics.extend(error);
            return None;
        }
        let (data, split) = self.samples(callee.value, &input.value, "x")?;
        let (labels, labels_split) = self.samples(callee.value, &target.value, "y")?;
        if (&data, split) != (&labels, labels_split) {
            self.push(
                Diagnostic::error("E0403", "inputs and targets are of different samples")
                    .label(target.value.span, "the targets of these")
                    .label(input.value.span, "the inputs of these")
                    .help("take both from the same set: `mnist.train.x` with `mnist.train.y`"),
            );
            return None;
        }
        let word = Spanned::new(callee.value.to_owned(), callee.span);
        Some(OnNetwork { word, network: network.value.to_owned(), data, split })
    }

    /// `data.split.column`.
    fn samples(&mut self, word: &str, expression: &Expression, column: &str) -> Option<(String, Split)> {
        let shape = format!("expected `data.train.{column}` or `data.test.{column}`");
        let ExpressionKind::Field(inner, last) = &expression.kind else {
            return self.malformed(word, expression.span, &shape);
        };
        let ExpressionKind::Field(data, split) = &inner.kind else {
            return self.malformed(word, expression.span, &shape);
        };
        let Some(name) = data.name() else { return self.malformed(word, expression.span, &shape) };
        if self.names.use_of(name) != Some(Declared::Data) {
            let error = self.names.mismatch(name, data.span, Declared::Data);
            self.diagnostics.extend(error);
            return None;
        }
        let split = match split.value.as_str() {
            "train" => Split::Train,
            "test" => Split::Test,
            _ => return self.malformed(word, split.span, "expected `train` or `test`"),
        };
        if last.value != column {
            return self.malformed(word, last.span, &format!("expected `{column}`"));
        }
        Some((name.to_owned(), split))
    }

    fn malformed<T>(&mut self, word: &str, span: Span, label: &str) -> Option<T> {
        self.push(
            Diagnostic::error("E0403", format!("cannot read the operands of `{word}`"))
                .label(span, label)
                .help(format!(
                    "write `{word}(net(data.train.x), data.train.y)`: x are inputs, y are targets"
                )),
        );
        None
    }
}
