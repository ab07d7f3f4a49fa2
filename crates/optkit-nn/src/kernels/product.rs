//! Small dense matrix products: C ← start + A·B.
//!
//! One register block, C[ROWS × 16·COLUMNS], is the whole kernel. Forward pass (A: activations, B: weights), gradient
//! of the input (A: gradient, B: weights transposed) and gradient of the weights (A: activations transposed by
//! their strides, B: gradient) are all this product: B and C are padded to vectors, A is read one number at a time.
#![allow(unsafe_code)]

use super::LANES;
use super::vector::Vector;

/// C ← start + A·B, with C of shape \[rows, columns\].
pub(crate) struct Product<'a, S> {
    /// A\[r, k\] is `a[r·a_row + k·a_inner]`.
    pub(crate) a: &'a [S],
    pub(crate) a_row: usize,
    pub(crate) a_inner: usize,
    /// B\[k, c\] is `b[k·columns + c]`.
    pub(crate) b: &'a [S],
    /// C\[r, c\] is `c[r·columns + c]`.
    pub(crate) c: &'a mut [S],
    pub(crate) rows: usize,
    pub(crate) inner: usize,
    /// A multiple of [`LANES`].
    pub(crate) columns: usize,
    pub(crate) start: Start<'a, S>,
}

/// What a product is added to.
#[derive(Clone, Copy)]
pub(crate) enum Start<'a, S> {
    Zero,
    /// The same row everywhere, of length `columns`.
    Row(&'a [S]),
    /// What C holds.
    Accumulate,
}

/// # Safety
/// The instructions of `V` exist.
#[inline(always)]
pub(super) unsafe fn run<V: Vector, const COLUMNS: usize, const ROWS: usize>(p: Product<'_, V::Scalar>) {
    if p.rows == 0 || p.columns == 0 {
        return;
    }
    assert!(p.columns.is_multiple_of(LANES) && p.c.len() >= p.rows * p.columns, "product: C is too short");
    assert!(p.b.len() >= p.inner * p.columns, "product: B is too short");
    if p.inner > 0 {
        let last = (p.rows - 1) * p.a_row + (p.inner - 1) * p.a_inner;
        assert!(last < p.a.len(), "product: A is too short");
    }
    if let Start::Row(row) = p.start {
        assert!(row.len() >= p.columns, "product: the starting row is too short");
    }
    let Product { a, a_row, a_inner, b, c, rows, inner, columns, start } = p;
    let (start, row) = match start {
        Start::Zero => (How::Zero, std::ptr::null()),
        Start::Row(row) => (How::Row, row.as_ptr()),
        Start::Accumulate => (How::Accumulate, std::ptr::null()),
    };
    let problem = Problem { a: a.as_ptr(), a_row, a_inner, b: b.as_ptr(), inner, columns, start, row };
    let mut column = 0;
    while column < columns {
        // SAFETY: the assertions above hold for every block inside [rows, columns]; `column` + width ≤ columns.
        unsafe {
            if column + COLUMNS * LANES <= columns {
                strip::<V, COLUMNS, ROWS>(&problem, c.as_mut_ptr(), rows, column);
                column += COLUMNS * LANES;
            } else {
                strip::<V, 1, ROWS>(&problem, c.as_mut_ptr(), rows, column);
                column += LANES;
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum How {
    Zero,
    Row,
    Accumulate,
}

struct Problem<S> {
    a: *const S,
    a_row: usize,
    a_inner: usize,
    b: *const S,
    inner: usize,
    columns: usize,
    start: How,
    row: *const S,
}

/// All rows of one strip of columns.
///
/// # Safety
/// As [`run`]; the strip lies inside C.
#[inline(always)]
unsafe fn strip<V: Vector, const COLUMNS: usize, const ROWS: usize>(
    p: &Problem<V::Scalar>,
    c: *mut V::Scalar,
    rows: usize,
    column: usize,
) {
    let mut r = 0;
    // SAFETY: r + block height ≤ rows throughout.
    unsafe {
        while r + ROWS <= rows {
            block::<V, COLUMNS, ROWS>(p, c, r, column);
            r += ROWS;
        }
        if ROWS > 4 && r + 4 <= rows {
            block::<V, COLUMNS, 4>(p, c, r, column);
            r += 4;
        }
        if r + 2 <= rows {
            block::<V, COLUMNS, 2>(p, c, r, column);
            r += 2;
        }
        if r < rows {
            block::<V, COLUMNS, 1>(p, c, r, column);
        }
    }
}

/// One register block.
///
/// # Safety
/// As [`run`]; rows `r..r + ROWS` and the columns from `column` lie inside C.
#[inline(always)]
unsafe fn block<V: Vector, const COLUMNS: usize, const ROWS: usize>(
    p: &Problem<V::Scalar>,
    c: *mut V::Scalar,
    r: usize,
    column: usize,
) {
    let mut sums = [[V::splat(V::Scalar::default()); COLUMNS]; ROWS];
    // SAFETY: `run` has checked that A, B, C and the row reach as far as the block does.
    unsafe {
        let c = c.add(r * p.columns + column);
        if p.start != How::Zero {
            for (i, sums) in sums.iter_mut().enumerate() {
                let from = if p.start == How::Row { p.row.add(column) } else { c.add(i * p.columns) };
                for (j, sum) in sums.iter_mut().enumerate() {
                    *sum = V::load(from.add(j * LANES));
                }
            }
        }
        // Wrapping, for without terms (`inner` = 0) nothing is promised of A and B, and nothing is read.
        let mut a = p.a.wrapping_add(r * p.a_row);
        let mut b = p.b.wrapping_add(column);
        for _ in 0..p.inner {
            let mut row = [V::splat(V::Scalar::default()); COLUMNS];
            for (j, row) in row.iter_mut().enumerate() {
                *row = V::load(b.add(j * LANES));
            }
            for (i, sums) in sums.iter_mut().enumerate() {
                let scale = V::splat(*a.add(i * p.a_row));
                for (sum, row) in sums.iter_mut().zip(row) {
                    *sum = scale.multiply_add(row, *sum);
                }
            }
            a = a.wrapping_add(p.a_inner);
            b = b.wrapping_add(p.columns);
        }
        for (i, sums) in sums.iter().enumerate() {
            for (j, sum) in sums.iter().enumerate() {
                sum.store(c.add(i * p.columns + j * LANES));
            }
        }
    }
}
