//! L-SR1 against its recursive definition, the theory, and bad input.

mod common;

use common::{dense, random_matrix, random_vector, rng};
use nalgebra::{DMatrix, DVector};
use optkit_core::{Archive, Compact, Operator};
use optkit_quasi_newton::{GammaRule, Learned, Lsr1, Reason, Settings};
use proptest::prelude::*;

fn of_fixed_gamma(memory: usize, gamma: f64) -> Lsr1 {
    Lsr1::new(Settings { memory, gamma: GammaRule::Fixed(gamma), ..Settings::default() }).unwrap()
}

/// SR1 by its definition, n×n.
fn recursive(gamma: f64, n: usize, pairs: &[(DVector<f64>, DVector<f64>)]) -> DMatrix<f64> {
    pairs.iter().fold(gamma * DMatrix::identity(n, n), |b, (s, y)| {
        let r = y - &b * s;
        &b + &r * r.transpose() / r.dot(s)
    })
}

fn fixed(cases: u32) -> ProptestConfig {
    let rng_seed = proptest::test_runner::RngSeed::Fixed(2000);
    ProptestConfig { cases, failure_persistence: None, rng_seed, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(fixed(40))]

    #[test]
    fn the_compact_form_is_the_recursive_one(seed in 0_u64..1000, n in 3_usize..40, m in 1_usize..8, gamma in 0.1..3.0) {
        let mut rng = rng(seed);
        let h = { let a = random_matrix(n, n, &mut rng); &a + a.transpose() };
        let pairs: Vec<_> = (0..m.min(n - 1)).map(|_| {
            let s = random_vector(n, &mut rng);
            (s.clone(), &h * s)
        }).collect();
        let mut b = of_fixed_gamma(m, gamma);
        b.clear(n);
        for (s, y) in &pairs {
            prop_assert_eq!(b.learn(s.as_slice(), y.as_slice(), 1e-16), Learned::Stored);
        }
        let expected = recursive(gamma, n, &pairs);
        let scale = expected.norm() * b.middle().iter().fold(1.0_f64, |a, v| a.max(v.abs())) ;
        prop_assert!((dense(&mut b) - expected).norm() <= 1e-12 * scale.max(1.0) * n as f64);
    }

    #[test]
    fn every_pair_of_a_quadratic_is_kept_exactly(seed in 0_u64..1000, n in 2_usize..9) {
        let mut rng = rng(seed);
        let h = { let a = random_matrix(n, n, &mut rng); &a + a.transpose() };
        for gamma in [GammaRule::Newest, GammaRule::BelowEigenvalue, GammaRule::Fixed(1.0)] {
            let mut b = Lsr1::new(Settings { memory: 20, gamma, ..Settings::default() }).unwrap();
            b.clear(n);
            for _ in 0..2 * n {
                let s = random_vector(n, &mut rng);
                b.learn(s.as_slice(), (&h * s.clone()).as_slice(), 1e-13);
            }
            let error = (dense(&mut b) - &h).norm() / h.norm();
            prop_assert!(error < 1e-6, "{error:e} with {gamma:?}, {:?}", b.skips());
        }
    }
}

#[test]
fn what_is_skipped_is_counted_by_reason() {
    let mut b = of_fixed_gamma(3, 1.0);
    b.clear(2);
    let skipped = |reason| Learned::Skipped(reason);
    assert_eq!(b.learn(&[1.0, f64::NAN], &[1.0, 0.0], 0.0), skipped(Reason::NotFinite));
    assert_eq!(b.learn(&[1.0, 0.0], &[f64::INFINITY, 0.0], 0.0), skipped(Reason::NotFinite));
    assert_eq!(b.learn(&[0.0, 0.0], &[1.0, 0.0], 0.0), skipped(Reason::NoStep));
    assert!(b.is_empty());
    // The first pair is always taken in; that γI is right already is news.
    assert_eq!(b.learn(&[1.0, 2.0], &[1.0, 2.0], 0.0), Learned::Stored);
    assert!(!b.is_empty() && b.rank() == 0);
    assert_eq!(b.learn(&[1.0, 2.0], &[1.0, 2.0], 0.0), skipped(Reason::Known));
    assert_eq!(b.learn(&[1.0, 0.0], &[1.0, 1.0], 0.0), skipped(Reason::Degenerate));
    assert_eq!(b.learn(&[1.0, 0.0], &[3.0, 1.0], 0.0), Learned::Stored);
    let skips = b.skips();
    assert_eq!(skips.total(), 5);
    assert_eq!((skips.of(Reason::NotFinite), skips.of(Reason::Degenerate)), (2, 1));
    b.clear(2);
    assert_eq!((b.skips().total(), b.rank()), (0, 0));
}

