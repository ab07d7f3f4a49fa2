//! Passes over the columns of Ψ, for any matrix B = γI + ΨMΨᵀ.
//!
//! A column y − γs is formed entry by entry where it is needed and never stored: differences of the sums yᵀv and
//! γsᵀv would lose what y and γs have in common. Long vectors are shared out among threads; the result does not
//! depend on their number.

use std::ops::Range;

use optkit_core::{Column, Compact};

use crate::kernels::{self, Pair};
use crate::passes::{BLOCK, blocks};
pub use crate::passes::{CHUNK, Passes};

/// The most columns that the passes take.
pub const MOST_COLUMNS: usize = 256;

/// Values that a thread keeps of all columns at once.
const TILE: usize = 2 * 1024; // 16 KiB: with as much that is written, first-level cache

/// Rows of a block whose intermediate vector is kept on the stack: it is zeroed once a chunk, which short vectors feel.
const SPACE: usize = 1024;

/// A tall matrix, read by blocks of its columns.
pub trait Columns: Sync {
    /// n, the length of a column.
    fn rows(&self) -> usize;
    /// The number of columns, at most [`MOST_COLUMNS`].
    fn count(&self) -> usize;
    /// γ of the columns that are pairs.
    fn gamma(&self) -> f64;
    /// These rows of column j; they lie in one chunk of [`CHUNK`] rows.
    fn block(&self, j: usize, rows: Range<usize>) -> Column<'_>;
}

/// The Ψ of a matrix in compact form.
#[derive(Clone, Copy)]
pub struct Psi<'a>(pub &'a dyn Compact);

impl Columns for Psi<'_> {
    fn rows(&self) -> usize {
        self.0.dim()
    }
    fn count(&self) -> usize {
        self.0.rank()
    }
    fn gamma(&self) -> f64 {
        self.0.gamma()
    }
    fn block(&self, j: usize, rows: Range<usize>) -> Column<'_> {
        match self.0.column(j) {
            Column::Pair { s, y } => Column::Pair { s: &s[rows.clone()], y: &y[rows] },
            Column::Vector(v) => Column::Vector(&v[rows]),
        }
    }
}

/// A stored tall matrix; the columns of a chunk of rows lie together, so that chunks can be written by threads.
#[derive(Clone, Debug, Default)]
pub struct Panels {
    rows: usize,
    count: usize,
    values: Vec<f64>,
}

impl Panels {
    /// Make room for n×k. What is never written takes no memory.
    pub fn reserve(&mut self, rows: usize, count: usize) {
        if self.values.len() < rows * count {
            self.values = vec![0.0; rows * count];
        }
    }

    /// Become n×k; the content means nothing until it is written.
    pub fn resize(&mut self, rows: usize, count: usize) {
        self.reserve(rows, count);
        (self.rows, self.count) = (rows, count);
    }
}

impl Columns for Panels {
    fn rows(&self) -> usize {
        self.rows
    }
    fn count(&self) -> usize {
        self.count
    }
    fn gamma(&self) -> f64 {
        0.0
    }
    fn block(&self, j: usize, rows: Range<usize>) -> Column<'_> {
        let chunk = rows.start / CHUNK * CHUNK;
        let height = CHUNK.min(self.rows - chunk);
        let start = chunk * self.count + j * height + (rows.start - chunk);
        Column::Vector(&self.values[start..start + rows.len()])
    }
}

/// `coefficients` ← Ψᵀv.
pub fn project(psi: &impl Columns, v: &[f64], passes: &mut Passes, coefficients: &mut [f64]) {
    passes.sum(psi.rows(), coefficients, |rows, sums| {
        for rows in blocks(rows, BLOCK) {
            add_products(psi, &rows, &v[rows.clone()], sums);
        }
    });
}

/// Ψᵀr and, last, ‖r‖² into `sums` (one entry more than Ψ has columns), r = v − Ψc not being stored.
pub fn project_remainder(psi: &impl Columns, v: &[f64], c: &[f64], passes: &mut Passes, sums: &mut [f64]) {
    let k = psi.count();
    passes.sum(psi.rows(), sums, |rows, sums| {
        let mut space = [0.0; SPACE];
        for rows in blocks(rows, SPACE) {
            let r = &mut space[..rows.len()];
            r.copy_from_slice(&v[rows.clone()]);
            add_columns(psi, &rows, -1.0, c, r);
            add_products(psi, &rows, r, &mut sums[..k]);
            sums[k] += kernels::dot(r, r);
        }
    });
}

