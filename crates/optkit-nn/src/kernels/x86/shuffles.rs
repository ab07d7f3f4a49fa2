//! Lanes of sixteen AVX-512 registers, exchanged: combined lane by lane, or rows against columns.

use std::arch::x86_64::*;

use super::Wide;

/// The greater or the sum.
///
/// # Safety
/// AVX-512 F is there.
#[inline(always)]
unsafe fn combine<const SUM: bool>(a: __m512, b: __m512) -> __m512 {
    // SAFETY: by the caller's promise.
    unsafe { if SUM { _mm512_add_ps(a, b) } else { _mm512_max_ps(a, b) } }
}

/// Combines the lanes of each of 16 vectors: a transpose in which every exchange is followed by a sum or maximum, so
/// that 15 of these do for all.
///
/// # Safety
/// AVX-512 F is there.
#[inline(always)]
pub(super) unsafe fn across<const SUM: bool>(v: [Wide; 16]) -> [f32; 16] {
    let mut lanes = [0.0; 16];
    // SAFETY: by the caller's promise; the array is 16 numbers long.
    unsafe {
        // In each quarter of a register: four partial results of one vector, then of two, then of four.
        let mut two = [_mm512_setzero_ps(); 8];
        for i in 0..8 {
            let (a, b) = (v[2 * i].0, v[2 * i + 1].0);
            two[i] = combine::<SUM>(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
        }
        let mut four = [_mm512_setzero_ps(); 4];
        for i in 0..4 {
            let (a, b) = (_mm512_castps_pd(two[2 * i]), _mm512_castps_pd(two[2 * i + 1]));
            let (low, high) = (_mm512_unpacklo_pd(a, b), _mm512_unpackhi_pd(a, b));
            four[i] = combine::<SUM>(_mm512_castpd_ps(low), _mm512_castpd_ps(high));
        }
        // Then across the quarters.
        let first = quarters::<SUM>(four[0], four[1]);
        let second = quarters::<SUM>(four[2], four[3]);
        _mm512_storeu_ps(lanes.as_mut_ptr(), quarters::<SUM>(first, second));
    }
    lanes
}

/// Rows become columns.
///
/// # Safety
/// AVX-512 F is there.
#[inline(always)]
pub(super) unsafe fn transpose(v: [Wide; 16]) -> [Wide; 16] {
    let mut columns = v;
    // SAFETY: by the caller's promise.
    unsafe {
        // fours[4j + c]: columns c, c + 4, c + 8, c + 12 of rows 4j..4j + 4, a quarter each.
        let mut fours = [_mm512_setzero_ps(); 16];
        for j in 0..4 {
            let [a, b, c, d] = [v[4 * j].0, v[4 * j + 1].0, v[4 * j + 2].0, v[4 * j + 3].0];
            let (ab, cd) = (_mm512_unpacklo_ps(a, b), _mm512_unpacklo_ps(c, d));
            let (ab, cd) = (_mm512_castps_pd(ab), _mm512_castps_pd(cd));
            fours[4 * j] = _mm512_castpd_ps(_mm512_unpacklo_pd(ab, cd));
            fours[4 * j + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(ab, cd));
            let (ab, cd) = (_mm512_unpackhi_ps(a, b), _mm512_unpackhi_ps(c, d));
            let (ab, cd) = (_mm512_castps_pd(ab), _mm512_castps_pd(cd));
            fours[4 * j + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(ab, cd));
            fours[4 * j + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(ab, cd));
        }
        for c in 0..4 {
            let [p, q, r, s] = [fours[c], fours[4 + c], fours[8 + c], fours[12 + c]];
            // Quarters 0 and 1, then 2 and 3, of both.
            let (low, high) = (_mm512_shuffle_f32x4::<0x44>(p, q), _mm512_shuffle_f32x4::<0xee>(p, q));
            let (low2, high2) = (_mm512_shuffle_f32x4::<0x44>(r, s), _mm512_shuffle_f32x4::<0xee>(r, s));
            columns[c] = Wide(_mm512_shuffle_f32x4::<0x88>(low, low2));
            columns[4 + c] = Wide(_mm512_shuffle_f32x4::<0xdd>(low, low2));
            columns[8 + c] = Wide(_mm512_shuffle_f32x4::<0x88>(high, high2));
            columns[12 + c] = Wide(_mm512_shuffle_f32x4::<0xdd>(high, high2));
        }
    }
    columns
}

/// Combines neighbouring quarters of both registers.
///
/// # Safety
/// AVX-512 F is there.
#[inline(always)]
unsafe fn quarters<const SUM: bool>(a: __m512, b: __m512) -> __m512 {
    // SAFETY: by the caller's promise.
    unsafe { combine::<SUM>(_mm512_shuffle_f32x4::<0x88>(a, b), _mm512_shuffle_f32x4::<0xdd>(a, b)) }
}
