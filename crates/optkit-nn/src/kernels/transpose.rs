//! Matrices, transposed in squares that go through registers.
#![allow(unsafe_code)]

use super::LANES;
use super::vector::Vector;
use crate::Scalar;

/// `to[c·to_row + r]` ← `from[r·from_row + c]`, for every row r and every column c.
pub(crate) struct Transpose<'a, S> {
    pub(crate) from: &'a [S],
    pub(crate) from_row: usize,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) to: &'a mut [S],
    pub(crate) to_row: usize,
}

/// # Safety
/// The instructions of `V` exist.
#[allow(clippy::needless_pass_by_value)] // it is used up: what it borrows is written to
#[inline(always)]
pub(super) unsafe fn run<V: Vector>(t: Transpose<'_, V::Scalar>) {
    let Transpose { from, from_row, rows, columns, to, to_row } = t;
    if rows == 0 || columns == 0 {
        return;
    }
    assert!(from.len() >= (rows - 1) * from_row + columns, "transpose: rows are too short");
    assert!(to.len() >= (columns - 1) * to_row + rows, "transpose: columns are too short");
    for row in (0..rows).step_by(LANES) {
        for column in (0..columns).step_by(LANES) {
            let (down, across) = ((rows - row).min(LANES), (columns - column).min(LANES));
            if down < LANES || across < LANES {
                for c in column..column + across {
                    let from = from[row * from_row + c..].iter().step_by(from_row.max(1));
                    let to = &mut to[c * to_row + row..][..down];
                    to.iter_mut().zip(from).for_each(|(to, &from)| *to = from);
                }
                continue;
            }
            let mut square = [V::splat(V::Scalar::ZERO); LANES];
            for (r, own) in square.iter_mut().enumerate() {
                // SAFETY: the row and the column of the square's last number are inside `from`.
                *own = unsafe { V::load(from.as_ptr().add((row + r) * from_row + column)) };
            }
            let square = V::transpose(square);
            for (c, own) in square.iter().enumerate() {
                // SAFETY: they are inside `to`.
                unsafe { own.store(to.as_mut_ptr().add((column + c) * to_row + row)) };
            }
        }
    }
}
