//! A part's curvature on the Krylov space of its gradient, K = RᵢHRᵢᵀ being known by products alone.
//!
//! ```text
//! KQ ≈ QT,  T tridiagonal = VΘVᵀ          Lanczos' method, orthogonalised anew (Golub & Van Loan 2013, Alg. 10.1.1, §10.3)
//! s(μ) = −QV(|Θ| + μδ)⁻¹Vᵀe₁‖g‖            for all μ from one basis
//! ```
//!
//! Magnitudes of the eigenvalues make s a descent direction where H is not positive definite, and long along what is
//! flat (Dauphin et al. 2014). A part of no more variables than [`MOST`] is solved exactly.

use optkit_core::vector::{dot, norm2};
use optkit_quasi_newton::small::SymmetricEigen;

/// Vectors of a basis at the most.
pub(super) const MOST: usize = 20;
/// The space is invariant where the next vector is shorter, of the largest entry of T.
const INVARIANT: f64 = 1e-12;

/// Writes Kv at x into the last argument: (x, v, Kv).
pub(super) type Apply<'a> = dyn FnMut(&[f64], &[f64], &mut [f64]) + 'a;

/// The basis and what is known on it.
#[derive(Debug)]
pub(super) struct Krylov {
    /// Where K is taken, and the gradient.
    pub(super) point: Vec<f64>,
    pub(super) gradient: Vec<f64>,
    /// Q, by columns; T, and room.
    basis: Vec<f64>,
    tridiagonal: Vec<f64>,
    next: Vec<f64>,
    weights: Vec<f64>,
    eigen: SymmetricEigen,
    /// Columns of Q that there are; 0 where the gradient is zero.
    steps: usize,
    norm: f64,
    /// False where a product was not finite.
    is_known: bool,
}

impl Krylov {
    /// Room for a part of `len` variables.
    pub(super) fn new(len: usize) -> Self {
        let most = MOST.min(len);
        let mut eigen = SymmetricEigen::default();
        eigen.reserve(most);
        Self {
            point: vec![0.0; len],
            gradient: vec![0.0; len],
            basis: vec![0.0; len * most],
            tridiagonal: vec![0.0; most * most],
            next: vec![0.0; len],
            weights: vec![0.0; most],
            eigen,
            steps: 0,
            norm: 0.0,
            is_known: true,
        }
    }

    /// Lanczos' method from the gradient; `apply(x, v, to)` writes Kv at x into `to`.
    pub(super) fn build(&mut self, apply: &mut Apply<'_>) {
        let Self { point, gradient, basis, tridiagonal, next, eigen, .. } = self;
        let len = gradient.len();
        self.norm = norm2(gradient);
        (self.steps, self.is_known) = (0, self.norm.is_finite());
        if self.norm == 0.0 || !self.is_known {
            return;
        }
        let most = MOST.min(len);
        tridiagonal.fill(0.0);
        basis[..len].iter_mut().zip(&*gradient).for_each(|(q, g)| *q = g / self.norm);
        let (mut steps, mut largest) = (0, 0.0_f64);
        loop {
            let (known, rest) = basis.split_at_mut((steps + 1) * len);
            let column = &known[steps * len..];
            apply(point, column, next);
            let diagonal = dot(column, next);
            tridiagonal[steps * most + steps] = diagonal;
            largest = largest.max(diagonal.abs());
            steps += 1;
            // Twice is enough (Parlett 1998, §6.9).
            for _ in 0..2 {
                for q in known.chunks_exact(len) {
                    let along = dot(q, next);
                    next.iter_mut().zip(q).for_each(|(w, q)| *w -= along * q);
                }
            }
            let beside = norm2(next);
            if steps == most || beside.is_nan() || beside <= INVARIANT * largest {
                break;
            }
            largest = largest.max(beside);
            tridiagonal[steps * most + steps - 1] = beside;
            tridiagonal[(steps - 1) * most + steps] = beside;
            rest[..len].iter_mut().zip(&*next).for_each(|(q, w)| *q = w / beside);
        }
        // T among rows of `most` entries → rows of `steps`.
        for row in 1..steps {
            tridiagonal.copy_within(row * most..row * most + steps, row * steps);
        }
        self.is_known = eigen.decompose(steps, &tridiagonal[..steps * steps]);
        self.steps = steps;
    }

    /// Mean of |Θ|; 0 where the gradient is zero.
    pub(super) fn mean_curvature(&self) -> f64 {
        if self.steps == 0 || !self.is_known {
            return 0.0;
        }
        self.eigen.values().iter().map(|value| value.abs()).sum::<f64>() / self.steps as f64
    }

    /// ‖s‖² in the 2-norm, with `shift` = μδ.
    pub(super) fn squared_length(&self, shift: f64) -> f64 {
        if !self.is_known {
            return f64::INFINITY;
        }
        (0..self.steps).map(|j| self.along(j, shift).powi(2)).sum()
    }

    /// s into `step`; NaN where a product was not finite.
    pub(super) fn step(&mut self, shift: f64, step: &mut [f64]) {
        step.fill(if self.is_known { 0.0 } else { f64::NAN });
        if self.steps == 0 || !self.is_known {
            return;
        }
        self.weights.fill(0.0);
        for j in 0..self.steps {
            let along = self.along(j, shift);
            self.weights.iter_mut().zip(self.eigen.vector(j)).for_each(|(w, v)| *w += along * v);
        }
        for (q, w) in self.basis.chunks_exact(step.len()).zip(&self.weights[..self.steps]) {
            step.iter_mut().zip(q).for_each(|(s, q)| *s -= w * q);
        }
    }

    /// The entry of (|Θ| + μδ)⁻¹Vᵀe₁‖g‖ at eigenvector j.
    fn along(&self, j: usize, shift: f64) -> f64 {
        self.norm * self.eigen.vector(j)[0] / (self.eigen.values()[j].abs() + shift)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// diag(1, −2, 4) with g = (1, 1, 1) and a shift of ½: −gᵢ/(|Kᵢᵢ| + ½).
    #[test]
    fn a_small_part_is_solved_exactly_with_magnitudes() {
        let mut krylov = Krylov::new(3);
        krylov.gradient.fill(1.0);
        krylov.build(&mut |_, v, to| to.copy_from_slice(&[v[0], -2.0 * v[1], 4.0 * v[2]]));
        let mut step = [0.0; 3];
        krylov.step(0.5, &mut step);
        for (s, expected) in step.iter().zip([-1.0 / 1.5, -1.0 / 2.5, -1.0 / 4.5]) {
            assert!((s - expected).abs() < 1e-13, "{step:?}");
        }
        let squares: f64 = step.iter().map(|s| s * s).sum();
        assert!((krylov.squared_length(0.5) - squares).abs() < 1e-13);
        assert!((krylov.mean_curvature() - 7.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn what_is_not_finite_is_no_step() {
        let mut krylov = Krylov::new(2);
        krylov.gradient.fill(1.0);
        krylov.build(&mut |_, _, to| to.fill(f64::NAN));
        let mut step = [0.0; 2];
        krylov.step(1.0, &mut step);
        assert!(step.iter().all(|s| s.is_nan()) && krylov.squared_length(1.0).is_infinite());
    }
}
