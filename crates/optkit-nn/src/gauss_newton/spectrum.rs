//! Symmetric positive semidefinite matrices by their eigenvectors: all of them, or the leading ones and one number for
//! the rest.
//!
//! ```text
//! M = U diag(σ) Uᵀ + ρ (I − UUᵀ),     ρ = (tr M − Σσ)/(width − rank)
//! ```
//!
//! Wide moments come as sketches Y = MΩ; U and σ are then those of their Nyström approximation, computed in the stable
//! way of Tropp, Yurtsever, Udell & Cevher (2017, Alg. 3).

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{ComputeEigenvectors, self_adjoint_evd, self_adjoint_evd_scratch};
use faer::{Par, Spec};
use optkit_quasi_newton::small::SymmetricEigen;
use rayon::prelude::*;

use super::moments::{RANK, Total, WIDE};
use crate::Scalar;
use crate::buffer::Buffer;
use crate::kernels::padded;

/// Eigenvectors and eigenvalues.
#[derive(Debug, Default)]
pub(crate) struct Spectrum<S> {
    pub(crate) width: usize,
    pub(crate) rank: usize,
    /// σ, of length `rank`, none negative.
    pub(crate) values: Vec<f64>,
    /// ρ; 0 where all eigenvectors are there.
    pub(crate) rest: f64,
    /// U, \[width, padded rank\].
    pub(crate) vectors: Buffer<S>,
    /// Uᵀ, \[rank, padded width\].
    pub(crate) transposed: Buffer<S>,
}

/// Rows that a thread takes at least.
const TOGETHER: usize = 64;

/// The largest order that comes in every iteration, which must allocate nothing: that of a whole moment with ones.
/// Beyond is the moment of the lowest layer's inputs, once: there faer is faster, and allocates.
const OFTEN: usize = WIDE + 1;

/// Room for decompositions, shared by those that come one after another.
#[derive(Default)]
pub(crate) struct Room {
    matrix: Vec<f64>,
    shifted: Vec<f64>,
    turned: Vec<f64>,
    eigen: SymmetricEigen,
    /// Of the one that is too large for it.
    vectors: Vec<f64>,
    values: Vec<f64>,
}

impl Room {
    /// Decompose the symmetric matrix of this order in `matrix`. False where it fails.
    fn decompose(&mut self, order: usize) -> bool {
        if order <= OFTEN {
            return self.eigen.decompose(order, &self.matrix);
        }
        if !optkit_core::vector::all_finite(&self.matrix) {
            return false;
        }
        let bytes =
            self_adjoint_evd_scratch::<f64>(order, ComputeEigenvectors::Yes, Par::Seq, Spec::default());
        self.vectors.resize(order * order, 0.0);
        self.values.resize(order, 0.0);
        self_adjoint_evd(
            faer::MatRef::from_column_major_slice(&self.matrix, order, order),
            faer::diag::DiagMut::from_slice_mut(&mut self.values),
            Some(faer::MatMut::from_column_major_slice_mut(&mut self.vectors, order, order)),
            Par::Seq,
            MemStack::new(&mut MemBuffer::new(bytes)),
            Spec::default(),
        )
        .is_ok()
    }

    /// Eigenvalue `i`, ascending, and its eigenvector, of the last matrix of this order.
    fn pair(&self, order: usize, i: usize) -> (f64, &[f64]) {
        if order <= OFTEN {
            (self.eigen.values()[i], self.eigen.vector(i))
        } else {
            (self.values[i], &self.vectors[i * order..(i + 1) * order])
        }
    }

    /// Give back what a decomposition of this order alone needs.
    fn release(&mut self, order: usize) {
        if order > OFTEN {
            (self.matrix, self.vectors, self.values) = Default::default();
        }
    }
}

impl<S: Scalar> Spectrum<S> {
    pub(crate) fn new(width: usize, rank: usize) -> Self {
        Self {
            width,
            rank,
            values: vec![0.0; rank],
            rest: 0.0,
            vectors: Buffer::new(width * padded(rank)),
            transposed: Buffer::new(rank * padded(width)),
        }
    }

    /// Of the 1×1 matrix `value`.
    pub(crate) fn one(value: f64) -> Self {
        let mut one = Self::new(1, 1);
        one.values[0] = value;
        one.vectors[0] = S::ONE;
        one.transposed[0] = S::ONE;
        one
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.rank == self.width
    }

    /// Of `moment`, rows and columns scaled by `scale(row)`; `test` is its Ω where it is a sketch. False where the
    /// moment is not finite.
    pub(crate) fn of(
        &mut self,
        moment: &Total,
        test: Option<&[S]>,
        scale: impl Fn(usize) -> f64,
        room: &mut Room,
    ) -> bool {
        match test {
            None => {
                let n = self.width;
                room.matrix.clear();
                let columns = moment.columns;
                let entry = |i: usize| {
                    let (r, c) = (i / n, i % n);
                    moment.entries[r * columns + c] * scale(r) * scale(c)
                };
                room.matrix.extend((0..n * n).map(entry));
                if !room.decompose(n) {
                    return false;
                }
                for j in 0..n {
                    let (value, vector) = room.pair(n, j);
                    self.values[j] = value.max(0.0);
                    for (i, &v) in vector.iter().enumerate() {
                        self.set(i, j, v);
                    }
                }
                room.release(n);
                self.rest = 0.0;
                true
            }
            Some(test) => self.nystrom(moment, test, &scale, room),
        }
    }

    fn set(&mut self, row: usize, column: usize, value: f64) {
        let (rank, width) = (padded(self.rank), padded(self.width));
        self.vectors[row * rank + column] = S::from_f64(value);
        self.transposed[column * width + row] = S::from_f64(value);
    }

