//! How far an unreadable text makes sense, and what was expected there.

use pest::error::{Error, ErrorVariant, InputLocation};

use super::{Reader, Rule};
use crate::Span;

/// The furthest point that the grammar reached.
pub(super) struct Failure {
    pub(super) span: Span,
    /// "expected a value".
    pub(super) expected: String,
}

impl Reader<'_> {
    /// Where `error`, of a text that began at `offset` and ends at `end`, lies in the source.
    pub(super) fn failure(&self, error: &Error<Rule>, offset: usize, end: usize) -> Failure {
        let at = offset
            + match error.location {
                InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
            };
        let mut expected = match &error.variant {
            ErrorVariant::ParsingError { positives, .. } => expected(positives),
            ErrorVariant::CustomError { message } => message.clone(),
        };
        // At the end of the text, or on a later line than what came before, point behind what came before.
        let before = self.code_before(at, offset);
        let gap = &self.text[before..at];
        let ended = self.skip_blanks(at.min(end), end) == end;
        let span = if before > offset && (ended || gap.contains('\n')) {
            Span::new(self.source, before, before)
        } else {
            let length = self.text[at..].chars().next().map_or(0, char::len_utf8);
            Span::new(self.source, at, at + length)
        };
        let word = super::word_at(self.text, span.start.min(self.text.len()));
        if RESERVED.contains(&word) && span.end > span.start {
            expected = format!("{expected}; `{word}` is a keyword");
        }
        Failure { span, expected }
    }

    /// The end of the last code before `at`, but not before `start`.
    fn code_before(&self, mut at: usize, start: usize) -> usize {
        loop {
            at = start + self.text[start..at].trim_end().len();
            match self.comments.binary_search_by_key(&at, |c| c.1) {
                Ok(comment) if self.comments[comment].0 >= start => at = self.comments[comment].0,
                _ => return at,
            }
        }
    }
}

/// Words that cannot be names.
const RESERVED: [&str; 19] = [
    "use",
    "let",
    "param",
    "var",
    "data",
    "network",
    "block",
    "residual",
    "measure",
    "partition",
    "solver",
    "stop",
    "run",
    "report",
    "problem",
    "in",
    "repeat",
    "skip",
    "sum",
];

/// What `rules` are, in words.
fn expected(rules: &[Rule]) -> String {
    let mut words: Vec<&str> = Vec::new();
    for rule in rules {
        let word = in_words(*rule);
        if !word.is_empty() && !words.contains(&word) {
            words.push(word);
        }
    }
    if words.contains(&"a value") {
        words.retain(|w| !["an operator", "a name", "a string in quotes"].contains(w));
    }
    match words.as_slice() {
        [] => "not understood from here".to_owned(),
        [one] => format!("expected {one}"),
        [most @ .., last] => format!("expected {} or {last}", most.join(", ")),
    }
}

fn in_words(rule: Rule) -> &'static str {
    use Rule as R;
    match rule {
        R::value
        | R::expr
        | R::span
        | R::neg
        | R::not
        | R::group
        | R::reduce
        | R::cond
        | R::shape
        | R::quantity
        | R::number
        | R::list
        | R::self_ref
        | R::boolean
        | R::layer_value
        | R::paren
        | R::arg
        | R::binders
        | R::reducer => "a value",
        R::or
        | R::and
        | R::rem
        | R::le
        | R::ge
        | R::eqeq
        | R::ne
        | R::lt
        | R::gt
        | R::add
        | R::sub
        | R::mul
        | R::div
        | R::pow
        | R::subscript
        | R::field
        | R::args
        | R::unit => "an operator",
        R::ident | R::ident_raw | R::layer_name | R::binder => "a name",
        R::string | R::str_inner => "a string in quotes",
        R::int => "a whole number",
        R::path | R::key | R::entry => "`key = value`",
        R::body | R::net_body => "`{`",
        R::formals | R::formal => "parameters in `( )`",
        R::index | R::index_set => "an index in `[ ]`",
        R::assign => "`=`",
        R::kw_when => "`when`",
        R::kw_to => "`to`",
        R::kw_in => "`in`",
        R::kw_then => "`then`",
        R::kw_else => "`else`",
        R::kw_auto => "`auto`",
        _ => "",
    }
}
