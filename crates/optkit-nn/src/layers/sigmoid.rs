//! Logistic function: y = 1/(1 + e⁻ˣ), computed by [`kernels`](crate::kernels); y' = y(1 − y).

use optkit_core::vocabulary::Entry;

use crate::Scalar;

pub(crate) const ENTRY: Entry = super::plain("sigmoid", "1/(1 + exp(-x))");

pub(crate) fn backward<S: Scalar>(y: &[S], gradient: &mut [S]) {
    for (g, &y) in gradient.iter_mut().zip(y) {
        *g = *g * y * (S::ONE - y);
    }
}
