//! The dfdx backend against the native one, against a plain f64 evaluation written here, and on bad input.
#![cfg(feature = "dfdx")]

mod common;

use std::sync::Arc;

use optkit_core::{Archive, LoadError, Objective};
use optkit_nn::{DfdxError, DfdxObjective, Layer, Loss, Network, Samples, SamplesError, Targets};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

const MICRO_BATCH: usize = DfdxObjective::MICRO_BATCH;

/// A problem of any shape that the backend supports.
#[derive(Clone, Debug)]
struct Problem {
    network: Network,
    features: Vec<f32>,
    /// Classes where `loss` is cross entropy or `one_hot`; else numbers.
    labels: Vec<u8>,
    numbers: Vec<f32>,
    loss: Loss,
    one_hot: bool,
    theta: Vec<f64>,
}

impl Problem {
    fn by_labels(&self) -> bool {
        self.loss == Loss::CrossEntropy || self.one_hot
    }

    fn objective(&self) -> DfdxObjective {
        let samples = Samples::from_floats(self.features.clone(), self.network.inputs()).unwrap();
        let outputs = self.network.outputs();
        let targets = if self.by_labels() {
            Targets::labels(&self.labels, outputs).unwrap()
        } else {
            Targets::values(self.numbers.clone(), outputs).unwrap()
        };
        DfdxObjective::new(&self.network, self.loss, Arc::new(samples), Arc::new(targets)).unwrap()
    }

    /// f(θ) in f64, one sample after another.
    fn reference(&self, theta: &[f64]) -> f64 {
        let (inputs, outputs) = (self.network.inputs(), self.network.outputs());
        let samples = self.features.chunks_exact(inputs).enumerate();
        let losses = samples.map(|(i, x)| {
            let y = self.outputs(theta, x.iter().map(|&v| f64::from(v)).collect());
            let label = usize::from(self.labels[i]);
            match self.loss {
                Loss::MeanSquared => {
                    let target = |j: usize| match self.by_labels() {
                        true => f64::from(u8::from(j == label)),
                        false => f64::from(self.numbers[i * outputs + j]),
                    };
                    let squares = y.iter().enumerate().map(|(j, y)| (y - target(j)).powi(2));
                    squares.sum::<f64>() / outputs as f64
                }
                _ => -log_softmax(&y)[label],
            }
        });
        losses.sum::<f64>() / (self.features.len() / inputs) as f64
    }

    fn outputs(&self, theta: &[f64], mut a: Vec<f64>) -> Vec<f64> {
        let mut at = 0;
        for layer in self.network.layers() {
            a = match layer {
                Layer::Dense { outputs } => {
                    let (weight, bias) = theta[at..].split_at(outputs * a.len());
                    at += outputs * (a.len() + 1);
                    let rows = weight.chunks_exact(a.len()).zip(bias);
                    rows.map(|(w, b)| b + w.iter().zip(&a).map(|(w, a)| w * a).sum::<f64>()).collect()
                }
                Layer::Relu => a.iter().map(|v| v.max(0.0)).collect(),
                Layer::Sigmoid => a.iter().map(|v| 1.0 / (1.0 + (-v).exp())).collect(),
                Layer::Tanh => a.iter().map(|v| v.tanh()).collect(),
                Layer::LogSoftmax => log_softmax(&a),
                _ => a,
            };
        }
        a
    }

    /// ∇f(θ) by central differences of the reference: exact to about 1e-9.
    fn reference_gradient(&self) -> Vec<f64> {
        let h = 1e-6;
        let mut theta = self.theta.clone();
        (0..theta.len())
            .map(|i| {
                theta[i] = self.theta[i] + h;
                let above = self.reference(&theta);
                theta[i] = self.theta[i] - h;
                let below = self.reference(&theta);
                theta[i] = self.theta[i];
                (above - below) / (2.0 * h)
            })
            .collect()
    }
}

