//! Values that the literature states, and accuracy where it is hard to have.

use optkit_core::{Pass, Subset, vector};
use optkit_functions::build;

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
    for name in ["beale", "powell_singular", "quadratic", "rosenbrock", "wood"] {
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
