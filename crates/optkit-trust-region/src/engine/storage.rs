//! How many numbers an engine holds, and what is saved of it.

use optkit_core::{Shape, Storage};

use super::TrustRegion;

/// Vectors of n numbers: three points with their gradients, and the step.
pub(super) const VECTORS: usize = 7;

impl TrustRegion {
    pub(super) fn storage_on(&self, of: Shape) -> Storage {
        // The point and the one before with their gradients, of which a new batch forgets one.
        let saved = if of.batches { 3 } else { 4 };
        self.setup.storage(of) + Storage { held: VECTORS * of.dim, saved: saved * of.dim }
    }
}
