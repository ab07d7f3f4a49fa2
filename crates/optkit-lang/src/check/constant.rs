//! Constant expressions.

use super::{Checker, Declared};
use crate::arithmetic::{Binary, FUNCTIONS, Unary};
use crate::ast::{Comparison, Expression, ExpressionKind as Kind, Operator, Unit};
use crate::suggest::closest;
use crate::{Diagnostic, Span, planned};

/// The value of a constant expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Constant {
    Number(f64),
    /// A whole number as written, exact beyond 2⁵³ too.
    Whole(u64),
    Switch(bool),
    Text(String),
    Seconds(f64),
    Bytes(f64),
    /// A number with a unit that counts something: `60 epochs`.
    Count(f64, &'static str),
}

impl Constant {
    #[allow(clippy::cast_precision_loss)] // a real number was asked for
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(v) => Some(*v),
            Self::Whole(v) => Some(*v as f64),
            _ => None,
        }
    }

    pub(super) fn words(&self) -> &'static str {
        match self {
            Self::Number(_) | Self::Whole(_) => "a plain number",
            Self::Switch(_) => "a switch",
            Self::Text(_) => "a string",
            Self::Seconds(_) => "a duration",
            Self::Bytes(_) => "a size of memory",
            Self::Count(_, unit) => unit_words(unit),
        }
    }
}

fn unit_words(unit: &str) -> &'static str {
    match unit {
        "epochs" => "a number of epochs",
        "iterations" => "a number of iterations",
        _ => "a number of gradients",
    }
}

