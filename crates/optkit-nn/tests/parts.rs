//! Parts of a network against the whole, and what they cost.

mod common;

use common::{Case, Storage, case, cases};
use optkit_core::{Objective, Pass, Subset};
use optkit_nn::{Layer, Loss, Scalar};
use proptest::prelude::*;

/// Every part's value and gradient at a point moved in the part's own variables, against the whole there.
fn parts_agree<S: Scalar>(case: &Case, subsets: &[Subset], tolerance: f64) {
    let mut whole = case.objective::<S>();
    let n = whole.dim();
    let mut gradient = vec![0.0; n];
    whole.value_gradient(&case.theta, &mut gradient);
    let mut split = whole.decompose(subsets).unwrap();
    split.freeze(&case.theta, Pass::default());
    assert_eq!(split.shared_work().values, 0, "the whole pass was not taken over");
    let mut random = common::noise(11);
    for (i, subset) in subsets.iter().enumerate() {
        let mut own = vec![0.0; subset.len()];
        subset.gather(&case.theta, &mut own);
        let mut of_part = vec![0.0; subset.len()];
        for trial in 0..3 {
            let mut at = case.theta.clone();
            subset.scatter(&own, &mut at);
            let value = split.parts()[i].value_gradient(&own, &mut of_part);
            let expected = whole.value_gradient(&at, &mut gradient);
            let scale = expected.abs().max(1.0);
            assert!(
                (value - expected).abs() <= tolerance * scale,
                "part {i} trial {trial}: {value} {expected}"
            );
            let mut expected = vec![0.0; subset.len()];
            subset.gather(&gradient, &mut expected);
            let scale = optkit_core::vector::norm_inf(&gradient).max(1.0);
            let distance = optkit_core::vector::distance_inf(&of_part, &expected);
            assert!(distance <= tolerance * scale, "part {i} trial {trial}: gradient off by {distance}");
            for v in &mut own {
                *v += 0.05 * random();
            }
        }
    }
}

/// Whole tensors dealt in turn.
fn by_tensor(case: &Case, parts: usize) -> Vec<Subset> {
    let tensors = case.network.tensors();
    let parts = parts.min(tensors.len());
    let of = |i: usize| tensors.iter().skip(i).step_by(parts).map(|t| t.range.clone());
    (0..parts).map(|i| Subset::from_ranges(case.network.dim(), of(i)).unwrap()).collect()
}

/// Every `parts`-th variable: no tensor is whole.
fn interleaved(case: &Case, parts: usize) -> Vec<Subset> {
    let n = case.network.dim();
    let of = |i: usize| (i..n).step_by(parts).collect::<Vec<_>>();
    (0..parts.min(n)).map(|i| Subset::from_indices(n, &of(i)).unwrap()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_part_is_the_whole_at_its_coordinates(case in cases(), parts in 1_usize..7) {
        parts_agree::<f64>(&case, &by_tensor(&case, parts), 1e-12);
        parts_agree::<f64>(&case, &interleaved(&case, parts), 1e-12);
    }

    #[test]
    fn so_it_is_in_single_precision(case in cases(), parts in 1_usize..7) {
        parts_agree::<f32>(&case, &by_tensor(&case, parts), 1e-5);
    }
}

fn paper(count: usize) -> Case {
    let layers = vec![
        Layer::Dense { outputs: 32 },
        Layer::Relu,
        Layer::Dense { outputs: 32 },
        Layer::Relu,
        Layer::Dense { outputs: 10 },
    ];
    case(layers, Loss::CrossEntropy, Storage::SparseBytes, count, 784, 8)
}

#[test]
fn costs_are_those_of_multiply_adds() {
    let case = paper(300);
    let mut whole = case.objective::<f32>();
    let split = whole.decompose(&by_tensor(&case, 6)).unwrap();
    let (f1, f2, f3) = (784.0 * 32.0, 32.0 * 32.0, 32.0 * 10.0);
    let (forward, backward) = (f1 + f2 + f3, f1 + 2.0 * (f2 + f3));
    let expected = [
        (f1 + f2 + f3, f1 + f2 + f3),
        (f2 + f3, f2 + f3),
        (f2 + f3, f2 + f3),
        (f3, f3),
        (f3, f3),
        (0.0, 0.0),
    ];
    for (i, (f, b)) in expected.into_iter().enumerate() {
        let cost = split.cost(i);
        assert!((cost.forward - f / forward).abs() < 1e-15 && (cost.backward - b / backward).abs() < 1e-15);
    }
    whole.value(&case.theta);
    assert_eq!(whole.work().gradient_equivalents, 0.5);
}

#[test]
fn a_pass_is_repeated_only_where_none_was_left() {
    let case = paper(300);
    let mut whole = case.objective::<f32>();
    let mut split = whole.decompose(&by_tensor(&case, 6)).unwrap();
    split.freeze(&case.theta, Pass::default());
    assert_eq!(split.shared_work().values, 1, "nothing was left: one pass for all parts");
    let mut moved = case.theta.clone();
    moved[3] += 0.5;
    whole.value(&moved);
    split.freeze(&moved, Pass::default());
    assert_eq!(split.shared_work().values, 1, "the whole evaluation was there to be taken over");
    let expected = whole.value(&moved);
    for part in split.parts() {
        let mut own = vec![0.0; part.dim()];
        let mut gradient = own.clone();
        own.fill(0.0);
        assert_eq!(part.work().values, 0);
        part.value_gradient(&own, &mut gradient);
    }
    let subsets = by_tensor(&case, 6);
    for (part, subset) in split.parts().iter_mut().zip(&subsets) {
        let mut own = vec![0.0; part.dim()];
        subset.gather(&moved, &mut own);
        let before = part.work().gradient_equivalents;
        assert_eq!(part.value(&own), expected, "a value at the frozen point is known");
        assert_eq!(part.work().gradient_equivalents, before);
    }
}

#[test]
fn surroundings_can_be_moved() {
    let case = paper(300);
    // Two objectives: what the second evaluates is not there for the decomposition to take over.
    let (whole, mut other) = (case.objective::<f64>(), case.objective::<f64>());
    let subsets = by_tensor(&case, 6);
    let mut split = whole.decompose(&subsets).unwrap();
    split.freeze(&case.theta, Pass::default());
    let passes = split.shared_work().values;
    let (mut random, mut moved) = (common::noise(2), case.theta.clone());
    // First the tensors of the last layer, on which the lower parts do not stand; then all of them.
    for from in [25_088 + 32 + 1024 + 32, 0] {
        for v in &mut moved[from..] {
            *v += 0.1 * random();
        }
        for (i, subset) in subsets.iter().enumerate() {
            let mut own = vec![0.0; subset.len()];
            subset.gather(&moved, &mut own);
            split.update(i, &moved);
            let (value, expected) = (split.parts()[i].value(&own), other.value(&moved));
            assert!((value - expected).abs() < 1e-12, "part {i}: {value} {expected}");
        }
    }
    assert!(split.shared_work().values > passes, "moving the lowest layer needs a pass");
}
