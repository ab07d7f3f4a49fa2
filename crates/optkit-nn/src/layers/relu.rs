//! Rectified linear unit: max(x, 0), with derivative 0 at 0 as PyTorch has it.

use optkit_core::vocabulary::Entry;

pub(crate) const ENTRY: Entry = super::plain("relu", "max(x, 0).");
