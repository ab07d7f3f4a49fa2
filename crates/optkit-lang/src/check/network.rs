//! Networks: every word of a layer line against the table of layers.

use optkit_core::vocabulary::{Entry, Support, Vocabulary};

use super::{Checker, Declared};
use crate::ast::{Body, Expression, ExpressionKind, Layer};
use crate::suggest::closest;
use crate::{Diagnostic, LayerLine, Network, Spanned, Value};

impl Checker<'_> {
    pub(super) fn network(&mut self, name: &Spanned<String>, layers: &[Layer]) -> Network {
        let mut lines = Vec::with_capacity(layers.len());
        for layer in layers {
            if self.is_full() {
                break;
            }
            match layer {
                Layer::Planned { what, span } => {
                    let opening = crate::Span { end: span.start + what.trim_matches('`').len(), ..*span };
                    self.not_yet(&format!("{what} in networks"), opening);
                }
                Layer::Named { name, operands, options, span } => {
                    let name = Spanned::new(name.value.as_str(), name.span);
                    let body = Body { entries: options.clone(), span: *span };
                    if let Some(entry) = self.layer_entry(&name) {
                        let operands = self.layer_operands(&name, &entry, operands);
                        let settings = self.settings(name, Some(&body), entry.settings);
                        let name = Spanned::new(name.value.to_owned(), name.span);
                        lines.push(LayerLine { name, operands, settings, span: *span });
                    }
                }
            }
        }
        Network { name: name.clone(), layers: lines }
    }

    fn layer_entry(&mut self, name: &Spanned<&str>) -> Option<Entry> {
        let layers = &self.vocabulary.layers;
        match Vocabulary::find(layers, name.value) {
            None if self.names.use_of(name.value) == Some(Declared::Reported) => None, // a `block`
            None => {
                let d = Diagnostic::error("E0305", format!("there is no layer `{}`", name.value))
                    .label(name.span, "unknown layer");
                let known = layers.iter().filter(|e| e.support == Support::Available);
                let known: Vec<_> = known.map(|e| format!("`{}`", e.name)).collect();
                let d = match closest(name.value, layers.iter().map(|e| e.name)) {
                    Some(meant) => d.help(format!("did you mean `{meant}`?")),
                    None => d.help(format!("known: {}", known.join(", "))),
                };
                self.push(d);
                None
            }
            Some(entry) if entry.support == Support::Planned => {
                self.not_yet(&format!("the layer `{}`", name.value), name.span);
                None
            }
            found => found,
        }
    }

    fn layer_operands(
        &mut self,
        owner: &Spanned<&str>,
        entry: &Entry,
        written: &[Expression],
    ) -> Vec<Spanned<Value>> {
        let mut values = Vec::with_capacity(entry.operands.len());
        let mut rest = written.iter();
        for operand in entry.operands {
            let value = match rest.next() {
                Some(expression) if self.is_layer(expression) => {
                    self.layer_as_operand(owner, entry, written, expression);
                    return values;
                }
                Some(expression) => self
                    .plain(expression, operand.kind, operand.name)
                    .map(|value| Spanned::new(value, expression.span)),
                None => self.absent(owner, operand),
            };
            values.extend(value);
        }
        if let Some(excess) = rest.next() {
            if self.is_layer(excess) {
                self.layer_as_operand(owner, entry, written, excess);
            } else if !matches!(excess.kind, ExpressionKind::Broken) {
                let names: Vec<_> = entry.operands.iter().map(|o| format!("`{}`", o.name)).collect();
                let d = Diagnostic::error("E0309", format!("`{}` has too many arguments", owner.value))
                    .label(excess.span, "one too many");
                self.push(if names.is_empty() {
                    d.help("it takes none: remove it")
                } else {
                    d.help(format!("it takes {}", names.join(", ")))
                });
            }
        }
        values
    }

    fn is_layer(&self, expression: &Expression) -> bool {
        expression.name().is_some_and(|name| Vocabulary::find(&self.vocabulary.layers, name).is_some())
    }

    /// `dense 32 relu`: two layers on one line without a separator.
    fn layer_as_operand(
        &mut self,
        owner: &Spanned<&str>,
        entry: &Entry,
        written: &[Expression],
        layer: &Expression,
    ) {
        let name = layer.name().unwrap_or_default();
        let arguments = written.iter().take_while(|e| e.span != layer.span);
        let mut arguments: Vec<_> = arguments.map(|e| self.text_of(e.span)).collect();
        let missing = entry.operands.iter().skip(arguments.len()).filter(|o| o.default.is_none());
        arguments.extend(missing.map(|o| o.name.to_uppercase()));
        let line = [&[owner.value.to_owned()][..], &arguments].concat().join(" ");
        self.push(
            Diagnostic::error(
                "E0404",
                format!("`{name}` is a layer of its own, not an argument of `{}`", owner.value),
            )
            .label(layer.span, "a layer")
            .help(format!("separate them: `{line}; {name}`")),
        );
    }
}