/// `out` ← a(v − Ψc) + Ψd, an empty c standing for zero; returns ‖out‖².
pub fn combine(
    psi: &impl Columns,
    (a, v, c): (f64, &[f64], &[f64]),
    d: &[f64],
    passes: &mut Passes,
    out: &mut [f64],
) -> f64 {
    let mut squares = [0.0];
    passes.write(out, 1, &mut squares, |rows, out, squares| {
        let start = rows.start;
        for rows in blocks(rows, BLOCK) {
            let out = &mut out[rows.start - start..rows.end - start];
            out.copy_from_slice(&v[rows.clone()]);
            add_columns(psi, &rows, -1.0, c, out);
            out.iter_mut().for_each(|o| *o *= a);
            add_columns(psi, &rows, 1.0, d, out);
            squares[0] += kernels::dot(out, out);
        }
    });
    squares[0]
}

/// sᵀr, ‖r‖² and ‖Bs‖² with r = y − Bs = y − γs − Ψc, which is written to `r`; c = MΨᵀs.
pub fn residual(
    psi: &impl Columns,
    (s, y): (&[f64], &[f64]),
    c: &[f64],
    passes: &mut Passes,
    r: &mut [f64],
) -> [f64; 3] {
    let mut sums = [0.0; 3];
    passes.write(r, 1, &mut sums, |rows, out, sums| {
        let start = rows.start;
        let mut space = [0.0; SPACE];
        for rows in blocks(rows, SPACE) {
            let (s, y) = (&s[rows.clone()], &y[rows.clone()]);
            let r = &mut out[rows.start - start..rows.end - start];
            let bs = &mut space[..rows.len()];
            bs.copy_from_slice(s);
            bs.iter_mut().for_each(|v| *v *= psi.gamma());
            add_columns(psi, &rows, 1.0, c, bs);
            for ((r, y), bs) in r.iter_mut().zip(y).zip(&*bs) {
                *r = y - bs;
            }
            sums[0] += kernels::dot(s, r);
            sums[1] += kernels::dot(r, r);
            sums[2] += kernels::dot(bs, bs);
        }
    });
    sums
}

/// `bv` ← Bv = γv + ΨMΨᵀv; `space` holds two vectors of the rank's length.
pub fn apply(b: &dyn Compact, v: &[f64], passes: &mut Passes, space: &mut Vec<f64>, bv: &mut [f64]) {
    let rank = b.rank();
    space.resize(2 * rank, 0.0);
    let (projected, weights) = space.split_at_mut(rank);
    project(&Psi(b), v, passes, projected);
    multiply(b.middle(), projected, weights);
    combine(&Psi(b), (b.gamma(), v, &[]), weights, passes, bv);
}

/// `ax` ← Ax, A of x.len() columns.
pub fn multiply(a: &[f64], x: &[f64], ax: &mut [f64]) {
    let height = ax.len();
    ax.fill(0.0);
    for (j, x) in x.iter().enumerate() {
        for (out, a) in ax.iter_mut().zip(&a[j * height..(j + 1) * height]) {
            *out += a * x;
        }
    }
}

/// `gram` ← ΨᵀΨ, by columns, in a pass over Ψ.
pub fn gram(psi: &impl Columns, passes: &mut Passes, gram: &mut [f64]) {
    let k = psi.count();
    let height = tile_rows(k);
    passes.sum(psi.rows(), gram, |rows, sums| {
        let mut tile = [0.0; TILE];
        for rows in blocks(rows, height) {
            load(psi, rows.clone(), &mut tile);
            add_gram(k, |j| &tile[j * rows.len()..(j + 1) * rows.len()], sums);
        }
    });
    mirror(k, gram);
}

