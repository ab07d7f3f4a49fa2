//! Eigenvalues and eigenvectors of symmetric matrices by tridiagonal form (Golub & Van Loan, *Matrix Computations*,
//! 4th ed., Alg. 8.3.1–8.3.3): A = QTQᵀ by Householder reflections, T = UΛUᵀ by implicit QR steps with Wilkinson's
//! shift, whose rotations are applied to Q.
//!
//! faer's is faster from some hundred rows on, for its products are blocked, and allocates in every one of them, which
//! no parameter of it prevents. Here nothing is allocated after the first call of an order. Rotations are gathered and
//! applied to a panel of rows at a time, which stays in the second-level cache; columns and panels are shared out to
//! threads, and no sum depends on their number.

use rayon::prelude::*;

use crate::kernels::{axpy, dot, rotate};

/// Rows of a panel: with a thousand columns, half a megabyte.
const PANEL: usize = 64;
/// Smaller matrices are not worth waking a thread for.
const PARALLEL: usize = 200;
/// QR steps an eigenvalue; two to three are usual.
const STEPS: usize = 30;

/// A rotation of columns `at` and `at + 1`.
#[derive(Clone, Copy, Debug)]
struct Rotation {
    at: usize,
    cosine: f64,
    sine: f64,
}

/// The buffers of a decomposition.
#[derive(Debug, Default)]
pub(super) struct Tridiagonal {
    /// A, by columns; the reflections' vectors take the place of what they eliminate.
    a: Vec<f64>,
    /// Q, by panels of rows, each by columns.
    panels: Vec<f64>,
    /// The diagonals of T.
    diagonal: Vec<f64>,
    beside: Vec<f64>,
    /// 2/‖v‖² of the reflections.
    factors: Vec<f64>,
    vector: Vec<f64>,
    product: Vec<f64>,
    rotations: Vec<Rotation>,
    order: Vec<usize>,
}

impl Tridiagonal {
    /// Room for matrices of this order.
    pub(super) fn reserve(&mut self, n: usize) {
        for (buffer, length) in [
            (&mut self.a, n * n),
            (&mut self.panels, n * n),
            (&mut self.diagonal, n),
            (&mut self.beside, n),
            (&mut self.factors, n),
            (&mut self.vector, n),
            (&mut self.product, n),
        ] {
            if buffer.len() < length {
                buffer.resize(length, 0.0);
            }
        }
        self.rotations.reserve((4 * n).saturating_sub(self.rotations.len()));
        self.order.reserve(n.saturating_sub(self.order.len()));
    }

    /// Λ ascending and V, by columns. False where the iteration fails.
    pub(super) fn decompose(&mut self, n: usize, a: &[f64], values: &mut [f64], vectors: &mut [f64]) -> bool {
        self.reserve(n);
        self.a[..n * n].copy_from_slice(a);
        self.reduce(n);
        self.form_q(n, vectors);
        if !self.iterate(n) {
            return false;
        }
        self.order.clear();
        self.order.extend(0..n);
        let diagonal = &self.diagonal;
        self.order.sort_unstable_by(|&i, &j| diagonal[i].total_cmp(&diagonal[j]).then(i.cmp(&j)));
        for (at, &from) in self.order.iter().enumerate() {
            values[at] = diagonal[from];
            let column = vectors[at * n..(at + 1) * n].chunks_mut(PANEL);
            for (rows, panel) in column.zip(self.panels[..n * n].chunks(PANEL * n)) {
                rows.copy_from_slice(&panel[from * rows.len()..][..rows.len()]);
            }
        }
        true
    }

    /// A ← QᵀAQ, tridiagonal: its diagonals, and the reflections below them in `a`.
    fn reduce(&mut self, n: usize) {
        let (a, vector, product) = (&mut self.a[..n * n], &mut self.vector, &mut self.product);
        for k in 0..n {
            self.diagonal[k] = a[k * n + k];
            let (head, rest) = a.split_at_mut((k + 1) * n);
            let column = &mut head[k * n + k + 1..];
            let (v, p) = (&mut vector[..column.len()], &mut product[..column.len()]);
            let (factor, below) = reflection(column);
            (self.factors[k], self.beside[k]) = (factor, below);
            if factor == 0.0 {
                continue;
            }
            v.copy_from_slice(column);
            // A ← A − vwᵀ − wvᵀ with w = p − ½(2/‖v‖²)(pᵀv)v, p = (2/‖v‖²)Av.
            let columns = rest.par_chunks(n).with_min_len(together(n));
            p.par_iter_mut().zip(columns).for_each(|(p, a)| *p = factor * dot(&a[k + 1..], v));
            let half = -0.5 * factor * dot(p, v);
            axpy(half, v, p);
            let (v, p) = (&*v, &*p);
            rest.par_chunks_mut(n).with_min_len(together(n)).enumerate().for_each(|(j, a)| {
                axpy(-p[j], v, &mut a[k + 1..]);
                axpy(-v[j], p, &mut a[k + 1..]);
            });
        }
    }

