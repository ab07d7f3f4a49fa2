//! Blocks of settings and methods, with the defaults of the vocabulary.

use std::collections::BTreeMap;

use optkit_core::vocabulary::{Entry, Kind, Setting, Slot, Support, Vocabulary};

use super::Checker;
use super::words::slot_words;
use crate::ast::{Body, ExpressionKind, Written};
use crate::parse::parse_default;
use crate::planned::is_planned_setting;
use crate::suggest::closest;
use crate::{Diagnostic, Method, Settings, Span, Spanned};

/// Deepest nesting of methods within methods.
const DEEPEST: usize = 16;

impl Checker<'_> {
    /// The settings of `owner` against `table`.
    pub(super) fn settings(
        &mut self,
        owner: Spanned<&str>,
        body: Option<&Body>,
        table: &[Setting],
    ) -> Settings {
        let mut settings = Settings::default();
        let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
        for entry in body.map_or(&[][..], |b| &b.entries) {
            let key = entry.key.value.as_str();
            if self.is_full() {
                break;
            }
            if let Some(first) = seen.get(key) {
                self.push(
                    Diagnostic::error("E0303", format!("`{key}` is given twice"))
                        .label(entry.key.span, "given again here")
                        .label(*first, "given here")
                        .help("remove one of them"),
                );
                continue;
            }
            seen.insert(key, entry.key.span);
            let Some(setting) = table.iter().find(|s| s.name == key) else {
                self.unknown_setting(&owner, key, entry.key.span, table);
                continue;
            };
            if setting.support == Support::Planned {
                self.not_yet(&format!("`{key}` of `{}`", owner.value), entry.key.span);
                continue;
            }
            let Some(written) = &entry.value else { continue };
            if let Some(value) = self.value(written, setting.kind, key) {
                settings.insert(key, entry.key.span, value);
            }
        }
        for setting in table.iter().filter(|s| !seen.contains_key(s.name)) {
            match setting.default {
                None => self.push(
                    Diagnostic::error("E0302", format!("`{}` needs `{}`", owner.value, setting.name))
                        .label(owner.span, format!("`{}` is missing", setting.name))
                        .help(format!("add `{} = …`: {}", setting.name, setting.doc)),
                ),
                Some("") => {}
                Some(default) => {
                    if let Some(value) = self.default_value(default, setting.kind, setting.name, owner.span) {
                        settings.insert_default(setting.name, value);
                    }
                }
            }
        }
        settings
    }

    /// A default of the vocabulary, said to stand at `span`.
    pub(super) fn default_value(
        &mut self,
        default: &str,
        kind: Kind,
        what: &str,
        span: Span,
    ) -> Option<Spanned<crate::Value>> {
        let before = self.diagnostics.len();
        let value = parse_default(default, span).ok().and_then(|written| self.value(&written, kind, what));
        if value.is_none() || self.diagnostics.len() > before {
            self.diagnostics.truncate(before);
            self.push(
                Diagnostic::error(
                    "E0901",
                    format!("the default `{default}` of `{what}` does not pass its own check"),
                )
                .label(span, "this word's vocabulary is at fault, not the file")
                .help(format!("give `{what}` a value, and report this")),
            );
            return None;
        }
        value
    }

    fn unknown_setting(&mut self, owner: &Spanned<&str>, key: &str, span: Span, table: &[Setting]) {
        if is_planned_setting(owner.value, key) {
            self.not_yet(&format!("`{key}` of `{}`", owner.value), span);
            return;
        }
        let mut diagnostic = Diagnostic::error("E0301", format!("`{}` has no setting `{key}`", owner.value))
            .label(span, format!("not a setting of `{}`", owner.value));
        let names = table.iter().map(|s| s.name);
        if let Some(meant) = closest(key, names.clone()) {
            diagnostic = diagnostic.help(format!("did you mean `{meant}`?"));
        } else if let Some(method) = self.vocabulary.methods.iter().find(|m| m.setting(key).is_some()) {
            diagnostic = diagnostic.note(format!("`{key}` is a setting of `{}`", method.name));
            let slot =
                table.iter().find(|s| matches!(s.kind, Kind::Method(slot) if method.slots.contains(&slot)));
            if let Some(slot) = slot {
                let name = method.name;
                diagnostic = diagnostic.help(format!("write `{} = {name} {{ {key} = … }}`", slot.name));
            }
        } else if table.is_empty() {
            diagnostic = diagnostic.help(format!("`{}` has no settings: remove it", owner.value));
        }
        if diagnostic.helps.is_empty() {
            let names: Vec<_> = names.map(|n| format!("`{n}`")).collect();
            diagnostic = diagnostic.help(format!("its settings are {}", names.join(", ")));
        }
        self.push(diagnostic);
    }

    /// `written` as a method for `slot`; `what` is where it stands.
    pub(super) fn method(&mut self, written: &Written, slot: Slot, what: &str) -> Option<Method> {
        let expression = &written.expression;
        let Some(name) = expression.name() else {
            self.no_method(written, slot, what);
            return None;
        };
        let span = expression.span;
        let Some(entry) = Vocabulary::find(&self.vocabulary.methods, name) else {
            self.unknown_method(name, span, slot);
            return None;
        };
        if entry.support == Support::Planned {
            self.not_yet(&format!("the method `{name}`"), span);
            return None;
        }
        if !entry.slots.contains(&slot) {
            self.push(
                Diagnostic::error("E0306", format!("`{name}` cannot stand as `{what}`"))
                    .label(span, format!("expected {}", slot_words(slot)))
                    .note(format!("`{name}` is {}", slots_words(entry.slots)))
                    .help(self.fitting(slot)),
            );
            return None;
        }
        if self.nesting >= DEEPEST {
            self.push(
                Diagnostic::error("E0105", "methods are nested too deeply")
                    .label(span, format!("more than {DEEPEST} within each other"))
                    .help("leave inner methods out for their defaults"),
            );
            return None;
        }
        self.nesting += 1;
        let name = Spanned::new(name, span);
        let settings = self.settings(name, written.body.as_ref(), entry.settings);
        self.nesting -= 1;
        self.check_order(name.value, &settings);
        Some(Method { name: Spanned::new(name.value.to_owned(), span), settings })
    }

    /// `order` is shorthand for `model` and `subproblem`; both at one level contradict each other.
    fn check_order(&mut self, method: &str, settings: &Settings) {
        let (Some(order), Some(span)) = (settings.key_span("order"), settings.span("order")) else { return };
        if let Some(model) = settings.key_span("model") {
            self.push(
                Diagnostic::error("E0308", format!("`{method}` is given both `order` and `model`"))
                    .label(model, "sets the model")
                    .label(order, "sets the model too")
                    .note("`order = 1` is short for `model = gradient`, `order = 2` for `model = lsr1`")
                    .help("remove one of them"),
            );
        }
        let model = if settings.integer("order") == Some(2) { "lsr1" } else { "gradient" };
        let known = Vocabulary::find(&self.vocabulary.methods, model);
        if known.is_none_or(|m| m.support == Support::Planned) {
            let order = settings.integer("order").unwrap_or(1);
            self.not_yet(&format!("`order = {order}`, which stands for `model = {model}`"), span);
        }
    }

    fn no_method(&mut self, written: &Written, slot: Slot, what: &str) {
        let span = written.span();
        let title = if what == "solver" {
            "expected a solver".to_owned()
        } else {
            format!("`{what}` must be {}", slot_words(slot))
        };
        let diagnostic = match (&written.expression.kind, written.expression.call()) {
            (ExpressionKind::Broken, _) => return,
            (_, Some((callee, _))) => Diagnostic::error("E0202", title)
                .label(span, "methods take no operands in parentheses")
                .help(format!("write settings in braces: `{} {{ … }}`", callee.value)),
            _ => Diagnostic::error("E0202", title).label(span, "this is no method").help(self.fitting(slot)),
        };
        self.push(diagnostic);
    }

    fn unknown_method(&mut self, name: &str, span: Span, slot: Slot) {
        let fitting = self.vocabulary.methods.iter().filter(|m| m.slots.contains(&slot)).map(|m| m.name);
        let all = self.vocabulary.methods.iter().map(|m| m.name);
        let mut diagnostic = Diagnostic::error("E0305", format!("there is no method `{name}`"))
            .label(span, format!("expected {}", slot_words(slot)));
        diagnostic = match closest(name, fitting).or_else(|| closest(name, all)) {
            Some(meant) => diagnostic.help(format!("did you mean `{meant}`?")),
            None => diagnostic.help(self.fitting(slot)),
        };
        self.push(diagnostic);
    }

    /// The methods that fit `slot`, as a remedy.
    fn fitting(&self, slot: Slot) -> String {
        let available = |m: &&Entry| m.support == Support::Available && m.slots.contains(&slot);
        let names: Vec<_> =
            self.vocabulary.methods.iter().filter(available).map(|m| format!("`{}`", m.name)).collect();
        if names.is_empty() {
            "leave it out".to_owned()
        } else {
            format!("these fit here: {}", names.join(", "))
        }
    }
}

fn slots_words(slots: &[Slot]) -> String {
    let words: Vec<_> = slots.iter().map(|slot| slot_words(*slot)).collect();
    if words.is_empty() { "of no kind that a setting takes".to_owned() } else { words.join(" and ") }
}
