//! Hyperbolic tangent: y = tanh x, computed by [`kernels`](crate::kernels); y' = 1 − y².

use optkit_core::vocabulary::Entry;

use crate::Scalar;

pub(crate) const ENTRY: Entry = super::plain("tanh", "tanh x");

pub(crate) fn backward<S: Scalar>(y: &[S], gradient: &mut [S]) {
    for (g, &y) in gradient.iter_mut().zip(y) {
        *g = *g * (S::ONE - y * y);
    }
}
