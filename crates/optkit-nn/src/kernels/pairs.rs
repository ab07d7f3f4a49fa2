//! The product that convolutions are made of: a block of outputs, summed over a list of pairs of pixels.
//!
//! ```text
//! C[r, c] ← start + Σ over the pairs (i, j)  Σₖ Aᵢ[r, k] · Bⱼ[k, c]
//! ```
//!
//! Forward pass (Aᵢ: the samples of an input pixel, Bⱼ: the weights of a tap), gradient of the input (Aᵢ: gradient at an
//! output pixel, Bⱼ: the weights transposed) and gradient of the weights (Aᵢ: an input pixel transposed by its strides,
//! Bⱼ: gradient at an output pixel) are all this product (batch-reduce GEMM; Georganas et al. 2020). Padding is not
//! multiplied with: pairs that would need it are absent. Strides and dilations are in the list.
//!
//! One register block of up to 13 rows and two vectors is the whole kernel. Its rows are unrolled by a macro, and every
//! height is a function of its own: in a loop over the rows, or with several heights in one function, the compiler spills
//! the sums, at a third of the speed (`cargo bench -p optkit-bench --bench convolution` would show it).
#![allow(unsafe_code)]

use super::LANES;
use super::prefetch::prefetch;
use super::vector::Vector;
use crate::Scalar;

/// A term of a product: which pixel of A with which of B, in units of [`PairProduct::a_unit`] and
/// [`PairProduct::b_unit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) a: u32,
    pub(crate) b: u32,
}

/// C ← start + Σ Aᵢ·Bⱼ, with C of shape \[rows, columns\].
pub(crate) struct PairProduct<'a, S> {
    pub(crate) pairs: &'a [Pair],
    /// Aᵢ\[r, k\] is `a[i·a_unit + r·a_row + k·a_inner]`; one of `a_row` and `a_inner` is 1.
    pub(crate) a: &'a [S],
    pub(crate) a_unit: usize,
    pub(crate) a_row: usize,
    pub(crate) a_inner: usize,
    /// Bⱼ\[k, c\] is `b[j·b_unit + k·b_inner + c]`.
    pub(crate) b: &'a [S],
    pub(crate) b_unit: usize,
    pub(crate) b_inner: usize,
    /// C\[r, c\] is `c[r·c_row + c]`.
    pub(crate) c: &'a mut [S],
    pub(crate) c_row: usize,
    pub(crate) rows: usize,
    pub(crate) inner: usize,
    /// A multiple of [`LANES`].
    pub(crate) columns: usize,
    pub(crate) start: super::Start<'a, S>,
}

/// Most rows of a register block.
pub(super) const MOST: usize = 13;

/// How many terms ahead the operands are asked for.
const SOON: usize = 16;

/// A register block at (row, column) of C.
pub(super) type Block<S> = unsafe fn(&Terms<'_, S>, usize, usize);

/// The register blocks of an instruction set, by height less one.
pub(super) struct Blocks<S: 'static> {
    /// Most rows.
    pub(super) rows: usize,
    /// Most vectors side by side: 1 or 2.
    pub(super) columns: usize,
    /// Where the terms of A are adjacent: of one vector, of two.
    pub(super) terms: [[Block<S>; MOST]; 2],
    /// Where the rows of A are.
    pub(super) adjacent: [[Block<S>; MOST]; 2],
}