impl Checker<'_> {
    /// The value of `expression`; `None` where it has none, which has been reported.
    pub(super) fn constant(&mut self, expression: &Expression) -> Option<Constant> {
        let span = expression.span;
        let value = match &expression.kind {
            Kind::Number { value, integer, unit } => literal(*value, *integer, *unit),
            Kind::Text(text) => Constant::Text(text.clone()),
            Kind::Switch(on) => Constant::Switch(*on),
            Kind::Name(name) => return self.constant_named(name, span),
            Kind::Unary(operation, inner) => Constant::Number(operation.apply(self.number(inner)?)),
            Kind::Not(inner) => Constant::Switch(!self.switch(inner)?),
            Kind::Binary(operator, left, right) => self.binary(*operator, left, right)?,
            Kind::If(parts) => {
                let [condition, then, otherwise] = &**parts;
                return if self.switch(condition)? { self.constant(then) } else { self.constant(otherwise) };
            }
            Kind::Call(..) => self.function(expression)?,
            Kind::Planned(what) => {
                self.not_yet(what, span);
                return None;
            }
            Kind::Broken => return None,
            Kind::Shape(_) | Kind::List(_) | Kind::Range(..) | Kind::Field(..) => {
                self.push(
                    Diagnostic::error("E0204", "this is not a constant")
                        .label(span, "expected a number, switch, string or quantity")
                        .help("constants are numbers, `param`s, `let`s, and operations on them"),
                );
                return None;
            }
        };
        self.finite(value, span)
    }

    fn finite(&mut self, value: Constant, span: Span) -> Option<Constant> {
        let (Constant::Number(number)
        | Constant::Seconds(number)
        | Constant::Bytes(number)
        | Constant::Count(number, _)) = value
        else {
            return Some(value);
        };
        if number.is_finite() {
            return Some(value);
        }
        let (what, help) = if number.is_nan() {
            ("undefined", "check the operands: a root or logarithm of a negative number, 0/0")
        } else {
            ("infinite or too large for a number", "numbers lie between -1.8e308 and 1.8e308")
        };
        self.push(Diagnostic::error("E0204", format!("this is {what}")).label(span, "this value").help(help));
        None
    }

    fn constant_named(&mut self, name: &str, span: Span) -> Option<Constant> {
        if let Some(value) = self.constants.get(name) {
            let value = value.clone();
            self.names.use_of(name);
            return Some(value);
        }
        match self.names.use_of(name) {
            // its own value was reported, or it is declared further down
            Some(Declared::Constant) if self.unknown_constants.contains(name) => {}
            Some(Declared::Constant) => self.push(
                Diagnostic::error("E0304", format!("`{name}` is declared only further down"))
                    .label(span, "used here")
                    .help(format!("move the declaration of `{name}` before this line")),
            ),
            _ => {
                let error = self.names.mismatch(name, span, Declared::Constant);
                self.diagnostics.extend(error);
            }
        }
        None
    }

    /// `expression` as a plain number.
    pub(super) fn number(&mut self, expression: &Expression) -> Option<f64> {
        let value = self.constant(expression)?;
        if value.number().is_none() {
            self.wrong_operand("numbers without units", &value, expression.span);
        }
        value.number()
    }

    fn switch(&mut self, expression: &Expression) -> Option<bool> {
        let value = self.constant(expression)?;
        if let Constant::Switch(on) = value {
            return Some(on);
        }
        self.wrong_operand("conditions", &value, expression.span);
        None
    }

    fn wrong_operand(&mut self, takes: &str, value: &Constant, span: Span) {
        self.push(
            Diagnostic::error("E0202", format!("this operation takes {takes}"))
                .label(span, format!("this is {}", value.words()))
                .help("change this operand, or write the result itself"),
        );
    }

    fn binary(&mut self, operator: Operator, left: &Expression, right: &Expression) -> Option<Constant> {
        Some(match operator {
            Operator::And => Constant::Switch(self.switch(left)? & self.switch(right)?),
            Operator::Or => Constant::Switch(self.switch(left)? | self.switch(right)?),
            Operator::Arithmetic(operation) => {
                Constant::Number(operation.apply(self.number(left)?, self.number(right)?))
            }
            Operator::Compare(comparison) => {
                let (left, right) = (self.number(left)?, self.number(right)?);
                #[allow(clippy::float_cmp)] // the file asks for it
                Constant::Switch(match comparison {
                    Comparison::AtMost => left <= right,
                    Comparison::AtLeast => left >= right,
                    Comparison::Less => left < right,
                    Comparison::Greater => left > right,
                    Comparison::Equal => left == right,
                    Comparison::Unequal => left != right,
                })
            }
        })
    }

    fn function(&mut self, expression: &Expression) -> Option<Constant> {
        let Some((callee, arguments)) = expression.call() else {
            self.push(
                Diagnostic::error("E0204", "this is not a constant")
                    .label(expression.span, "this calls something that has no name")
                    .help(format!("constants may use {}", FUNCTIONS.join(", "))),
            );
            return None;
        };
        let name = callee.value;
        let arity = if Unary::named(name).is_some() { 1 } else { 2 };
        if arity == 2 && Binary::named(name).is_none() {
            if planned::FUNCTIONS.contains(&name) {
                self.not_yet(&format!("`{name}` in constants"), callee.span);
            } else if self.names.get(name) != Some(Declared::Reported) {
                let d = Diagnostic::error("E0304", format!("`{name}` is not a function of constants"))
                    .label(callee.span, "unknown function");
                self.push(match closest(name, FUNCTIONS) {
                    Some(known) => d.help(format!("did you mean `{known}`?")),
                    None => d.help(format!("constants may use {}", FUNCTIONS.join(", "))),
                });
            }
            return None;
        }
        if arguments.len() != arity || arguments.iter().any(|a| a.name.is_some()) {
            self.push(
                Diagnostic::error(
                    "E0309",
                    format!("`{name}` takes {arity} number{}", if arity == 1 { "" } else { "s" }),
                )
                .label(expression.span, format!("{} given here", arguments.len()))
                .help(if arity == 1 {
                    format!("write `{name}(x)`")
                } else {
                    format!("write `{name}(x, y)`")
                }),
            );
            return None;
        }
        let first = self.number(&arguments[0].value)?;
        if let Some(operation) = Unary::named(name) {
            return Some(Constant::Number(operation.apply(first)));
        }
        let second = self.number(&arguments[1].value)?;
        Binary::named(name).map(|operation| Constant::Number(operation.apply(first, second)))
    }
}

fn literal(value: f64, integer: Option<u64>, unit: Option<Unit>) -> Constant {
    match (unit, integer) {
        (None, Some(whole)) => Constant::Whole(whole),
        (None, None) => Constant::Number(value),
        (Some(Unit::Percent), _) => Constant::Number(value / 100.0),
        (Some(Unit::Time(seconds)), _) => Constant::Seconds(value * seconds),
        (Some(Unit::Memory(bytes)), _) => Constant::Bytes(value * bytes),
        (Some(Unit::Count(unit)), _) => Constant::Count(value, unit),
    }
}
