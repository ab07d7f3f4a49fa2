//! Families of matrices.

use nalgebra::{DMatrix, DVector};

use super::oracle::Matrix;

/// SplitMix64, values in (−1, 1).
pub struct Rng(pub u64);

impl Rng {
    pub fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }
    pub fn vector(&mut self, n: usize) -> DVector<f64> {
        DVector::from_fn(n, |_, _| self.uniform())
    }
    pub fn matrix(&mut self, n: usize, m: usize) -> DMatrix<f64> {
        DMatrix::from_fn(n, m, |_, _| self.uniform())
    }
    pub fn symmetric(&mut self, m: usize) -> DMatrix<f64> {
        let a = self.matrix(m, m);
        &a + a.transpose()
    }
    pub fn orthonormal(&mut self, n: usize, m: usize) -> DMatrix<f64> {
        self.matrix(n, m).qr().q()
    }
}

/// A matrix with these eigenvalues beside γ, and the eigenvectors that belong to them.
pub fn with_spectrum(n: usize, gamma: f64, values: &[f64], rng: &mut Rng) -> (Matrix, DMatrix<f64>) {
    let m = values.len();
    let p = rng.orthonormal(n, m);
    // Ψ = PT and M = T⁻¹(Λ − γ)T⁻ᵀ, T of condition below 10.
    let t = rng.orthonormal(m, m) * (DMatrix::identity(m, m) + 0.3 * rng.orthonormal(m, m));
    let inverse = t.clone().try_inverse().expect("of condition below 10");
    let shifted = DMatrix::from_diagonal(&DVector::from_fn(m, |i, _| values[i] - gamma));
    let middle = &inverse * shifted * inverse.transpose();
    (Matrix::new(gamma, &p * t, 0.5 * (&middle + middle.transpose())), p)
}

/// Columns that differ by `distance`, M of any sign.
pub fn near_parallel(n: usize, m: usize, distance: f64, rng: &mut Rng) -> Matrix {
    let base = rng.vector(n);
    let psi = DMatrix::from_fn(n, m, |i, _| base[i] + distance * rng.uniform()) / (n as f64).sqrt();
    Matrix::new(rng.uniform() + 1.5, psi, rng.symmetric(m))
}

/// Columns of lengths from 10⁻⁸ to 10⁸, M scaled to match.
pub fn badly_scaled(n: usize, m: usize, rng: &mut Rng) -> Matrix {
    let scales: Vec<f64> = (0..m).map(|_| 10.0_f64.powf(8.0 * rng.uniform())).collect();
    let psi = rng.matrix(n, m) / (n as f64).sqrt();
    let middle = rng.symmetric(m);
    Matrix::new(
        rng.uniform(),
        DMatrix::from_fn(n, m, |i, j| psi[(i, j)] * scales[j]),
        DMatrix::from_fn(m, m, |i, j| middle[(i, j)] / (scales[i] * scales[j])),
    )
}

/// The pairs of exact steepest descent on a quadratic: they turn into two directions.
pub fn steepest_descent(n: usize, count: usize, condition: f64) -> Vec<(Vec<f64>, Vec<f64>)> {
    let curvature = DVector::from_fn(n, |i, _| condition.powf(i as f64 / (n - 1) as f64));
    let mut x = DVector::from_element(n, 1.0);
    (0..count)
        .map(|_| {
            let g = curvature.component_mul(&x);
            let t = g.norm_squared() / g.dot(&curvature.component_mul(&g));
            let s = -t * &g;
            x += &s;
            let y = curvature.component_mul(&s);
            (s.as_slice().to_vec(), y.as_slice().to_vec())
        })
        .collect()
}
