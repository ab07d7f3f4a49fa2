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

use super::moments::Total;
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

/// Room for decompositions, shared by those that come one after another.
#[derive(Default)]
pub(crate) struct Room {
    matrix: Vec<f64>,
    vectors: Vec<f64>,
    values: Vec<f64>,
    shifted: Vec<f64>,
    scratch: Option<MemBuffer>,
    order: usize,
}

impl Room {
    /// Eigenvalues, ascending, into `values` and eigenvectors, by columns, into `vectors`, of the symmetric matrix of
    /// this order in `matrix`. False where it fails.
    fn decompose(&mut self, order: usize) -> bool {
        if order > self.order {
            let bytes =
                self_adjoint_evd_scratch::<f64>(order, ComputeEigenvectors::Yes, Par::Seq, Spec::default());
            self.scratch = Some(MemBuffer::new(bytes));
            self.order = order;
        }
        self.vectors.resize(order * order, 0.0);
        self.values.resize(order, 0.0);
        if !optkit_core::vector::all_finite(&self.matrix) {
            return false;
        }
        let Some(scratch) = &mut self.scratch else { return false };
        self_adjoint_evd(
            faer::MatRef::from_column_major_slice(&self.matrix, order, order),
            faer::diag::DiagMut::from_slice_mut(&mut self.values),
            Some(faer::MatMut::from_column_major_slice_mut(&mut self.vectors, order, order)),
            Par::Seq,
            MemStack::new(scratch),
            Spec::default(),
        )
        .is_ok()
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
                for (j, value) in room.values.iter().enumerate() {
                    self.values[j] = value.max(0.0);
                    for (i, &v) in room.vectors[j * n..(j + 1) * n].iter().enumerate() {
                        self.set(i, j, v);
                    }
                }
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
        // Rows of E: eᵢ C = yᵢ, C upper triangular, its transpose L in the lower triangle of `matrix`.
        for row in room.shifted.chunks_exact_mut(r) {
            for j in 0..r {
                let sum: f64 = (0..j).map(|k| row[k] * room.matrix[j * r + k]).sum();
                row[j] = (row[j] - sum) / room.matrix[j * r + j];
            }
        }
        let shifted = std::mem::take(&mut room.shifted);
        gram(n, r, &|i, j| shifted[i * r + j], &shifted, &mut room.matrix);
        let decomposed = room.decompose(r);
        if decomposed {
            for j in 0..r {
                let value = room.values[j];
                self.values[j] = (value - shift).max(0.0);
                let length = value.max(f64::MIN_POSITIVE).sqrt();
                let vector = &room.vectors[j * r..(j + 1) * r];
                for i in 0..n {
                    let row = &shifted[i * r..(i + 1) * r];
                    let sum: f64 = row.iter().zip(vector).map(|(e, v)| e * v).sum();
                    self.set(i, j, sum / length);
                }
            }
            let leading: f64 = self.values.iter().sum();
            self.rest = ((trace - leading) / (n - r) as f64).max(0.0);
        }
        room.shifted = shifted;
        decomposed
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

/// L of A = LLᵀ in A's lower triangle; false where A is not positive definite.
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
    true
}
