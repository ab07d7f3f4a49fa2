//! Loops over rows that move more than they compute. The compiler vectorises them as they stand; they are here to be
//! compiled for each instruction set.

#![allow(unsafe_code)]
#![allow(clippy::needless_range_loop)] // small arrays are walked in step

use super::LANES;
use super::vector::Vector;
use crate::Scalar;

/// y = max(x, 0). A NaN becomes 0 neither here nor in the loss: it is passed on.
#[inline(always)]
pub(super) fn relu<S: Scalar>(x: &[S], y: &mut [S]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = if x < S::ZERO { S::ZERO } else { x };
    }
}

/// g ← g where y > 0, else 0.
#[inline(always)]
pub(super) fn relu_gradient<S: Scalar>(y: &[S], gradient: &mut [S]) {
    for (g, &y) in gradient.iter_mut().zip(y) {
        *g = if y > S::ZERO { *g } else { S::ZERO };
    }
}

/// sums ← sums + Σ rows, each as long as `sums`.
///
/// # Safety
/// The instructions of `V` exist.
#[inline(always)]
pub(super) unsafe fn sum_rows<V: Vector>(rows: &[V::Scalar], sums: &mut [V::Scalar]) {
    /// Rows added to sums of their own, so that additions need not wait for each other.
    const CHAINS: usize = 4;
    let stride = sums.len();
    assert!(stride > 0 && stride.is_multiple_of(LANES), "sums of rows: not padded");
    let count = rows.len() / stride;
    for j in (0..stride).step_by(LANES) {
        let mut totals = [V::splat(V::Scalar::ZERO); CHAINS];
        // SAFETY: row < count, so 16 numbers can be read from row·stride + j on; `sums` holds 16 from j on.
        unsafe {
            let column = rows.as_ptr().add(j);
            for four in 0..count / CHAINS {
                for chain in 0..CHAINS {
                    let row = V::load(column.add((four * CHAINS + chain) * stride));
                    totals[chain] = totals[chain].add(row);
                }
            }
            for row in count / CHAINS * CHAINS..count {
                totals[0] = totals[0].add(V::load(column.add(row * stride)));
            }
            let total = totals[0].add(totals[1]).add(totals[2].add(totals[3]));
            let sums = sums.as_mut_ptr().add(j);
            V::load(sums).add(total).store(sums);
        }
    }
}

/// y = z + shift, row by row, each as long as `shift`.
#[inline(always)]
pub(super) fn shift<S: Scalar>(z: &[S], shift: &[S], y: &mut [S]) {
    for (y, z) in y.chunks_exact_mut(shift.len()).zip(z.chunks_exact(shift.len())) {
        for ((y, &z), &s) in y.iter_mut().zip(z).zip(shift) {
            *y = z + s;
        }
    }
}

/// z ← base + ratio·(z − base).
#[inline(always)]
pub(super) fn along_line<S: Scalar>(z: &mut [S], base: &[S], ratio: S) {
    for (z, &base) in z.iter_mut().zip(base) {
        *z = base + ratio * (*z - base);
    }
}
