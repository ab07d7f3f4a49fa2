//! Random matrices and vectors of fixed seeds.
#![allow(dead_code, unreachable_pub)] // each test file uses some

use nalgebra::{DMatrix, DVector};
use optkit_core::Operator;

/// SplitMix64, values in (−1, 1).
pub struct Rng(u64);

pub fn rng(seed: u64) -> Rng {
    Rng(seed)
}

impl Rng {
    pub fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }
}

pub fn random_vector(n: usize, rng: &mut Rng) -> DVector<f64> {
    DVector::from_fn(n, |_, _| rng.uniform())
}

pub fn random_matrix(n: usize, m: usize, rng: &mut Rng) -> DMatrix<f64> {
    DMatrix::from_fn(n, m, |_, _| rng.uniform())
}

/// B, column by column.
pub fn dense(b: &mut dyn Operator) -> DMatrix<f64> {
    let n = b.compact().unwrap().dim();
    let mut columns = DMatrix::zeros(n, n);
    for j in 0..n {
        let mut unit = vec![0.0; n];
        unit[j] = 1.0;
        b.apply(&unit, columns.column_mut(j).as_mut_slice());
    }
    columns
}
