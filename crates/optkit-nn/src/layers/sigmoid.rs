//! Logistic function: y = 1/(1 + e⁻ˣ), y' = y(1 − y).

use optkit_core::vocabulary::Entry;

use crate::Scalar;

pub(crate) const ENTRY: Entry = super::plain("sigmoid", "1/(1 + exp(-x)).");

pub(crate) fn forward<S: Scalar>(x: &[S], y: &mut [S]) {
    for (y, &x) in y.iter_mut().zip(x) {
        // Where e⁻ˣ overflows, 1/∞ = 0 is right.
        *y = S::ONE / (S::ONE + (-x).exp());
    }
}

pub(crate) fn backward<S: Scalar>(y: &[S], gradient: &mut [S]) {
    for (g, &y) in gradient.iter_mut().zip(y) {
        *g = *g * y * (S::ONE - y);
    }
}
