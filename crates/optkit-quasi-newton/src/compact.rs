//! Passes over the columns of Ψ, for any matrix B = γI + ΨMΨᵀ.
//!
//! A column y − γs is formed entry by entry where it is needed and never stored: differences of the sums yᵀv and
//! γsᵀv would lose what y and γs have in common. Long vectors are shared out among threads; the result does not
//! depend on their number.

use std::ops::Range;

use optkit_core::{Column, Compact};

use crate::kernels;

use crate::passes::{BLOCK, blocks};
pub use crate::passes::{CHUNK, Passes};

/// The most columns that the passes take.
pub const MOST_COLUMNS: usize = 256;

/// Values that a thread keeps of all columns at once.
const TILE: usize = 16 * 1024; // 128 KiB: second-level cache, and little enough for a stack

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
        let mut space = [0.0; BLOCK];
        for rows in blocks(rows, BLOCK) {
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
        let mut space = [0.0; BLOCK];
        for rows in blocks(rows, BLOCK) {
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
    let mut j = 0;
    while j < sums.len() {
        if let Some(x) = four_vectors(psi, rows, j, sums.len()) {
            let products = kernels::dot_4(x, v);
            sums[j..j + 4].iter_mut().zip(products).for_each(|(sum, product)| *sum += product);
            j += 4;
        } else {
            sums[j] += match psi.block(j, rows.clone()) {
                Column::Vector(x) => kernels::dot(x, v),
                Column::Pair { s, y } => kernels::pair_dot(s, y, psi.gamma(), v),
            };
            j += 1;
        }
    }
}

/// A block of the columns from j on, where these are four vectors.
fn four_vectors<'a>(
    psi: &'a impl Columns,
    rows: &Range<usize>,
    j: usize,
    count: usize,
) -> Option<[&'a [f64]; 4]> {
    if j + 4 > count {
        return None;
    }
    let mut found = [&[][..]; 4];
    for (k, found) in found.iter_mut().enumerate() {
        match psi.block(j + k, rows.clone()) {
            Column::Vector(x) => *found = x,
            Column::Pair { .. } => return None,
        }
    }
    Some(found)
}

/// Adds sign·Ψc of a block of rows to `out`, which are those rows.
fn add_columns(psi: &impl Columns, rows: &Range<usize>, sign: f64, c: &[f64], out: &mut [f64]) {
    let gamma = psi.gamma();
    let column = |j| psi.block(j, rows.clone());
    let mut j = 0;
    while j < c.len() {
        if let Some(x) = four_vectors(psi, rows, j, c.len()) {
            kernels::combine_4(std::array::from_fn(|k| sign * c[j + k]), x, true, out);
            j += 4;
            continue;
        }
        match (column(j), c.get(j + 1).map(|_| column(j + 1))) {
            (Column::Pair { s, y }, Some(Column::Pair { s: t, y: z })) => {
                kernels::pair_axpy_2([sign * c[j], sign * c[j + 1]], (s, y), (t, z), gamma, out);
                j += 2;
            }
            (first, _) => {
                column_axpy(sign * c[j], first, gamma, out);
                j += 1;
            }
        }
    }
}

/// `out` ← out + cψ for a block of a column.
fn column_axpy(c: f64, column: Column<'_>, gamma: f64, out: &mut [f64]) {
    match column {
        Column::Vector(x) => kernels::axpy(c, x, out),
        Column::Pair { s, y } => kernels::pair_axpy(c, s, y, gamma, out),
    }
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
    (TILE / m.max(1) / 16 * 16).min(BLOCK)
}

/// The rows of all columns, formed, into `tile`.
fn load(psi: &impl Columns, rows: Range<usize>, tile: &mut [f64; TILE]) {
    for (j, out) in tile.chunks_exact_mut(rows.len()).take(psi.count()).enumerate() {
        match psi.block(j, rows.clone()) {
            Column::Vector(x) => out.copy_from_slice(x),
            Column::Pair { s, y } => kernels::pair_form(s, y, psi.gamma(), out),
        }
    }
}

/// Rows of `out` (columns `chunk` apart, from row `at`) ← tile·W, four columns at a time.
fn transform(tile: &[f64], w: &[f64], m: usize, (out, chunk, at): (&mut [f64], usize, usize)) {
    let height = tile.len() / m;
    let column = |j: usize| &tile[j * height..(j + 1) * height];
    for (i, w) in w.chunks_exact(m).enumerate() {
        let out = &mut out[i * chunk + at..][..height];
        let (fours, rest) = w.as_chunks::<4>();
        if fours.is_empty() {
            out.fill(0.0);
        }
        for (f, w) in fours.iter().enumerate() {
            kernels::combine_4(*w, std::array::from_fn(|k| column(4 * f + k)), f > 0, out);
        }
        for (r, w) in rest.iter().enumerate() {
            kernels::axpy(*w, column(4 * fours.len() + r), out);
        }
    }
}

/// Adds the upper triangle of the Gram matrix of a tile, four columns at a time.
fn add_gram<'a>(k: usize, column: impl Fn(usize) -> &'a [f64], sums: &mut [f64]) {
    for j in 0..k {
        let (sums, right) = (&mut sums[j * k..=j * k + j], column(j));
        let (fours, rest) = sums.as_chunks_mut::<4>();
        let done = 4 * fours.len();
        for (f, sums) in fours.iter_mut().enumerate() {
            let products = kernels::dot_4(std::array::from_fn(|i| column(4 * f + i)), right);
            sums.iter_mut().zip(products).for_each(|(sum, product)| *sum += product);
        }
        for (i, sum) in rest.iter_mut().enumerate() {
            *sum += kernels::dot(column(done + i), right);
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
