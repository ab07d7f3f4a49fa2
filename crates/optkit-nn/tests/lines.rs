//! Trial points along a line: as good as direct ones, cheaper, and resumed to the bit.

mod common;

use common::{Case, Storage, case};
use optkit_core::{Archive, Objective, Pass, Subset};
use optkit_nn::{Layer, Loss, NetworkObjective};

fn network() -> Case {
    let layers = vec![Layer::Dense { outputs: 32 }, Layer::Tanh, Layer::Dense { outputs: 10 }];
    case(layers, Loss::CrossEntropy, Storage::SparseBytes, 2000, 100, 3)
}

fn along(x: &[f64], t: f64, d: &[f64]) -> Vec<f64> {
    x.iter().zip(d).map(|(x, d)| x + t * d).collect()
}

/// The objective at `x` with its negative gradient.
fn begun(case: &Case, x: &[f64]) -> (NetworkObjective, Vec<f64>) {
    let mut f = case.objective::<f32>();
    let mut d = vec![0.0; f.dim()];
    f.value_gradient(x, &mut d);
    d.iter_mut().for_each(|d| *d = -*d);
    (f, d)
}

#[test]
fn further_trials_agree_with_direct_ones_and_cost_less() {
    let case = network();
    let (mut f, d) = begun(&case, &case.theta);
    let mut direct = case.objective::<f32>();
    let n = f.dim();
    let (mut g, mut h) = (vec![0.0; n], vec![0.0; n]);
    let mut costs = vec![];
    for t in [2.0, 1.0, 0.25, 0.5, 1.5] {
        let point = along(&case.theta, t, &d);
        let before = f.work();
        let value = f.span(&case.theta, &[&d]).unwrap().value(&[t], &point);
        costs.push((f.work() - before).gradient_equivalents);
        let expected = direct.value(&point);
        assert!((value - expected).abs() < 5e-7 * expected.max(1.0), "t = {t}: {value} {expected}");
    }
    assert_eq!(costs[0], 0.5, "the first trial is a whole forward pass");
    let above = 320.0 / (3200.0 + 320.0);
    assert!(costs[1..].iter().all(|c| (c - 0.5 * above).abs() < 1e-15), "{costs:?}");
    // The gradient at the last trial stands on its outputs: a backward pass alone.
    let point = along(&case.theta, 1.5, &d);
    let before = f.work();
    f.value_gradient(&point, &mut g);
    assert_eq!((f.work() - before).gradient_equivalents, 0.5);
    direct.value_gradient(&point, &mut h);
    assert!(optkit_core::vector::distance_inf(&g, &h) < 1e-6);
    // A line does not begin at derived outputs, nor where nothing was evaluated, nor along two directions.
    assert!(f.span(&point, &[&d]).is_none());
    assert!(f.span(&along(&point, 1.0, &d), &[&d]).is_none());
    assert!(f.span(&case.theta, &[&d, &g]).is_none());
}

#[test]
fn parts_have_lines_as_well() {
    let case = network();
    let mut whole = case.objective::<f64>();
    whole.value(&case.theta);
    let subsets: Vec<_> = case
        .network
        .tensors()
        .into_iter()
        .map(|t| Subset::from_ranges(whole.dim(), [t.range]).unwrap())
        .collect();
    let mut split = whole.decompose(&subsets).unwrap();
    split.freeze(&case.theta, Pass::default());
    for (i, (part, subset)) in split.parts().iter_mut().zip(&subsets).enumerate() {
        let mut own = vec![0.0; subset.len()];
        subset.gather(&case.theta, &mut own);
        let mut d = own.clone();
        part.value_gradient(&own, &mut d);
        for t in [-1.0, -0.5, -0.25] {
            let point = along(&own, t, &d);
            let value = match part.span(&own, &[&d]) {
                Some(span) => span.value(&[t], &point),
                None => {
                    assert!(i % 2 == 1, "only a part that begins with a bias has no use for lines");
                    part.value(&point)
                }
            };
            let mut at = case.theta.clone();
            subset.scatter(&point, &mut at);
            let expected = whole.value(&at);
            assert!((value - expected).abs() < 1e-13, "part {i}, t = {t}: {value} {expected}");
        }
    }
}

#[test]
fn resume_equals_uninterrupted_bitwise() {
    let case = network();
    let (mut f, d) = begun(&case, &case.theta);
    for t in [2.0, 1.0, 0.5] {
        f.span(&case.theta, &[&d]).unwrap().value(&[t], &along(&case.theta, t, &d));
    }
    let mut archive = Archive::default();
    f.save(&mut archive);
    let mut resumed = case.objective::<f32>();
    resumed.load(&archive).unwrap();
    assert_eq!(resumed.work(), f.work());
    let accepted = along(&case.theta, 0.5, &d);
    let on = |f: &mut NetworkObjective| {
        // One more trial of the same line, then the gradient at an accepted trial, and a line from elsewhere.
        let mut bits = vec![];
        let t = 0.375;
        bits.push(f.span(&case.theta, &[&d]).unwrap().value(&[t], &along(&case.theta, t, &d)).to_bits());
        let mut gradient = vec![0.0; f.dim()];
        bits.push(f.value_gradient(&along(&case.theta, t, &d), &mut gradient).to_bits());
        bits.extend(gradient.iter().map(|g| g.to_bits()));
        bits.push(f.value_gradient(&accepted, &mut gradient).to_bits());
        bits.extend(gradient.iter().map(|g| g.to_bits()));
        (bits, f.work())
    };
    assert_eq!(on(&mut f), on(&mut resumed));
    // The derived outputs are not those of a direct evaluation: without the archive bits would differ.
    let mut fresh = case.objective::<f32>();
    let (mut g, mut h) = (vec![0.0; f.dim()], vec![0.0; f.dim()]);
    let mut again = case.objective::<f32>();
    again.load(&archive).unwrap();
    again.value_gradient(&accepted, &mut g);
    fresh.value_gradient(&accepted, &mut h);
    assert_ne!(g, h, "this case does not test what it should");
}
