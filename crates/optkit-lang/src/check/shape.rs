//! Written shapes, pairs and windows: `28x28`, `3x1`, `global`.

use optkit_core::vocabulary::Kind;

use super::Checker;
use super::words::expression_words;
use crate::Value;
use crate::ast::{Expression, ExpressionKind};

impl Checker<'_> {
    pub(super) fn shape(&mut self, expression: &Expression, what: &str) -> Option<Value> {
        let lengths = match &expression.kind {
            ExpressionKind::Shape(lengths) => lengths.clone(),
            ExpressionKind::Number { .. } | ExpressionKind::Name(_) | ExpressionKind::Binary(..) => {
                let most = u64::try_from(usize::MAX).unwrap_or(u64::MAX);
                let length = self.plain(expression, Kind::Integer(1, most), what)?.integer()?;
                vec![usize::try_from(length).ok()?]
            }
            ExpressionKind::Broken => return None,
            _ => {
                self.wrong_kind(Kind::Shape, what, expression.span, expression_words(expression));
                return None;
            }
        };
        if lengths.contains(&0) {
            self.out_of_range(what, "have no length 0", &"0", expression.span);
            return None;
        }
        Some(Value::Shape(lengths))
    }

    /// `3x1`, or one number for rows and columns; each at least `least`.
    pub(super) fn pair(
        &mut self,
        expression: &Expression,
        least: u64,
        kind: Kind,
        what: &str,
    ) -> Option<Value> {
        // Far more than any image has, and few enough to be added and multiplied.
        const MOST: u64 = 1 << 20;
        let lengths = match &expression.kind {
            ExpressionKind::Shape(lengths) => match lengths[..] {
                [rows, columns] => [rows, columns],
                _ => {
                    self.wrong_kind(kind, what, expression.span, "these are not two numbers");
                    return None;
                }
            },
            ExpressionKind::Name(name) if self.names.get(name).is_none() => {
                self.wrong_kind(kind, what, expression.span, &format!("`{name}` is a word"));
                return None;
            }
            ExpressionKind::Number { .. } | ExpressionKind::Name(_) | ExpressionKind::Binary(..) => {
                let both = self.plain(expression, Kind::Integer(least, MOST), what)?.integer()?;
                [usize::try_from(both).ok()?; 2]
            }
            ExpressionKind::Broken => return None,
            _ => {
                self.wrong_kind(kind, what, expression.span, expression_words(expression));
                return None;
            }
        };
        for length in lengths {
            self.integer(length as u64, least, MOST, what, expression.span)?;
        }
        Some(Value::Shape(lengths.to_vec()))
    }

    /// A pair, or `global`.
    pub(super) fn window(&mut self, expression: &Expression, kind: Kind, what: &str) -> Option<Value> {
        const GLOBAL: &str = "global";
        if expression.name() == Some(GLOBAL) {
            return Some(Value::Word(GLOBAL.to_owned()));
        }
        self.pair(expression, 1, kind, what)
    }
}
