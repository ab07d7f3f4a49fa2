//! Blocks of layers: declared once, written out wherever their name stands, with what they are given there.

use std::sync::Arc;

use optkit_core::vocabulary::Vocabulary;

use super::Checker;
use super::constant::Constant;
use super::names::Name;
use crate::ast::{Block, Entry, Expression, Formal};
use crate::suggest::closest;
use crate::{Diagnostic, Layer, Span, Spanned};

/// Most layers of a network, and uses of blocks in it.
const MOST: usize = 10_000;

/// Where in a network layers are being written out.
#[derive(Default)]
pub(super) struct Within {
    /// The blocks that they stand in, outermost first, each with where it was called.
    open: Vec<(String, Span)>,
    /// Layers and uses of blocks so far.
    count: usize,
}

impl Within {
    /// Where the outermost block was called.
    pub(super) fn called(&self) -> Option<Span> {
        self.open.first().map(|(_, span)| *span)
    }

    /// Whether the network is too large already.
    pub(super) fn is_full(&self) -> bool {
        self.count > MOST
    }
}

/// What a name stood for before a block was given something of that name.
struct Shadowed {
    name: Option<Name>,
    value: Option<Constant>,
    unknown: bool,
}

impl Checker<'_> {
    /// The declaration of a block by itself; its layers are checked where it is used.
    pub(super) fn block(&mut self, block: &Block) {
        let name = &block.name;
        if Vocabulary::find(&self.vocabulary.layers, &name.value).is_some() {
            self.push(
                Diagnostic::error("E0307", format!("`{}` is a layer", name.value))
                    .label(name.span, "declared here as a block")
                    .help("choose another name"),
            );
        }
        for (index, formal) in block.formals.iter().enumerate() {
            self.formals.entry(formal.name.span).or_insert((formal.name.value.clone(), false));
            if let Some(first) = block.formals[..index].iter().find(|f| f.name.value == formal.name.value) {
                self.push(
                    Diagnostic::error("E0307", format!("`{}` is declared twice", formal.name.value))
                        .label(formal.name.span, "declared again here")
                        .label(first.name.span, "declared here")
                        .help("remove one, or give it another name"),
                );
            }
        }
    }

    /// The block called `name`, where no layer is called that.
    pub(super) fn block_called(&self, name: &str) -> Option<Arc<Block>> {
        let layer = Vocabulary::find(&self.vocabulary.layers, name).is_some();
        self.blocks.get(name).filter(|_| !layer).cloned()
    }

    /// `more` layers at `span`; false where these are too many, which is reported once.
    pub(super) fn count(&mut self, more: usize, span: Span, within: &mut Within) -> bool {
        let full = within.is_full();
        within.count = within.count.saturating_add(more);
        if within.is_full() && !full {
            self.push(
                Diagnostic::error("E0407", format!("the network has more than {MOST} layers"))
                    .label(span, "up to here")
                    .help("repeat less often"),
            );
        }
        !within.is_full()
    }

    /// The layers of `block` where it stands as `name` with `operands` and `options`.
    pub(super) fn expand(
        &mut self,
        block: &Block,
        name: &Spanned<String>,
        operands: &[Expression],
        options: &[Entry],
        within: &mut Within,
    ) -> Vec<Layer> {
        self.names.use_of(&name.value);
        if let Some(first) = within.open.iter().position(|(open, _)| *open == name.value) {
            let through: Vec<_> = within.open[first..].iter().map(|(open, _)| format!("`{open}`")).collect();
            self.push(
                Diagnostic::error("E0407", format!("the block `{}` stands inside itself", name.value))
                    .label(name.span, format!("reached through {}", through.join(", ")))
                    .help("a block is written out where it stands, so this would never end: use `repeat`"),
            );
            return Vec::new();
        }
        if !self.count(1, name.span, within) {
            return Vec::new();
        }
        let known = self.diagnostics.len();
        let given = self.given(block, name, operands, options);
        let shadowed = self.bind(block, name, given);
        within.open.push((name.value.clone(), name.span));
        let layers = self.layers(&block.layers, within);
        within.open.pop();
        self.unbind(&block.formals, shadowed);
        // What is wrong in a block is said once, however often it is used.
        for found in self.diagnostics.split_off(known) {
            if !self.diagnostics.contains(&found) {
                self.push(found);
            }
        }
        layers
    }

    /// The value of each formal where the use of the block gives one: `Some(None)` where that is in error.
    fn given(
        &mut self,
        block: &Block,
        name: &Spanned<String>,
        operands: &[Expression],
        options: &[Entry],
    ) -> Vec<Option<Option<Constant>>> {
        let owner = Spanned::new(name.value.as_str(), name.span);
        let mut given: Vec<Option<&Expression>> = vec![None; block.formals.len()];
        for (index, operand) in operands.iter().enumerate() {
            if self.is_layer(operand) {
                let needed = block.formals.iter().filter(|f| f.default.is_none());
                let needed = needed.map(|f| f.name.value.to_uppercase());
                self.layer_as_operand(&owner, needed, operands, operand);
                break;
            }
            let Some(place) = given.get_mut(index) else {
                self.excess_argument(block, operand.span);
                break;
            };
            *place = Some(operand);
        }
        for option in options {
            let (key, span) = (&option.key.value, option.key.span);
            match block.formals.iter().position(|f| f.name.value == *key) {
                None => self.unknown_argument(block, key, span),
                Some(at) if given[at].is_some() => self.push(
                    Diagnostic::error("E0303", format!("`{key}` is given twice"))
                        .label(span, "given again here")
                        .help("remove one of them"),
                ),
                Some(at) => given[at] = option.value.as_ref().map(|written| &written.expression),
            }
        }
        given.into_iter().map(|given| given.map(|expression| self.constant(expression))).collect()
    }

    /// The formals of `block` stand for what is given, or for their defaults, which may use those before them.
    fn bind(
        &mut self,
        block: &Block,
        name: &Spanned<String>,
        given: Vec<Option<Option<Constant>>>,
    ) -> Vec<Shadowed> {
        let mut shadowed = Vec::with_capacity(block.formals.len());
        for (Formal { name: formal, default }, given) in block.formals.iter().zip(given) {
            let value = match (given, default) {
                (Some(given), _) => given,
                (None, Some(default)) => self.constant(default),
                (None, None) => {
                    self.push(
                        Diagnostic::error("E0302", format!("`{}` needs `{}`", name.value, formal.value))
                            .label(name.span, format!("`{}` is missing", formal.value))
                            .label(formal.span, "declared here without a default")
                            .help(format!("write `{}`", usage(block))),
                    );
                    None
                }
            };
            let key = &formal.value;
            shadowed.push(Shadowed {
                name: self.names.bind(formal),
                unknown: self.unknown_constants.remove(key),
                value: match value {
                    Some(value) => self.constants.insert(key.clone(), value),
                    None => {
                        self.unknown_constants.insert(key.clone());
                        self.constants.remove(key)
                    }
                },
            });
        }
        shadowed
    }

    fn unbind(&mut self, formals: &[Formal], shadowed: Vec<Shadowed>) {
        // The last one first: of two with one name, the first shadows what was there before.
        for (Formal { name, .. }, before) in formals.iter().zip(shadowed).rev() {
            let key = &name.value;
            let bound = self.names.unbind(key, before.name);
            if bound.is_some_and(|bound| bound.used) {
                self.formals.insert(name.span, (key.clone(), true));
            }
            self.unknown_constants.remove(key);
            self.constants.remove(key);
            if before.unknown {
                self.unknown_constants.insert(key.clone());
            }
            if let Some(value) = before.value {
                self.constants.insert(key.clone(), value);
            }
        }
    }

    fn excess_argument(&mut self, block: &Block, span: Span) {
        self.push(
            Diagnostic::error("E0309", format!("`{}` has too many arguments", block.name.value))
                .label(span, "one too many")
                .label(block.name.span, "declared here")
                .help(format!("write `{}`", usage(block))),
        );
    }

    fn unknown_argument(&mut self, block: &Block, key: &str, span: Span) {
        let d = Diagnostic::error("E0301", format!("`{}` has no setting `{key}`", block.name.value))
            .label(span, format!("not a setting of `{}`", block.name.value))
            .label(block.name.span, "declared here");
        self.push(match closest(key, block.formals.iter().map(|f| f.name.value.as_str())) {
            Some(meant) => d.help(format!("did you mean `{meant}`?")),
            None => d.help(format!("write `{}`", usage(block))),
        });
    }
}

/// How a block is used: `basic C stride=STRIDE`.
fn usage(block: &Block) -> String {
    let mut usage = block.name.value.clone();
    for Formal { name, default } in &block.formals {
        let placeholder = name.value.to_uppercase();
        usage += &match default {
            None => format!(" {placeholder}"),
            Some(_) => format!(" {}={placeholder}", name.value),
        };
    }
    usage
}
