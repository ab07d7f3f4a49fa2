//! Loops over rows that move more than they compute. The compiler vectorises them as they stand; they are here to be
//! compiled for each instruction set.

#![allow(unsafe_code)]
#![allow(clippy::needless_range_loop)] // small arrays are walked in step

use super::LANES;
use super::prefetch::prefetch;
use super::vector::{EXP_COEFFICIENTS, EXP_LEAST, LN2_HIGH, LN2_LOW, LOG2_E, Vector};
use crate::Scalar;

/// to ← from, rounded.
#[inline(always)]
pub(super) fn round<S: Scalar>(from: &[f64], to: &mut [S]) {
    /// Numbers at a time, and how far ahead memory is asked for: beyond the page at hand.
    const SOME: usize = 64;
    const AHEAD: usize = 1024;
    for (to, from) in to.chunks_mut(SOME).zip(from.chunks(SOME)) {
        prefetch(from.as_ptr().wrapping_add(AHEAD), SOME * size_of::<f64>());
        prefetch(to.as_ptr().wrapping_add(AHEAD), SOME * size_of::<S>());
        for (to, &from) in to.iter_mut().zip(from) {
            *to = S::from_f64(from);
        }
    }
}

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

/// y = tanh x.
#[inline(always)]
pub(super) fn tanh<S: Scalar>(x: &[S], y: &mut [S]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = x.tanh();
    }
}

/// y = 1/(1 + e⁻ˣ).
#[inline(always)]
pub(super) fn sigmoid<S: Scalar>(x: &[S], y: &mut [S]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = x.sigmoid();
    }
}

/// eˣ for |x| ≤ 87 to within two units in the last place, without branches, so that loops over it are vectorised: the
/// library's functions take ten times as long. NaN stays NaN.
#[inline(always)]
fn exp_single(x: f32) -> f32 {
    /// Added to a number below 2²², it leaves its nearest integer in the last bits.
    const ROUND: f32 = 12_582_912.0;
    let shifted = x * LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = x - n * LN2_HIGH - n * LN2_LOW;
    let mut p = EXP_COEFFICIENTS[0];
    for &c in &EXP_COEFFICIENTS[1..] {
        p = p * r + c;
    }
    // 2ⁿ by its exponent.
    let power = f32::from_bits(shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23);
    (p * (r * r) + r + 1.0) * power
}

/// tanh x to within 2·10⁻⁷ of its size: below ⅝ a polynomial in x² (Cephes' coefficients), from there on
/// 1 − 2/(e²ˣ + 1). NaN stays NaN.
#[inline(always)]
pub(crate) fn tanh_single(x: f32) -> f32 {
    const NEAR: f32 = 0.625;
    /// From here on tanh x rounds to 1.
    const FAR: f32 = 10.0;
    const COEFFICIENTS: [f32; 5] =
        [-5.704_988_7e-3, 2.063_909e-2, -5.373_971_5e-2, 1.333_144_2e-1, -3.333_328e-1];
    let square = x * x;
    let mut p = COEFFICIENTS[0];
    for &c in &COEFFICIENTS[1..] {
        p = p * square + c;
    }
    let near = x + x * square * p;
    let size = x.abs();
    let e = exp_single(2.0 * if size > FAR { FAR } else { size });
    let far = (1.0 - 2.0 / (e + 1.0)).copysign(x);
    if size < NEAR { near } else { far }
}

/// 1/(1 + e⁻ˣ) to within 3·10⁻⁷ of its size, and at least e⁻⁶⁰ ([`Scalar::EXP_LEAST`](crate::Scalar::EXP_LEAST)): by e⁻|ˣ|, which cannot overflow. NaN stays NaN.
#[inline(always)]
pub(crate) fn sigmoid_single(x: f32) -> f32 {
    let size = x.abs();
    let e = exp_single(if size > -EXP_LEAST { EXP_LEAST } else { -size });
    let above = if x < 0.0 { e } else { 1.0 };
    above / (1.0 + e)
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

/// y = z + (step + shift), row by row, each as long as `shift`.
#[inline(always)]
pub(super) fn shift_by<S: Scalar>(z: &[S], step: &[S], shift: &[S], y: &mut [S]) {
    let stride = shift.len();
    let rows = z.chunks_exact(stride).zip(step.chunks_exact(stride));
    for (y, (z, step)) in y.chunks_exact_mut(stride).zip(rows) {
        for ((y, &z), (&step, &s)) in y.iter_mut().zip(z).zip(step.iter().zip(shift)) {
            *y = z + (step + s);
        }
    }
}

/// Σ aᵢbᵢ over whole vectors, lane by lane.
#[inline(always)]
pub(super) fn dot<S: Scalar>(a: &[S], b: &[S]) -> f64 {
    // Two chains, so that additions need not wait for each other.
    let mut lanes = [[S::ZERO; LANES]; 2];
    let (a, b) = (a.as_chunks::<LANES>().0, b.as_chunks::<LANES>().0);
    let (pairs, rest) = (a.chunks_exact(2).zip(b.chunks_exact(2)), a.len().min(b.len()) / 2 * 2);
    for (a, b) in pairs {
        for chain in 0..2 {
            for i in 0..LANES {
                lanes[chain][i] += a[chain][i] * b[chain][i];
            }
        }
    }
    if let (Some(a), Some(b)) = (a.get(rest), b.get(rest)) {
        for i in 0..LANES {
            lanes[0][i] += a[i] * b[i];
        }
    }
    let mut sum = 0.0;
    for i in 0..LANES {
        sum += (lanes[0][i] + lanes[1][i]).to_f64();
    }
    sum
}

/// z ← base + ratio·(z − base).
#[inline(always)]
pub(super) fn along_line<S: Scalar>(z: &mut [S], base: &[S], ratio: S) {
    for (z, &base) in z.iter_mut().zip(base) {
        *z = base + ratio * (*z - base);
    }
}
