//! What every function of the catalog promises, at its defaults and at other operands.

use optkit_core::vocabulary::Kind;
use optkit_core::{Objective, Pass, Subset, check_gradient, vector};
use optkit_functions::{CATALOG, Error, TestFunction, build};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};

fn config() -> Config {
    Config { cases: 24, rng_seed: RngSeed::Fixed(2023), failure_persistence: None, ..Config::default() }
}

/// Every function at its defaults, and once more with other operands where it has any.
fn everyone() -> Vec<(String, Box<dyn TestFunction>)> {
    let mut all = Vec::new();
    for row in CATALOG {
        let name = row.entry.name;
        all.push((name.to_owned(), build(name, &[]).unwrap()));
        let other: Vec<_> = row.entry.operands.iter().map(|o| (o.name, other_value(o.kind))).collect();
        if !other.is_empty() {
            all.push((format!("{name}{other:?}"), build(name, &other).unwrap()));
        }
    }
    all
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

/// A point near the start, spread by the given numbers in turn.
fn near_start(f: &dyn TestFunction, spread: &[f64]) -> Vec<f64> {
    f.start().iter().zip(spread.iter().cycle()).map(|(x, s)| x + s).collect()
}

fn gradient(f: &mut dyn Objective, x: &[f64]) -> (f64, Vec<f64>) {
    let mut g = vec![0.0; f.dim()];
    (f.value_gradient(x, &mut g), g)
}

fn product(f: &mut dyn Objective, x: &[f64], v: &[f64]) -> Vec<f64> {
    let Some(hessian) = f.hessian_product() else {
        panic!("every function of the catalog offers Hessian products");
    };
    let mut hv = vec![0.0; v.len()];
    hessian.apply(x, v, &mut hv);
    hv
}

/// Three subsets that leave variables out and, from n = 4 on, overlap; fewer where n is small.
fn subsets(n: usize) -> Vec<Subset> {
    let strided = |from: usize, by: usize| (from..n).step_by(by).collect::<Vec<_>>();
    [strided(0, 3), strided(1, 2), vec![n - 1], strided(0, 1)]
        .iter()
        .filter(|indices| !indices.is_empty())
        .map(|indices| Subset::from_indices(n, indices).unwrap())
        .collect()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn gradients_match_differences(spread in prop::collection::vec(-0.5..0.5, 7)) {
        for (name, mut f) in everyone() {
            let x = near_start(&*f, &spread);
            let all: Vec<_> = (0..f.dim()).collect();
            let worst = check_gradient(&mut *f, &x, &all, 6e-6).unwrap();
            prop_assert!(worst.error < 1e-8, "{name}: {worst:?}");
        }
    }

    #[test]
    fn the_value_with_a_gradient_is_the_value_to_the_bit(spread in prop::collection::vec(-0.5..0.5, 7)) {
        for (name, mut f) in everyone() {
            let x = near_start(&*f, &spread);
            let (with, _) = gradient(&mut *f, &x);
            prop_assert_eq!(f.value(&x).to_bits(), with.to_bits(), "{}", name);
        }
    }

    #[test]
    fn hessian_products_match_differences_of_gradients(
        spread in prop::collection::vec(-0.5..0.5, 7),
        v in prop::collection::vec(-1.0..1.0, 5),
    ) {
        let h = 6e-6;
        for (name, mut f) in everyone() {
            let x = near_start(&*f, &spread);
            let v: Vec<f64> = v.iter().copied().cycle().take(f.dim()).collect();
            let hv = product(&mut *f, &x, &v);
            let shifted = |h: f64| x.iter().zip(&v).map(|(x, v)| x + h * v).collect::<Vec<_>>();
            let (_, above) = gradient(&mut *f, &shifted(h));
            let (_, below) = gradient(&mut *f, &shifted(-h));
            let difference: Vec<_> = above.iter().zip(&below).map(|(a, b)| (a - b) / (2.0 * h)).collect();
            let scale = vector::norm_inf(&hv).max(1.0);
            prop_assert!(vector::distance_inf(&hv, &difference) < 1e-7 * scale, "{name}: {hv:?} {difference:?}");
        }
    }

    #[test]
    fn a_part_is_the_whole_at_its_coordinates(
        spread in prop::collection::vec(-0.5..0.5, 7),
        steps in prop::collection::vec(-0.5..0.5, 5),
    ) {
        for (name, mut f) in everyone() {
            let subsets = subsets(f.dim());
            let mut split = f.decompose(&subsets).unwrap();
            let frozen = near_start(&*f, &spread);
            let moved: Vec<_> = frozen.iter().zip(steps.iter().cycle()).map(|(x, s)| x - 0.1 * s).collect();
            split.freeze(&moved, Pass::default()); // an earlier point must leave nothing behind
            split.freeze(&frozen, Pass::default());
            for (i, subset) in subsets.iter().enumerate() {
                let surroundings = if i % 2 == 0 { &frozen } else { &moved };
                if i % 2 == 1 {
                    split.update(i, &moved);
                }
                agree(&name, &mut *f, &mut *split.parts()[i], subset, surroundings, &steps)?;
            }
        }
    }
}

/// Value, gradient and Hessian product of a part against the whole's, moved by `steps` inside the part.
fn agree(
    name: &str,
    whole: &mut dyn Objective,
    part: &mut dyn Objective,
    subset: &Subset,
    surroundings: &[f64],
    steps: &[f64],
) -> Result<(), TestCaseError> {
    let mut x = vec![0.0; subset.len()];
    subset.gather(surroundings, &mut x);
    for (x, s) in x.iter_mut().zip(steps.iter().cycle()) {
        *x += s;
    }
    let mut all = surroundings.to_vec();
    subset.scatter(&x, &mut all);
    let (value, slope) = gradient(part, &x);
    let (whole_value, whole_slope) = gradient(whole, &all);
    prop_assert_eq!(part.value(&x).to_bits(), value.to_bits());
    prop_assert!((value - whole_value).abs() <= 1e-13 * whole_value, "{name}: {value} is not {whole_value}");

    let v: Vec<f64> = x.iter().map(|x| x.sin() + 0.1).collect();
    let mut all_v = vec![0.0; all.len()];
    subset.scatter(&v, &mut all_v);
    for (of_part, of_whole) in [(slope, whole_slope), (product(part, &x, &v), product(whole, &all, &all_v))] {
        let mut expected = vec![0.0; subset.len()];
        subset.gather(&of_whole, &mut expected);
        let scale = vector::norm_inf(&of_whole).max(1.0);
        prop_assert!(
            vector::distance_inf(&of_part, &expected) <= 1e-13 * scale,
            "{name}: {of_part:?} {expected:?}"
        );
    }
    Ok(())
}

#[test]
fn minima_are_stationary_with_the_stated_value_and_lie_elsewhere_than_the_start() {
    for (name, mut f) in everyone() {
        let minima = f.minima();
        assert!(!minima.is_empty(), "{name}");
        for minimum in minima {
            let Some(x) = minimum.point else { continue };
            let (value, slope) = gradient(&mut *f, &x);
            assert!((value - minimum.value).abs() <= 1e-10 * minimum.value.abs().max(1.0), "{name}: {value}");
            assert!(vector::norm_inf(&slope) <= 1e-8, "{name}: {slope:?}");
            assert!(f.value(&f.start()) > value, "{name}: starts at a minimum");
        }
    }
}

#[test]
fn no_step_from_a_minimum_goes_below_it() {
    for (name, mut f) in everyone() {
        for minimum in f.minima() {
            let Some(x) = minimum.point else { continue };
            for length in [1e-3, 1e-1] {
                for i in 0..x.len() {
                    let mut moved = x.clone();
                    moved[i] += length;
                    moved[(i * 7 + 3) % x.len()] -= 0.7 * length;
                    assert!(f.value(&moved) >= minimum.value, "{name}: below the minimum along {i}");
                }
            }
        }
    }
}

#[test]
fn parts_cost_their_share() {
    for (name, given, share) in [
        ("rosenbrock", vec![("n", 101.0)], 0.26), // 25 own terms and the one that reaches in from the left, of 100
        ("powell_singular", vec![("n", 100.0)], 0.28), // variables 25 to 49 touch groups 6 to 12
        ("quadratic", vec![("n", 100.0)], 0.25),
    ] {
        let f = build(name, &given).unwrap();
        let n = f.dim();
        let quarter = Subset::from_ranges(n, std::iter::once(25..50)).unwrap();
        let mut split = f.decompose(&[quarter]).unwrap();
        assert_eq!(split.cost(0).value_gradient(), share, "{name}");
        split.freeze(&f.start(), Pass::default());
        let part = &mut split.parts()[0];
        let x = vec![0.5; 25];
        part.value(&x);
        gradient(&mut **part, &x);
        let work = part.work();
        assert_eq!((work.values, work.gradients), (1, 1), "{name}: the value is not counted twice");
        assert!((work.gradient_equivalents - share).abs() < 1e-15, "{name}: {work:?}");
    }
}

#[test]
fn work_is_counted() {
    for (name, mut f) in everyone() {
        let x = f.start();
        f.value(&x);
        gradient(&mut *f, &x); // takes the value over
        gradient(&mut *f, &vec![0.25; x.len()]);
        product(&mut *f, &x, &vec![1.0; x.len()]);
        let work = f.work();
        assert_eq!((work.values, work.gradients, work.hessian_products), (2, 2, 1), "{name}");
        assert_eq!(work.gradient_equivalents, 0.5 + 0.5 + 1.0 + 1.0, "{name}");
    }
}

#[test]
fn names_are_unique_sorted_and_documented() {
    for pair in CATALOG.windows(2) {
        assert!(pair[0].entry.name < pair[1].entry.name, "{} is out of order", pair[1].entry.name);
    }
    for row in CATALOG {
        assert!(!row.entry.doc.is_empty() && row.source.len() > 20, "{}", row.entry.name);
        for operand in row.entry.operands {
            assert!(!operand.doc.is_empty(), "{}({})", row.entry.name, operand.name);
        }
    }
}

#[test]
fn bad_operands_are_named_with_a_remedy() {
    let message = |name: &str, given: &[(&str, f64)]| build(name, given).map(|_| ()).unwrap_err().to_string();
    assert_eq!(
        message("rosenbrok", &[]),
        "no function is called `rosenbrok`; known are `beale`, `powell_singular`, `quadratic`, `rosenbrock` and `wood`"
    );
    assert_eq!(
        message("quadratic", &[("cond", 3.0)]),
        "`quadratic` has no operand `cond`; it takes `n` and `condition`"
    );
    assert_eq!(message("wood", &[("n", 3.0)]), "`wood` has no operand `n`; it takes none");
    assert_eq!(
        message("rosenbrock", &[("n", 1.0)]),
        "`n` of `rosenbrock` is 1, but must be a whole number from 2 to 100000000"
    );
    assert_eq!(
        message("quadratic", &[("condition", 0.5)]),
        "`condition` of `quadratic` is 0.5, but must be at least 1 and at most 1e15"
    );
    assert_eq!(
        message("rosenbrock", &[("n", 3.0), ("n", 4.0)]),
        "`rosenbrock` is given `n` twice; give it once"
    );
    for value in [f64::NAN, f64::INFINITY, -1.0, 2.5, 1e300] {
        assert!(
            matches!(build("quadratic", &[("n", value)]), Err(Error::OutOfRange { operand: "n", .. })),
            "{value}"
        );
    }
}
