//! Smoothed labels and weight decay: against their formulas and differences, on both executors, whole and by parts.

mod common;

use std::sync::Arc;

use common::{Storage, labels, noise, samples};
use optkit_core::vector::{distance_inf, dot, norm_inf};
use optkit_core::{Objective, Pass, Subset, check_gradient, find_wrong_product};
use optkit_nn::{
    BatchNorm, Conv, Layer, Loss, Network, NetworkObjective, Samples, SamplesError, Scalar, Targets,
    WeightDecay,
};

const CLASSES: usize = 5;

/// A chain of dense layers, and a network with a convolution and a normalisation; both on 2×6×6 values.
fn networks() -> [Network; 2] {
    let end = [Layer::Flatten, Layer::Dense { outputs: 7 }, Layer::Tanh, Layer::Dense { outputs: CLASSES }];
    let conv = Layer::Conv(Conv { pad: [1, 1], bias: false, ..Conv::new(3, [3, 3]) });
    let image = [conv, Layer::BatchNorm(BatchNorm::default()), Layer::Tanh];
    let images = image.into_iter().chain(end.clone()).collect();
    [Network::new(vec![2, 6, 6], end.to_vec()).unwrap(), Network::new(vec![2, 6, 6], images).unwrap()]
}

fn data(count: usize) -> (Arc<Samples>, Targets) {
    let targets = Targets::labels(&labels(count, CLASSES, 3), CLASSES).unwrap();
    (Arc::new(samples(Storage::Floats, count, 72, 3)), targets)
}

fn objective<S: Scalar>(network: &Network, loss: Loss, smoothing: f64) -> NetworkObjective<S> {
    let (samples, targets) = data(50);
    NetworkObjective::new(network, loss, samples, Arc::new(targets.smoothed(smoothing).unwrap())).unwrap()
}

/// The numbers are PyTorch's, of
/// `cross_entropy(tensor([[1., 2., -1.], [0., .5, 3.]], dtype=float64), tensor([1, 0]), label_smoothing=0.2)`.
#[test]
fn a_smoothed_loss_is_pytorchs() {
    let network = Network::new(vec![2], vec![Layer::Dense { outputs: 3 }]).unwrap();
    let samples = Arc::new(Samples::from_floats(vec![1.0, 0.0, 0.0, 1.0], 2).unwrap());
    let targets = Arc::new(Targets::labels(&[1, 0], 3).unwrap().smoothed(0.2).unwrap());
    let mut f = NetworkObjective::<f64>::new(&network, Loss::CrossEntropy, samples, targets).unwrap();
    // W holds the logits of the two samples in its columns.
    let theta = [1.0, 0.0, 2.0, 0.5, -1.0, 3.0, 0.0, 0.0, 0.0];
    let mut gradient = [0.0; 9];
    let loss = f.value_gradient(&theta, &mut gradient);
    assert!((loss - LOSS).abs() < 1e-14, "{loss}");
    let of_logits = [0, 2, 4, 1, 3, 5].map(|i| gradient[i]);
    assert!(distance_inf(&of_logits, &GRADIENT) < 1e-14, "{of_logits:?}");
}

const LOSS: f64 = 1.753_109_254_235_443_6;
const GRADIENT: [f64; 6] = [
    0.096_414_896_837_876_24,
    -0.080_641_076_984_212_75,
    -0.015_773_819_853_663_468,
    -0.411_340_093_187_304_4,
    0.002_927_389_507_040_544,
    0.408_412_703_680_263_8,
];

/// Of hard labels it is the loss itself, to the bit; of others a mixture of the losses of all labels.
#[test]
fn a_smoothed_loss_is_the_mean_over_labels() {
    for network in networks() {
        let theta = network.initial(1);
        let value = |targets: Targets| {
            let (samples, _) = data(50);
            let f = NetworkObjective::<f64>::new(&network, Loss::CrossEntropy, samples, Arc::new(targets));
            f.unwrap().value(&theta)
        };
        let hard = value(data(50).1);
        assert_eq!(value(data(50).1.smoothed(0.0).unwrap()).to_bits(), hard.to_bits());
        let all = (0..CLASSES).map(|c| value(Targets::labels(&[c as u8; 50], CLASSES).unwrap()));
        let mean = all.sum::<f64>() / CLASSES as f64;
        let smooth = value(data(50).1.smoothed(0.3).unwrap());
        assert!((smooth - (0.7 * hard + 0.3 * mean)).abs() < 1e-14, "{smooth}");
    }
}

