//! What every function of the catalog promises, at its defaults and at other operands.

mod support;

use optkit_core::{Objective, Pass, Subset, vector};
use optkit_functions::{CATALOG, Error, NIST, Starts, build};
use proptest::prelude::*;
use support::{classics, config, everyone, gradient, near_start, product, scales};

/// Functions in which every variable meets every other: they offer no decomposition.
const DENSE: &[&str] = &[
    "ackley",
    "brown_almost_linear",
    "chebyquad",
    "discrete_integral_equation",
    "griewank",
    "linear_full_rank",
    "linear_rank_one",
    "linear_rank_one_with_zeros",
    "penalty_1",
    "penalty_2",
    "trigonometric",
    "variably_dimensioned",
    "watson",
    "zakharov",
];

/// Not differentiable at the minimiser.
const NOT_SMOOTH: &[&str] = &["ackley"];

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
    fn the_value_with_a_gradient_is_the_value_to_the_bit(spread in prop::collection::vec(-0.5..0.5, 7)) {
        for (name, mut f) in everyone() {
            let x = near_start(&*f, &spread);
            let (with, _) = gradient(&mut *f, &x);
            prop_assert_eq!(f.value(&x).to_bits(), with.to_bits(), "{}", name);
        }
    }

    #[test]
    fn a_part_is_the_whole_at_its_coordinates(
        spread in prop::collection::vec(-0.5..0.5, 7),
        steps in prop::collection::vec(-0.5..0.5, 5),
    ) {
        for (name, mut f) in everyone() {
            let subsets = subsets(f.dim());
            let Ok(mut split) = f.decompose(&subsets) else { continue };
            let frozen = near_start(&*f, &spread);
            let scales = scales(&frozen);
            let moved: Vec<_> =
                frozen.iter().zip(steps.iter().cycle()).zip(&scales).map(|((x, s), d)| x - 0.1 * d * s).collect();
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
    let gathered = |from: &[f64]| {
        let mut into = vec![0.0; subset.len()];
        subset.gather(from, &mut into);
        into
    };
    let scales = scales(surroundings);
    let own_scales = gathered(&scales);
    let mut x = gathered(surroundings);
    for ((x, s), d) in x.iter_mut().zip(steps.iter().cycle()).zip(&own_scales) {
        *x += 0.2 * d * s;
    }
    let mut all = surroundings.to_vec();
    subset.scatter(&x, &mut all);
    let (value, slope) = gradient(part, &x);
    let (whole_value, whole_slope) = gradient(whole, &all);
    prop_assert_eq!(part.value(&x).to_bits(), value.to_bits());
    let rounding = 1e-13 * (whole.noise() / f64::EPSILON).min(1e3);
    let size = whole_value.abs().max(f64::from(u8::from(whole_value < 0.0)));
    prop_assert!((value - whole_value).abs() <= rounding * size, "{name}: {value} is not {whole_value}");

    let v: Vec<f64> = x.iter().zip(&own_scales).map(|(x, d)| d * (x.sin() + 0.1)).collect();
    let mut all_v = vec![0.0; all.len()];
    subset.scatter(&v, &mut all_v);
    for (of_part, of_whole) in [(slope, whole_slope), (product(part, &x, &v), product(whole, &all, &all_v))] {
        let scaled = |g: &[f64], scales: &[f64]| g.iter().zip(scales).map(|(g, d)| g * d).collect::<Vec<_>>();
        let (part, whole) = (scaled(&of_part, &own_scales), scaled(&of_whole, &scales));
        let expected = gathered(&whole);
        let tolerance = rounding * vector::norm_inf(&whole).max(1.0);
        prop_assert!(vector::distance_inf(&part, &expected) <= tolerance, "{name}: {part:?} {expected:?}");
    }
    Ok(())
}

#[test]
fn all_but_the_dense_decompose() {
    for (name, f) in classics() {
        let word = name.split('(').next().unwrap();
        assert_eq!(f.decompose(&subsets(f.dim())).is_err(), DENSE.contains(&word), "{name}");
    }
}

#[test]
fn minima_are_stationary_with_the_stated_value_and_lie_elsewhere_than_the_start() {
    for (name, mut f) in classics() {
        let minima = f.minima();
        assert!(!minima.is_empty() || name.contains('('), "{name}: no minimum at its defaults");
        assert!(minima.is_sorted_by(|a, b| a.value <= b.value), "{name}: the global ones come first");
        let at_start = f.value(&f.start());
        assert!(minima.first().is_none_or(|best| at_start > best.value), "{name}: starts at {at_start}");
        for minimum in minima {
            let Some(x) = minimum.point else { continue };
            assert_eq!(x.len(), f.dim(), "{name}");
            let (value, slope) = gradient(&mut *f, &x);
            // Coordinates are rounded, values are rounded: a zero residual of size ε times its parts is left.
            let relative = 1e-10_f64.max(100.0 * f.noise());
            let off = (value - minimum.value).abs();
            assert!(
                off <= relative * minimum.value.abs().max(1e-10),
                "{name}: {value:e}, not {:e}",
                minimum.value
            );
            if !NOT_SMOOTH.contains(&name.split('(').next().unwrap()) {
                let largest = rounded_slopes(&mut *f, &x, value);
                for (i, (slope, largest)) in slope.iter().zip(largest).enumerate() {
                    assert!(slope.abs() <= largest, "{name}: slope {slope:e} along {i}, not {largest:e}");
                }
            }
            assert!(f.start() != x, "{name}: starts at a minimum");
        }
    }
}

/// What the rounding of x and of values leaves of a gradient that is zero.
fn rounded_slopes(f: &mut dyn Objective, x: &[f64], value: f64) -> Vec<f64> {
    let scales = scales(x);
    let mut largest: Vec<f64> = scales.iter().map(|s| 64.0 * f.noise() * value.abs().max(1.0) / s).collect();
    for (i, scale) in scales.iter().enumerate() {
        let mut v = vec![0.0; x.len()];
        v[i] = *scale;
        for (largest, hv) in largest.iter_mut().zip(product(f, x, &v)) {
            *largest += 4.0 * f64::EPSILON * hv.abs();
        }
    }
    largest
}

#[test]
fn no_step_from_a_minimum_goes_below_it() {
    for (name, mut f) in classics() {
        let minima = f.minima();
        for minimum in &minima {
            let Some(x) = &minimum.point else { continue };
            let global = minimum.value == minima[0].value;
            let scales = scales(x);
            let slack = 1e-12_f64.max(10.0 * f.noise()) * minimum.value.abs();
            for length in if global { [1e-3, 1e-1] } else { [1e-4, 1e-3] } {
                for i in 0..x.len() {
                    let mut moved = x.clone();
                    let other = (i * 7 + 3) % x.len();
                    moved[i] += length * scales[i];
                    moved[other] -= 0.7 * length * scales[other];
                    assert!(f.value(&moved) >= minimum.value - slack, "{name}: below the minimum along {i}");
                }
            }
        }
    }
}

#[test]
fn starts_lie_in_their_box_and_the_operand_chooses_among_them() {
    for row in CATALOG.iter().chain(NIST) {
        let name = row.entry.name;
        let starts = build(name, &[]).unwrap().starts();
        let operand = row.entry.operands.iter().any(|o| o.name == "start");
        assert_eq!(operand, starts.len() > 1, "{name}");
        assert_eq!(starts.get(starts.len()), None);
        let mut seen: Vec<Vec<f64>> = Vec::new();
        for k in 0..starts.len() {
            let start = starts.get(k).unwrap();
            let given = [("start", (k + 1) as f64)];
            let chosen = build(name, if operand { &given[..] } else { &[] }).unwrap();
            assert_eq!(chosen.start(), start, "{name}");
            assert!(!seen.contains(&start), "{name}: start {k} comes twice");
            if let Starts::Drawn { lower, upper } = &starts {
                let inside = start.iter().zip(lower).zip(upper).all(|((x, l), u)| (l..=u).contains(&x));
                assert!(inside, "{name}: {start:?}");
            }
            seen.push(start);
        }
        if let Starts::Drawn { lower, upper } = &starts {
            // 20 uniform points miss a half of the box with probability 2⁻²⁰.
            let middle = 0.5 * (lower[0] + upper[0]);
            assert!(seen.iter().any(|x| x[0] < middle) && seen.iter().any(|x| x[0] > middle), "{name}");
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
    for pair in [CATALOG, NIST].iter().flat_map(|table| table.windows(2)) {
        assert!(pair[0].entry.name < pair[1].entry.name, "{} is out of order", pair[1].entry.name);
    }
    for row in CATALOG.iter().chain(NIST) {
        assert!(!row.entry.doc.is_empty() && row.source.len() > 20, "{}", row.entry.name);
        for operand in row.entry.operands {
            assert!(!operand.doc.is_empty(), "{}({})", row.entry.name, operand.name);
        }
    }
}

#[test]
fn bad_operands_are_named_with_a_remedy() {
    let message = |name: &str, given: &[(&str, f64)]| build(name, given).map(|_| ()).unwrap_err().to_string();
    let unknown = message("rosenbrok", &[]);
    assert!(
        unknown.starts_with("no function is called `rosenbrok`; known are `ackley`, `bard`, "),
        "{unknown}"
    );
    assert!(unknown.ends_with(", `zakharov` and `nist_…`"), "{unknown}");
    assert_eq!(
        message("extended_rosenbrock", &[("n", 7.0)]),
        "`n` of `extended_rosenbrock` is 7, but must be a multiple of 2 (6 or 8, say)"
    );
    assert_eq!(
        message("linear_full_rank", &[("n", 30.0)]),
        "`m` of `linear_full_rank` is 20, but must be at least n (30)"
    );
    assert_eq!(
        message("nist_misra1a", &[("start", 3.0)]),
        "`start` of `nist_misra1a` is 3, but must be a whole number from 1 to 2"
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
