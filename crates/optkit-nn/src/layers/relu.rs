//! Rectified linear unit: max(x, 0), with derivative 0 at 0 as PyTorch has it.

use optkit_core::vocabulary::Entry;

use crate::Scalar;

pub(crate) const ENTRY: Entry = super::plain("relu", "max(x, 0).");

/// A NaN becomes 0 neither here nor in the loss: it is passed on.
pub(crate) fn forward<S: Scalar>(x: &[S], y: &mut [S]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = if x < S::ZERO { S::ZERO } else { x };
    }
}

pub(crate) fn backward<S: Scalar>(y: &[S], gradient: &mut [S]) {
    for (g, &y) in gradient.iter_mut().zip(y) {
        *g = if y > S::ZERO { *g } else { S::ZERO };
    }
}