fn log_softmax(y: &[f64]) -> Vec<f64> {
    let largest = y.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let log_sum = largest + y.iter().map(|v| (v - largest).exp()).sum::<f64>().ln();
    y.iter().map(|v| v - log_sum).collect()
}

/// Values in ±2 that do not repeat.
fn spread(count: usize, phase: f64) -> Vec<f32> {
    (0..count).map(|i| (2.0 * (i as f64 * 0.7391 + phase).sin()) as f32).collect()
}

fn problem(shape: Vec<usize>, layers: Vec<Layer>, count: usize, loss: Loss, one_hot: bool) -> Problem {
    let network = Network::new(shape, layers).unwrap();
    let (inputs, outputs) = (network.inputs(), network.outputs());
    Problem {
        features: spread(count * inputs, 0.3),
        labels: (0..count).map(|i| (i * i % outputs) as u8).collect(),
        numbers: spread(count * outputs, 1.1),
        theta: network.initial(17).iter().map(|v| f64::from((1.5 * v) as f32)).collect(),
        network,
        loss,
        one_hot,
    }
}

/// Anything between two dense layers, nothing included.
fn between() -> impl Strategy<Value = Vec<Layer>> {
    let activation =
        prop_oneof![Just(Layer::Relu), Just(Layer::Sigmoid), Just(Layer::Tanh), Just(Layer::LogSoftmax)];
    prop::collection::vec(activation, 0..3)
}

fn problems() -> impl Strategy<Value = Problem> {
    let dense = (1..6_usize).prop_map(|outputs| Layer::Dense { outputs });
    let stretch = (dense, between());
    let loss = prop_oneof![Just(Loss::CrossEntropy), Just(Loss::MeanSquared)];
    (1..5_usize, between(), prop::collection::vec(stretch, 1..4), 1..30_usize, loss, any::<bool>()).prop_map(
        |(inputs, before, stretches, count, loss, one_hot)| {
            let mut layers = before;
            for (dense, after) in stretches {
                layers.push(dense);
                layers.extend(after);
            }
            problem(vec![inputs], layers, count, loss, one_hot)
        },
    )
}

fn paper(count: usize) -> Problem {
    let layers = vec![
        Layer::Flatten,
        Layer::Dense { outputs: 7 },
        Layer::Relu,
        Layer::Dense { outputs: 5 },
        Layer::Relu,
        Layer::Dense { outputs: 4 },
    ];
    problem(vec![3, 2], layers, count, Loss::CrossEntropy, false)
}

fn assert_close(got: &[f64], expected: &[f64], tolerance: f64) {
    let scale = expected.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    for (i, (g, e)) in got.iter().zip(expected).enumerate() {
        assert!((g - e).abs() <= tolerance * scale + 1e-7, "coordinate {i}: {g} for {e}, scale {scale}");
    }
}

fn check_against_reference(problem: &Problem) {
    let mut f = problem.objective();
    let mut gradient = vec![f64::NAN; f.dim()];
    let value = f.value_gradient(&problem.theta, &mut gradient);
    // f32 products of a few terms: a handful of roundings of 6e-8.
    let expected = problem.reference(&problem.theta);
    assert!((value - expected).abs() <= 1e-5 * expected.abs().max(0.1), "{value} for {expected}");
    assert_close(&gradient, &problem.reference_gradient(), 1e-5);
}

/// Whether both backends see the same function at θ.
fn agrees(case: &common::Case, theta: &[f64]) -> bool {
    let mut native = case.objective::<f32>();
    let mut dfdx =
        DfdxObjective::new(&case.network, case.loss, case.samples.clone(), case.targets.clone()).unwrap();
    let (mut expected, mut gradient) = (vec![0.0; native.dim()], vec![0.0; dfdx.dim()]);
    let a = native.value_gradient(theta, &mut expected);
    let b = dfdx.value_gradient(theta, &mut gradient);
    let distance = optkit_core::vector::distance_inf(&gradient, &expected);
    // Where the gradient vanishes, its rounding errors remain.
    let scale = optkit_core::vector::norm_inf(&expected).max(0.1);
    (a - b).abs() <= 1e-5 * a.abs().max(0.1) && distance <= 1e-5 * scale
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, rng_seed: RngSeed::Fixed(2), failure_persistence: None, ..Default::default() }
}

