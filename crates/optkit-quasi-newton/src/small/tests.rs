use super::*;

/// Uniform in (−1, 1), of the index alone.
fn noise(i: usize) -> f64 {
    let mut z = (i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

/// Symmetric matrices, by columns, of all kinds that trouble an eigensolver.
fn matrices(n: usize) -> Vec<(&'static str, Vec<f64>)> {
    let of = |entry: &dyn Fn(usize, usize) -> f64| -> Vec<f64> {
        (0..n * n).map(|at| entry((at / n).max(at % n), (at / n).min(at % n))).collect()
    };
    vec![
        ("random", of(&|i, j| noise(i * n + j))),
        ("zero", of(&|_, _| 0.0)),
        ("the identity", of(&|i, j| f64::from(u8::from(i == j)))),
        ("of rank one", of(&|i, j| noise(i) * noise(j))),
        ("graded", of(&|i, j| noise(i * n + j) * 10_f64.powf(-0.1 * (i + j) as f64))),
        ("graded the other way", of(&|i, j| noise(i * n + j) * 10_f64.powf(-0.1 * (2 * n - i - j) as f64))),
        (
            "tridiagonal (Wilkinson's)",
            of(&|i, j| match i - j {
                0 => (i as f64 - 0.5 * (n - 1) as f64).abs(),
                1 => 1.0,
                _ => 0.0,
            }),
        ),
        ("huge", of(&|i, j| 1e150 * noise(i * n + j))),
        ("tiny", of(&|i, j| 1e-150 * noise(i * n + j))),
        ("of two blocks", of(&|i, j| if i < n / 2 || j >= n / 2 { noise(i * n + j) } else { 0.0 })),
    ]
}

/// ‖AV − VΛ‖ and ‖VᵀV − I‖ are within rounding (n units in every entry), and Λ is that of nalgebra.
#[test]
fn values_and_vectors_decompose_the_matrix_at_every_order() {
    let mut eigen = SymmetricEigen::default();
    for n in [1, 2, 5, 32, 33, 64, 65, 130, 230] {
        for (name, a) in matrices(n) {
            assert!(eigen.decompose(n, &a), "{name}, {n}");
            let a = nalgebra::DMatrix::from_column_slice(n, n, &a);
            let v = nalgebra::DMatrix::from_fn(n, n, |i, j| eigen.vector(j)[i]);
            let values = nalgebra::DVector::from_column_slice(eigen.values());
            let unit = f64::EPSILON * n as f64;
            let off = (&a * &v - &v * nalgebra::DMatrix::from_diagonal(&values)).amax();
            assert!(off <= unit * a.norm(), "{name}, {n}: {off:e} of {:e}", a.norm());
            let skew = (v.transpose() * &v - nalgebra::DMatrix::identity(n, n)).amax();
            assert!(skew <= 4.0 * unit, "{name}, {n}: {skew:e}");
            let scale = a.norm().max(f64::MIN_POSITIVE);
            let mut oracle: Vec<f64> = (&a / scale).symmetric_eigenvalues().iter().copied().collect();
            oracle.sort_by(f64::total_cmp);
            for (value, other) in eigen.values().iter().zip(&oracle) {
                assert!((value / scale - other).abs() <= unit, "{name}, {n}: {value:e}, {:e}", other * scale);
            }
            assert!(eigen.values().is_sorted(), "{name}, {n}");
        }
    }
}

#[test]
fn a_decomposition_is_the_same_for_any_number_of_threads() {
    let n = 300;
    let (_, a) = matrices(n).swap_remove(0);
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut eigen = SymmetricEigen::default();
        assert!(pool.install(|| eigen.decompose(n, &a)));
        (eigen.values().to_vec(), (0..n).flat_map(|i| eigen.vector(i).to_vec()).collect::<Vec<_>>())
    };
    assert_eq!(with(1), with(3));
}

#[test]
fn what_is_not_finite_is_refused() {
    for n in [3, 40] {
        let mut a = vec![0.0; n * n];
        a[n + 1] = f64::NAN;
        assert!(!SymmetricEigen::default().decompose(n, &a));
    }
}
