//! Values that the literature states, and accuracy where it is hard to have.

use optkit_core::{Pass, Subset, vector};
use optkit_functions::{CATALOG, NIST, build};

#[test]
fn values_at_the_standard_starts_are_those_of_the_literature() {
    // Moré, Garbow & Hillstrom 1981; the chained Rosenbrock sum by hand: odd terms 24.2, even ones
    // 100(−1.2 − 1)² = 484.
    for (name, given, expected) in [
        ("beale", vec![], 14.203_125),
        ("wood", vec![], 19_192.0),
        ("powell_singular", vec![("n", 4.0)], 215.0),
        ("powell_singular", vec![("n", 12.0)], 645.0),
        ("rosenbrock", vec![("n", 2.0)], 24.2),
        ("rosenbrock", vec![("n", 4.0)], 24.2 + 484.0 + 24.2),
    ] {
        let mut f = build(name, &given).unwrap();
        let value = f.value(&f.start());
        assert!((value - expected).abs() <= 1e-12 * expected, "{name}: {value} is not {expected}");
    }
}

/// ‖r‖ at the standard starts, as the test programs of MINPACK-1 print it (J. J. Moré, B. S. Garbow, K. E. Hillstrom,
/// User guide for MINPACK-1, ANL-80-74, 1980), and the minima that Moré, Garbow & Hillstrom 1981 state.
#[test]
fn norms_at_the_standard_starts_are_those_that_minpack_prints() {
    for (name, given, norm) in [
        ("linear_full_rank", vec![("n", 5.0), ("m", 10.0)], 5.0),
        ("linear_rank_one", vec![("n", 5.0), ("m", 10.0)], 0.291_521_8e3),
        ("linear_rank_one_with_zeros", vec![("n", 5.0), ("m", 10.0)], 0.126_039_7e3),
        ("rosenbrock", vec![], 0.491_935_0e1),
        ("helical_valley", vec![], 0.5e2),
        ("powell_singular", vec![], 0.146_628_8e2),
        ("freudenstein_roth", vec![], 0.200_125_0e2),
        ("bard", vec![], 0.645_613_6e1),
        ("kowalik_osborne", vec![], 0.728_915_1e-1),
        ("meyer", vec![], 0.411_534_7e5),
        ("watson", vec![("n", 6.0)], 0.547_722_6e1),
        ("box_3d", vec![], 0.321_115_8e2),
        ("jennrich_sampson", vec![], 0.645_857_0e2),
        ("brown_dennis", vec![], 0.281_543_8e4),
        ("chebyquad", vec![("n", 8.0)], 0.196_513_9e0),
        ("chebyquad", vec![("n", 10.0)], 0.183_747_8e0),
        ("brown_almost_linear", vec![("n", 10.0)], 0.165_302_2e2),
        ("brown_almost_linear", vec![("n", 30.0)], 0.834_760_4e2),
        ("osborne_1", vec![], 0.937_564_0e0),
        ("osborne_2", vec![], 0.144_686_5e1),
    ] {
        let mut f = build(name, &given).unwrap();
        let found = f.value(&f.start()).sqrt();
        assert!((found - norm).abs() <= 1e-6 * norm, "{name}: {found}, not {norm}");
    }
}

#[test]
fn minima_are_those_of_the_literature() {
    for (name, given, values) in [
        ("freudenstein_roth", vec![], vec![0.0, 48.9842]),
        ("bard", vec![], vec![8.214_87e-3]),
        ("meyer", vec![], vec![87.9458]),
        ("gaussian", vec![], vec![1.127_93e-8]),
        ("jennrich_sampson", vec![], vec![124.362]),
        ("kowalik_osborne", vec![], vec![3.075_05e-4]),
        ("brown_dennis", vec![], vec![85_822.2]),
        ("osborne_1", vec![], vec![5.464_89e-5]),
        ("osborne_2", vec![], vec![4.013_77e-2]),
        ("biggs_exp6", vec![], vec![0.0, 5.655_65e-3]),
        ("watson", vec![("n", 6.0)], vec![2.287_67e-3]),
        ("watson", vec![("n", 9.0)], vec![1.399_76e-6]),
        ("penalty_1", vec![("n", 4.0)], vec![2.249_97e-5]),
        ("penalty_1", vec![("n", 10.0)], vec![7.087_65e-5]),
        ("penalty_2", vec![("n", 4.0)], vec![9.376_29e-6]),
        ("trigonometric", vec![], vec![0.0, 2.795_06e-5]),
        ("chebyquad", vec![("n", 8.0)], vec![3.516_87e-3]),
        ("branin", vec![], vec![0.397_887]),
        ("six_hump_camel", vec![], vec![-1.031_628]),
        ("trid", vec![("n", 6.0)], vec![-50.0]),
        ("trid", vec![("n", 10.0)], vec![-210.0]),
        ("styblinski_tang", vec![("n", 1.0)], vec![-39.166_17]),
    ] {
        let f = build(name, &given).unwrap();
        for value in values {
            let near = |m: &optkit_functions::Minimum| (m.value - value).abs() <= 1e-5 * value.abs();
            assert!(f.minima().iter().any(near), "{name}: {:?}", f.minima());
        }
    }
}