/// The table of `$block::<COLUMNS, HEIGHT, ADJACENT>`, of `$columns` vectors and `$rows` rows at most: taller and wider
/// ones are not compiled.
macro_rules! blocks {
    ($block:ident, $columns:literal, $rows:literal) => {{
        macro_rules! of {
            ($c:literal, $adjacent:literal) => {
                of!(@ $c, $adjacent, 1 2 3 4 5 6 7 8 9 10 11 12 13)
            };
            (@ $c:literal, $adjacent:literal, $h:literal $h2:literal $h3:literal $h4:literal $h5:literal $h6:literal
                $h7:literal $h8:literal $h9:literal $h10:literal $h11:literal $h12:literal $h13:literal) => {
                [of!(! $c, $adjacent, $h), of!(! $c, $adjacent, $h2), of!(! $c, $adjacent, $h3),
                 of!(! $c, $adjacent, $h4), of!(! $c, $adjacent, $h5), of!(! $c, $adjacent, $h6),
                 of!(! $c, $adjacent, $h7), of!(! $c, $adjacent, $h8), of!(! $c, $adjacent, $h9),
                 of!(! $c, $adjacent, $h10), of!(! $c, $adjacent, $h11), of!(! $c, $adjacent, $h12),
                 of!(! $c, $adjacent, $h13)]
            };
            (! $c:literal, $adjacent:literal, $h:literal) => {
                $block::<{ if $c < $columns { $c } else { $columns } }, { if $h < $rows { $h } else { $rows } }, $adjacent>
            };
        }
        $crate::kernels::pairs::Blocks {
            rows: $rows,
            columns: $columns,
            terms: [of!(1, false), of!(2, false)],
            adjacent: [of!(1, true), of!(2, true)],
        }
    }};
}
pub(super) use blocks;

/// # Safety
/// The instructions of the blocks exist.
#[allow(clippy::needless_pass_by_value)] // it is used up: what it borrows is written to
pub(super) unsafe fn run<S: Scalar>(with: &Blocks<S>, p: PairProduct<'_, S>) {
    if p.rows == 0 || p.columns == 0 {
        return;
    }
    let (last, right) = (p.rows - 1, p.columns);
    assert!(right.is_multiple_of(LANES), "pairs: columns are not padded");
    assert!(p.c.len() >= last * p.c_row + right, "pairs: C is too short");
    if p.inner > 0 {
        let (a, b) = p.pairs.iter().fold((0, 0), |(a, b), pair| (a.max(pair.a), b.max(pair.b)));
        let a_end = a as usize * p.a_unit + last * p.a_row + (p.inner - 1) * p.a_inner;
        let b_end = b as usize * p.b_unit + (p.inner - 1) * p.b_inner + right;
        assert!(
            p.pairs.is_empty() || (a_end < p.a.len() && b_end <= p.b.len()),
            "pairs: A or B is too short"
        );
    }
    let start = match p.start {
        super::Start::Zero => How::Zero,
        super::Start::Row(row) => {
            assert!(row.len() >= right, "pairs: the starting row is too short");
            How::Row(row.as_ptr())
        }
        super::Start::Accumulate => How::Accumulate,
    };
    let pairs = if p.inner == 0 { &[] } else { p.pairs };
    let terms = Terms {
        pairs,
        a: p.a.as_ptr(),
        a_unit: p.a_unit,
        a_row: p.a_row,
        a_inner: p.a_inner,
        b: p.b.as_ptr(),
        b_unit: p.b_unit,
        b_inner: p.b_inner,
        inner: p.inner,
        c: p.c.as_mut_ptr(),
        c_row: p.c_row,
        start,
    };
    assert!(p.a_row == 1 || p.a_inner == 1, "pairs: rows or terms of A are adjacent");
    let blocks = if p.a_row == 1 { &with.adjacent } else { &with.terms };
    let count = p.rows.div_ceil(with.rows);
    let mut column = 0;
    while column < right {
        let vectors = ((right - column) / LANES).min(with.columns);
        let mut from = 0;
        // Blocks as equal in height as can be.
        for i in 0..count {
            let to = p.rows * (i + 1) / count;
            // SAFETY: the assertions above hold for every block inside [rows, columns].
            unsafe { blocks[vectors - 1][to - from - 1](&terms, from, column) };
            from = to;
        }
        column += vectors * LANES;
    }
}

#[derive(Clone, Copy)]
enum How<S> {
    Zero,
    Row(*const S),
    Accumulate,
}

