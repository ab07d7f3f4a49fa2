//! Expressions: precedence over the flat sequence that the grammar reads.
//!
//! | binds | operators |
//! |---|---|
//! | weakest | `or` |
//! | | `and` |
//! | | `not` |
//! | | `<= >= == != < >` |
//! | | `+ -` |
//! | | `* / mod` |
//! | | `-` in front, so that `-x^2` is −(x²) |
//! | strongest | `^`, from the right |

use super::{Pair, Reader, Rule};
use crate::arithmetic::{Binary, Unary};
use crate::ast::{Argument, Comparison, Expression, ExpressionKind as Kind, Operator, TALLEST, Unit};
use crate::{Diagnostic, Span, Spanned};

/// An operator that waits for its right side.
#[derive(Clone, Copy)]
enum Waiting {
    Negate(Span),
    Not(Span),
    Between(Operator),
}

impl Waiting {
    fn strength(self) -> u8 {
        match self {
            Self::Between(Operator::Or) => 1,
            Self::Between(Operator::And) => 2,
            Self::Not(_) => 3,
            Self::Between(Operator::Compare(_)) => 4,
            Self::Between(Operator::Arithmetic(Binary::Add | Binary::Subtract)) => 5,
            Self::Between(Operator::Arithmetic(Binary::Power)) => 8,
            Self::Between(Operator::Arithmetic(_)) => 6,
            Self::Negate(_) => 7,
        }
    }
}

impl Reader<'_> {
    /// A `span`: an expression or `a..b`.
    pub(super) fn range(&mut self, pair: Pair<'_>, offset: usize) -> Expression {
        let span = self.span_of(&pair, offset);
        let mut inner = pair.into_inner().filter(|p| p.as_rule() == Rule::expr);
        let first = inner.next().expect("a `span` begins with an expression");
        let first = self.expression(first, offset);
        match (inner.next(), inner.next()) {
            (None, _) => first,
            (Some(last), None) => {
                let last = self.expression(last, offset);
                let children = [first.height, last.height];
                self.node(span, children, Kind::Range(Box::new(first), Box::new(last)))
            }
            _ => Expression { span, kind: Kind::Planned("ranges with a step"), height: 1 },
        }
    }

    pub(super) fn expression(&mut self, pair: Pair<'_>, offset: usize) -> Expression {
        let (mut operands, mut waiting): (Vec<Expression>, Vec<Waiting>) = (Vec::new(), Vec::new());
        for part in pair.into_inner() {
            let span = self.span_of(&part, offset);
            match part.as_rule() {
                Rule::neg => waiting.push(Waiting::Negate(span)),
                Rule::not => waiting.push(Waiting::Not(span)),
                Rule::subscript | Rule::field | Rule::args => {
                    let operand = operands.pop().expect("the grammar puts an atom before its postfix");
                    operands.push(self.postfix(operand, part, offset));
                }
                rule => match operator(rule) {
                    Some(operator) => {
                        let new = Waiting::Between(operator);
                        let from_right = operator == Operator::Arithmetic(Binary::Power);
                        while waiting.last().is_some_and(|w| {
                            w.strength() > new.strength() || (w.strength() == new.strength() && !from_right)
                        }) {
                            self.reduce(&mut operands, &mut waiting);
                        }
                        waiting.push(new);
                    }
                    None => operands.push(self.atom(part, offset)),
                },
            }
        }
        while !waiting.is_empty() {
            self.reduce(&mut operands, &mut waiting);
        }
        operands.pop().expect("the grammar puts an operand into every expression")
    }

    /// Apply the last operator that waits.
    fn reduce(&mut self, operands: &mut Vec<Expression>, waiting: &mut Vec<Waiting>) {
        let (Some(operator), Some(right)) = (waiting.pop(), operands.pop()) else { return };
        let result = match operator {
            Waiting::Negate(sign) => {
                let (span, height) = (sign.to(right.span), right.height);
                self.node(span, [height, 0], Kind::Unary(Unary::Negate, Box::new(right)))
            }
            Waiting::Not(word) => {
                let (span, height) = (word.to(right.span), right.height);
                self.node(span, [height, 0], Kind::Not(Box::new(right)))
            }
            Waiting::Between(operator) => {
                let left = operands.pop().expect("the grammar puts an operand on each side of an operator");
                let (span, heights) = (left.span.to(right.span), [left.height, right.height]);
                self.node(span, heights, Kind::Binary(operator, Box::new(left), Box::new(right)))
            }
        };
        operands.push(result);
    }

    /// A node over children of these heights, unless it would be too tall.
    fn node(&mut self, span: Span, heights: [u16; 2], kind: Kind) -> Expression {
        let height = 1 + heights[0].max(heights[1]);
        if height <= TALLEST {
            return Expression { span, kind, height };
        }
        if height == TALLEST + 1 {
            let first = Span::new(span.source, span.start, span.start + 1);
            self.diagnostics.push(
                Diagnostic::error("E0105", "this expression is too long")
                    .label(first, format!("more than {TALLEST} operators in a row from here"))
                    .help("name parts of it with `let`"),
            );
        }
        // what contains it is too tall as well, and not reported again
        Expression { height: TALLEST + 1, ..Self::broken(span) }
    }

    fn postfix(&mut self, operand: Expression, pair: Pair<'_>, offset: usize) -> Expression {
        let end = self.span_of(&pair, offset);
        let span = operand.span.to(end);
        match pair.as_rule() {
            Rule::field => {
                let name = pair.into_inner().next().expect("a field has a name");
                let name = Spanned::new(name.as_str().to_owned(), self.span_of(&name, offset));
                let height = operand.height;
                self.node(span, [height, 0], Kind::Field(Box::new(operand), name))
            }
            Rule::args => {
                let arguments: Vec<_> = pair.into_inner().map(|arg| self.argument(arg, offset)).collect();
                let tallest = arguments.iter().map(|a| a.value.height).max().unwrap_or(0);
                let heights = [operand.height, tallest];
                self.node(span, heights, Kind::Call(Box::new(operand), arguments))
            }
            _ => Expression { span, kind: Kind::Planned("subscripts"), height: 1 },
        }
    }

    fn argument(&mut self, pair: Pair<'_>, offset: usize) -> Argument {
        let (mut name, mut value) = (None, None);
        let span = self.span_of(&pair, offset);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::key => name = Some(Spanned::new(part.as_str().to_owned(), self.span_of(&part, offset))),
                _ => value = Some(self.range(part, offset)),
            }
        }
        Argument { name, value: value.unwrap_or_else(|| Self::broken(span)) }
    }

    pub(super) fn atom(&mut self, pair: Pair<'_>, offset: usize) -> Expression {
        let span = self.span_of(&pair, offset);
        let leaf = |kind| Expression { span, kind, height: 1 };
        match pair.as_rule() {
            Rule::group => {
                let inner = pair.into_inner().next().expect("parentheses hold an expression");
                Expression { span, ..self.expression(inner, offset) }
            }
            Rule::quantity => self.quantity(pair, offset),
            Rule::boolean => leaf(Kind::Switch(matches!(pair.as_str(), "on" | "true"))),
            Rule::string => leaf(Kind::Text(self.string(&pair, offset).value)),
            Rule::shape => self.shape(pair.as_str(), span),
            Rule::reduce => leaf(Kind::Planned("sums and other reductions")),
            Rule::list => {
                let items: Vec<_> = pair.into_inner().map(|item| self.written(item, offset)).collect();
                let tallest = items.iter().map(|i| i.expression.height).max().unwrap_or(0);
                self.node(span, [tallest, 0], Kind::List(items))
            }
            Rule::cond => {
                let mut parts = pair.into_inner().filter(|p| p.as_rule() == Rule::expr);
                let mut next = || {
                    let part = parts.next().expect("`if` has three expressions");
                    self.expression(part, offset)
                };
                let parts = [next(), next(), next()];
                let tallest = parts.iter().map(|p| p.height).max().unwrap_or(0);
                self.node(span, [tallest, 0], Kind::If(Box::new(parts)))
            }
            _ => leaf(Kind::Name(pair.as_str().to_owned())),
        }
    }

    fn quantity(&mut self, pair: Pair<'_>, offset: usize) -> Expression {
        let span = self.span_of(&pair, offset);
        let mut inner = pair.into_inner();
        let number = inner.next().expect("a quantity begins with a number").as_str().replace('_', "");
        let unit = inner.next().map(|u| unit(u.as_str()));
        let value = number.parse().unwrap_or(f64::NAN); // reported as not finite where it is used
        Expression { span, kind: Kind::Number { value, integer: number.parse().ok(), unit }, height: 1 }
    }

    fn shape(&mut self, text: &str, span: Span) -> Expression {
        let kind = match text.split('x').map(str::parse).collect::<Result<Vec<usize>, _>>() {
            Ok(lengths) => Kind::Shape(lengths),
            Err(_) => {
                self.diagnostics.push(
                    Diagnostic::error("E0201", "a length in this shape is too large")
                        .label(span, format!("at most {} each", usize::MAX))
                        .help("give the lengths that the data has"),
                );
                Kind::Broken
            }
        };
        Expression { span, kind, height: 1 }
    }
}

