//! The pieces of the two-level method on networks, against Hessian products where those are Gauss–Newton's.

mod common;

use std::sync::Arc;

use common::{Storage, case, noise, samples};
use optkit_core::{CoarseSpace, Direction, NoGaussNewton, Objective, Source, Subset};
use optkit_nn::{Layer, Loss, Network, NetworkObjective, Samples, Scalar, Targets};

/// A part a layer.
fn by_layer(network: &Network) -> Vec<Subset> {
    let of = |pair: &[optkit_nn::Tensor]| {
        Subset::from_ranges(network.dim(), pair.iter().map(|t| t.range.clone())).unwrap()
    };
    network.tensors().chunks(2).map(of).collect()
}

fn random_vector(n: usize, scale: f64, seed: u64) -> Vec<f64> {
    let mut random = noise(seed);
    (0..n).map(|_| scale * random()).collect()
}

fn restricted(part: &Subset, v: &[f64]) -> Vec<f64> {
    let mut kept = vec![0.0; v.len()];
    part.indices().for_each(|i| kept[i] = v[i]);
    kept
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The outputs of a dense network, written down independently.
fn outputs(network: &Network, theta: &[f64], x: &[f64]) -> Vec<f64> {
    let (tensors, mut x, mut at) = (network.tensors(), x.to_vec(), 0);
    for layer in network.layers() {
        match layer {
            Layer::Dense { outputs } => {
                let (w, b) = (&theta[tensors[at].range.clone()], &theta[tensors[at + 1].range.clone()]);
                x = (0..*outputs).map(|o| dot(&w[o * x.len()..(o + 1) * x.len()], &x) + b[o]).collect();
                at += 2;
            }
            Layer::Relu => x.iter_mut().for_each(|v| *v = v.max(0.0)),
            Layer::Tanh => x.iter_mut().for_each(|v| *v = v.tanh()),
            Layer::Sigmoid => x.iter_mut().for_each(|v| *v = 1.0 / (1.0 + (-*v).exp())),
            other => panic!("{other:?} is not written down here"),
        }
    }
    x
}

/// Where all residuals are zero the Hessian of the mean squared error is its Gauss–Newton matrix: M and β over parts of
/// three vectors against Hessian products, to the rounding of the targets to f32.
#[test]
fn the_coarse_matrix_is_the_gauss_newton_matrix() {
    for (activation, storage) in [
        (Layer::Tanh, Storage::SparseBytes),
        (Layer::Sigmoid, Storage::Floats),
        (Layer::Relu, Storage::DenseBytes),
    ] {
        let dense = |outputs| Layer::Dense { outputs };
        let layers = vec![dense(9), activation.clone(), dense(70), activation, dense(5)];
        let network = Network::new(vec![21], layers).unwrap();
        let theta = network.initial(3);
        let count = 300;
        let rows: Vec<f64> = match storage {
            Storage::Floats => common::floats(count, 21, 8).iter().map(|&v| f64::from(v)).collect(),
            _ => common::bytes(storage, count, 21, 8)
                .iter()
                .map(|&b| f64::from(f32::from(b) / 128.0))
                .collect(),
        };
        let targets: Vec<f32> =
            rows.chunks(21).flat_map(|x| outputs(&network, &theta, x)).map(|y| y as f32).collect();
        let samples = Arc::new(samples(storage, count, 21, 8));
        let targets = Arc::new(Targets::values(targets, 5).unwrap());
        let mut f = NetworkObjective::<f64>::new(&network, Loss::MeanSquared, samples, targets).unwrap();
        let parts = by_layer(&network);
        let mut models = f.gauss_newton(&parts).unwrap();
        assert!(models.go_to(&theta) < 1e-12);
        let [new, mut tail] = [1, 2].map(|seed| random_vector(f.dim(), 0.1, seed));
        tail[network.tensors()[0].range.clone()].fill(0.0);
        models.keep(&new);
        let directions: Vec<Direction> = (0..3)
            .flat_map(|part| [Source::New, Source::Tail].map(|source| Direction { part, source }))
            .collect();
        let space =
            CoarseSpace { directions: &directions, new: &new, tail: &tail, total: &[], previous: &[] };
        let k = directions.len();
        let (mut matrix, mut slopes) = (vec![0.0; k * k], vec![0.0; k]);
        models.coarse(&space, &mut matrix, &mut slopes);
        let (mut gradient, mut product) = (vec![0.0; f.dim()], vec![0.0; f.dim()]);
        f.value_gradient(&theta, &mut gradient);
        for (a, d) in directions.iter().enumerate() {
            let v = restricted(&parts[d.part], space.vector(d.source));
            assert!((slopes[a] - dot(&gradient, &v)).abs() < 1e-12);
            f.hessian_product().expect("chains of dense layers offer products").apply(
                &theta,
                &v,
                &mut product,
            );
            for (b, e) in directions.iter().enumerate() {
                let expected = dot(&product, &restricted(&parts[e.part], space.vector(e.source)));
                let got = matrix[a * k + b];
                assert!((got - expected).abs() <= 1e-6 * expected.abs().max(1e-3), "{got} {expected}");
            }
        }
    }
}

/// With one sample a layer's Gauss–Newton matrix is exactly G ⊗ A, and where activations are piecewise linear it is that
/// block of the Hessian: (K + μD)s = −g by Hessian products, for every loss, and for factors known by leading
/// eigenvectors only, which one sample does not exceed.
#[test]
fn steps_solve_their_damped_systems() {
    for (inputs, hidden, loss) in [
        (12, 8, Loss::CrossEntropy),
        (12, 8, Loss::MeanSquared),
        (12, 8, Loss::BinaryCrossEntropy),
        (1100, 6, Loss::CrossEntropy),
        (5, 600, Loss::CrossEntropy),
    ] {
        let layers = vec![Layer::Dense { outputs: hidden }, Layer::Relu, Layer::Dense { outputs: 4 }];
        let case = case(layers, loss, Storage::Floats, 1, inputs, 5);
        let mut f = case.objective::<f64>();
        let parts = by_layer(&case.network);
        let mut models = f.gauss_newton(&parts).unwrap();
        models.go_to(&case.theta);
        let n = f.dim();
        let (mut gradient, mut step, mut product) = (vec![0.0; n], vec![0.0; n], vec![0.0; n]);
        models.gradient(&mut gradient);
        models.factor(0);
        let mut last = f64::INFINITY;
        for damping in [0.1, 1.0, 30.0] {
            models.prepare_steps(&gradient, false);
            models.steps(damping, &mut step);
            let metric = models.metric().to_vec();
            let length: f64 = step.iter().zip(&metric).map(|(s, d)| d * s * s).sum::<f64>().sqrt();
            let told = models.step_length(damping);
            assert!((told - length).abs() <= 1e-6 * length, "{told} {length}");
            assert!(length < last, "steps become shorter as the damping grows");
            last = length;
            let size = gradient.iter().fold(0.0_f64, |a, g| a.max(g.abs()));
            for part in &parts {
                f.hessian_product().expect("chains of dense layers offer products").apply(
                    &case.theta,
                    &restricted(part, &step),
                    &mut product,
                );
                for i in part.indices() {
                    let left = product[i] + damping * metric[i] * step[i] + gradient[i];
                    assert!(left.abs() <= 1e-5 * size, "{inputs} {hidden} {loss:?} {damping} {i}: {left:e}");
                }
            }
        }
    }
}

/// At a width of 4,096 what an iteration needs of its local models (factors, leading eigenvectors, steps) costs less
/// than a value with its gradient, by count, and the steps descend. (By the clock: the example `wide` of the benches.)
#[test]
fn local_models_of_wide_layers_cost_less_than_a_gradient() {
    let (features, count, classes) = (784, 4096, 10);
    let layers = vec![Layer::Dense { outputs: 4096 }, Layer::Relu, Layer::Dense { outputs: classes }];
    let network = Network::new(vec![features], layers).unwrap();
    let bytes: Vec<u8> =
        (0..count * features).map(|i| if i / 8 % 5 == 0 { (i * 31 % 251) as u8 } else { 0 }).collect();
    let labels: Vec<u8> = (0..count).map(|i| (i * i % classes) as u8).collect();
    let samples = Arc::new(Samples::from_bytes(&bytes, features, 1.0 / 255.0).unwrap());
    let targets = Arc::new(Targets::labels(&labels, classes).unwrap());
    let f: NetworkObjective = NetworkObjective::new(&network, Loss::CrossEntropy, samples, targets).unwrap();
    let mut models = f.gauss_newton(&by_layer(&network)).unwrap();
    models.go_to(&network.initial(0));
    let (mut gradient, mut step) = (vec![0.0; f.dim()], vec![0.0; f.dim()]);
    models.gradient(&mut gradient);
    models.factor(0); // with the moment of the inputs, once
    let before = models.work().gradient_equivalents;
    models.factor(1);
    models.prepare_steps(&gradient, false);
    models.steps(3.0, &mut step);
    let cost = models.work().gradient_equivalents - before;
    println!("{cost} gradient equivalents");
    assert!((0.05..1.0).contains(&cost), "{cost}");
    for part in by_layer(&network) {
        let slope = dot(&restricted(&part, &gradient), &step);
        assert!(slope < 0.0, "{slope:e}");
    }
}

/// Trial points of any combination, one after another, against evaluations from nothing.
#[test]
fn a_trial_is_the_value_there() {
    fn check<S: Scalar>(tolerance: f64, storage: Storage, loss: Loss) {
        let dense = |outputs| Layer::Dense { outputs };
        let layers = vec![dense(20), Layer::Relu, dense(70), Layer::Tanh, dense(66), Layer::Relu, dense(7)];
        let case = case(layers, loss, storage, 700, 50, 4);
        let mut f = case.objective::<S>();
        let n = f.dim();
        let parts = by_layer(&case.network);
        let mut models = f.gauss_newton(&parts).unwrap();
        let mut x = case.theta.clone();
        models.go_to(&x);
        let (mut total, mut previous) = (vec![0.0; n], vec![0.0; n]);
        let mut random = noise(9);
        for iteration in 0..3 {
            let new = random_vector(n, 0.05, 20 + iteration);
            models.keep(&new);
            for sweep in 0..2 {
                let mut tail = random_vector(n, 0.05, 50 + iteration);
                tail[case.network.tensors()[0].range.clone()].fill(0.0);
                let sources: &[Source] = match (iteration, sweep) {
                    (0, 0) => &[Source::New],
                    (_, 0) => &[Source::New, Source::Previous],
                    _ => &[Source::Tail, Source::New, Source::Total],
                };
                let each = |part| sources.iter().map(move |&source| Direction { part, source });
                let directions: Vec<Direction> = (0..parts.len()).flat_map(each).collect();
                let space = CoarseSpace {
                    directions: &directions,
                    new: &new,
                    tail: &tail,
                    total: &total,
                    previous: &previous,
                };
                let coefficients: Vec<f64> = directions.iter().map(|_| random()).collect();
                let mut point = x.clone();
                for (d, c) in directions.iter().zip(&coefficients) {
                    parts[d.part].indices().for_each(|i| point[i] += c * space.vector(d.source)[i]);
                }
                let trial = models.trial(&space, &coefficients, &point);
                let expected = f.value(&point);
                assert!(
                    (trial - expected).abs() <= tolerance * expected.abs().max(1.0),
                    "{trial} {expected}"
                );
                models.accept();
                total.iter_mut().zip(&point).zip(&x).for_each(|((t, new), old)| *t += new - old);
                x = point;
            }
            let (mut whole, mut tail, mut expected) = (vec![0.0; n], vec![1.0; n], vec![0.0; n]);
            models.gradient(&mut whole);
            models.tail_gradient(&mut tail);
            f.value_gradient(&x, &mut expected);
            let lowest = case.network.tensors()[0].range.clone();
            for i in 0..n {
                assert!((whole[i] - expected[i]).abs() <= 10.0 * tolerance);
                let of_tail = if lowest.contains(&i) { 0.0 } else { whole[i] };
                assert!((tail[i] - of_tail).abs() <= tolerance);
            }
            models.end_iteration();
            std::mem::swap(&mut previous, &mut total);
            total.fill(0.0);
        }
    }
    for storage in [Storage::SparseBytes, Storage::DenseBytes, Storage::Floats] {
        for loss in [Loss::CrossEntropy, Loss::MeanSquared, Loss::BinaryCrossEntropy] {
            check::<f64>(1e-13, storage, loss);
            check::<f32>(1e-5, storage, loss);
        }
    }
}

#[test]
fn parts_that_cut_through_a_tensor_are_refused() {
    let case = case(vec![Layer::Dense { outputs: 3 }], Loss::CrossEntropy, Storage::Floats, 20, 4, 2);
    let f = case.objective::<f32>();
    let halves = [0..6, 6..15].map(|r| Subset::from_ranges(15, [r]).unwrap());
    let error = f.gauss_newton(&halves).err().unwrap();
    assert_eq!(error, NoGaussNewton::CutsTensor { part: 1 });
    // Whole tensors, weights and biases apart, are parts as good as layers.
    let tensors = [0..12, 12..15].map(|r| Subset::from_ranges(15, [r]).unwrap());
    assert!(f.gauss_newton(&tensors).is_ok());
}

/// PyTorch's `BCEWithLogitsLoss` at logits ±200, ±1 and 0 against targets 0, ¼ and 1, from its formula in f64; and a
/// final sigmoid changes nothing.
#[test]
fn binary_cross_entropy_is_stable_and_takes_a_final_sigmoid() {
    let logits = [-200.0_f32, -1.0, 0.0, 1.0, 200.0];
    let identity = |layers: Vec<Layer>, targets: Vec<f32>| {
        let network = Network::new(vec![1], layers).unwrap();
        let samples = Arc::new(Samples::from_floats(logits.to_vec(), 1).unwrap());
        let targets = Arc::new(Targets::values(targets, 1).unwrap());
        let mut f =
            NetworkObjective::<f64>::new(&network, Loss::BinaryCrossEntropy, samples, targets).unwrap();
        f.value(&[1.0, 0.0])
    };
    for target in [0.0_f32, 0.25, 1.0] {
        let loss = |y: f64| y.max(0.0) + (-y.abs()).exp().ln_1p() - f64::from(target) * y;
        let expected = logits.iter().map(|&y| loss(f64::from(y))).sum::<f64>() / 5.0;
        let dense = Layer::Dense { outputs: 1 };
        let bare = identity(vec![dense.clone()], vec![target; 5]);
        assert!((bare - expected).abs() <= 1e-13 * expected);
        assert_eq!(bare, identity(vec![dense, Layer::Sigmoid], vec![target; 5]));
    }
    let samples = Arc::new(Samples::from_floats(vec![1.0], 1).unwrap());
    let wrong = Arc::new(Targets::values(vec![1.5], 1).unwrap());
    let network = Network::new(vec![1], vec![Layer::Dense { outputs: 1 }]).unwrap();
    let error =
        NetworkObjective::<f32>::new(&network, Loss::BinaryCrossEntropy, samples, wrong).err().unwrap();
    assert_eq!(
        error.to_string(),
        "target 0 is 1.5; `binary_cross_entropy` compares with numbers from 0 to 1"
    );
}