#[test]
fn derivatives_of_smoothed_losses_are_those_of_differences() {
    for loss in [Loss::CrossEntropy, Loss::MeanSquared, Loss::BinaryCrossEntropy] {
        for network in networks() {
            let mut f = objective::<f64>(&network, loss, 0.3);
            let theta = network.initial(2);
            let coordinates: Vec<usize> = (0..80).map(|i| i * 7919 % network.dim()).collect();
            let worst = check_gradient(&mut f, &theta, &coordinates, 6e-6).unwrap();
            assert!(worst.error < 1e-8, "{loss:?} {worst:?}");
        }
        let [chain, _] = networks();
        let mut f = objective::<f64>(&chain, loss, 0.3);
        let report = find_wrong_product(&mut f, None, &chain.initial(2), 1).unwrap();
        assert!(report.wrong.is_empty(), "{loss:?} {report:?}");
    }
}

#[test]
fn what_cannot_be_smoothed_says_so() {
    let values = Targets::values(vec![0.5, 1.0], 2).unwrap();
    assert!(matches!(values.smoothed(0.1), Err(SamplesError::NeedsLabels { .. })));
    for wrong in [-0.1, 1.0, f64::NAN] {
        let error = data(3).1.smoothed(wrong).unwrap_err().to_string();
        assert!(error.contains("at least 0 and less than 1"), "{error}");
    }
}

const DECAY: f64 = 0.02;

fn decayed<S: Scalar>(network: &Network) -> WeightDecay {
    WeightDecay::new(Box::new(objective::<S>(network, Loss::CrossEntropy, 0.0)), DECAY)
}

/// Value, gradient and products of the loss with c/2 ‖θ‖², cθ and cv added.
#[test]
fn weight_decay_adds_its_term_to_value_gradient_and_products() {
    for network in networks() {
        let (mut with, mut without) =
            (decayed::<f64>(&network), objective::<f64>(&network, Loss::CrossEntropy, 0.0));
        let theta = network.initial(3);
        let (mut g, mut h) = (vec![0.0; network.dim()], vec![0.0; network.dim()]);
        let (value, plain) = (with.value_gradient(&theta, &mut g), without.value_gradient(&theta, &mut h));
        assert!((value - plain - 0.5 * DECAY * dot(&theta, &theta)).abs() < 1e-14, "{value} {plain}");
        assert_eq!(with.value(&theta).to_bits(), value.to_bits());
        h.iter_mut().zip(&theta).for_each(|(h, x)| *h += DECAY * x);
        assert_eq!(g, h);
        let mut random = noise(5);
        let v: Vec<f64> = theta.iter().map(|_| random()).collect();
        let Some(products) = without.hessian_product() else {
            assert!(with.hessian_product().is_none());
            continue;
        };
        products.apply(&theta, &v, &mut h);
        h.iter_mut().zip(&v).for_each(|(h, v)| *h += DECAY * v);
        with.hessian_product().unwrap().apply(&theta, &v, &mut g);
        assert_eq!(g, h);
    }
}

fn parts_agree<S: Scalar>(network: &Network, subsets: &[Subset], tolerance: f64) {
    let mut whole = decayed::<S>(network);
    let mut theta = network.initial(4);
    let mut random = noise(7);
    let mut gradient = vec![0.0; network.dim()];
    let mut split = whole.decompose(subsets).unwrap();
    for turn in 0..2 {
        whole.value_gradient(&theta, &mut gradient);
        split.freeze(&theta, Pass::default());
        assert_eq!(split.shared_work().values, 0, "the pass of the whole was not taken over");
        for (i, subset) in subsets.iter().enumerate() {
            let mut at = theta.clone();
            let mut own = vec![0.0; subset.len()];
            subset.gather(&theta, &mut own);
            own.iter_mut().for_each(|x| *x += 0.1 * random());
            subset.scatter(&own, &mut at);
            let (mut of_part, mut expected) = (own.clone(), own.clone());
            let value = split.parts()[i].value_gradient(&own, &mut of_part);
            let of_whole = whole.value_gradient(&at, &mut gradient);
            subset.gather(&gradient, &mut expected);
            assert!((value - of_whole).abs() <= tolerance, "turn {turn}, part {i}: {value} {of_whole}");
            let distance = distance_inf(&of_part, &expected);
            assert!(
                distance <= tolerance * norm_inf(&expected).max(1.0),
                "turn {turn}, part {i}: {distance}"
            );
        }
        theta.iter_mut().for_each(|x| *x += 0.1 * random());
    }
}

#[test]
fn a_part_with_weight_decay_is_the_whole_at_its_coordinates() {
    for network in networks() {
        let n = network.dim();
        let tensors = network.tensors();
        let of = |k: usize| tensors.iter().skip(k).step_by(2).map(|t| t.range.clone());
        let by_tensor = [0, 1].map(|k| Subset::from_ranges(n, of(k)).unwrap());
        let odd = [0, 1, 2].map(|k| Subset::from_indices(n, &(k..n).step_by(3).collect::<Vec<_>>()).unwrap());
        parts_agree::<f64>(&network, &by_tensor, 1e-12);
        parts_agree::<f64>(&network, &odd, 1e-12);
        parts_agree::<f32>(&network, &by_tensor, 1e-5);
    }
}
