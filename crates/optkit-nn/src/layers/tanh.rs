//! Hyperbolic tangent: y = tanh x, y' = 1 − y².

use optkit_core::vocabulary::Entry;

pub(crate) const ENTRY: Entry = super::plain("tanh", "tanh x.");
