//! Largest values over windows, and where they were.

use crate::Scalar;

/// y ← max(y, x), and `at` ← `tap` where x was the greater; a NaN is the greatest, as in PyTorch.
#[inline(always)]
pub(super) fn largest<S: Scalar>(x: &[S], tap: u16, y: &mut [S], at: &mut [u16]) {
    for ((y, at), &x) in y.iter_mut().zip(at).zip(x) {
        #[allow(clippy::eq_op)] // true of a NaN only
        let greater = x > *y || x != x;
        *y = if greater { x } else { *y };
        *at = if greater { tap } else { *at };
    }
}

/// to ← to + d where `at` is `tap`.
#[inline(always)]
pub(super) fn from_largest<S: Scalar>(d: &[S], at: &[u16], tap: u16, to: &mut [S]) {
    for ((to, &d), &at) in to.iter_mut().zip(d).zip(at) {
        *to += if at == tap { d } else { S::ZERO };
    }
}

/// to ← to + factor·x.
#[inline(always)]
pub(super) fn add_scaled<S: Scalar>(x: &[S], factor: S, to: &mut [S]) {
    for (to, &x) in to.iter_mut().zip(x) {
        *to += factor * x;
    }
}
