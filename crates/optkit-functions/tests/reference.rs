//! Values, gradients and Hessian products against `reference.py`, which evaluates the papers' formulas in 80 digits.

mod support;

use optkit_functions::{CATALOG, build};
use support::{gradient, product, scales};

fn vector(field: &str) -> Vec<f64> {
    field.split_whitespace().map(|v| v.parse().unwrap()).collect()
}

#[test]
fn every_classic_agrees_with_its_formula_in_80_digits() {
    let mut seen = Vec::new();
    for line in include_str!("reference.csv").lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split(';').collect();
        let [name, operands, x, v, value, slope, hv] = fields[..] else { panic!("seven fields in {line}") };
        let operands: Vec<(&str, f64)> = operands
            .split_whitespace()
            .map(|pair| pair.split_once('=').unwrap())
            .map(|(name, value)| (name, value.parse().unwrap()))
            .collect();
        let mut f = build(name, &operands).unwrap();
        let (x, v) = (vector(x), vector(v));
        let scales = scales(&x);
        let value: f64 = value.parse().unwrap();
        let (found, found_slope) = gradient(&mut *f, &x);
        let accuracy = 1e-13_f64.max(64.0 * f.noise());
        assert!((found - value).abs() <= accuracy * value.abs().max(1e-3), "{name}: {found}, not {value}");
        for (what, found, stated) in
            [("slope", found_slope, vector(slope)), ("product", product(&mut *f, &x, &v), vector(hv))]
        {
            // In the units of the variables; 1e-12: sums of up to a hundred terms that partly cancel.
            let in_units = |g: &[f64]| g.iter().zip(&scales).map(|(g, s)| g * s).collect::<Vec<_>>();
            let (found, stated) = (in_units(&found), in_units(&stated));
            let size = optkit_core::vector::norm_inf(&stated).max(1e-3);
            let off = optkit_core::vector::distance_inf(&found, &stated);
            assert!(
                off <= 10.0 * accuracy * size,
                "{name}: {what} off by {off:e}: {found:?}, not {stated:?}"
            );
        }
        seen.push(name);
    }
    for row in CATALOG {
        assert!(seen.contains(&row.entry.name), "{} is not in reference.csv", row.entry.name);
    }
}
