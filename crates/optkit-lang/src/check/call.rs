//! Functions, datasets and partitions: operands in parentheses, settings in braces.

use optkit_core::vocabulary::{Entry, Kind, Operand, Support, Vocabulary};

use super::{Checker, Declared};
use crate::ast::{Argument, Expression, ExpressionKind, Written};
use crate::suggest::closest;
use crate::{Call, Diagnostic, Spanned, Value};

impl Checker<'_> {
    /// `written` as a call of an entry of `table`, whose entries are `what`: "dataset".
    pub(super) fn call(&mut self, written: &Written, table: &[Entry], what: &str) -> Option<Call> {
        let expression = &written.expression;
        let (name, arguments) = match (&expression.kind, expression.call()) {
            (ExpressionKind::Name(name), _) => (Spanned::new(name.as_str(), expression.span), &[][..]),
            (_, Some(call)) => call,
            (ExpressionKind::Broken, None) => return None,
            _ => {
                self.push(
                    Diagnostic::error("E0202", format!("expected a {what}"))
                        .label(expression.span, "not a name with operands")
                        .help(known_words(table, what)),
                );
                return None;
            }
        };
        let entry = self.entry(name, table, what)?;
        let operands = self.operands(&name, &entry, arguments);
        let settings = self.settings(name, written.body.as_ref(), entry.settings);
        Some(Call { name: Spanned::new(name.value.to_owned(), name.span), operands, settings })
    }

    /// The available entry of `table` called `name`.
    pub(super) fn entry(&mut self, name: Spanned<&str>, table: &[Entry], what: &str) -> Option<Entry> {
        let found = Vocabulary::find(table, name.value);
        match found {
            None => {
                let diagnostic = Diagnostic::error("E0305", format!("there is no {what} `{}`", name.value))
                    .label(name.span, format!("unknown {what}"));
                self.push(match closest(name.value, table.iter().map(|e| e.name)) {
                    Some(meant) => diagnostic.help(format!("did you mean `{meant}`?")),
                    None => diagnostic.help(known_words(table, what)),
                });
                None
            }
            Some(entry) if entry.support == Support::Planned => {
                self.not_yet(&format!("the {what} `{}`", name.value), name.span);
                None
            }
            found => found,
        }
    }

    /// Arguments against the operands of `entry`, by position and by name.
    pub(super) fn operands(
        &mut self,
        owner: &Spanned<&str>,
        entry: &Entry,
        arguments: &[Argument],
    ) -> Vec<(String, Spanned<Value>)> {
        let table = entry.operands;
        let mut given: Vec<Option<&Argument>> = vec![None; table.len()];
        let mut next = 0;
        for argument in arguments {
            if self.is_full() {
                break;
            }
            let index = match &argument.name {
                Some(name) => table.iter().position(|o| o.name == name.value),
                None => {
                    // a name of variables that may be left out is left out where no name stands
                    while table.get(next).is_some_and(|o| may_be_skipped(o, &argument.value)) {
                        next += 1;
                    }
                    next += 1;
                    (next <= table.len()).then(|| next - 1)
                }
            };
            match index {
                None => self.excess(owner, entry, argument),
                Some(index) if given[index].is_some() => self.push(
                    Diagnostic::error("E0303", format!("`{}` is given twice", table[index].name))
                        .label(argument.value.span, "given again here")
                        .help("remove one of them"),
                ),
                Some(index) => given[index] = Some(argument),
            }
        }
        let mut values = Vec::with_capacity(table.len());
        for (operand, argument) in table.iter().zip(given) {
            let value = match argument {
                Some(argument) => {
                    let span = argument.value.span;
                    self.plain(&argument.value, operand.kind, operand.name).map(|v| Spanned::new(v, span))
                }
                None => self.absent(owner, operand),
            };
            values.extend(value.map(|v| (operand.name.to_owned(), v)));
        }
        values
    }

    /// The default of an operand that was left out.
    pub(super) fn absent(&mut self, owner: &Spanned<&str>, operand: &Operand) -> Option<Spanned<Value>> {
        match operand.default {
            None => {
                self.push(
                    Diagnostic::error("E0302", format!("`{}` needs `{}`", owner.value, operand.name))
                        .label(owner.span, format!("`{}` is missing", operand.name))
                        .help(format!("`{}`: {}", operand.name, operand.doc)),
                );
                None
            }
            Some("") => None,
            Some(default) => self.default_value(default, operand.kind, operand.name, owner.span),
        }
    }

    fn excess(&mut self, owner: &Spanned<&str>, entry: &Entry, argument: &Argument) {
        let reported =
            argument.value.name().is_some_and(|n| self.names.use_of(n) == Some(Declared::Reported));
        if reported && argument.name.is_none() {
            return;
        }
        let names: Vec<_> = entry.operands.iter().map(|o| format!("`{}`", o.name)).collect();
        let diagnostic = match &argument.name {
            Some(name) => {
                let d =
                    Diagnostic::error("E0309", format!("`{}` has no operand `{}`", owner.value, name.value))
                        .label(name.span, "unknown operand");
                let settings = entry.settings.iter().map(|s| s.name);
                match closest(&name.value, entry.operands.iter().map(|o| o.name)) {
                    Some(meant) => d.help(format!("did you mean `{meant}`?")),
                    None => match closest(&name.value, settings) {
                        Some(setting) => d
                            .note(format!("`{setting}` is a setting, and settings stand in braces"))
                            .help(format!("write `{} {{ {setting} = … }}`", owner.value)),
                        None => d,
                    },
                }
            }
            None => Diagnostic::error("E0309", format!("`{}` takes {}", owner.value, count(names.len())))
                .label(argument.value.span, "one too many"),
        };
        self.push(if !diagnostic.helps.is_empty() {
            diagnostic
        } else if names.is_empty() {
            diagnostic.help("remove it")
        } else {
            diagnostic.help(format!("its operands are {}", names.join(", ")))
        });
    }
}

/// Whether `operand` is a name that may be left out, and `value` is not a name.
fn may_be_skipped(operand: &Operand, value: &Expression) -> bool {
    let names = matches!(operand.kind, Kind::Network | Kind::Variables | Kind::Partition);
    names && operand.default == Some("") && value.name().is_none()
}

fn count(operands: usize) -> String {
    match operands {
        0 => "no operands".to_owned(),
        1 => "one operand".to_owned(),
        n => format!("at most {n} operands"),
    }
}

fn known_words(table: &[Entry], what: &str) -> String {
    let names: Vec<_> =
        table.iter().filter(|e| e.support == Support::Available).map(|e| format!("`{}`", e.name)).collect();
    if names.is_empty() { format!("no {what} is available") } else { format!("known: {}", names.join(", ")) }
}