#[test]
fn settings_out_of_range_are_named() {
    for (settings, word) in [
        (Settings { memory: 0, ..Settings::default() }, "memory"),
        (Settings { skip: 0.0, ..Settings::default() }, "skip"),
        (Settings { gamma: GammaRule::Fixed(f64::NAN), ..Settings::default() }, "gamma"),
    ] {
        assert!(Lsr1::new(settings).unwrap_err().to_string().contains(word));
    }
}

#[test]
fn repeated_steps_leave_m_well_conditioned() {
    // The same direction over and over, with slowly changing curvature: M⁻¹ would be singular to rounding.
    let n = 6;
    let mut rng = rng(7);
    let mut b = Lsr1::new(Settings { memory: 5, ..Settings::default() }).unwrap();
    b.clear(n);
    let d = random_vector(n, &mut rng);
    let mut last = (d.clone(), d.clone());
    for k in 0..30 {
        let s = &d + 1e-9 * random_vector(n, &mut rng);
        let y = s.map_with_location(|i, _, v| v * (1.0 + i as f64 + 1e-6 * f64::from(k)));
        if b.learn(s.as_slice(), y.as_slice(), 1e-15) == Learned::Stored {
            last = (s, y);
        }
    }
    let mut bs = vec![0.0; n];
    b.apply(last.0.as_slice(), &mut bs);
    let error = (DVector::from_vec(bs) - &last.1).norm() / last.1.norm();
    assert!(error < 1e-6, "the newest pair holds to {error:e}");
    assert!(dense(&mut b).norm() < 1e4, "{}", dense(&mut b).norm());
}

#[test]
fn a_saved_matrix_goes_on_bit_for_bit() {
    let (n, mut rng) = (40, rng(3));
    let h = {
        let a = random_matrix(n, n, &mut rng);
        &a + a.transpose()
    };
    let mut whole = Lsr1::new(Settings { memory: 4, ..Settings::default() }).unwrap();
    whole.clear(n);
    let mut learn = |b: &mut [&mut Lsr1]| {
        let s = random_vector(n, &mut rng);
        let y = &h * &s;
        b.iter_mut().for_each(|b| assert_eq!(b.learn(s.as_slice(), y.as_slice(), 1e-15), Learned::Stored));
    };
    (0..7).for_each(|_| learn(&mut [&mut whole]));
    let mut archive = Archive::default();
    whole.save(&mut archive);
    let mut resumed = Lsr1::new(*whole.settings()).unwrap();
    resumed.clear(n);
    resumed.load(&archive).unwrap();
    (0..3).for_each(|_| learn(&mut [&mut whole, &mut resumed]));
    assert_eq!(whole.middle(), resumed.middle());
    assert_eq!(dense(&mut whole), dense(&mut resumed));
    resumed.clear(n + 1);
    assert!(resumed.load(&archive).is_err());
}

#[test]
fn one_matrix_for_any_number_of_threads() {
    let n = 150_000;
    let mut of_one: Option<(Vec<f64>, Vec<f64>)> = None;
    for threads in 1..=3 {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut rng = rng(9);
        let mut b = Lsr1::new(Settings { memory: 3, ..Settings::default() }).unwrap();
        b.clear(n);
        let mut bv = vec![0.0; n];
        pool.install(|| {
            for _ in 0..4 {
                let s = random_vector(n, &mut rng);
                let y = s.map_with_location(|i, _, v| v * (i % 5) as f64);
                assert_eq!(b.learn(s.as_slice(), y.as_slice(), 1e-15), Learned::Stored);
            }
            b.apply(random_vector(n, &mut rng).as_slice(), &mut bv);
        });
        let found = (b.middle().to_vec(), bv);
        assert!(*of_one.get_or_insert_with(|| found.clone()) == found, "{threads} threads");
    }
}
