//! Batch normalisation in passes over rows of channels: sums of each channel, and a line per channel.
//!
//! Sums are of differences from a shift near the mean, so that variances small against means keep their digits; they run
//! over 128 rows in the scalar and are added up in `f64`.
#![allow(unsafe_code)]

use super::LANES;
use super::vector::Vector;
use crate::Scalar;

/// Rows summed in the scalar.
const ROWS: usize = 128;

/// sums\[0..C\] += Σ (x − shift), sums\[C..2C\] += Σ (x − shift)², over rows of C values, the length of `shift`.
///
/// # Safety
/// The instructions of `V` exist.
#[inline(always)]
pub(super) unsafe fn moments<V: Vector>(x: &[V::Scalar], shift: &[V::Scalar], sums: &mut [f64]) {
    // SAFETY: by the caller's promise.
    unsafe { products::<V>(x, shift, None, sums) }
}

/// sums\[0..C\] += Σ d, sums\[C..2C\] += Σ d·(x − shift).
///
/// # Safety
/// The instructions of `V` exist.
#[inline(always)]
pub(super) unsafe fn gradient_moments<V: Vector>(
    x: &[V::Scalar],
    shift: &[V::Scalar],
    d: &[V::Scalar],
    sums: &mut [f64],
) {
    // SAFETY: by the caller's promise.
    unsafe { products::<V>(x, shift, Some(d), sums) }
}

/// Σ d and Σ d·(x − shift), where d is x − shift itself unless it is given.
///
/// # Safety
/// The instructions of `V` exist.
#[inline(always)]
unsafe fn products<V: Vector>(
    x: &[V::Scalar],
    shift: &[V::Scalar],
    d: Option<&[V::Scalar]>,
    sums: &mut [f64],
) {
    let stride = shift.len();
    assert!(stride.is_multiple_of(LANES) && sums.len() >= 2 * stride, "moments: not padded");
    let rows = x.len() / stride.max(1);
    assert!(d.is_none_or(|d| d.len() >= rows * stride), "moments: fewer gradients than rows");
    let (firsts, seconds) = sums.split_at_mut(stride);
    let zero = V::splat(V::Scalar::ZERO);
    for top in (0..rows).step_by(ROWS) {
        let bottom = (top + ROWS).min(rows);
        for j in (0..stride).step_by(LANES) {
            // Two chains each, so that additions need not wait for each other.
            let (mut first, mut second) = ([zero; 2], [zero; 2]);
            // SAFETY: rows end before `rows`, so that 16 numbers can be read from row·stride + j on.
            unsafe {
                let shift = V::load(shift.as_ptr().add(j));
                // Macros, not closures: only what is inlined here is compiled for the instruction set.
                macro_rules! take {
                    ($row:expr, $chain:literal) => {
                        let off = V::load(x.as_ptr().add($row * stride + j)).sub(shift);
                        let d = match d {
                            Some(d) => V::load(d.as_ptr().add($row * stride + j)),
                            None => off,
                        };
                        first[$chain] = first[$chain].add(d);
                        second[$chain] = d.multiply_add(off, second[$chain]);
                    };
                }
                let mut row = top;
                while row + 2 <= bottom {
                    take!(row, 0);
                    take!(row + 1, 1);
                    row += 2;
                }
                if row < bottom {
                    take!(row, 0);
                }
                let mut lanes = [V::Scalar::ZERO; LANES];
                first[0].add(first[1]).store(lanes.as_mut_ptr());
                firsts[j..].iter_mut().zip(lanes).for_each(|(sum, lane)| *sum += lane.to_f64());
                second[0].add(second[1]).store(lanes.as_mut_ptr());
                seconds[j..].iter_mut().zip(lanes).for_each(|(sum, lane)| *sum += lane.to_f64());
            }
        }
    }
}

/// Channel by channel: what a row becomes.
#[derive(Clone, Copy)]
pub(crate) struct Lines<'a, S> {
    pub(crate) scale: &'a [S],
    pub(crate) shift: &'a [S],
}

/// Rows of `stride` values in all of these, and that many lines.
#[inline(always)]
fn rows_of<S>(stride: usize, lines: &[&[S]], arrays: &[&[S]]) -> usize {
    assert!(stride > 0 && stride.is_multiple_of(LANES), "lines: not padded");
    assert!(lines.iter().all(|line| line.len() >= stride), "lines: of different lengths");
    let rows = arrays[0].len() / stride;
    assert!(arrays.iter().all(|array| array.len() >= rows * stride), "lines: of different rows");
    rows
}

