//! Rows of weights, rounded and interleaved, and back: sixteen rows become runs of sixteen neighbours, one for each entry.
#![allow(unsafe_code)]

use super::LANES;
use super::prefetch::prefetch;
use super::stream::{copy_past_cache, fence};
use super::vector::Vector;
use crate::Scalar;

/// `to[places[e] + r]` ← `from[r·row + e]`, rounded, for every row r and every entry e whose place is not [`NOWHERE`].
pub(crate) struct Interleave<'a, S> {
    pub(crate) from: &'a [f64],
    pub(crate) row: usize,
    /// At most sixteen.
    pub(crate) rows: usize,
    /// By entry, at most [`RUN`].
    pub(crate) places: &'a [usize],
    pub(crate) to: &'a mut [S],
}

/// `to[r·row + e]` ← `from[places[e] + r]`, for every row r and every entry e; zero where the place is [`NOWHERE`].
pub(crate) struct Spread<'a, S> {
    pub(crate) from: &'a [S],
    /// By entry, at most [`RUN`].
    pub(crate) places: &'a [usize],
    pub(crate) to: &'a mut [f64],
    pub(crate) row: usize,
    /// At most sixteen.
    pub(crate) rows: usize,
    /// More is written than stays in cache.
    pub(crate) past_cache: bool,
}

/// Most entries at a time: so many of one row, and what they are taken from, stay in the first level of cache.
pub(crate) const RUN: usize = 1024;

/// The place of what is not wanted.
pub(crate) const NOWHERE: usize = usize::MAX;

/// How far ahead memory is asked for: the time of a few squares.
const AHEAD: usize = 128;

/// # Safety
/// The instructions of `V` exist.
#[allow(clippy::needless_pass_by_value)] // it is used up: what it borrows is written to
#[inline(always)]
pub(super) unsafe fn run<V: Vector>(i: Interleave<'_, V::Scalar>) {
    let Interleave { from, row, rows, places, to } = i;
    assert!(is_inside(from.len(), row, rows, places.len()), "interleave: rows are too short");
    for (i, places) in places.chunks(LANES).enumerate() {
        let first = i * LANES;
        if rows < LANES || places.len() < LANES {
            for (e, &place) in places.iter().enumerate().filter(|&(_, &place)| place != NOWHERE) {
                let to = to[place..place + rows].iter_mut().enumerate();
                to.for_each(|(r, to)| *to = V::Scalar::from_f64(from[r * row + first + e]));
            }
            continue;
        }
        let mut square = [V::splat(V::Scalar::ZERO); LANES];
        for (r, own) in square.iter_mut().enumerate() {
            let at = r * row + first;
            prefetch(from.as_ptr().wrapping_add(at + AHEAD), LANES * size_of::<f64>());
            // SAFETY: `at` + 16 ≤ 15·row + the number of entries, which `from` holds.
            *own = unsafe { V::load_rounded(from.as_ptr().add(at)) };
        }
        let square = V::transpose(square);
        for (own, &place) in square.iter().zip(places) {
            if place != NOWHERE {
                let to = &mut to[place..][..LANES];
                // SAFETY: sixteen numbers.
                unsafe { own.store(to.as_mut_ptr()) };
            }
        }
    }
}

/// # Safety
/// The instructions of `V` exist.
#[allow(clippy::needless_pass_by_value)] // as above
#[inline(always)]
pub(super) unsafe fn spread<V: Vector>(s: Spread<'_, V::Scalar>) {
    let Spread { from, places, to, row, rows, past_cache } = s;
    assert!(is_inside(to.len(), row, rows, places.len()), "spread: rows are too short");
    let wanted = places.iter().filter(|&&place| place != NOWHERE).count();
    if past_cache && 4 * wanted < places.len() {
        spread_few(from, places, to, (row, rows));
    } else {
        // SAFETY: `to` holds the entries of every row; the instructions by the caller's promise.
        unsafe { spread_squares::<V>(from, places, to, (row, rows)) }
    }
}

/// # Safety
/// The instructions of `V` exist; `to` holds the entries of every row.
#[inline(always)]
unsafe fn spread_squares<V: Vector>(
    from: &[V::Scalar],
    places: &[usize],
    to: &mut [f64],
    (row, rows): (usize, usize),
) {
    for (i, places) in places.chunks(LANES).enumerate() {
        let first = i * LANES;
        if rows < LANES || places.len() < LANES {
            for (e, &place) in places.iter().enumerate() {
                for r in 0..rows {
                    to[r * row + first + e] = if place == NOWHERE { 0.0 } else { from[place + r].to_f64() };
                }
            }
            continue;
        }
        let mut square = [V::splat(V::Scalar::ZERO); LANES];
        for (own, &place) in square.iter_mut().zip(places) {
            if place != NOWHERE {
                let from = &from[place..][..LANES];
                // SAFETY: sixteen numbers.
                *own = unsafe { V::load(from.as_ptr()) };
            }
        }
        let square = V::transpose(square);
        for (r, own) in square.iter().enumerate() {
            let at = r * row + first;
            prefetch(to.as_ptr().wrapping_add(at + AHEAD), LANES * size_of::<f64>());
            // SAFETY: `at` + 16 ≤ 15·row + the number of entries, which `to` holds.
            unsafe { own.store_widened(to.as_mut_ptr().add(at)) };
        }
    }
}

/// Row by row, past the cache: fewer than a quarter are wanted, and the zeros stay as they are from row to row.
fn spread_few<S: Scalar>(from: &[S], places: &[usize], to: &mut [f64], (row, rows): (usize, usize)) {
    let mut wanted = [(0, 0); RUN / 4];
    let mut count = 0;
    for (e, &place) in places.iter().enumerate().filter(|&(_, &place)| place != NOWHERE) {
        wanted[count] = (e, place);
        count += 1;
    }
    let mut side = [0.0; RUN];
    let side = &mut side[..places.len()];
    for r in 0..rows {
        // The lines at both ends go through the cache.
        prefetch(to.as_ptr().wrapping_add(r * row), 1);
        prefetch(to.as_ptr().wrapping_add(r * row + places.len() - 1), 1);
    }
    for r in 0..rows {
        wanted[..count].iter().for_each(|&(e, place)| side[e] = from[place + r].to_f64());
        copy_past_cache(side, &mut to[r * row..][..places.len()]);
    }
    fence();
}

/// Whether `len` numbers hold `entries` of every row.
fn is_inside(len: usize, row: usize, rows: usize, entries: usize) -> bool {
    assert!(rows <= LANES && entries <= RUN, "at most sixteen rows, of a run");
    rows == 0 || entries == 0 || len >= (rows - 1) * row + entries
}