/// What a block needs to know of a product.
pub(super) struct Terms<'a, S> {
    pairs: &'a [Pair],
    a: *const S,
    a_unit: usize,
    a_row: usize,
    a_inner: usize,
    b: *const S,
    b_unit: usize,
    b_inner: usize,
    inner: usize,
    c: *mut S,
    c_row: usize,
    start: How<S>,
}

/// One register block.
///
/// # Safety
/// As [`run`]; rows `row..row + HEIGHT` and the columns from `column` lie inside C.
#[inline(always)]
pub(super) unsafe fn block<V: Vector, const COLUMNS: usize, const HEIGHT: usize, const ADJACENT: bool>(
    t: &Terms<'_, V::Scalar>,
    row: usize,
    column: usize,
) {
    /// The body for every row of the block, the row a constant.
    macro_rules! rows {
        ($i:ident, $body:block) => {
            rows!(@ $i, $body, 0 1 2 3 4 5 6 7 8 9 10 11 12);
        };
        (@ $i:ident, $body:block, $($n:literal)*) => {
            $({
                const $i: usize = $n;
                if $i < HEIGHT $body
            })*
        };
    }
    let zero = V::splat(V::Scalar::default());
    let mut sums = [[zero; 2]; MOST];
    // SAFETY: `run` has checked that A, B, C and the row reach as far as the block does.
    unsafe {
        let c = t.c.add(row * t.c_row + column);
        for pair in t.pairs {
            let a = t.a.add(pair.a as usize * t.a_unit + row * t.a_row);
            let mut b = t.b.add(pair.b as usize * t.b_unit + column);
            // Three rows share a pointer: its address, and that plus one or two strides, need no other register.
            let mut thirds = [a; 5];
            for (j, third) in thirds.iter_mut().enumerate() {
                *third = a.wrapping_add(3 * j * t.a_row);
            }
            for _ in 0..t.inner {
                // B goes through the first level of cache once a block of rows: up to 7 % of ResNet-18's time.
                prefetch(b.wrapping_add(SOON * t.b_inner), COLUMNS * LANES * size_of::<V::Scalar>());
                if ADJACENT {
                    // Every term of A begins lines of its own.
                    prefetch(thirds[0].wrapping_add(SOON * t.a_inner), HEIGHT * size_of::<V::Scalar>());
                }
                let first = V::load(b);
                let second = if COLUMNS > 1 { V::load(b.add(LANES)) } else { zero };
                rows!(I, {
                    let from = if ADJACENT { thirds[0].add(I) } else { thirds[I / 3].add((I % 3) * t.a_row) };
                    let scale = V::splat(*from);
                    sums[I][0] = scale.multiply_add(first, sums[I][0]);
                    if COLUMNS > 1 {
                        sums[I][1] = scale.multiply_add(second, sums[I][1]);
                    }
                });
                let step = if ADJACENT { t.a_inner } else { 1 };
                thirds[0] = thirds[0].wrapping_add(step);
                if !ADJACENT {
                    thirds[1] = thirds[1].wrapping_add(step);
                    thirds[2] = thirds[2].wrapping_add(step);
                    thirds[3] = thirds[3].wrapping_add(step);
                    thirds[4] = thirds[4].wrapping_add(step);
                }
                b = b.wrapping_add(t.b_inner);
            }
        }
        /// Every row, with what `$with` makes of its place in C and of its vectors.
        macro_rules! store {
            (|$to:ident, $j:ident, $sum:ident| $with:expr) => {
                rows!(I, {
                    let $to = c.add(I * t.c_row);
                    {
                        let ($j, $sum) = (0, sums[I][0]);
                        $with.store($to);
                    }
                    if COLUMNS > 1 {
                        let ($to, $j, $sum) = ($to.add(LANES), LANES, sums[I][1]);
                        $with.store($to);
                    }
                });
            };
        }
        match t.start {
            How::Zero => {
                store!(|to, _j, sum| sum);
            }
            How::Row(from) => {
                store!(|to, j, sum| sum.add(V::load(from.add(column + j))));
            }
            How::Accumulate => {
                store!(|to, _j, sum| sum.add(V::load(to)));
            }
        }
    }
}