fn operator(rule: Rule) -> Option<Operator> {
    use {Comparison as C, Operator as O};
    Some(match rule {
        Rule::or => O::Or,
        Rule::and => O::And,
        Rule::le => O::Compare(C::AtMost),
        Rule::ge => O::Compare(C::AtLeast),
        Rule::lt => O::Compare(C::Less),
        Rule::gt => O::Compare(C::Greater),
        Rule::eqeq => O::Compare(C::Equal),
        Rule::ne => O::Compare(C::Unequal),
        Rule::add => O::Arithmetic(Binary::Add),
        Rule::sub => O::Arithmetic(Binary::Subtract),
        Rule::mul => O::Arithmetic(Binary::Multiply),
        Rule::div => O::Arithmetic(Binary::Divide),
        Rule::rem => O::Arithmetic(Binary::Modulo),
        Rule::pow => O::Arithmetic(Binary::Power),
        _ => return None,
    })
}

fn unit(word: &str) -> Unit {
    match word {
        "%" => Unit::Percent,
        "ms" => Unit::Time(1e-3),
        "s" => Unit::Time(1.0),
        "min" => Unit::Time(60.0),
        "h" => Unit::Time(3600.0),
        "kB" => Unit::Memory(1e3),
        "MB" => Unit::Memory(1e6),
        "GB" => Unit::Memory(1e9),
        "KiB" => Unit::Memory(1024.0),
        "MiB" => Unit::Memory(1024.0 * 1024.0),
        "GiB" => Unit::Memory(1024.0 * 1024.0 * 1024.0),
        "epoch" | "epochs" => Unit::Count("epochs"),
        "iteration" | "iterations" => Unit::Count("iterations"),
        _ => Unit::Count("gradients"),
    }
}
