//! Rectified linear unit: max(x, 0), with derivative 0 at 0 as PyTorch has it. Computed by
//! [`kernels`](crate::kernels): it is the one activation cheap enough to be bound by loads and stores.

use optkit_core::vocabulary::Entry;

pub(crate) const ENTRY: Entry = super::plain("relu", "max(x, 0)");
