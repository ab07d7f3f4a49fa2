//! Image networks: gradients against differences, parts against the whole.

#[path = "images/case.rs"]
mod case;
mod common;
#[path = "images/invariance.rs"]
mod invariance;
#[path = "networks/images.rs"]
mod networks;

use optkit_core::vector::{distance_inf, norm_inf};
use optkit_core::{Objective, Pass, Subset, check_gradient};
use optkit_nn::{Conv, Layer, NetworkObjective, Shortcut, Window};
use proptest::prelude::*;

use case::Case;
use networks::{Within, block, conv, layers_of, norm};

/// Relative to the largest entry; of relu networks a kink may lie within the step: a second look with a smaller one.
#[track_caller]
fn gradient_is_right(case: &Case, f: &mut NetworkObjective<f64>) {
    let n = f.dim();
    let coordinates: Vec<usize> = (0..60).map(|i| i * 7919 % n).collect();
    let worst = [6e-6, 1e-7].map(|h| check_gradient(f, &case.theta, &coordinates, h).unwrap());
    assert!(worst[0].error < 1e-7 || worst[1].error < 2e-6, "{worst:?}\n{:?}", case.network);
}

/// Every layer alone between two that have parameters, in an image and behind it.
#[test]
fn the_gradient_of_every_layer_is_that_of_differences() {
    for layer in layers_of(Within::Images) {
        let layers = vec![
            Layer::Conv(conv(4, 3, 1, 1)),
            layer,
            Layer::Tanh,
            Layer::Flatten,
            Layer::Dense { outputs: 3 },
        ];
        let case = Case::new(vec![2, 6, 5], layers, 11, 3);
        gradient_is_right(&case, &mut case.objective());
    }
    for layer in layers_of(Within::Rows) {
        let layers =
            vec![Layer::Dense { outputs: 6 }, Layer::Tanh, layer, norm(), Layer::Dense { outputs: 4 }];
        let case = Case::new(vec![7], layers, 70, 5);
        gradient_is_right(&case, &mut case.objective());
    }
}

/// What is flattened for others than dense layers, what ends in an image, and what begins otherwise than in a convolution.
#[test]
fn the_gradient_is_right_at_the_edges() {
    let (conv, dense) = (Layer::Conv(conv(3, 2, 1, 0)), Layer::Dense { outputs: 4 });
    for layers in [
        vec![conv.clone(), Layer::Flatten, Layer::Tanh, dense.clone()],
        vec![conv.clone(), Layer::Tanh, conv.clone()],
        vec![Layer::PoolAvg(Window::new([2, 2])), conv.clone(), Layer::Flatten, Layer::LogSoftmax],
        vec![norm(), Layer::Flatten, dense.clone()],
        vec![Layer::Skip { body: vec![norm()], shortcut: Shortcut::Identity }, Layer::Flatten, dense.clone()],
        vec![Layer::Flatten, dense.clone(), norm(), Layer::Relu, dense],
    ] {
        let case = Case::new(vec![1, 4, 6], layers, 9, 2);
        gradient_is_right(&case, &mut case.objective());
    }
}

fn layers_of_images() -> impl Strategy<Value = Vec<Layer>> {
    let activation =
        prop_oneof![Just(Layer::Tanh), Just(Layer::Gelu), Just(Layer::Sigmoid), Just(Layer::Relu)];
    let conv =
        (1_usize..40, 1_usize..4, 1_usize..3, any::<bool>()).prop_map(|(outputs, kernel, stride, bias)| {
            Layer::Conv(Conv { bias, ..conv(outputs, kernel, stride, kernel / 2) })
        });
    let block = (1_usize..20, 1_usize..3).prop_map(|(outputs, stride)| block(outputs, stride, &Layer::Tanh));
    let layer = prop_oneof![3 => conv, 2 => activation, 2 => block, 1 => Just(norm())];
    (prop::collection::vec(layer, 1..6), any::<bool>(), 2_usize..12).prop_map(
        |(mut layers, global, outputs)| {
            layers.push(if global { Layer::PoolAvgGlobal } else { Layer::Flatten });
            layers.push(Layer::Dense { outputs });
            layers
        },
    )
}

fn cases() -> impl Strategy<Value = Case> {
    (layers_of_images(), 1_usize..5, 4_usize..9, 2_usize..40, 0_u64..1000).prop_map(
        |(mut layers, channels, size, count, seed)| {
            // A chain of dense layers is computed elsewhere.
            layers.insert(0, Layer::Conv(conv(3, 3, 1, 1)));
            Case::new(vec![channels, size, size], layers, count, seed)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn gradients_of_any_network_are_those_of_differences(case in cases()) {
        gradient_is_right(&case, &mut case.objective());
    }

    #[test]
    fn single_precision_agrees_with_double(case in cases()) {
        let (mut single, mut double) = (case.objective::<f32>(), case.objective::<f64>());
        let n = single.dim();
        let (mut g, mut h) = (vec![0.0; n], vec![0.0; n]);
        let (a, b) = (single.value_gradient(&case.theta, &mut g), double.value_gradient(&case.theta, &mut h));
        prop_assert!((a - b).abs() <= 1e-5 * b.abs().max(1.0), "{a} {b}");
        // Normalisations of a few values divide by small deviations, and a relu's kink moves with rounding.
        let distance = distance_inf(&g, &h);
        prop_assert!(distance <= 2e-3 * norm_inf(&h).max(1.0), "{distance}");
        prop_assert_eq!(a, case.objective::<f32>().value(&case.theta));
    }

    /// Values and gradients of a part, at the frozen point and elsewhere, are those of the whole at its coordinates.
    #[test]
    fn a_part_is_the_whole_at_its_coordinates(case in cases()) {
        let mut subsets = case.tensors();
        let n = case.network.dim();
        subsets.push(Subset::from_indices(n, &(0..n).step_by(3).collect::<Vec<_>>()).unwrap());
        let (mut f, mut other) = (case.objective::<f32>(), case.objective::<f32>());
        let (mut gradient, mut random) = (vec![0.0; n], common::noise(3));
        f.value_gradient(&case.theta, &mut gradient);
        let mut split = f.decompose(&subsets).unwrap();
        split.freeze(&case.theta, Pass::default());
        prop_assert_eq!(split.shared_work().values, 0);
        for (i, subset) in subsets.iter().enumerate() {
            let mut own = vec![0.0; subset.len()];
            subset.gather(&case.theta, &mut own);
            for _ in 0..2 {
                let (mut at, mut of_part, mut expected) = (case.theta.clone(), own.clone(), own.clone());
                subset.scatter(&own, &mut at);
                let value = split.parts()[i].value_gradient(&own, &mut of_part);
                prop_assert_eq!(value, other.value_gradient(&at, &mut gradient));
                subset.gather(&gradient, &mut expected);
                prop_assert_eq!(of_part, expected);
                own.iter_mut().for_each(|v| *v += 0.05 * random());
            }
        }
    }
}
