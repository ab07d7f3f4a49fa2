//! What a test function offers beyond an objective.

use optkit_core::Objective;

/// A known minimum.
#[derive(Clone, Debug, PartialEq)]
pub struct Minimum {
    /// The value of f there.
    pub value: f64,
    /// A point (length n) where it is taken, to rounding; `None` where only the value is known.
    pub point: Option<Vec<f64>>,
}

/// An objective with a standard start and known minima.
pub trait TestFunction: Objective {
    /// The starting point of the function's source, length n.
    fn start(&self) -> Vec<f64>;

    /// Known minima, global ones first. Others may exist.
    fn minima(&self) -> Vec<Minimum>;
}
