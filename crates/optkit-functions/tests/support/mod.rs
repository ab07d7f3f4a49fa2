//! All functions, and points around their starts.
#![allow(dead_code)] // every test binary uses some of it

use optkit_core::Objective;
use optkit_core::vocabulary::Kind;
use optkit_functions::{CATALOG, NIST, Row, TestFunction, build};
use proptest::test_runner::{Config, RngSeed};

/// A function by the call that makes it.
pub(crate) type Named = (String, Box<dyn TestFunction>);

pub(crate) fn config() -> Config {
    Config { cases: 12, rng_seed: RngSeed::Fixed(2023), failure_persistence: None, ..Config::default() }
}

/// Every classic at its defaults, and once more with other operands where it has any.
pub(crate) fn classics() -> Vec<Named> {
    CATALOG.iter().flat_map(both).collect()
}

/// The classics and the regressions.
pub(crate) fn everyone() -> Vec<Named> {
    CATALOG.iter().chain(NIST).flat_map(both).collect()
}

fn both(row: &Row) -> Vec<Named> {
    let name = row.entry.name;
    let mut made = vec![(name.to_owned(), build(name, &[]).unwrap())];
    let other: Vec<_> = row.entry.operands.iter().map(|o| (o.name, other_value(o.kind))).collect();
    if !other.is_empty() {
        made.push((format!("{name}({other:?})"), build(name, &other).unwrap()));
    }
    made
}

/// A value inside the range that is nobody's default; 24 is a multiple of what dimensions are multiples of.
fn other_value(kind: Kind) -> f64 {
    match kind {
        Kind::Integer(least, most) if (least..=most).contains(&24) => 24.0,
        Kind::Integer(least, most) => (least + 1).min(most) as f64,
        Kind::Real(range) => {
            let inside = [37.5, 0.375, -37.5].into_iter().find(|v| range.contains(*v));
            inside.expect("a range that holds one of the trial values")
        }
        kind => panic!("functions take numbers, not {kind:?}"),
    }
}

/// The natural unit of every coordinate: its own size, and a hundredth at zero.
pub(crate) fn scales(x: &[f64]) -> Vec<f64> {
    x.iter().map(|x| if *x == 0.0 { 0.01 } else { x.abs() }).collect()
}

/// A point near the start: up to a tenth of its size away in every coordinate, and from zero by 0.05.
pub(crate) fn near_start(f: &dyn TestFunction, spread: &[f64]) -> Vec<f64> {
    let moved = |(x, s): (&f64, &f64)| if *x == 0.0 { 0.1 * s } else { x * (1.0 + 0.2 * s) };
    f.start().iter().zip(spread.iter().cycle()).map(moved).collect()
}

pub(crate) fn gradient(f: &mut dyn Objective, x: &[f64]) -> (f64, Vec<f64>) {
    let mut g = vec![0.0; f.dim()];
    (f.value_gradient(x, &mut g), g)
}

pub(crate) fn product(f: &mut dyn Objective, x: &[f64], v: &[f64]) -> Vec<f64> {
    let Some(hessian) = f.hessian_product() else {
        panic!("every function offers Hessian products");
    };
    let mut hv = vec![0.0; v.len()];
    hessian.apply(x, v, &mut hv);
    hv
}

pub(crate) fn residuals(f: &mut dyn Objective, x: &[f64]) -> Option<Vec<f64>> {
    let of = f.residuals()?;
    let mut r = vec![0.0; of.count()];
    of.residuals(x, &mut r);
    Some(r)
}

/// The entries of the Jacobian as they are handed out.
pub(crate) fn jacobian(f: &mut dyn Objective, x: &[f64]) -> Vec<(usize, usize, f64)> {
    let mut entries = Vec::new();
    if let Some(of) = f.residuals() {
        of.jacobian(x, &mut |row, column, value| entries.push((row, column, value)));
    }
    entries
}