    /// From Y = MΩ: with B = ΩᵀY = CᵀC and E = YC⁻¹, M ≈ EEᵀ, whose eigenvectors are E's left singular ones.
    fn nystrom(&mut self, moment: &Total, test: &[S], scale: &dyn Fn(usize) -> f64, room: &mut Room) -> bool {
        let (n, r) = (self.width, moment.columns);
        // Scaled: M' = TMT needs Ω' = T⁻¹Ω and Y' = TY.
        room.shifted.clear();
        room.shifted.extend(moment.entries.iter().enumerate().map(|(i, y)| y * scale(i / r)));
        let norm = room.shifted.iter().map(|y| y * y).sum::<f64>().sqrt();
        if !norm.is_finite() {
            return false;
        }
        // tr M' = tr TMT by Hutchinson's formula from the same signs: E ωᵀT Y' for Y' = TMω, the signs being independent.
        let trace = hutchinson(n, r, &room.shifted, &|i, j| test[i * r + j].to_f64() * scale(i));
        let omega = |i: usize, j: usize| test[i * r + j].to_f64() / scale(i);
        let shift = (1e-7 * norm).max(f64::MIN_POSITIVE);
        for i in 0..n {
            for j in 0..r {
                room.shifted[i * r + j] += shift * omega(i, j);
            }
        }
        gram(n, r, &omega, &room.shifted, &mut room.matrix);
        if !cholesky(r, &mut room.matrix) {
            return false;
        }
        // Rows of E: eᵢ C = yᵢ, C upper triangular.
        let (upper, shifted) = (&room.matrix, &mut room.shifted);
        shifted.par_chunks_exact_mut(r).with_min_len(TOGETHER).for_each(|row| {
            for k in 0..r {
                let entry = row[k] / upper[k * r + k];
                row[k] = entry;
                let both = row[k + 1..].iter_mut().zip(&upper[k * r + k + 1..(k + 1) * r]);
                both.for_each(|(y, c)| *y -= entry * c);
            }
        });
        let shifted = std::mem::take(&mut room.shifted);
        gram(n, r, &|i, j| shifted[i * r + j], &shifted, &mut room.matrix);
        let decomposed = room.decompose(r);
        if decomposed {
            self.turn(&shifted, shift, room);
            let leading: f64 = self.values.iter().sum();
            self.rest = ((trace - leading) / (n - r) as f64).max(0.0);
        }
        room.shifted = shifted;
        decomposed
    }

    /// σ, and U = EVΛ^(−½), from the rows of E and what `room` knows of EᵀE = VΛVᵀ.
    fn turn(&mut self, rows: &[f64], shift: f64, room: &mut Room) {
        let (r, columns, width) = (self.rank, padded(self.rank), padded(self.width));
        let mut turned = std::mem::take(&mut room.turned);
        turned.resize(r * r, 0.0);
        for j in 0..r {
            let (value, vector) = room.pair(r, j);
            self.values[j] = (value - shift).max(0.0);
            let length = value.max(f64::MIN_POSITIVE).sqrt();
            vector.iter().enumerate().for_each(|(k, v)| turned[k * r + j] = v / length);
        }
        let both = self.vectors.par_chunks_exact_mut(columns).zip(rows.par_chunks_exact(r));
        both.with_min_len(TOGETHER).for_each(|(to, row)| {
            let mut sums = [0.0; RANK];
            for (e, turned) in row.iter().zip(turned.chunks_exact(r)) {
                sums.iter_mut().zip(turned).for_each(|(sum, v)| *sum += e * v);
            }
            to.iter_mut().zip(&sums[..r]).for_each(|(to, &sum)| *to = S::from_f64(sum));
        });
        let vectors = &self.vectors;
        self.transposed.par_chunks_exact_mut(width).enumerate().for_each(|(j, to)| {
            to.iter_mut().zip(vectors.chunks_exact(columns)).for_each(|(to, row)| *to = row[j]);
        });
        room.turned = turned;
    }
}

/// tr M ≈ mean over j of ωⱼᵀyⱼ.
fn hutchinson(n: usize, r: usize, y: &[f64], omega: &dyn Fn(usize, usize) -> f64) -> f64 {
    let sum: f64 = (0..n).map(|i| (0..r).map(|j| omega(i, j) * y[i * r + j]).sum::<f64>()).sum();
    sum / r as f64
}

/// `to` ← ΩᵀY, made symmetric.
fn gram(n: usize, r: usize, omega: &dyn Fn(usize, usize) -> f64, y: &[f64], to: &mut Vec<f64>) {
    to.clear();
    to.resize(r * r, 0.0);
    for i in 0..n {
        let y = &y[i * r..(i + 1) * r];
        for j in 0..r {
            let w = omega(i, j);
            to[j * r..(j + 1) * r].iter_mut().zip(y).for_each(|(to, y)| *to += w * y);
        }
    }
    for i in 0..r {
        for j in 0..i {
            let mean = 0.5 * (to[i * r + j] + to[j * r + i]);
            to[i * r + j] = mean;
            to[j * r + i] = mean;
        }
    }
}

/// A = LLᵀ, L in A's lower triangle and Lᵀ in its upper one; false where A is not positive definite.
fn cholesky(n: usize, a: &mut [f64]) -> bool {
    for j in 0..n {
        for k in 0..j {
            let factor = a[j * n + k];
            for i in j..n {
                a[i * n + j] -= factor * a[i * n + k];
            }
        }
        if a[j * n + j].is_nan() || a[j * n + j] <= 0.0 {
            return false;
        }
        let pivot = a[j * n + j].sqrt();
        (j..n).for_each(|i| a[i * n + j] /= pivot);
    }
    for i in 0..n {
        (0..i).for_each(|j| a[j * n + i] = a[i * n + j]);
    }
    true
}