#[test]
fn woods_saddle_point_is_where_the_literature_has_it() {
    let mut f = build("wood", &[]).unwrap();
    let x = [-0.967_974_05, 0.947_139_1, -0.969_516_3, 0.951_247_6];
    let mut gradient = [0.0; 4];
    assert!((f.value_gradient(&x, &mut gradient) - 7.876_5).abs() < 1e-3);
    assert!(vector::norm_inf(&gradient) < 1e-3, "{gradient:?}");
}

/// The dense Hessian of the quadratic, from products, has the eigenvalues that were asked for: its trace is their
/// sum, the trace of its square the sum of their squares, and it is far from diagonal.
#[test]
fn the_quadratic_has_its_spectrum_and_is_not_separable() {
    for (n, condition) in [(1, 100.0), (2, 100.0), (9, 1e4)] {
        let mut f = build("quadratic", &[("n", n as f64), ("condition", condition)]).unwrap();
        let at_minimum = vec![1.0; n];
        let columns: Vec<Vec<f64>> = (0..n)
            .map(|j| {
                let mut x = at_minimum.clone();
                x[j] += 1.0; // the gradient there is column j of the Hessian
                let mut column = vec![0.0; n];
                f.value_gradient(&x, &mut column);
                column
            })
            .collect();
        let eigenvalues: Vec<f64> =
            (0..n).map(|i| condition.powf(i as f64 / (n.max(2) - 1) as f64)).collect();
        let trace: f64 = (0..n).map(|j| columns[j][j]).sum();
        let squares: f64 = columns.iter().flatten().map(|v| v * v).sum();
        let (sum, sum_of_squares) =
            (eigenvalues.iter().sum::<f64>(), vector::dot(&eigenvalues, &eigenvalues));
        assert!((trace - sum).abs() <= 1e-12 * sum, "n = {n}: trace {trace}, not {sum}");
        assert!((squares - sum_of_squares).abs() <= 1e-12 * sum_of_squares, "n = {n}");
        for (j, column) in columns.iter().enumerate() {
            for (i, v) in column.iter().enumerate().filter(|(i, _)| *i != j) {
                assert!(v.abs() > 1e-2, "n = {n}: variables {i} and {j} are uncoupled");
            }
        }
    }
}

/// Near the minimum f falls to 1e-24 of its value at the frozen point; a part that subtracted sums of the frozen
/// point's size would be left with noise.
#[test]
fn a_part_keeps_its_digits_down_to_the_minimum() {
    for (name, given, tolerance) in [
        ("quadratic", vec![("n", 64.0), ("condition", 1e6)], 1e-12), // √condition·ε, times a few
        ("rosenbrock", vec![("n", 64.0)], 1e-14),
        ("powell_singular", vec![("n", 64.0)], 1e-14),
    ] {
        let mut f = build(name, &given).unwrap();
        let minimiser = f.minima()[0].point.clone().unwrap();
        let near: Vec<f64> = minimiser.iter().enumerate().map(|(i, x)| x + 1e-9 * (i as f64).sin()).collect();
        let subset = Subset::from_ranges(64, std::iter::once(8..40)).unwrap();
        let mut split = f.decompose(std::slice::from_ref(&subset)).unwrap();
        let mut far = near.clone();
        subset.scatter(&[1e3; 32], &mut far);
        split.freeze(&far, Pass::default());
        let mut x = vec![0.0; 32];
        subset.gather(&near, &mut x);
        let (part, whole) = (split.parts()[0].value(&x), f.value(&near));
        assert!(whole > 0.0 && (part - whole).abs() <= tolerance * whole, "{name}: {part} is not {whole}");
    }
}

#[test]
fn points_outside_the_range_of_f64_give_non_finite_values_not_panics() {
    for name in ["beale", "powell_singular", "quadratic", "rosenbrock", "wood", "broyden_banded", "trid"] {
        let mut f = build(name, &[]).unwrap();
        let n = f.dim();
        let mut gradient = vec![0.0; n];
        for entry in [f64::NAN, f64::INFINITY, 1e200] {
            let x = vec![entry; n];
            assert!(!f.value_gradient(&x, &mut gradient).is_finite(), "{name} at {entry}");
            let subset = Subset::from_indices(n, &[0]).unwrap();
            let mut split = f.decompose(&[subset]).unwrap();
            split.freeze(&x, Pass::default());
            assert!(!split.parts()[0].value(&[entry]).is_finite(), "part of {name} at {entry}");
        }
    }
}

/// Wherever an optimizer may step, a function answers with a number, an infinity or a NaN.
#[test]
fn no_point_makes_a_function_panic() {
    for row in CATALOG.iter().chain(NIST) {
        let name = row.entry.name;
        let mut f = build(name, &[]).unwrap();
        let n = f.dim();
        let mut out = vec![0.0; n];
        for entry in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e200, -1e200, 0.0, -1e-300] {
            let x = vec![entry; n];
            f.value_gradient(&x, &mut out);
            f.hessian_product().unwrap().apply(&x, &vec![1.0; n], &mut out);
            if let Some(of) = f.residuals() {
                of.jacobian(&x, &mut |_, _, _| {});
            }
        }
        assert!(f.value(&vec![f64::NAN; n]).is_nan(), "{name}: a number at no point");
    }
}