    /// Q, the product of the reflections, first into `q` and from there into the panels.
    fn form_q(&mut self, n: usize, q: &mut [f64]) {
        q.fill(0.0);
        q.iter_mut().step_by(n + 1).for_each(|diagonal| *diagonal = 1.0);
        for k in (0..n).rev().filter(|&k| self.factors[k] != 0.0) {
            let v = &self.a[k * n + k + 1..(k + 1) * n];
            let factor = self.factors[k];
            q[(k + 1) * n..].par_chunks_mut(n).with_min_len(together(n)).for_each(|column| {
                let column = &mut column[k + 1..];
                axpy(-factor * dot(v, column), v, column);
            });
        }
        for (p, panel) in self.panels[..n * n].chunks_mut(PANEL * n).enumerate() {
            let height = panel.len() / n;
            for (rows, column) in panel.chunks_mut(height).zip(q.chunks(n)) {
                rows.copy_from_slice(&column[p * PANEL..][..height]);
            }
        }
    }

    /// T ← UᵀTU, diagonal, and Q ← QU. False where an eigenvalue does not come out.
    fn iterate(&mut self, n: usize) -> bool {
        self.rotations.clear();
        // What is dropped, and what a step's own rounding leaves where entries are far smaller than others.
        let largest = optkit_core::vector::norm_inf(&self.diagonal[..n])
            .max(optkit_core::vector::norm_inf(&self.beside[..n - 1]));
        let negligible = |k: usize, beside: &[f64]| beside[k].abs() <= f64::EPSILON * largest;
        let (mut end, mut steps) = (n, 0);
        while end > 1 {
            let e = &mut self.beside;
            if negligible(end - 2, e) {
                e[end - 2] = 0.0;
                (end, steps) = (end - 1, 0);
                continue;
            }
            // The lowest block [start, end) without such an entry.
            let start = (0..end - 2).rev().find(|&k| negligible(k, e)).map_or(0, |k| k + 1);
            steps += 1;
            if steps > STEPS {
                return false;
            }
            if self.rotations.len() + n > self.rotations.capacity() {
                self.apply(n);
            }
            self.qr_step(start, end);
        }
        self.apply(n);
        true
    }

    /// An implicit QR step on the block [start, end) of T.
    fn qr_step(&mut self, start: usize, end: usize) {
        let (d, e) = (&mut self.diagonal, &mut self.beside);
        let last = end - 1;
        // The eigenvalue of the last 2×2 block that is nearer to its last entry.
        let (half, off) = (0.5 * (d[last - 1] - d[last]), e[last - 1]);
        let shift = d[last] - off * (off / (half + half.hypot(off).copysign(half)));
        let (mut x, mut z) = (d[start] - shift, e[start]);
        for k in start..last {
            let r = x.hypot(z);
            let (c, s) = if r == 0.0 { (1.0, 0.0) } else { (x / r, z / r) };
            if k > start {
                e[k - 1] = r;
            }
            let (a, b, g) = (d[k], e[k], d[k + 1]);
            let twice = 2.0 * c * s * b;
            d[k] = c * c * a + twice + s * s * g;
            d[k + 1] = s * s * a - twice + c * c * g;
            e[k] = c * s * (g - a) + (c * c - s * s) * b;
            x = e[k];
            if k + 1 < last {
                z = s * e[k + 1];
                e[k + 1] *= c;
            }
            self.rotations.push(Rotation { at: k, cosine: c, sine: s });
        }
    }

    /// Q ← Q times the rotations gathered.
    fn apply(&mut self, n: usize) {
        let rotations = &self.rotations;
        let together = if n < PARALLEL { n } else { 1 };
        self.panels[..n * n].par_chunks_mut(PANEL * n).with_min_len(together).for_each(|panel| {
            let height = panel.len() / n;
            for Rotation { at, cosine, sine } in rotations {
                let (left, right) = panel[at * height..(at + 2) * height].split_at_mut(height);
                rotate(*cosine, *sine, left, right);
            }
        });
        self.rotations.clear();
    }
}

/// Columns that a thread takes at least.
fn together(n: usize) -> usize {
    if n < PARALLEL { n.max(1) } else { 16 }
}

/// x ← v with (I − (2/‖v‖²)vvᵀ)x = αe₁; returns 2/‖v‖², zero where nothing is to be done, and α.
fn reflection(x: &mut [f64]) -> (f64, f64) {
    let Some((first, rest)) = x.split_first_mut() else { return (0.0, 0.0) };
    let largest = optkit_core::vector::norm_inf(rest);
    if largest == 0.0 {
        return (0.0, *first);
    }
    let scale = largest.max(first.abs());
    *first /= scale;
    rest.iter_mut().for_each(|v| *v /= scale);
    let squares = dot(rest, rest);
    let alpha = -(*first * *first + squares).sqrt().copysign(*first);
    *first -= alpha;
    (2.0 / (*first * *first + squares), scale * alpha)
}
