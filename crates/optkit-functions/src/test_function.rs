//! What a test function offers beyond an objective.

use optkit_core::Objective;

use crate::Starts;

/// A known minimum.
#[derive(Clone, Debug, PartialEq)]
pub struct Minimum {
    /// The value of f there.
    pub value: f64,
    /// A point (length n) where it is taken, to rounding; `None` where only the value is known.
    pub point: Option<Vec<f64>>,
}

impl Minimum {
    pub(crate) fn at(value: f64, point: Vec<f64>) -> Self {
        Self { value, point: Some(point) }
    }

    pub(crate) fn value(value: f64) -> Self {
        Self { value, point: None }
    }
}

/// An objective with starts and known minima.
pub trait TestFunction: Objective {
    /// The start that the operand `start` chose, length n; the first where the function has no such operand.
    fn start(&self) -> Vec<f64>;

    /// All starts.
    fn starts(&self) -> Starts;

    /// Known minima, global ones first. Others may exist.
    fn minima(&self) -> Vec<Minimum>;
}
