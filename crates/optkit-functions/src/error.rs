//! Why a function cannot be built.

/// The caller's mistake, found before the first evaluation.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No such function.
    #[error("no function is called `{name}`; known are {known}")]
    UnknownFunction {
        /// The name asked for.
        name: String,
        /// The names in the catalog.
        known: String,
    },
    /// No such operand.
    #[error("`{function}` has no operand `{operand}`; it takes {known}")]
    UnknownOperand {
        /// The function.
        function: &'static str,
        /// The operand asked for.
        operand: String,
        /// The operands it has.
        known: String,
    },
    /// An operand given twice.
    #[error("`{function}` is given `{operand}` twice; give it once")]
    Repeated {
        /// The function.
        function: &'static str,
        /// The operand.
        operand: &'static str,
    },
    /// An operand without a default was not given.
    #[error("`{function}` needs `{operand}`: {doc}")]
    Missing {
        /// The function.
        function: &'static str,
        /// The operand.
        operand: &'static str,
        /// What it means.
        doc: &'static str,
    },
    /// An operand outside its range.
    #[error("`{operand}` of `{function}` is {value}, but must be {requirement}")]
    OutOfRange {
        /// The function.
        function: &'static str,
        /// The operand.
        operand: &'static str,
        /// What it was.
        value: f64,
        /// What it may be.
        requirement: String,
    },
}
