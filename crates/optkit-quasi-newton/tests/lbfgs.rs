//! L-BFGS against its recursive definition.

mod common;

use common::{dense, random_matrix, random_vector, rng};
use nalgebra::{DMatrix, DVector};
use optkit_core::{Archive, Compact, Operator};
use optkit_quasi_newton::{Lbfgs, Learned, Reason};
use proptest::prelude::*;

fn fixed(cases: u32) -> ProptestConfig {
    let rng_seed = proptest::test_runner::RngSeed::Fixed(2000);
    ProptestConfig { cases, failure_persistence: None, rng_seed, ..ProptestConfig::default() }
}

/// BFGS by its definition, n×n, from γI.
fn recursive(n: usize, pairs: &[(DVector<f64>, DVector<f64>)]) -> DMatrix<f64> {
    let (s, y) = pairs.last().unwrap();
    let gamma = y.norm_squared() / s.dot(y);
    pairs.iter().fold(gamma * DMatrix::identity(n, n), |b, (s, y)| {
        let bs = &b * s;
        &b - &bs * bs.transpose() / s.dot(&bs) + y * y.transpose() / s.dot(y)
    })
}

proptest! {
    #![proptest_config(fixed(60))]

    #[test]
    fn the_compact_form_is_the_recursive_one_and_its_inverse_inverts_it(
        seed in 0_u64..1000, n in 3_usize..30, m in 1_usize..8, scale in -4.0..4.0_f64,
    ) {
        let mut rng = rng(seed);
        let a = random_matrix(n, n, &mut rng);
        let h = 10.0_f64.powf(scale) * (&a * a.transpose() + DMatrix::identity(n, n));
        let pairs: Vec<_> = (0..m + 2).map(|_| {
            let s = random_vector(n, &mut rng);
            (s.clone(), &h * s)
        }).collect();
        let mut b = Lbfgs::new(m);
        b.clear(n);
        for (s, y) in &pairs {
            prop_assert_eq!(b.learn(s.as_slice(), y.as_slice()), Learned::Stored);
        }
        let expected = recursive(n, &pairs[pairs.len() - m..]);
        let condition = expected.norm() * expected.clone().try_inverse().unwrap().norm();
        let error = (dense(&mut b) - &expected).norm() / expected.norm();
        prop_assert!(error < 1e-13 * condition, "{error:e} at condition {condition:e}");
        let g = random_vector(n, &mut rng);
        let (mut hg, mut back) = (vec![0.0; n], vec![0.0; n]);
        b.apply_inverse(g.as_slice(), &mut hg);
        b.apply(&hg, &mut back);
        let error = (DVector::from_vec(back) - &g).norm() / g.norm();
        prop_assert!(error < 1e-13 * condition, "{error:e} at condition {condition:e}");
    }
}

#[test]
fn pairs_without_curvature_are_skipped_and_counted() {
    let mut b = Lbfgs::new(3);
    b.clear(2);
    assert_eq!(b.learn(&[1.0, 0.0], &[-1.0, 0.0]), Learned::Skipped(Reason::Degenerate));
    assert_eq!(b.learn(&[1.0, 0.0], &[0.0, 1.0]), Learned::Skipped(Reason::Degenerate));
    assert_eq!(b.learn(&[0.0, 0.0], &[0.0, 1.0]), Learned::Skipped(Reason::NoStep));
    assert_eq!(b.learn(&[1.0, 0.0], &[f64::NAN, 1.0]), Learned::Skipped(Reason::NotFinite));
    assert_eq!((b.skips().total(), b.rank(), b.is_empty()), (4, 0, true));
    let (mut bv, mut hv) = ([0.0; 2], [0.0; 2]);
    b.apply(&[1.0, 2.0], &mut bv);
    b.apply_inverse(&[1.0, 2.0], &mut hv);
    assert_eq!((bv, hv), ([1.0, 2.0], [1.0, 2.0]));
}

#[test]
fn a_saved_matrix_is_the_same_bit_for_bit() {
    let mut rng = rng(5);
    let mut b = Lbfgs::new(3);
    b.clear(10);
    for _ in 0..5 {
        let s = random_vector(10, &mut rng);
        b.learn(s.as_slice(), (&s * 2.0 + 0.1 * random_vector(10, &mut rng)).as_slice());
    }
    let mut archive = Archive::default();
    b.save(&mut archive);
    let mut resumed = Lbfgs::new(3);
    resumed.clear(10);
    resumed.load(&archive).unwrap();
    assert_eq!(dense(&mut b), dense(&mut resumed));
}
