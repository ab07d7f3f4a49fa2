//! Eigenvalues and eigenvectors of symmetric m×m matrices, m the memory of a limited-memory method or the number of
//! variables of a small problem.
//!
//! faer's decomposition on memory of our own: nothing is allocated once the largest order has been seen. Measured
//! against nalgebra's, which allocates in every call: orders 5, 10, 20 and 40 took 3.5, 7.8, 37 and 200 μs with faer
//! (without its wide instructions, so that the bits are the same on every processor) and 2.0, 4.3, 17 and 120 μs with
//! nalgebra. A pair takes one or two of them: a few microseconds are the price of iterations that allocate nothing.
//! Beyond 32 rows faer's products allocate, and `tridiagonal` takes over.

mod tridiagonal;

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{ComputeEigenvectors, self_adjoint_evd, self_adjoint_evd_scratch};
use faer::{Par, Spec};

use self::tridiagonal::Tridiagonal;

/// The largest order of which faer allocates nothing.
const FAER: usize = 32;

/// A = VΛVᵀ.
///
/// ```
/// use optkit_quasi_newton::small::SymmetricEigen;
/// let mut eigen = SymmetricEigen::default();
/// assert!(eigen.decompose(2, &[0.0, 2.0, 2.0, 0.0]));
/// assert!((eigen.values()[0] + 2.0).abs() < 1e-14 && (eigen.values()[1] - 2.0).abs() < 1e-14);
/// ```
#[derive(Default)]
pub struct SymmetricEigen {
    order: usize,
    values: Vec<f64>,
    vectors: Vec<f64>,
    scratch: Option<MemBuffer>,
    tridiagonal: Tridiagonal,
    room: usize,
}

impl std::fmt::Debug for SymmetricEigen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SymmetricEigen").field("values", &self.values()).finish_non_exhaustive()
    }
}

impl SymmetricEigen {
    /// Make room for matrices of this order.
    pub fn reserve(&mut self, order: usize) {
        if order > self.room {
            let small = order.min(FAER);
            let bytes =
                self_adjoint_evd_scratch::<f64>(small, ComputeEigenvectors::Yes, Par::Seq, Spec::default());
            self.scratch = Some(MemBuffer::new(bytes));
            if order > FAER {
                self.tridiagonal.reserve(order);
            }
            self.room = order;
            self.values.resize(order, 0.0);
            self.vectors.resize(order * order, 0.0);
        }
    }

    /// Decompose the symmetric matrix `a` of this order, given by columns. False where it is not finite or the
    /// iteration fails; values and vectors then mean nothing.
    #[must_use]
    pub fn decompose(&mut self, order: usize, a: &[f64]) -> bool {
        assert_eq!(a.len(), order * order, "decompose: the matrix has another order");
        self.reserve(order);
        self.order = order;
        if order == 0 || !optkit_core::vector::all_finite(a) {
            return order == 0;
        }
        let (values, vectors) = (&mut self.values[..order], &mut self.vectors[..order * order]);
        if order > FAER {
            return self.tridiagonal.decompose(order, a, values, vectors);
        }
        let scratch = self.scratch.as_mut().expect("`reserve` made it");
        self_adjoint_evd(
            faer::MatRef::from_column_major_slice(a, order, order),
            faer::diag::DiagMut::from_slice_mut(values),
            Some(faer::MatMut::from_column_major_slice_mut(vectors, order, order)),
            Par::Seq,
            MemStack::new(scratch),
            Spec::default(),
        )
        .is_ok()
    }

    /// Λ, ascending.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values[..self.order]
    }

    /// Column i of V.
    #[must_use]
    pub fn vector(&self, i: usize) -> &[f64] {
        &self.vectors[i * self.order..(i + 1) * self.order]
    }
}

#[cfg(test)]
mod tests;
