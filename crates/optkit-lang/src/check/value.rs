//! Written values against the kinds that the vocabulary asks for.

use optkit_core::vocabulary::{Kind, Range};

use super::constant::Constant;
use super::words::{brief, expression_words, kind_example, kind_words, range_words};
use super::{Checker, Declared};
use crate::ast::{Expression, ExpressionKind, Written};
use crate::suggest::closest;
use crate::{Diagnostic, Span, Spanned, Value};

/// Most numbers that lists of one value may hold, ranges spelt out.
const MOST_LISTED: u64 = 1 << 24;

impl Checker<'_> {
    /// `written` as a value of `kind`; `what` is the key or operand that it is for.
    pub(super) fn value(&mut self, written: &Written, kind: Kind, what: &str) -> Option<Spanned<Value>> {
        let span = written.span();
        if let Kind::CountOrMethod(least, most, slot) = kind {
            let named = written.expression.name().is_some_and(|name| self.names.get(name).is_none());
            let kind =
                if named || written.body.is_some() { Kind::Method(slot) } else { Kind::Integer(least, most) };
            return self.value(written, kind, what);
        }
        if let Kind::Method(slot) = kind {
            return Some(Spanned::new(Value::Method(self.method(written, slot, what)?), span));
        }
        if let Some(body) = &written.body
            && kind != Kind::Partition
        {
            self.push(
                Diagnostic::error("E0202", format!("`{what}` takes no settings in braces"))
                    .label(body.span, "these belong to no method")
                    .help(format!("`{what}` is {}", kind_words(kind))),
            );
            return None;
        }
        Some(Spanned::new(self.plain(&written.expression, kind, what)?, span))
    }

    /// An expression without braces as a value of `kind`.
    pub(super) fn plain(&mut self, expression: &Expression, kind: Kind, what: &str) -> Option<Value> {
        match kind {
            Kind::Word(words) => self.listed_word(expression, words, what),
            Kind::Partition => self.declared(expression, Declared::Partition, kind, what),
            Kind::Network | Kind::Variables => self.declared(expression, Declared::Network, kind, what),
            Kind::IndexLists => self.lists(expression, what),
            Kind::Indices(least, most) => self.indices(expression, (least, most), what),
            Kind::Shape => self.shape(expression, what),
            Kind::Pair(least) => self.pair(expression, least, kind, what),
            Kind::Window => self.window(expression, kind, what),
            _ => self.quantity(expression, kind, what),
        }
    }

    fn quantity(&mut self, expression: &Expression, kind: Kind, what: &str) -> Option<Value> {
        let span = expression.span;
        if let ExpressionKind::Name(name) = &expression.kind
            && self.names.get(name).is_none()
        {
            self.wrong_kind(kind, what, span, &format!("`{name}` is a word"));
            return None;
        }
        if matches!(
            expression.kind,
            ExpressionKind::Shape(_) | ExpressionKind::List(_) | ExpressionKind::Range(..)
        ) {
            self.wrong_kind(kind, what, span, expression_words(expression));
            return None;
        }
        let mut constant = self.constant(expression)?;
        if let Constant::Count(number, unit) = constant
            && unit == what
        {
            constant = Constant::Number(number);
        }
        match (kind, &constant) {
            (Kind::Real(range), _) if constant.number().is_some() => {
                self.real(constant.number().unwrap_or(f64::NAN), range, what, span)
            }
            (Kind::Integer(least, most), Constant::Whole(number)) => {
                self.integer(*number, least, most, what, span)
            }
            (Kind::Integer(least, most), Constant::Number(number)) => {
                let whole = self.whole(*number, (least, most), what, span)?;
                self.integer(whole, least, most, what, span)
            }
            (Kind::Switch, Constant::Switch(on)) => Some(Value::Switch(*on)),
            (Kind::Text, Constant::Text(text)) => Some(Value::Text(text.clone())),
            (Kind::Duration, Constant::Seconds(seconds)) if *seconds >= 0.0 => Some(Value::Seconds(*seconds)),
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // not negative, far below 2⁶⁴
            (Kind::Memory, Constant::Bytes(bytes)) if (0.0..1e18).contains(bytes) => {
                Some(Value::Bytes(bytes.round() as u64))
            }
            _ => {
                let unit_missing =
                    matches!(kind, Kind::Duration | Kind::Memory) && constant.number().is_some();
                if unit_missing {
                    let example = if kind == Kind::Memory { "`4 GiB`" } else { "`15 min`, `90 s` or `12 h`" };
                    self.push(
                        Diagnostic::error("E0205", format!("`{what}` needs a unit"))
                            .label(span, "a plain number")
                            .help(format!("write it like {example}")),
                    );
                } else {
                    self.wrong_kind(kind, what, span, &format!("this is {}", constant.words()));
                }
                None
            }
        }
    }

    pub(super) fn wrong_kind(&mut self, kind: Kind, what: &str, span: Span, found: &str) {
        let code = if found.contains("duration") || found.contains("size of") || found.contains("a number of")
        {
            "E0205"
        } else {
            "E0202"
        };
        let diagnostic =
            Diagnostic::error(code, format!("`{what}` must be {}", kind_words(kind))).label(span, found);
        self.push(diagnostic.help(format!("write it like {}", kind_example(kind))));
    }

    fn real(&mut self, number: f64, range: Range, what: &str, span: Span) -> Option<Value> {
        if range.contains(number) {
            return Some(Value::Real(number));
        }
        self.out_of_range(what, &range_words(range), &number, span);
        None
    }

    /// `number` as a whole number.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)] // checked: whole and within 0..2⁵³
    fn whole(&mut self, number: f64, (least, most): (u64, u64), what: &str, span: Span) -> Option<u64> {
        const EXACT: f64 = 9_007_199_254_740_992.0; // 2⁵³
        if number.fract() != 0.0 {
            self.wrong_kind(Kind::Integer(0, 0), what, span, &format!("this is {number}"));
        } else if number < 0.0 {
            self.out_of_range(what, &format!("be at least {least}"), &number, span);
        } else if number >= 2.0 * (u64::MAX / 2) as f64 {
            self.out_of_range(what, &format!("be at most {most}"), &number, span);
        } else if number >= EXACT {
            self.out_of_range(what, "be written out in digits from 2^53 on", &number, span);
        } else {
            return Some(number as u64);
        }
        None
    }

    pub(super) fn integer(
        &mut self,
        number: u64,
        least: u64,
        most: u64,
        what: &str,
        span: Span,
    ) -> Option<Value> {
        if (least..=most).contains(&number) {
            return Some(Value::Integer(number));
        }
        let bound =
            if number < least { format!("be at least {least}") } else { format!("be at most {most}") };
        self.out_of_range(what, &bound, &number, span);
        None
    }

    pub(super) fn out_of_range(
        &mut self,
        what: &str,
        bound: &str,
        number: &dyn std::fmt::Display,
        span: Span,
    ) {
        let mut diagnostic =
            Diagnostic::error("E0201", format!("`{what}` must {bound}")).label(span, "this value");
        let (plain, brief) = (number.to_string(), brief(&number.to_string()));
        let written = self.text_of(span);
        if written != plain && written != brief {
            diagnostic = diagnostic.note(format!("it is {brief} here"));
        }
        self.push(diagnostic);
    }

    fn listed_word(&mut self, expression: &Expression, words: &[&'static str], what: &str) -> Option<Value> {
        if let Some(word) = expression.name()
            && words.contains(&word)
        {
            return Some(Value::Word(word.to_owned()));
        }
        if matches!(expression.kind, ExpressionKind::Broken) {
            return None;
        }
        let known: Vec<_> = words.iter().map(|w| format!("`{w}`")).collect();
        let found = match expression.name() {
            Some(word) => format!("`{word}` is not one of its words"),
            None => expression_words(expression).to_owned(),
        };
        let title = match expression.name() {
            Some(word) => format!("`{what}` cannot be `{word}`"),
            None => format!("`{what}` must be a word"),
        };
        let mut diagnostic = Diagnostic::error("E0203", title).label(expression.span, found);
        if let Some(meant) = expression.name().and_then(|w| closest(w, words.iter().copied())) {
            diagnostic = diagnostic.help(format!("did you mean `{meant}`?"));
        }
        self.push(diagnostic.help(format!("`{what}` is one of {}", known.join(", "))));
        None
    }

    fn declared(
        &mut self,
        expression: &Expression,
        wanted: Declared,
        kind: Kind,
        what: &str,
    ) -> Option<Value> {
        let Some(name) = expression.name() else {
            let found = expression_words(expression);
            if let Some((callee, _)) = expression.call()
                && kind == Kind::Partition
            {
                self.push(
                    Diagnostic::error("E0202", format!("`{what}` must be the name of a declared partition"))
                        .label(expression.span, "a partition on the spot")
                        .help(format!("declare it first: `partition parts = {}(…) {{ … }}`", callee.value)),
                );
            } else if !matches!(expression.kind, ExpressionKind::Broken) {
                self.wrong_kind(kind, what, expression.span, found);
            }
            return None;
        };
        if self.names.use_of(name) == Some(wanted) {
            return Some(Value::Name(name.to_owned()));
        }
        let error = self.names.mismatch(name, expression.span, wanted);
        self.diagnostics.extend(error);
        None
    }

    fn lists(&mut self, expression: &Expression, what: &str) -> Option<Value> {
        let ExpressionKind::List(outer) = &expression.kind else {
            self.wrong_kind(Kind::IndexLists, what, expression.span, expression_words(expression));
            return None;
        };
        let mut lists = Vec::with_capacity(outer.len());
        let mut room = MOST_LISTED;
        let all = (0, u64::MAX);
        for item in outer {
            let mut list = Vec::new();
            match &item.expression.kind {
                ExpressionKind::List(inner) => {
                    for number in inner {
                        self.listed(&number.expression, (all, what), &mut list, &mut room)?;
                    }
                }
                ExpressionKind::Range(..) => {
                    self.listed(&item.expression, (all, what), &mut list, &mut room)?;
                }
                _ => {
                    self.wrong_kind(Kind::IndexLists, what, item.span(), "this is not a list in `[ ]`");
                    return None;
                }
            }
            lists.push(list);
        }
        Some(Value::Lists(lists))
    }

    /// A list of numbers and ranges, or one of either alone.
    fn indices(&mut self, expression: &Expression, limits: (u64, u64), what: &str) -> Option<Value> {
        let (mut list, mut room) = (Vec::new(), MOST_LISTED);
        let ExpressionKind::List(items) = &expression.kind else {
            let is_word = expression.name().is_some_and(|name| self.names.get(name).is_none());
            if is_word || matches!(expression.kind, ExpressionKind::Shape(_)) {
                self.wrong_kind(Kind::Indices(0, 0), what, expression.span, expression_words(expression));
                return None;
            }
            self.listed(expression, (limits, what), &mut list, &mut room)?;
            return Some(Value::Indices(list));
        };
        if items.is_empty() {
            self.push(
                Diagnostic::error("E0201", format!("`{what}` lists nothing"))
                    .label(expression.span, "this list")
                    .help(format!("write it like {}", kind_example(Kind::Indices(0, 0)))),
            );
            return None;
        }
        for item in items {
            self.listed(&item.expression, (limits, what), &mut list, &mut room)?;
        }
        Some(Value::Indices(list))
    }

    /// Add one index within `limits`, or those of a range.
    fn listed(
        &mut self,
        expression: &Expression,
        ((least, most), what): ((u64, u64), &str),
        list: &mut Vec<u64>,
        room: &mut u64,
    ) -> Option<()> {
        let one = |checker: &mut Self, e: &Expression| {
            checker.plain(e, Kind::Integer(least, most), "index").and_then(|v| v.integer())
        };
        let (first, last) = match &expression.kind {
            ExpressionKind::Range(first, last) => (one(self, first)?, one(self, last)?),
            _ => {
                let index = one(self, expression)?;
                (index, index)
            }
        };
        let count = last.saturating_sub(first).saturating_add(1);
        if count > *room || last < first {
            let (title, help) = if last < first {
                (format!("the range {first}..{last} is empty"), "put the smaller end first")
            } else {
                (format!("`{what}` lists more than {MOST_LISTED} numbers"), "use a rule instead of a list")
            };
            self.push(Diagnostic::error("E0201", title).label(expression.span, "this range").help(help));
            return None;
        }
        *room -= count;
        list.extend(first..=last);
        Some(())
    }
}
