//! Rows of weights, rounded and interleaved: sixteen rows become runs of sixteen neighbours, one for each entry.
#![allow(unsafe_code)]

use super::LANES;
use super::prefetch::prefetch;
use super::vector::Vector;
use crate::Scalar;

/// `to[places[e]..][..16]` ← `from[e]`, `from[row + e]`, …, `from[15·row + e]`, rounded, for every entry e whose place is
/// not [`NOWHERE`].
pub(crate) struct Interleave<'a, S> {
    pub(crate) from: &'a [f64],
    pub(crate) row: usize,
    /// By entry.
    pub(crate) places: &'a [usize],
    pub(crate) to: &'a mut [S],
}

/// The place of what is not wanted.
pub(crate) const NOWHERE: usize = usize::MAX;

/// How far ahead memory is asked for: the time of a few squares.
const AHEAD: usize = 128;

/// # Safety
/// The instructions of `V` exist.
#[allow(clippy::needless_pass_by_value)] // it is used up: what it borrows is written to
#[inline(always)]
pub(super) unsafe fn run<V: Vector>(i: Interleave<'_, V::Scalar>) {
    let Interleave { from, row, places, to } = i;
    if places.is_empty() {
        return;
    }
    assert!(from.len() >= (LANES - 1) * row + places.len(), "interleave: rows are too short");
    let (squares, rest) = places.as_chunks::<LANES>();
    for (i, places) in squares.iter().enumerate() {
        let mut rows = [V::splat(V::Scalar::ZERO); LANES];
        for (r, to) in rows.iter_mut().enumerate() {
            let at = r * row + i * LANES;
            prefetch(from.as_ptr().wrapping_add(at + AHEAD), LANES * size_of::<f64>());
            // SAFETY: `at` + 16 ≤ 15·row + the number of entries, which `from` holds.
            *to = unsafe { V::load_rounded(from.as_ptr().add(at)) };
        }
        for (column, &place) in V::transpose(rows).into_iter().zip(places) {
            if place != NOWHERE {
                let to = &mut to[place..place + LANES];
                // SAFETY: sixteen numbers.
                unsafe { column.store(to.as_mut_ptr()) };
            }
        }
    }
    let first = squares.len() * LANES;
    for (e, &place) in rest.iter().enumerate().filter(|&(_, &place)| place != NOWHERE) {
        let from = from[first + e..].iter().step_by(row.max(1));
        to[place..place + LANES].iter_mut().zip(from).for_each(|(to, &from)| *to = V::Scalar::from_f64(from));
    }
}