/// y ← x·scale + shift + residual, negative values cut off where `relu`; an empty residual is none.
///
/// # Safety
/// The instructions of `V` exist.
#[inline(always)]
pub(super) unsafe fn affine<V: Vector>(
    x: &[V::Scalar],
    lines: Lines<'_, V::Scalar>,
    residual: &[V::Scalar],
    relu: bool,
    y: &mut [V::Scalar],
) {
    let with = if residual.is_empty() { x } else { residual };
    let stride = lines.scale.len();
    let rows = rows_of(stride, &[lines.shift], &[&*y, x, with]);
    let zero = V::splat(V::Scalar::ZERO);
    for j in (0..stride).step_by(LANES) {
        // SAFETY: `rows_of` has checked that 16 numbers can be read and written from row·stride + j on, in all of them.
        unsafe {
            let (scale, shift) = (V::load(lines.scale.as_ptr().add(j)), V::load(lines.shift.as_ptr().add(j)));
            let (x, with, y) = (x.as_ptr().add(j), with.as_ptr().add(j), y.as_mut_ptr().add(j));
            // A macro, not a closure: only what is inlined here is compiled for the instruction set.
            macro_rules! rows {
                (|$at:ident, $line:ident| $value:expr) => {
                    for row in 0..rows {
                        let $at = row * stride;
                        let $line = V::load(x.add($at)).multiply_add(scale, shift);
                        $value.store(y.add($at));
                    }
                };
            }
            match (residual.is_empty(), relu) {
                (true, false) => rows!(|at, line| line),
                (true, true) => rows!(|at, line| line.or_greater(zero)),
                (false, false) => rows!(|at, line| line.add(V::load(with.add(at)))),
                (false, true) => rows!(|at, line| line.add(V::load(with.add(at))).or_greater(zero)),
            }
        }
    }
}

/// to ← by_d·d + by_x·(x − center) + constant, channel by channel.
#[derive(Clone, Copy)]
pub(crate) struct BackLines<'a, S> {
    pub(crate) center: &'a [S],
    pub(crate) by_d: &'a [S],
    pub(crate) by_x: &'a [S],
    pub(crate) constant: &'a [S],
}

/// d ← by_d·d + by_x·(x − center) + constant.
///
/// # Safety
/// The instructions of `V` exist.
#[inline(always)]
pub(super) unsafe fn affine_gradient<V: Vector>(
    x: &[V::Scalar],
    lines: BackLines<'_, V::Scalar>,
    d: &mut [V::Scalar],
) {
    let stride = lines.center.len();
    let rows = rows_of(stride, &[lines.by_d, lines.by_x, lines.constant], &[&*d, x]);
    // SAFETY: by the caller's promise; both are long enough.
    unsafe { back::<V>((rows, stride), lines, x.as_ptr(), d.as_ptr(), d.as_mut_ptr()) }
}

/// to ← by_d·d + by_x·(x − center) + constant.
///
/// # Safety
/// The instructions of `V` exist.
#[inline(always)]
pub(super) unsafe fn affine_gradient_to<V: Vector>(
    x: &[V::Scalar],
    lines: BackLines<'_, V::Scalar>,
    d: &[V::Scalar],
    to: &mut [V::Scalar],
) {
    let stride = lines.center.len();
    let rows = rows_of(stride, &[lines.by_d, lines.by_x, lines.constant], &[&*to, x, d]);
    // SAFETY: by the caller's promise; all are long enough.
    unsafe { back::<V>((rows, stride), lines, x.as_ptr(), d.as_ptr(), to.as_mut_ptr()) }
}

/// # Safety
/// The instructions of `V` exist; `x`, `d` and `to` hold `rows` of `stride`, the length of the lines. `d` and `to` may be
/// the same.
#[inline(always)]
unsafe fn back<V: Vector>(
    (rows, stride): (usize, usize),
    lines: BackLines<'_, V::Scalar>,
    x: *const V::Scalar,
    d: *const V::Scalar,
    to: *mut V::Scalar,
) {
    for j in (0..stride).step_by(LANES) {
        // SAFETY: 16 numbers can be read and written from row·stride + j on, by the caller's promise.
        unsafe {
            let (center, by_d) = (V::load(lines.center.as_ptr().add(j)), V::load(lines.by_d.as_ptr().add(j)));
            let (by_x, constant) =
                (V::load(lines.by_x.as_ptr().add(j)), V::load(lines.constant.as_ptr().add(j)));
            for row in 0..rows {
                let at = row * stride + j;
                let of_x = V::load(x.add(at)).sub(center).multiply_add(by_x, constant);
                V::load(d.add(at)).multiply_add(by_d, of_x).store(to.add(at));
            }
        }
    }
}
