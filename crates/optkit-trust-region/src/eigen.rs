//! Eigenvalues and eigenvectors of a dense symmetric matrix, in buffers that are kept.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{ComputeEigenvectors, self_adjoint_evd, self_adjoint_evd_scratch};
use faer::{ColMut, MatMut, MatRef, Par};

/// A = QΛQᵀ, all matrices by columns.
#[derive(Default)]
pub(crate) struct Eigen {
    order: usize,
    matrix: Vec<f64>,
    values: Vec<f64>,
    vectors: Vec<f64>,
    scratch: Option<MemBuffer>,
}

impl std::fmt::Debug for Eigen {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Eigen").field("order", &self.order).finish_non_exhaustive()
    }
}

impl Eigen {
    /// Room for matrices of order n.
    pub(crate) fn resize(&mut self, n: usize) {
        if self.order == n && self.scratch.is_some() {
            return;
        }
        self.order = n;
        self.matrix.resize(n * n, 0.0);
        self.vectors.resize(n * n, 0.0);
        self.values.resize(n, 0.0);
        let needed =
            self_adjoint_evd_scratch::<f64>(n, ComputeEigenvectors::Yes, Par::Seq, Default::default());
        self.scratch = Some(MemBuffer::new(needed));
    }

    /// Column j of A, to be written.
    pub(crate) fn column_mut(&mut self, j: usize) -> &mut [f64] {
        &mut self.matrix[j * self.order..][..self.order]
    }

    /// Takes A apart; its two triangles are averaged first. What is not finite gives what is not finite.
    pub(crate) fn decompose(&mut self) {
        let n = self.order;
        for j in 0..n {
            for i in j + 1..n {
                let mean = f64::midpoint(self.matrix[i + j * n], self.matrix[j + i * n]);
                self.matrix[i + j * n] = mean;
            }
        }
        let stack = MemStack::new(self.scratch.as_mut().expect("`resize` comes first"));
        // The lower triangle is read.
        let done = self_adjoint_evd(
            MatRef::from_column_major_slice(&self.matrix, n, n),
            ColMut::from_slice_mut(&mut self.values).as_diagonal_mut(),
            Some(MatMut::from_column_major_slice_mut(&mut self.vectors, n, n)),
            Par::Seq,
            stack,
            Default::default(),
        );
        if done.is_err() {
            self.values.fill(f64::NAN);
            self.vectors.fill(f64::NAN);
        }
    }

    /// λ, ascending.
    pub(crate) fn values(&self) -> &[f64] {
        &self.values
    }

    /// Eigenvector j.
    pub(crate) fn vector(&self, j: usize) -> &[f64] {
        &self.vectors[j * self.order..][..self.order]
    }
}