/// `out` ← ΨW, W with as many columns as `gram` has, and `gram` ← its Gram matrix, in a pass over Ψ.
pub fn form(psi: &impl Columns, w: &[f64], passes: &mut Passes, out: &mut Panels, gram: &mut [f64]) {
    let (m, k) = (psi.count(), gram.len().isqrt());
    out.resize(psi.rows(), k);
    let height = tile_rows(m);
    let values = &mut out.values[..psi.rows() * k];
    passes.write(values, k, gram, |rows, out, sums| {
        let mut tile = [0.0; TILE];
        let (start, chunk) = (rows.start, rows.len());
        for rows in blocks(rows, height) {
            load(psi, rows.clone(), &mut tile);
            transform(&tile[..m * rows.len()], w, m, (&mut *out, chunk, rows.start - start));
            add_gram(k, |j| &out[j * chunk + rows.start - start..][..rows.len()], sums);
        }
    });
    mirror(k, gram);
}

/// `panels` ← QW in place, Q its content of before, and `gram` ← the Gram matrix of the result.
pub fn transform_in_place(panels: &mut Panels, w: &[f64], passes: &mut Passes, gram: &mut [f64]) {
    let (m, k) = (panels.count, gram.len().isqrt());
    assert_eq!(m, k, "transform_in_place: the number of columns stays");
    let (n, height) = (panels.rows, tile_rows(m));
    passes.write(&mut panels.values[..n * m], m, gram, |rows, out, sums| {
        let mut tile = [0.0; TILE];
        let (start, chunk) = (rows.start, rows.len());
        for rows in blocks(rows, height) {
            let at = |j: usize| j * chunk + rows.start - start;
            for (j, column) in tile.chunks_exact_mut(rows.len()).take(m).enumerate() {
                column.copy_from_slice(&out[at(j)..][..rows.len()]);
            }
            transform(&tile[..m * rows.len()], w, m, (&mut *out, chunk, rows.start - start));
            add_gram(k, |j| &out[at(j)..][..rows.len()], sums);
        }
    });
    mirror(k, gram);
}

/// Adds Ψᵀv of a block of rows to `sums`; v are those rows.
fn add_products(psi: &impl Columns, rows: &Range<usize>, v: &[f64], sums: &mut [f64]) {
    let (gamma, count) = (psi.gamma(), sums.len());
    let mut j = 0;
    while j < count {
        let group = Group::of(psi, rows, j, count);
        let sums = &mut sums[j..];
        match group {
            Group::Vectors(x) => add(sums, &kernels::dot_4(x, v)),
            Group::Pairs(pairs) => add(sums, &kernels::pair_dot_4(pairs, gamma, v)),
            Group::One(Column::Vector(x)) => sums[0] += kernels::dot(x, v),
            Group::One(Column::Pair { s, y }) => sums[0] += kernels::pair_dot((s, y), gamma, v),
        }
        j += group.len();
    }
}

/// Adds sign·Ψc of a block of rows to `out`, which are those rows.
fn add_columns(psi: &impl Columns, rows: &Range<usize>, sign: f64, c: &[f64], out: &mut [f64]) {
    let gamma = psi.gamma();
    let mut j = 0;
    while j < c.len() {
        let group = Group::of(psi, rows, j, c.len());
        let four = || std::array::from_fn(|k| sign * c[j + k]);
        match group {
            Group::Vectors(x) => kernels::axpy_4(four(), x, out),
            Group::Pairs(pairs) => kernels::pair_axpy_4(four(), pairs, gamma, out),
            Group::One(Column::Vector(x)) => kernels::axpy(sign * c[j], x, out),
            Group::One(Column::Pair { s, y }) => kernels::pair_axpy(sign * c[j], (s, y), gamma, out),
        }
        j += group.len();
    }
}

