//! Gradients, Hessian products and Jacobians against differences, at random points and other operands.
//!
//! Every coordinate is measured in its own unit, so that one tolerance serves badly scaled functions too. A difference
//! is believed up to what a second one, over twice the step, says of its truncation error, and up to the rounding of
//! what is differenced: a wrong derivative leaves both differences agreeing with each other, and not with it.

mod support;

use optkit_core::{Objective, vector};
use proptest::prelude::*;
use support::{config, everyone, gradient, jacobian, near_start, product, residuals, scales};

const STEP: f64 = 6e-6;

/// The difference quotient of `f` at x along `direction`, with the error that it may have: f is rounded to `noise`
/// times its largest entry, or times `least`.
fn differenced(
    x: &[f64],
    direction: &[f64],
    (noise, least): (f64, f64),
    mut f: impl FnMut(&[f64]) -> Vec<f64>,
) -> Vec<(f64, f64)> {
    let mut quotient = |h: f64| {
        let moved = |h: f64| x.iter().zip(direction).map(|(x, d)| x + h * d).collect::<Vec<_>>();
        let (above, below) = (f(&moved(h)), f(&moved(-h)));
        let size = above.iter().chain(&below).fold(least, |size: f64, v| size.max(v.abs()));
        let quotients = above.iter().zip(&below).map(|(a, b)| (a - b) / (2.0 * h)).collect::<Vec<_>>();
        (quotients, size)
    };
    let ((short, size), (long, _)) = (quotient(STEP), quotient(2.0 * STEP));
    let rounding = 32.0 * noise * size / STEP;
    short.into_iter().zip(long).map(|(a, b)| (a, rounding + 2.0 * (a - b).abs())).collect()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn gradients_match_differences(spread in prop::collection::vec(-0.5..0.5, 7)) {
        for (name, mut f) in everyone() {
            let x = near_start(&*f, &spread);
            let scales = scales(&x);
            let (_, slope) = gradient(&mut *f, &x);
            let slope: Vec<f64> = slope.iter().zip(&scales).map(|(g, s)| g * s).collect();
            let size = vector::norm_inf(&slope).max(1e-3);
            let noise = f.noise();
            for (i, slope) in slope.iter().enumerate() {
                let mut direction = vec![0.0; x.len()];
                direction[i] = scales[i];
                let (difference, error) = differenced(&x, &direction, (noise, 0.0), |x| vec![f.value(x)])[0];
                let off = (slope - difference).abs();
                prop_assert!(off <= 1e-8 * size + error, "{name}, {i}: {slope} {difference} ± {error}");
            }
        }
    }

    #[test]
    fn hessian_products_match_differences_of_gradients(
        spread in prop::collection::vec(-0.5..0.5, 7),
        v in prop::collection::vec(-1.0..1.0, 5),
    ) {
        for (name, mut f) in everyone() {
            let x = near_start(&*f, &spread);
            let scales = scales(&x);
            let v: Vec<f64> = v.iter().cycle().zip(&scales).map(|(v, s)| v * s).collect();
            let in_units = |g: Vec<f64>| g.iter().zip(&scales).map(|(g, s)| g * s).collect::<Vec<_>>();
            let hv = in_units(product(&mut *f, &x, &v));
            let size = vector::norm_inf(&hv).max(1e-3);
            let noise = f.noise();
            let differences = differenced(&x, &v, (noise, 0.0), |x| in_units(gradient(&mut *f, x).1));
            for (i, (hv, (difference, error))) in hv.iter().zip(differences).enumerate() {
                let off = (hv - difference).abs();
                prop_assert!(off <= 1e-7 * size + error, "{name}, {i}: {hv} {difference} ± {error}");
            }
        }
    }

    #[test]
    fn hessians_are_symmetric(
        spread in prop::collection::vec(-0.5..0.5, 7),
        v in prop::collection::vec(-1.0..1.0, 5),
        w in prop::collection::vec(-1.0..1.0, 6),
    ) {
        for (name, mut f) in everyone() {
            let x = near_start(&*f, &spread);
            let scales = scales(&x);
            let scaled = |d: &[f64]| d.iter().cycle().zip(&scales).map(|(d, s)| d * s).collect::<Vec<_>>();
            let (v, w) = (scaled(&v), scaled(&w));
            let (hv, hw) = (product(&mut *f, &x, &v), product(&mut *f, &x, &w));
            let size = |h: &[f64], d: &[f64]| h.iter().zip(d).map(|(h, d)| (h * d).abs()).sum::<f64>();
            let off = (vector::dot(&hv, &w) - vector::dot(&hw, &v)).abs();
            let rounding = 1e-12 * (size(&hv, &w) + size(&hw, &v)).max(1e-12 * f.value(&x).abs());
            prop_assert!(off <= rounding, "{name}: {off:e}, {rounding:e}");
        }
    }

    #[test]
    fn residuals_are_those_of_the_function(spread in prop::collection::vec(-0.5..0.5, 7)) {
        for (name, mut f) in everyone() {
            let x = near_start(&*f, &spread);
            let Some(r) = residuals(&mut *f, &x) else { continue };
            let (value, slope) = gradient(&mut *f, &x);
            let squares = r.iter().map(|r| r * r).sum::<f64>();
            prop_assert!((squares - value).abs() <= 1e-13 * value, "{name}: {squares} is not {value}");

            let entries = jacobian(&mut *f, &x);
            let inside = entries.iter().all(|(row, column, _)| *row < r.len() && *column < x.len());
            prop_assert!(inside, "{name}: an entry outside of the matrix");
            let ordered = entries.is_sorted_by(|a, b| (a.0, a.1) < (b.0, b.1));
            prop_assert!(ordered, "{name}: rows in order, columns in order within a row");
            let (mut pulled, mut size) = (vec![0.0; x.len()], vec![0.0; x.len()]);
            for &(row, column, value) in &entries {
                pulled[column] += 2.0 * value * r[row];
                size[column] += 2.0 * (value * r[row]).abs();
            }
            for ((pulled, size), slope) in pulled.iter().zip(&size).zip(&slope) {
                prop_assert!((pulled - slope).abs() <= 1e-11 * size, "{name}: {pulled} is not {slope}");
            }
            let another = near_start(&*f, &[0.3, -0.1, 0.2]);
            let elsewhere = jacobian(&mut *f, &another);
            let pattern = |entries: &[(usize, usize, f64)]| entries.iter().map(|e| (e.0, e.1)).collect::<Vec<_>>();
            prop_assert_eq!(pattern(&entries), pattern(&elsewhere), "{}: the structure depends on x", name);
        }
    }

    #[test]
    fn jacobians_match_differences_of_residuals(spread in prop::collection::vec(-0.5..0.5, 7)) {
        for (name, mut f) in everyone() {
            let x = near_start(&*f, &spread);
            let Some(r) = residuals(&mut *f, &x) else { continue };
            let scales = scales(&x);
            let mut columns = vec![vec![0.0; r.len()]; x.len()];
            for (row, column, value) in jacobian(&mut *f, &x) {
                columns[column][row] = value * scales[column];
            }
            for (i, column) in columns.iter().enumerate() {
                let mut direction = vec![0.0; x.len()];
                direction[i] = scales[i];
                // Residuals are what is left of larger numbers: of 1, or of what the noise of f speaks of.
                let least = 1.0 + f.noise() / f64::EPSILON / vector::norm_inf(&r).max(1.0);
                let of = |x: &[f64]| residuals(&mut *f, x).expect("as at x");
                let differences = differenced(&x, &direction, (f64::EPSILON, least), of);
                let size = vector::norm_inf(column).max(1e-3);
                for (row, (entry, (difference, error))) in column.iter().zip(differences).enumerate() {
                    let off = (entry - difference).abs();
                    prop_assert!(
                        off <= 1e-8 * size + error,
                        "{name}, row {row}, column {i}: {entry} {difference} ± {error}"
                    );
                }
            }
        }
    }
}

/// Work is counted by the calls made, whoever asks.
#[test]
fn residuals_count_as_a_value_and_a_jacobian_as_a_gradient() {
    for (name, mut f) in everyone() {
        let x = f.start();
        if residuals(&mut *f, &x).is_none() {
            continue;
        }
        jacobian(&mut *f, &x);
        let work = f.work();
        assert_eq!((work.values, work.gradients, work.gradient_equivalents), (1, 1, 1.0), "{name}");
    }
}

#[test]
fn sums_of_squares_offer_their_residuals_and_others_none() {
    const OTHERS: &[&str] = &[
        "ackley",
        "branin",
        "goldstein_price",
        "griewank",
        "quadratic",
        "six_hump_camel",
        "styblinski_tang",
        "three_hump_camel",
        "trid",
    ];
    for (name, mut f) in everyone() {
        let word = name.split('(').next().unwrap();
        assert_eq!(Objective::residuals(&mut *f).is_none(), OTHERS.contains(&word), "{name}");
    }
}
