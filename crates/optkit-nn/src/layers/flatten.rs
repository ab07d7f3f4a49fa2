//! Flatten: all values of a sample in one row. Samples are rows in memory already, so nothing is computed.

use optkit_core::vocabulary::Entry;

pub(crate) const ENTRY: Entry = super::plain("flatten", "all values of a sample in one row");