/// Columns that a kernel takes at once.
#[derive(Clone, Copy)]
enum Group<'a> {
    Vectors([&'a [f64]; 4]),
    Pairs([Pair<'a>; 4]),
    One(Column<'a>),
}

impl<'a> Group<'a> {
    /// A block of the columns from j on: four of them where these are of one kind.
    fn of(psi: &'a impl Columns, rows: &Range<usize>, j: usize, count: usize) -> Self {
        let first = psi.block(j, rows.clone());
        if j + 4 > count {
            return Self::One(first);
        }
        let all = std::array::from_fn::<_, 4, _>(|k| psi.block(j + k, rows.clone()));
        match all {
            [Column::Vector(a), Column::Vector(b), Column::Vector(c), Column::Vector(d)] => {
                Self::Vectors([a, b, c, d])
            }
            [
                Column::Pair { s: a, y: e },
                Column::Pair { s: b, y: f },
                Column::Pair { s: c, y: g },
                Column::Pair { s: d, y: h },
            ] => Self::Pairs([(a, e), (b, f), (c, g), (d, h)]),
            _ => Self::One(first),
        }
    }

    fn len(&self) -> usize {
        if let Self::One(_) = self { 1 } else { 4 }
    }
}

/// Adds `more` to the first of `sums`.
fn add(sums: &mut [f64], more: &[f64]) {
    sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
}

/// Entry `row` of column j.
#[must_use]
pub fn entry(psi: &impl Columns, j: usize, row: usize) -> f64 {
    match psi.block(j, row..row + 1) {
        Column::Vector(x) => x[0],
        Column::Pair { s, y } => y[0] - psi.gamma() * s[0],
    }
}

/// Rows of a tile of m columns.
fn tile_rows(m: usize) -> usize {
    assert!(m <= MOST_COLUMNS, "at most {MOST_COLUMNS} columns, not {m}");
    (TILE / m.max(1) / 8 * 8).clamp(8, BLOCK)
}

/// The rows of all columns, formed, into `tile`.
fn load(psi: &impl Columns, rows: Range<usize>, tile: &mut [f64; TILE]) {
    for (j, out) in tile.chunks_exact_mut(rows.len()).take(psi.count()).enumerate() {
        match psi.block(j, rows.clone()) {
            Column::Vector(x) => out.copy_from_slice(x),
            Column::Pair { s, y } => kernels::pair_form((s, y), psi.gamma(), out),
        }
    }
}

/// Rows of `out` (columns `chunk` apart, from row `at`) ← tile·W, four columns at a time.
fn transform(tile: &[f64], w: &[f64], m: usize, (out, chunk, at): (&mut [f64], usize, usize)) {
    let height = tile.len() / m;
    for (w, out) in w.chunks(4 * m).zip(out.chunks_mut(4 * chunk)) {
        if w.len() == 4 * m {
            let mut columns = out.chunks_mut(chunk).map(|column| &mut column[at..at + height]);
            let out = std::array::from_fn(|_| columns.next().expect("W has as many columns as `out`"));
            kernels::mix_4(tile, std::array::from_fn(|k| &w[k * m..(k + 1) * m]), out);
        } else {
            for (w, out) in w.chunks_exact(m).zip(out.chunks_mut(chunk)) {
                kernels::mix(tile, w, &mut out[at..at + height]);
            }
        }
    }
}

/// Adds the upper triangle of the Gram matrix of a tile, and here and there some of the lower; two columns by four at
/// a time.
fn add_gram<'a>(k: usize, column: impl Fn(usize) -> &'a [f64], sums: &mut [f64]) {
    for (pair, sums) in sums.chunks_mut(2 * k).enumerate() {
        let j = 2 * pair;
        let two = sums.len() == 2 * k;
        let last = j + usize::from(two);
        let mut i = 0;
        while i <= last {
            let four = i + 4 <= k;
            if four && two {
                let left = std::array::from_fn(|l| column(i + l));
                let [first, second] = kernels::dot_4_2(left, [column(j), column(j + 1)]);
                add(&mut sums[i..i + 4], &first);
                add(&mut sums[k + i..k + i + 4], &second);
            } else {
                for i in i..=last {
                    sums[i] += kernels::dot(column(i), column(j));
                    if two {
                        sums[k + i] += kernels::dot(column(i), column(j + 1));
                    }
                }
                break; // the rest is done
            }
            i += 4;
        }
    }
}

fn mirror(k: usize, a: &mut [f64]) {
    for j in 0..k {
        for i in 0..j {
            a[i * k + j] = a[j * k + i];
        }
    }
}
