//! `stop when …`: a list of terms, of which the first that holds ends the run.

use crate::Span;
use crate::arithmetic::{Binary, Unary};

/// The terms of `stop when A or B or C`, in the file's order. Empty where the file has none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stop {
    /// The terms.
    pub terms: Vec<Term>,
}

/// One term, tested at the start of an iteration (a measure: after each epoch).
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// The term as written, blanks shortened.
    pub text: String,
    /// Where it stands.
    pub span: Span,
    /// What it tests.
    pub kind: TermKind,
}

/// What a term tests.
#[derive(Clone, Debug, PartialEq)]
pub enum TermKind {
    /// Convergence: `norm(grad) <= …`.
    Gradient {
        /// Of which norm.
        norm: Norm,
        /// Its bound.
        bound: Bound,
    },
    /// A target: `loss <= …`, `accuracy >= …`.
    Target {
        /// Of what.
        quantity: Quantity,
        /// True for `>=`, false for `<=`.
        at_least: bool,
        /// The target.
        bound: Bound,
    },
    /// A budget: `epochs >= 100`.
    Budget {
        /// Of what.
        what: Budget,
        /// How much; seconds for time.
        limit: f64,
    },
}

/// A norm of the gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Norm {
    /// ‖·‖₂.
    Two,
    /// ‖·‖∞.
    Infinity,
}

/// What a target is set for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// The value of the objective.
    Objective,
    /// The measure declared by this name.
    Measure(String),
}

/// What a budget limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budget {
    /// Passes over the data.
    Epochs,
    /// Iterations of the solver.
    Iterations,
    /// Gradient equivalents.
    Gradients,
    /// Seconds of wall time.
    Time,
}

/// An expression of constants and the objective's value, kept in postfix order.
///
/// ```
/// use optkit_lang::Bound;
/// assert_eq!(Bound::constant(1e-6).at(42.0), 1e-6);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    operations: Vec<Operation>,
}

/// One operation of a [`Bound`], on a stack of numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Operation {
    Constant(f64),
    Value,
    Unary(Unary),
    Binary(Binary),
}

impl Bound {
    /// A bound that does not depend on the objective's value.
    #[must_use]
    pub fn constant(bound: f64) -> Self {
        Self { operations: vec![Operation::Constant(bound)] }
    }

    /// Whether the bound is the same wherever the objective stands.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        !self.operations.contains(&Operation::Value)
    }

    pub(crate) fn operations(&self) -> &[Operation] {
        &self.operations
    }

    pub(crate) fn from_operations(operations: Vec<Operation>) -> Self {
        Self { operations }
    }

    /// The bound where the objective has the value `value`.
    #[must_use]
    pub fn at(&self, value: f64) -> f64 {
        let mut stack = Vec::with_capacity(4);
        for operation in &self.operations {
            let result = match *operation {
                Operation::Constant(c) => c,
                Operation::Value => value,
                Operation::Unary(f) => f.apply(pop(&mut stack)),
                Operation::Binary(f) => {
                    let right = pop(&mut stack);
                    f.apply(pop(&mut stack), right)
                }
            };
            stack.push(result);
        }
        pop(&mut stack)
    }
}

fn pop(stack: &mut Vec<f64>) -> f64 {
    stack.pop().expect("a bound is built in postfix order, every operation after its operands")
}
