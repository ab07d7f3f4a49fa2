//! Values against a plain evaluation written here, gradients against differences and `f32` against `f64`.

mod common;

use common::{Case, Storage, case, cases_of_every_loss};
use optkit_core::{Objective, check_gradient};
use optkit_nn::{Layer, Loss};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn gradients_are_those_of_differences(case in cases_of_every_loss()) {
        let mut f = case.objective::<f64>();
        let n = f.dim();
        let coordinates: Vec<usize> = (0..40).map(|i| i * 7919 % n).collect();
        // Three-point differences of relu networks err where a kink lies within the step: a small step, and
        // a second look with a smaller one.
        let worst = [6e-6, 1e-7].map(|h| check_gradient(&mut f, &case.theta, &coordinates, h).unwrap().error);
        prop_assert!(worst[0] < 1e-7 || worst[1] < 1e-6, "{worst:?}");
    }

    #[test]
    fn single_precision_agrees_with_double(case in cases_of_every_loss()) {
        let (mut single, mut double) = (case.objective::<f32>(), case.objective::<f64>());
        let n = single.dim();
        let (mut g, mut h) = (vec![0.0; n], vec![0.0; n]);
        let (a, b) = (single.value_gradient(&case.theta, &mut g), double.value_gradient(&case.theta, &mut h));
        prop_assert!((a - b).abs() <= 20.0 * single.noise() * b.abs().max(1.0), "{a} {b}");
        let scale = optkit_core::vector::norm_inf(&h).max(1.0);
        let distance = optkit_core::vector::distance_inf(&g, &h);
        prop_assert!(distance <= 1e-5 * scale, "{distance}");
    }

    #[test]
    fn a_gradient_behind_a_value_equals_one_at_once(case in cases_of_every_loss()) {
        let (mut once, mut twice) = (case.objective::<f32>(), case.objective::<f32>());
        let n = once.dim();
        let (mut g, mut h) = (vec![0.0; n], vec![0.0; n]);
        let a = once.value_gradient(&case.theta, &mut g);
        let b = twice.value(&case.theta);
        prop_assert_eq!(a, b);
        prop_assert_eq!(a, twice.value_gradient(&case.theta, &mut h));
        prop_assert_eq!(g, h);
        prop_assert_eq!(twice.work().gradient_equivalents, 1.0);
        prop_assert_eq!(once.work().gradient_equivalents, 1.0);
    }
}

#[test]
fn every_width_is_right() {
    for outputs in [1, 10, 32, 33, 100, 300] {
        let layers = vec![Layer::Dense { outputs }, Layer::Tanh, Layer::Dense { outputs: 33 }];
        for storage in [Storage::SparseBytes, Storage::DenseBytes, Storage::Floats] {
            let case = case(layers.clone(), Loss::CrossEntropy, storage, 300, 50, 4);
            let (mut single, mut double) = (case.objective::<f32>(), case.objective::<f64>());
            let n = single.dim();
            let (mut g, mut h) = (vec![0.0; n], vec![0.0; n]);
            let (a, b) =
                (single.value_gradient(&case.theta, &mut g), double.value_gradient(&case.theta, &mut h));
            assert!((a - b).abs() < 2e-6, "{outputs} {storage:?}: {a} {b}");
            assert!(optkit_core::vector::distance_inf(&g, &h) < 1e-6, "{outputs} {storage:?}");
            let coordinates: Vec<usize> = (0..20).map(|i| i * 7919 % n).collect();
            let worst = check_gradient(&mut double, &case.theta, &coordinates, 6e-6).unwrap();
            assert!(worst.error < 1e-8, "{outputs} {storage:?} {worst:?}");
        }
    }
}

/// Mean cross-entropy of a two-layer relu network, written down as it is defined.
fn plain(case: &Case, features: &[f64], hidden: usize, outputs: usize, labels: &[u8]) -> f64 {
    let inputs = case.network.inputs();
    let (w1, rest) = case.theta.split_at(hidden * inputs);
    let (b1, rest) = rest.split_at(hidden);
    let (w2, b2) = rest.split_at(outputs * hidden);
    let affine = |w: &[f64], b: &[f64], x: &[f64]| -> Vec<f64> {
        let rows = w.chunks_exact(x.len()).zip(b);
        rows.map(|(w, b)| b + w.iter().zip(x).map(|(w, x)| w * x).sum::<f64>()).collect()
    };
    let losses = features.chunks_exact(inputs).zip(labels).map(|(x, &label)| {
        let h: Vec<f64> = affine(w1, b1, x).into_iter().map(|z| z.max(0.0)).collect();
        let y = affine(w2, b2, &h);
        y.iter().map(|y| y.exp()).sum::<f64>().ln() - y[usize::from(label)]
    });
    losses.sum::<f64>() / labels.len() as f64
}

#[test]
fn the_loss_is_what_its_definition_says() {
    use optkit_nn::{Network, NetworkObjective, Samples, Targets};
    use std::sync::Arc;
    let (inputs, hidden, outputs, count) = (11, 7, 5, 333);
    let mut random = common::noise(5);
    let bytes: Vec<u8> = (0..inputs * count)
        .map(|_| if random() > 0.5 { (random().abs() * 255.0) as u8 } else { 0 })
        .collect();
    let labels: Vec<u8> = (0..count).map(|i| (i * 31 % outputs) as u8).collect();
    let layers =
        vec![Layer::Flatten, Layer::Dense { outputs: hidden }, Layer::Relu, Layer::Dense { outputs }];
    let network = Network::new(vec![inputs, 1], layers).unwrap();
    let samples = Arc::new(Samples::from_bytes(&bytes, inputs, 1.0 / 255.0).unwrap());
    let targets = Arc::new(Targets::labels(&labels, outputs).unwrap());
    let theta = network.initial(9);
    let case = Case { network, loss: Loss::CrossEntropy, samples, targets, theta };
    let features: Vec<f64> = bytes.iter().map(|&b| f64::from(f32::from(b) * (1.0 / 255.0))).collect();
    let expected = plain(&case, &features, hidden, outputs, &labels);
    let double = case.objective::<f64>().value(&case.theta);
    assert!((double - expected).abs() < 1e-13, "{double} {expected}");
    let mut f: NetworkObjective = case.objective();
    assert!((f.value(&case.theta) - expected).abs() < 2e-7);
}
