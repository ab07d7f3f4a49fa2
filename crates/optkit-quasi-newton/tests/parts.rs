//! The matrix of a part against the dense restriction.

mod common;

use common::{Rng, dense, random_matrix, random_vector, rng};
use nalgebra::{DMatrix, DVector};
use optkit_core::{Archive, Compact, Operator, Restriction, Subset};
use optkit_quasi_newton::{GammaRule, History, Learned, Lsr1, Reason, Settings};

const N: usize = 30;

fn hessian(rng: &mut Rng) -> DMatrix<f64> {
    let a = random_matrix(N, N, rng);
    &a + a.transpose()
}

fn whole(h: &DMatrix<f64>, rng: &mut Rng) -> Lsr1 {
    let mut b = Lsr1::new(Settings { memory: 4, ..Settings::default() }).unwrap();
    b.clear(N);
    for _ in 0..6 {
        let s = random_vector(N, rng);
        assert_eq!(b.learn(s.as_slice(), (h * &s).as_slice(), 1e-15), Learned::Stored);
    }
    b
}

fn part() -> Subset {
    Subset::from_ranges(N, [3..9, 20..27]).unwrap()
}

fn rows(a: &DMatrix<f64>, part: &Subset) -> DMatrix<f64> {
    let at: Vec<usize> = part.indices().collect();
    DMatrix::from_fn(at.len(), at.len(), |i, j| a[(at[i], at[j])])
}

#[test]
fn a_part_begins_with_the_exact_restriction_and_appends_its_own_pairs() {
    let mut rng = rng(1);
    let h = hessian(&mut rng);
    let (mut b, part) = (whole(&h, &mut rng), part());
    let mut expected = rows(&dense(&mut b), &part);
    let own = rows(&h, &part);
    let mut local = Lsr1::new(Settings { memory: 3, ..Settings::default() }).unwrap();
    local.begin_from(Restriction { whole: &b, part: &part });
    assert_eq!((local.dim(), local.rank(), local.gamma()), (13, 4, b.gamma()));
    assert!((dense(&mut local) - &expected).amax() < 1e-12);
    for _ in 0..3 {
        let s = random_vector(13, &mut rng);
        let y = &own * &s;
        assert_eq!(local.learn(s.as_slice(), y.as_slice(), 1e-15), Learned::Stored);
        assert_eq!(
            local.learn(s.as_slice(), y.as_slice(), 1e-12),
            match local.rank() {
                7 => Learned::Skipped(Reason::Full),
                _ => Learned::Skipped(Reason::Known),
            }
        );
        let r = &y - &expected * &s;
        expected += &r * r.transpose() / r.dot(&s);
        let scale = expected.norm();
        assert!((dense(&mut local) - &expected).norm() < 1e-10 * scale);
    }
    let s = random_vector(13, &mut rng);
    assert_eq!(local.learn(s.as_slice(), s.as_slice(), 0.0), Learned::Skipped(Reason::Full));
    // The part of a part.
    let half = Subset::from_indices(13, &[0, 1, 2, 3, 4]).unwrap();
    let mut inner = Lsr1::new(Settings::default()).unwrap();
    inner.begin_from(Restriction { whole: &local, part: &half });
    assert!((dense(&mut inner) - expected.view((0, 0), (5, 5))).norm() < 1e-10 * expected.norm());
    // And forgotten.
    local.clear(2);
    assert!(local.is_empty() && local.rank() == 0);
}

#[test]
fn rows_are_the_pairs_of_the_part_as_the_authors_code_has_them() {
    let mut rng = rng(2);
    let h = hessian(&mut rng);
    let settings =
        Settings { memory: 4, gamma: GammaRule::Fixed(1.0), history: History::Rows, ..Settings::default() };
    let mut b = Lsr1::new(settings).unwrap();
    b.clear(N);
    let mut expected = Lsr1::new(settings).unwrap();
    expected.clear(13);
    let part = part();
    for _ in 0..4 {
        let s = random_vector(N, &mut rng);
        let y = &h * &s;
        b.learn(s.as_slice(), y.as_slice(), 1e-15);
        let (mut rs, mut ry) = (DVector::zeros(13), DVector::zeros(13));
        part.gather(s.as_slice(), rs.as_mut_slice());
        part.gather(y.as_slice(), ry.as_mut_slice());
        expected.learn(rs.as_slice(), ry.as_slice(), 1e-15);
    }
    let mut local = Lsr1::new(settings).unwrap();
    local.begin_from(Restriction { whole: &b, part: &part });
    assert_eq!(local.rank(), 4);
    assert_eq!(dense(&mut local), dense(&mut expected));
    assert!(
        (dense(&mut local) - rows(&dense(&mut b), &part)).norm() > 0.1,
        "another matrix than the restriction"
    );
}

#[test]
fn a_saved_part_goes_on_bit_for_bit() {
    let mut rng = rng(3);
    let h = hessian(&mut rng);
    let (b, part) = (whole(&h, &mut rng), part());
    let own = rows(&h, &part);
    let mut local = Lsr1::new(Settings { memory: 3, ..Settings::default() }).unwrap();
    local.begin_from(Restriction { whole: &b, part: &part });
    let (s, t) = (random_vector(13, &mut rng), random_vector(13, &mut rng));
    local.learn(s.as_slice(), (&own * &s).as_slice(), 1e-15);
    let mut archive = Archive::default();
    local.save(&mut archive);
    let mut resumed = Lsr1::new(*local.settings()).unwrap();
    resumed.clear(13);
    resumed.load(&archive).unwrap();
    for b in [&mut local, &mut resumed] {
        assert_eq!(b.learn(t.as_slice(), (&own * &t).as_slice(), 1e-15), Learned::Stored);
    }
    assert_eq!(dense(&mut local), dense(&mut resumed));
    resumed.clear(14);
    assert!(resumed.load(&archive).is_err());
}

#[test]
fn the_secant_equation_of_the_newest_own_pair_holds() {
    let mut rng = rng(4);
    let h = hessian(&mut rng);
    let (b, part) = (whole(&h, &mut rng), part());
    let own = rows(&h, &part);
    let mut local = Lsr1::new(Settings::default()).unwrap();
    local.begin_from(Restriction { whole: &b, part: &part });
    let mut bs = vec![0.0; 13];
    for _ in 0..5 {
        let s = random_vector(13, &mut rng);
        let y = &own * &s;
        local.learn(s.as_slice(), y.as_slice(), 1e-15);
        local.apply(s.as_slice(), &mut bs);
        assert!((DVector::from_column_slice(&bs) - &y).norm() < 1e-10 * y.norm());
    }
}
