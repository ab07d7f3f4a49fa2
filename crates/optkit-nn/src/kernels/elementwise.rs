//! Loops over rows that move more than they compute. The compiler vectorises them as they stand; they are here to be
//! compiled for each instruction set.

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
#[inline(always)]
pub(super) fn sum_rows<S: Scalar>(rows: &[S], sums: &mut [S]) {
    const LANES: usize = super::LANES;
    let stride = sums.len();
    for (j, sum) in sums.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
        let mut total = *sum;
        for row in rows.chunks_exact(stride) {
            let row = &row[j * LANES..(j + 1) * LANES];
            for (total, &v) in total.iter_mut().zip(row) {
                *total += v;
            }
        }
        *sum = total;
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
