//! Ranges, kinds, slots and expressions in words, for diagnostics.

use optkit_core::vocabulary::{Kind, Range, Slot};

use crate::ast::{Expression, ExpressionKind};

/// A range in words: "be positive".
pub(super) fn range_words(range: Range) -> String {
    if range == Range::POSITIVE {
        return "be positive".to_owned();
    }
    if range == Range::NOT_NEGATIVE {
        return "not be negative".to_owned();
    }
    let below = (range.least > f64::NEG_INFINITY).then(|| {
        format!(
            "{} {}",
            if range.open_below { "greater than" } else { "at least" },
            brief(&range.least.to_string())
        )
    });
    let above = (range.most < f64::INFINITY).then(|| {
        format!(
            "{} {}",
            if range.open_above { "less than" } else { "at most" },
            brief(&range.most.to_string())
        )
    });
    match (below, above) {
        (Some(below), Some(above)) => format!("be {below} and {above}"),
        (Some(one), None) | (None, Some(one)) => format!("be {one}"),
        (None, None) => "be finite".to_owned(),
    }
}

/// A written number, with an exponent where it has a long tail of zeros: 1e15.
pub(super) fn brief(number: &str) -> String {
    let digits = number.trim_end_matches('0');
    let zeros = number.len() - digits.len();
    if zeros < 7 || number.contains('.') {
        return number.to_owned();
    }
    number.parse::<f64>().map_or_else(|_| number.to_owned(), |value| format!("{value:e}"))
}

pub(super) fn kind_words(kind: Kind) -> &'static str {
    match kind {
        Kind::Real(_) => "a number",
        Kind::Integer(..) => "a whole number",
        Kind::CountOrMethod(..) => "a whole number or a method",
        Kind::Switch => "a switch",
        Kind::Word(_) => "a word",
        Kind::Text => "a string in quotes",
        Kind::Method(slot) => slot_words(slot),
        Kind::Partition => "the name of a declared partition",
        Kind::Network => "the name of a declared network",
        Kind::Variables => "the name of variables or of a network",
        Kind::IndexLists => "a list of lists of whole numbers",
        Kind::Indices(..) => "a list of whole numbers",
        Kind::Duration => "a duration",
        Kind::Memory => "a size of memory",
        Kind::Shape => "a shape",
        Kind::Pair(_) => "one number, or one for rows and one for columns",
        Kind::Window => "the extents of a window, or `global`",
    }
}

pub(super) fn kind_example(kind: Kind) -> &'static str {
    match kind {
        Kind::Real(_) => "`0.01`, `1e-4` or `5%`",
        Kind::Integer(..) | Kind::CountOrMethod(..) => "`5`",
        Kind::Switch => "`on` or `off`",
        Kind::Text => "`\"text\"`",
        Kind::IndexLists => "`[[1, 2], [3, 4]]` or `[1..2, 3..4]`",
        Kind::Indices(..) => "`[3, 1..2]`, `2..4` or `5`",
        Kind::Duration => "`15 min`",
        Kind::Memory => "`4 GiB`",
        Kind::Shape => "`28x28`",
        Kind::Pair(_) => "`2` or `3x1`",
        Kind::Window => "`2`, `3x1` or `global`",
        Kind::Method(_) => "`trust_region { iterations = 5 }`",
        Kind::Word(_) | Kind::Partition | Kind::Network | Kind::Variables => "a bare name",
    }
}

/// What fits a slot, in words.
pub(super) fn slot_words(slot: Slot) -> &'static str {
    match slot {
        Slot::Solver => "a solver",
        Slot::RadiusDriven => "a radius-driven method",
        Slot::Model => "a model",
        Slot::Subproblem => "a subproblem solver",
        Slot::Preconditioner => "a preconditioner",
        Slot::Local => "a solver of a part",
        Slot::Combine => "a way to combine the parts' steps",
        Slot::Sweeps => "sweeps",
        Slot::Samples => "a choice of samples",
        Slot::Batches => "a way to deal mini-batches",
    }
}

pub(super) fn expression_words(expression: &Expression) -> &'static str {
    use ExpressionKind as K;
    match expression.kind {
        K::Number { .. } => "this is a number",
        K::Text(_) => "this is a string",
        K::Switch(_) => "this is a switch",
        K::Shape(_) => "this is a shape",
        K::Name(_) => "this is a word",
        K::List(_) => "this is a list",
        K::Range(..) => "this is a range",
        K::Call(..) => "this is a call",
        _ => "this is an expression",
    }
}
