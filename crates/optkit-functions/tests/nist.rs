//! The regressions against what NIST certifies.

mod support;

use optkit_functions::{NIST, certified, nist};
use support::{gradient, jacobian, product, residuals};

/// NIST's names, from the rows' sources.
fn names() -> Vec<&'static str> {
    let name = |source: &'static str| source.split([',', ';']).nth(1).unwrap().trim();
    NIST.iter().map(|row| name(row.source)).collect()
}

#[test]
fn all_27_are_there() {
    let names = names();
    assert_eq!(names.len(), 27);
    for name in names {
        let stated = certified(name).unwrap();
        let mut f = nist(name, 1).unwrap();
        assert_eq!(nist(name, 2).unwrap().start(), stated.starts[1], "{name}");
        assert_eq!(f.start(), stated.starts[0], "{name}");
        let observations = residuals(&mut *f, &stated.starts[0]).unwrap().len();
        assert_eq!(observations - f.dim(), stated.degrees_of_freedom, "{name}");
        assert_eq!(stated.standard_deviations.len(), f.dim(), "{name}");
    }
}

/// Eleven certified digits; the printed parameters, rounded, raise the sum of squares by less than that, but for
/// Lanczos1, where 24 residuals of 1e-11, the rounding of the parameters, are larger than the certified 1e-13.
#[test]
fn the_certified_parameters_have_the_certified_sum_of_squares() {
    for name in names() {
        let stated = certified(name).unwrap();
        let mut f = nist(name, 1).unwrap();
        let value = f.value(&stated.parameters);
        if name == "Lanczos1" {
            assert!(value < 24.0 * 1e-20, "{value:e}");
            continue;
        }
        let off = (value - stated.residual_sum_of_squares).abs();
        assert!(off <= 1e-9 * stated.residual_sum_of_squares, "{name}: {value:e}");
        let deviation = (value / stated.degrees_of_freedom as f64).sqrt();
        assert!((deviation - stated.residual_standard_deviation).abs() <= 1e-9 * deviation, "{name}");
    }
}

/// The residual vector stands on every column of the Jacobian: the cosine of the angle is what rounding the parameters
/// to eleven digits leaves.
#[test]
fn the_certified_parameters_are_stationary() {
    for name in names().into_iter().filter(|name| *name != "Lanczos1") {
        let stated = certified(name).unwrap();
        let mut f = nist(name, 1).unwrap();
        let x = &stated.parameters;
        let (value, slope) = gradient(&mut *f, x);
        let mut columns = vec![0.0; x.len()];
        for (_, column, entry) in jacobian(&mut *f, x) {
            columns[column] += entry * entry;
        }
        // Half a unit of every parameter's eleventh digit moves the residual by so much, in units of ‖r‖.
        let half_unit = |b: &f64| 0.5 * 10_f64.powf(b.abs().log10().floor() - 10.0);
        let moved: f64 = columns.iter().zip(x).map(|(square, b)| square.sqrt() * half_unit(b)).sum();
        let rounding = moved / value.sqrt() + 1e-12;
        for (i, (slope, square)) in slope.iter().zip(&columns).enumerate() {
            let cosine = slope.abs() / (2.0 * (square * value).sqrt());
            assert!(cosine <= rounding, "{name}: cosine {cosine:e} at b{}, {rounding:e}", i + 1);
        }
    }
}

/// Standard deviations of a regression are √(RSS/dof · diag((JᵀJ)⁻¹)): they test the Jacobian in all entries at once.
#[test]
fn the_jacobian_gives_the_certified_standard_deviations() {
    for name in names().into_iter().filter(|name| *name != "Lanczos1") {
        let stated = certified(name).unwrap();
        let mut f = nist(name, 1).unwrap();
        let x = &stated.parameters;
        let n = x.len();
        let r = residuals(&mut *f, x).unwrap();
        let mut columns = vec![vec![0.0; r.len()]; n];
        for (row, column, entry) in jacobian(&mut *f, x) {
            columns[column][row] = entry;
        }
        let deviations: Vec<f64> =
            (0..n).map(|i| stated.residual_standard_deviation / distance_to_others(&columns, i)).collect();
        for (i, (found, stated)) in deviations.iter().zip(&stated.standard_deviations).enumerate() {
            // Condition numbers reach 1e10 (Bennett5): five digits remain.
            assert!(
                (found - stated).abs() <= 1e-5 * stated,
                "{name}: {found:e}, not {stated:e} of b{}",
                i + 1
            );
        }
    }
}

/// The distance of column i from the span of the others, 1/√((JᵀJ)⁻¹ᵢᵢ), by two passes of Gram–Schmidt.
fn distance_to_others(columns: &[Vec<f64>], i: usize) -> f64 {
    let dot = optkit_core::vector::dot;
    let mut basis: Vec<Vec<f64>> = Vec::new();
    let others = columns.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, column)| column);
    for column in others.chain(std::iter::once(&columns[i])) {
        let mut rest = column.clone();
        for _ in 0..2 {
            for known in &basis {
                let share = dot(known, &rest);
                for (rest, known) in rest.iter_mut().zip(known) {
                    *rest -= share * known;
                }
            }
        }
        let length = dot(&rest, &rest).sqrt();
        if basis.len() + 1 == columns.len() {
            return length;
        }
        basis.push(rest.iter().map(|v| v / length).collect());
    }
    f64::NAN
}

/// A certified minimum is one: the Hessian is positive along random directions.
#[test]
fn hessians_are_positive_at_the_certified_parameters() {
    for name in names().into_iter().filter(|name| *name != "Lanczos1") {
        let stated = certified(name).unwrap();
        let mut f = nist(name, 1).unwrap();
        for k in 0..8 {
            let direction = |(i, b): (usize, &f64)| ((i * 7 + k * 5 + 1) as f64).sin() * b;
            let v: Vec<f64> = stated.parameters.iter().enumerate().map(direction).collect();
            let hv = product(&mut *f, &stated.parameters, &v);
            assert!(optkit_core::vector::dot(&hv, &v) > 0.0, "{name}");
        }
    }
}

#[test]
fn an_unknown_regression_is_refused() {
    assert!(certified("Misra1e").is_none());
    let message = nist("Misra1e", 1).map(|_| ()).unwrap_err().to_string();
    assert!(message.starts_with("no function is called `nist_misra1e`"), "{message}");
    assert!(nist("Misra1a", 3).is_err() && nist("Misra1a", 0).is_err());
}
