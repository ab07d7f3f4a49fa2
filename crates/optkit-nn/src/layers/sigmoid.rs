//! Logistic function: y = 1/(1 + e⁻ˣ), y' = y(1 − y).

use optkit_core::vocabulary::Entry;

pub(crate) const ENTRY: Entry = super::plain("sigmoid", "1/(1 + exp(-x)).");
