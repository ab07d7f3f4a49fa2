//! The operations that constant expressions and bounds are made of.

/// An operation on one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unary {
    Negate,
    Sqrt,
    Exp,
    Log,
    Abs,
}

/// An operation on two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    /// The remainder of the floored quotient: it has the sign of the divisor.
    Modulo,
    Power,
    Min,
    Max,
}

impl Unary {
    pub(crate) fn apply(self, x: f64) -> f64 {
        match self {
            Self::Negate => -x,
            Self::Sqrt => x.sqrt(),
            Self::Exp => x.exp(),
            Self::Log => x.ln(),
            Self::Abs => x.abs(),
        }
    }

    /// The function that a file calls `name`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "sqrt" => Self::Sqrt,
            "exp" => Self::Exp,
            "log" => Self::Log,
            "abs" => Self::Abs,
            _ => return None,
        })
    }
}

impl Binary {
    pub(crate) fn apply(self, x: f64, y: f64) -> f64 {
        match self {
            Self::Add => x + y,
            Self::Subtract => x - y,
            Self::Multiply => x * y,
            Self::Divide => x / y,
            Self::Modulo => x - y * (x / y).floor(),
            Self::Power => x.powf(y),
            Self::Min => x.min(y),
            Self::Max => x.max(y),
        }
    }

    /// The function that a file calls `name`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "min" => Self::Min,
            "max" => Self::Max,
            _ => return None,
        })
    }
}

/// The names of the functions that constants may use.
pub(crate) const FUNCTIONS: [&str; 6] = ["sqrt", "exp", "log", "abs", "min", "max"];
