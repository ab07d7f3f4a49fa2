//! Layers: one a line, arguments separated by blanks.

use super::{Grammar, Pair, Parser, Reader, Rule};
use crate::ast::{Entry, Expression, ExpressionKind, Formal, Layer, Shortcut, Written};
use crate::{Diagnostic, Spanned};

impl Reader<'_> {
    pub(super) fn layers(&mut self, pair: Pair<'_>, offset: usize) -> Vec<Layer> {
        let mut layers = Vec::new();
        for layer in pair.into_inner() {
            match layer.as_rule() {
                Rule::named_layer => layers.push(self.named_layer(layer, offset)),
                Rule::repeat => layers.extend(self.repeat(layer, offset)),
                Rule::skip_layer => layers.push(self.skip(layer, offset)),
                _ => self.bad_layer(&layer, offset),
            }
        }
        layers
    }

    fn repeat(&mut self, pair: Pair<'_>, offset: usize) -> Option<Layer> {
        let (mut word, mut count, mut layers) = (None, None, Vec::new());
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::kw_repeat => word = Some(self.span_of(&part, offset)),
                Rule::net_body => layers = self.layers(part, offset),
                _ => count = Some(self.layer_value(part, offset)),
            }
        }
        Some(Layer::Repeat { count: count?, layers, span: word? })
    }

    fn skip(&mut self, pair: Pair<'_>, offset: usize) -> Layer {
        let mut span = self.span_of(&pair, offset);
        let (mut body, mut shortcut) = (Vec::new(), None);
        for part in pair.into_inner() {
            match (part.as_rule(), &mut shortcut) {
                (Rule::kw_skip, _) => span = self.span_of(&part, offset),
                (Rule::kw_shortcut, shortcut) => {
                    *shortcut = Some(Shortcut { auto: false, layers: Vec::new() });
                }
                (Rule::kw_auto, Some(shortcut)) => shortcut.auto = true,
                (Rule::net_body, Some(shortcut)) => shortcut.layers = self.layers(part, offset),
                (Rule::net_body, None) => body = self.layers(part, offset),
                _ => {}
            }
        }
        Layer::Skip { body, shortcut, span }
    }

    /// What stands in the parentheses behind a block's name.
    pub(super) fn formals(&mut self, pair: Pair<'_>, offset: usize) -> Vec<Formal> {
        let mut formals = Vec::new();
        for formal in pair.into_inner() {
            let mut inner = formal.into_inner();
            let Some(name) = inner.next() else { continue };
            let name = Spanned::new(name.as_str().to_owned(), self.span_of(&name, offset));
            let default = inner.next().map(|default| self.expression(default, offset));
            formals.push(Formal { name, default });
        }
        formals
    }

    fn named_layer(&mut self, pair: Pair<'_>, offset: usize) -> Layer {
        let span = self.span_of(&pair, offset);
        let mut name = Spanned::new(String::new(), span);
        let (mut operands, mut options) = (Vec::new(), Vec::new());
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::layer_name => {
                    name = Spanned::new(part.as_str().to_owned(), self.span_of(&part, offset));
                }
                Rule::layer_opt => {
                    let mut inner = part.into_inner();
                    let key = inner.next().expect("a layer's option begins with its key");
                    let value = inner.next().expect("a layer's option has a value");
                    let key = Spanned::new(key.as_str().to_owned(), self.span_of(&key, offset));
                    let value = Written { expression: self.layer_value(value, offset), body: None };
                    options.push(Entry { key, value: Some(value) });
                }
                _ => operands.push(self.layer_value(part, offset)),
            }
        }
        Layer::Named { name, operands, options, span }
    }

    fn layer_value(&mut self, pair: Pair<'_>, offset: usize) -> Expression {
        let inner = pair.into_inner().next().expect("a layer's argument is one of its alternatives");
        if inner.as_rule() == Rule::paren {
            let span = self.span_of(&inner, offset);
            let expression = inner.into_inner().next().expect("parentheses hold an expression");
            return Expression { span, ..self.expression(expression, offset) };
        }
        self.atom(inner, offset)
    }

    fn bad_layer(&mut self, pair: &Pair<'_>, offset: usize) {
        let start = offset + pair.as_span().start();
        let text = pair.as_str().trim_end();
        let title = "cannot read this layer";
        let end = start + text.len();
        let mut diagnostic = match Grammar::parse(Rule::one_layer, text) {
            Err(error) => {
                let failure = self.failure(&error, start, end);
                let expected = match failure.expected.as_str() {
                    "expected an operator" => "expected a blank, `;` or the end of the line",
                    expected => expected,
                };
                Diagnostic::error("E0102", title).label(failure.span, expected)
            }
            Ok(_) => {
                Diagnostic::error("E0102", title).label(self.span_of(pair, offset), "not understood here")
            }
        };
        diagnostic = if text.contains(',') {
            diagnostic.help("layers stand on lines of their own or are separated by `;`, arguments by blanks")
        } else if text.contains('=') {
            diagnostic.help("a layer's options are written without blanks: `stride=2`")
        } else {
            diagnostic.help("a layer is a name with arguments behind it: `dense 32`")
        };
        self.diagnostics.push(diagnostic);
    }

    /// An expression that stands for what could not be read.
    pub(super) fn broken(span: crate::Span) -> Expression {
        Expression { span, kind: ExpressionKind::Broken, height: 1 }
    }
}
