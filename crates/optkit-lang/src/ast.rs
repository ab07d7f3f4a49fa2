//! What the grammar reads, before any of it is checked.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::arithmetic::{Binary, Unary};
use crate::{Span, Spanned};

/// One statement of a file.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    /// Its opening keyword.
    pub(crate) keyword: Span,
    pub(crate) kind: StatementKind,
}

#[derive(Clone, Debug)]
pub(crate) enum StatementKind {
    Edition(Spanned<String>),
    Use(Spanned<String>),
    Problem {
        title: Spanned<String>,
        body: Body,
    },
    /// `let` or `param`.
    Constant {
        name: Spanned<String>,
        value: Written,
        param: bool,
    },
    Data {
        name: Spanned<String>,
        value: Written,
    },
    Network {
        name: Spanned<String>,
        layers: Vec<Layer>,
    },
    Block(Arc<Block>),
    Objective {
        name: Option<Spanned<String>>,
        value: Written,
    },
    Measure {
        name: Spanned<String>,
        expression: Expression,
    },
    Partition {
        name: Spanned<String>,
        value: Written,
    },
    Solver {
        name: Option<Spanned<String>>,
        value: Written,
    },
    Stop(Expression),
    Run(Body),
    Experiment {
        name: Option<Spanned<String>>,
        /// Keys with dots are paths into the problem.
        body: Body,
        varied: Vec<Varied>,
    },
    Report {
        path: Spanned<String>,
        body: Body,
    },
    /// Read by the grammar, given meaning by a later version.
    Planned {
        what: &'static str,
        name: Option<Spanned<String>>,
    },
    /// Could not be read; that has been reported. What it seems to declare is not reported as missing.
    Broken {
        word: String,
        name: Option<String>,
    },
}

/// `{ key = value … }`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Body {
    pub(crate) entries: Vec<Entry>,
    pub(crate) span: Span,
}

/// `key = value`; in experiments the key may be a path.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: Spanned<String>,
    /// `None` where the value could not be read; that has been reported.
    pub(crate) value: Option<Written>,
}

/// `vary solver.radius, solver.max_radius in [[0.01, 0.1], [0.1, 1]]`.
#[derive(Clone, Debug)]
pub(crate) struct Varied {
    pub(crate) paths: Vec<Spanned<String>>,
    pub(crate) values: Expression,
}

/// An expression, with settings in braces behind it where it is a method or a call.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) expression: Expression,
    pub(crate) body: Option<Body>,
}

impl Written {
    /// Adds the names that stand as values in it.
    pub(crate) fn mentions(&self, names: &mut BTreeSet<String>) {
        names.extend(self.expression.name().map(str::to_owned));
        if let ExpressionKind::List(elements) = &self.expression.kind {
            elements.iter().for_each(|element| element.mentions(names));
        }
        for entry in self.body.iter().flat_map(|body| &body.entries) {
            entry.value.iter().for_each(|value| value.mentions(names));
        }
    }

    pub(crate) fn span(&self) -> Span {
        match &self.body {
            Some(body) => self.expression.span.to(body.span),
            None => self.expression.span,
        }
    }
}

/// One line of a network.
#[derive(Clone, Debug)]
pub(crate) enum Layer {
    /// A layer, or a block by its name.
    Named { name: Spanned<String>, operands: Vec<Expression>, options: Vec<Entry>, span: Span },
    /// `repeat n { … }`; `span` is its word.
    Repeat { count: Expression, layers: Vec<Layer>, span: Span },
    /// `skip { … } shortcut { … }`; `span` is its word.
    Skip { body: Vec<Layer>, shortcut: Option<Shortcut>, span: Span },
}

/// `shortcut { … }` or `shortcut auto { … }`.
#[derive(Clone, Debug)]
pub(crate) struct Shortcut {
    pub(crate) auto: bool,
    pub(crate) layers: Vec<Layer>,
}

/// `block basic(c, stride = 1) { … }`.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) name: Spanned<String>,
    pub(crate) formals: Vec<Formal>,
    pub(crate) layers: Vec<Layer>,
}

/// What a block is given where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Formal {
    pub(crate) name: Spanned<String>,
    pub(crate) default: Option<Expression>,
}

#[derive(Clone, Debug)]
pub(crate) struct Expression {
    pub(crate) span: Span,
    pub(crate) kind: ExpressionKind,
    /// Height of the tree, kept below [`TALLEST`].
    pub(crate) height: u16,
}

/// Tallest expression that is kept: walks over expressions recur.
pub(crate) const TALLEST: u16 = 500;

#[derive(Clone, Debug)]
pub(crate) enum ExpressionKind {
    Number {
        value: f64,
        integer: Option<u64>,
        unit: Option<Unit>,
    },
    Text(String),
    Switch(bool),
    Shape(Vec<usize>),
    Name(String),
    Field(Box<Expression>, Spanned<String>),
    Call(Box<Expression>, Vec<Argument>),
    List(Vec<Written>),
    /// `a..b`, both ends included.
    Range(Box<Expression>, Box<Expression>),
    Unary(Unary, Box<Expression>),
    Not(Box<Expression>),
    Binary(Operator, Box<Expression>, Box<Expression>),
    If(Box<[Expression; 3]>),
    /// Read by the grammar, given meaning by a later version.
    Planned(&'static str),
    /// Could not be read; that has been reported.
    Broken,
}

/// An operator between two expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Arithmetic(Binary),
    Compare(Comparison),
    And,
    Or,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    AtMost,
    AtLeast,
    Less,
    Greater,
    Equal,
    Unequal,
}

/// A unit behind a number; the value holds the number as written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Unit {
    Percent,
    /// So many seconds.
    Time(f64),
    /// So many bytes.
    Memory(f64),
    /// `epochs` and the like, in the plural.
    Count(&'static str),
}

/// An operand in parentheses.
#[derive(Clone, Debug)]
pub(crate) struct Argument {
    pub(crate) name: Option<Spanned<String>>,
    pub(crate) value: Expression,
}

impl Expression {
    /// The name that the expression is, if it is just a name.
    pub(crate) fn name(&self) -> Option<&str> {
        if let ExpressionKind::Name(name) = &self.kind { Some(name) } else { None }
    }

    /// Callee and arguments, if the expression calls something by its name.
    pub(crate) fn call(&self) -> Option<(Spanned<&str>, &[Argument])> {
        let ExpressionKind::Call(callee, arguments) = &self.kind else { return None };
        Some((Spanned::new(callee.name()?, callee.span), arguments))
    }
}
