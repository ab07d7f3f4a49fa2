//! Networks: every word of a layer line against the table of layers.

use optkit_core::vocabulary::{Entry, Kind, Support, Vocabulary};

use super::block::Within;
use super::{Checker, Declared};
use crate::ast::{Body, Expression, ExpressionKind, Layer as Written};
use crate::suggest::closest;
use crate::{Diagnostic, Layer, LayerLine, Network, Shortcut, Skip, Span, Spanned, Value};

impl Checker<'_> {
    pub(super) fn network(&mut self, name: &Spanned<String>, layers: &[Written]) -> Network {
        let layers = self.layers(layers, &mut Within::default());
        Network { name: name.clone(), layers }
    }

    /// Layers, blocks and repetitions written out.
    pub(super) fn layers(&mut self, written: &[Written], within: &mut Within) -> Vec<Layer> {
        let mut layers = Vec::with_capacity(written.len());
        for layer in written {
            if self.is_full() || within.is_full() {
                break;
            }
            match layer {
                Written::Named { name, operands, options, span } => {
                    if let Some(block) = self.block_called(&name.value) {
                        layers.extend(self.expand(&block, name, operands, options, within));
                        continue;
                    }
                    let name = Spanned::new(name.value.as_str(), name.span);
                    let body = Body { entries: options.clone(), span: *span };
                    if let Some(entry) = self.layer_entry(&name) {
                        let operands = self.layer_operands(&name, &entry, operands);
                        let settings = self.settings(name, Some(&body), entry.settings);
                        let name = Spanned::new(name.value.to_owned(), name.span);
                        let called = within.called();
                        layers.push(Layer::Line(LayerLine { name, operands, settings, span: *span, called }));
                        self.count(1, *span, within);
                    }
                }
                Written::Repeat { count, layers: written, span } => {
                    layers.extend(self.repeated(count, written, *span, within));
                }
                Written::Skip { body, shortcut, span } => {
                    self.count(1, *span, within);
                    let body = self.layers(body, within);
                    let shortcut = match shortcut {
                        None => Shortcut::Identity,
                        Some(written) => {
                            let layers = self.layers(&written.layers, within);
                            if written.auto { Shortcut::Auto(layers) } else { Shortcut::Layers(layers) }
                        }
                    };
                    layers.push(Layer::Skip(Skip { body, shortcut, span: *span, called: within.called() }));
                }
            }
        }
        layers
    }

    fn repeated(
        &mut self,
        count: &Expression,
        written: &[Written],
        span: Span,
        within: &mut Within,
    ) -> Vec<Layer> {
        let times =
            self.plain(count, Kind::Integer(1, u64::from(u32::MAX)), "repeat").and_then(|v| v.integer());
        let once = self.layers(written, within);
        let each: usize = once.iter().map(Layer::count).sum();
        let Some(times) = times.and_then(|n| usize::try_from(n).ok()) else { return once };
        if !self.count((times - 1).saturating_mul(each), span, within) {
            return once;
        }
        if each == 0 { once } else { std::iter::repeat_n(once, times).flatten().collect() }
    }

    fn layer_entry(&mut self, name: &Spanned<&str>) -> Option<Entry> {
        let layers = &self.vocabulary.layers;
        match Vocabulary::find(layers, name.value) {
            None if self.names.use_of(name.value) == Some(Declared::Reported) => None, // an unreadable `block`
            None => {
                let d = Diagnostic::error("E0305", format!("there is no layer `{}`", name.value))
                    .label(name.span, "unknown layer");
                let known = layers.iter().filter(|e| e.support == Support::Available);
                let known: Vec<_> = known.map(|e| format!("`{}`", e.name)).collect();
                let blocks = self.blocks.keys().map(String::as_str);
                let d = match closest(name.value, layers.iter().map(|e| e.name).chain(blocks)) {
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
                    self.layer_as_operand(owner, needed(entry), written, expression);
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
                self.layer_as_operand(owner, needed(entry), written, excess);
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

    /// Whether an argument is the name of a layer or block, and of nothing else.
    pub(super) fn is_layer(&self, expression: &Expression) -> bool {
        expression.name().is_some_and(|name| {
            let known =
                Vocabulary::find(&self.vocabulary.layers, name).is_some() || self.blocks.contains_key(name);
            known && self.names.get(name) != Some(Declared::Constant)
        })
    }

    /// `dense 32 relu`: two layers on one line without a separator.
    pub(super) fn layer_as_operand(
        &mut self,
        owner: &Spanned<&str>,
        missing: impl Iterator<Item = String>,
        written: &[Expression],
        layer: &Expression,
    ) {
        let name = layer.name().unwrap_or_default();
        let arguments = written.iter().take_while(|e| e.span != layer.span);
        let mut arguments: Vec<_> = arguments.map(|e| self.text_of(e.span)).collect();
        arguments.extend(missing.skip(arguments.len()));
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

/// The operands that a layer cannot do without, as placeholders.
fn needed(entry: &Entry) -> impl Iterator<Item = String> {
    entry.operands.iter().filter(|o| o.default.is_none()).map(|o| o.name.to_uppercase())
}