proptest! {
    #![proptest_config(config(64))]

    #[test]
    fn both_backends_compute_one_function(case in common::cases()) {
        // A rounding error that moves a relu across its kink changes a gradient; not at two points running.
        let nearby: Vec<f64> = case.theta.iter().map(|v| 1.01 * v).collect();
        prop_assert!(agrees(&case, &case.theta) || agrees(&case, &nearby));
    }
}

proptest! {
    #![proptest_config(config(200))]

    #[test]
    fn values_and_gradients_are_those_of_a_plain_evaluation(problem in problems()) {
        check_against_reference(&problem);
    }
}

#[test]
fn every_cut_into_micro_batches_gives_the_mean_over_all_samples() {
    for count in [1, MICRO_BATCH - 1, MICRO_BATCH, MICRO_BATCH + 1, 9 * MICRO_BATCH + 3] {
        check_against_reference(&paper(count));
    }
}

#[test]
fn a_known_point_changes_the_cost_and_not_a_bit_of_the_result() {
    let problem = paper(2 * MICRO_BATCH);
    let (mut cold, mut warm) = (problem.objective(), problem.objective());
    let (mut expected, mut gradient) = (vec![0.0; cold.dim()], vec![0.0; cold.dim()]);
    let cost = |f: &DfdxObjective| f.work().gradient_equivalents;
    let value = cold.value_gradient(&problem.theta, &mut expected);
    assert_eq!(cost(&cold), 1.0);
    assert_eq!((warm.value(&problem.theta), cost(&warm)), (value, 0.5));
    assert_eq!((warm.value_gradient(&problem.theta, &mut gradient), cost(&warm)), (value, 1.0));
    assert_eq!(gradient, expected);
    assert_eq!((warm.value(&problem.theta), cost(&warm)), (value, 1.0));
    assert_eq!((warm.work().values, warm.work().gradients), (1, 1));
    // Elsewhere the kept pass must not be used.
    let mut elsewhere = problem.theta.clone();
    elsewhere[3] += 0.5;
    warm.value_gradient(&elsewhere, &mut gradient);
    assert_ne!(gradient, expected);
    assert_eq!(cost(&warm), 2.0);
    warm.value_gradient(&problem.theta, &mut gradient);
    assert_eq!(gradient, expected);
}

#[test]
fn a_loaded_objective_goes_on_as_the_saved_one() {
    let problem = paper(30);
    let mut f = problem.objective();
    let (mut expected, mut gradient) = (vec![0.0; f.dim()], vec![0.0; f.dim()]);
    for evaluated in [false, true] {
        if evaluated {
            f.value(&problem.theta);
        }
        let mut archive = Archive::default();
        f.save(&mut archive);
        let mut other = problem.objective();
        other.load(&archive).unwrap();
        assert_eq!(other.work(), f.work());
        let value = f.value_gradient(&problem.theta, &mut expected);
        assert_eq!(other.value_gradient(&problem.theta, &mut gradient), value);
        assert_eq!(gradient, expected);
        assert_eq!(other.work(), f.work());
        f = problem.objective();
    }
    assert!(matches!(f.load(&Archive::default()), Err(LoadError::Missing(_))));
    let mut archive = Archive::default();
    archive.put("kept_at", vec![1.0]);
    assert!(matches!(f.load(&archive), Err(LoadError::Length { got: 1, .. })));
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    // Products large enough for dfdx to split them between threads.
    let layers = vec![Layer::Dense { outputs: 64 }, Layer::Tanh, Layer::Dense { outputs: 10 }];
    let problem = problem(vec![200], layers, 10 * MICRO_BATCH + 5, Loss::CrossEntropy, false);
    let evaluate = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut f = problem.objective();
            let mut gradient = vec![0.0; f.dim()];
            (f.value_gradient(&problem.theta, &mut gradient).to_bits(), gradient)
        })
    };
    let one = evaluate(1);
    for threads in [2, 3, 4, 16] {
        assert!(evaluate(threads) == one, "{threads} threads");
    }
}

#[test]
fn a_point_beyond_f32_is_not_defined_and_the_next_one_is() {
    let problem = paper(20);
    let mut f = problem.objective();
    let value = f.value(&problem.theta);
    let mut gradient = vec![0.0; f.dim()];
    for bad in [f64::NAN, f64::INFINITY, -1e300, 3e38] {
        let mut theta = problem.theta.clone();
        theta[2] = bad;
        theta[5] = -bad; // ∞ − ∞, which dfdx's relu would turn into 0
        assert!(f.value(&theta).is_nan(), "{bad}");
        assert!(f.value_gradient(&theta, &mut gradient).is_nan(), "{bad}");
        assert!(gradient.iter().all(|g| g.is_nan()));
        assert_eq!(f.value(&problem.theta), value);
    }
}

#[test]
fn what_does_not_fit_is_named() {
    let network = paper(1).network;
    let samples = Samples::from_floats(spread(12, 0.0), 6).unwrap();
    let error = |network: &Network, samples: &Samples, targets: &Targets, loss| {
        DfdxObjective::new(network, loss, Arc::new(samples.clone()), Arc::new(targets.clone()))
            .err()
            .expect("it does not fit")
    };
    let labels = Targets::labels(&[1, 2], 4).unwrap();
    let narrow = Samples::from_floats(spread(8, 0.0), 4).unwrap();
    assert_eq!(
        error(&network, &narrow, &labels, Loss::CrossEntropy),
        DfdxError::Samples(SamplesError::WrongInput { expected: 6, got: 4 })
    );
    let three = Targets::labels(&[1, 2, 0], 4).unwrap();
    assert_eq!(
        error(&network, &samples, &three, Loss::CrossEntropy),
        DfdxError::Samples(SamplesError::CountsDiffer { samples: 2, targets: 3 })
    );
    let five = Targets::labels(&[1, 2], 5).unwrap();
    assert_eq!(
        error(&network, &samples, &five, Loss::MeanSquared),
        DfdxError::Samples(SamplesError::WrongOutput { expected: 5, got: 4 })
    );
    let numbers = Targets::values(spread(8, 0.0), 4).unwrap();
    assert_eq!(
        error(&network, &samples, &numbers, Loss::CrossEntropy),
        DfdxError::Samples(SamplesError::NeedsLabels { loss: "cross_entropy" })
    );
    let bare = Network::new(vec![6], vec![Layer::Relu]).unwrap();
    let six = Targets::labels(&[1, 2], 6).unwrap();
    assert_eq!(
        error(&bare, &samples, &six, Loss::MeanSquared),
        DfdxError::Samples(SamplesError::NoParameters)
    );
}

#[test]
fn bytes_and_floats_are_the_same_samples() {
    let network = paper(1).network;
    // Mostly zeros, so that they are stored as sparse columns; more than two tiles of them.
    let count = MICRO_BATCH + 300;
    let bytes: Vec<u8> = (0..6 * count).map(|i| if i % 5 == 0 { (i % 256) as u8 } else { 0 }).collect();
    let floats: Vec<f32> = bytes.iter().map(|&b| f32::from(b) * 0.01).collect();
    let labels: Vec<u8> = (0..count).map(|i| (i % 4) as u8).collect();
    let targets = Arc::new(Targets::labels(&labels, 4).unwrap());
    let value = |samples: Samples| {
        let mut f =
            DfdxObjective::new(&network, Loss::CrossEntropy, Arc::new(samples), targets.clone()).unwrap();
        f.value(&network.initial(5))
    };
    let from_bytes = value(Samples::from_bytes(&bytes, 6, 0.01).unwrap());
    assert_eq!(from_bytes, value(Samples::from_floats(floats, 6).unwrap()));
}
