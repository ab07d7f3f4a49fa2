//! Small random networks on small random data.
#![allow(dead_code, unreachable_pub)] // every test file uses some of it

mod noise;

use std::sync::Arc;

use optkit_core::{Pass, Samples as Seen, Subset};
use optkit_nn::{Layer, Loss, Network, NetworkObjective, Samples, Scalar, Targets};
use proptest::prelude::*;

pub(crate) use noise::noise;

/// What an objective is made of.
#[derive(Clone, Debug)]
pub struct Case {
    pub network: Network,
    pub loss: Loss,
    pub samples: Arc<Samples>,
    pub targets: Arc<Targets>,
    pub theta: Vec<f64>,
}

impl Case {
    pub fn objective<S: Scalar>(&self) -> NetworkObjective<S> {
        NetworkObjective::new(&self.network, self.loss, self.samples.clone(), self.targets.clone()).unwrap()
    }
}

/// Batch `batch` of epoch `epoch`.
pub fn batch(epoch: u64, batch: usize) -> Pass {
    Pass { epoch, samples: Seen::Batch(batch) }
}

/// One part a tensor.
pub fn tensors(network: &Network) -> Vec<Subset> {
    let of = |range| Subset::from_ranges(network.dim(), [range]).unwrap();
    network.tensors().into_iter().map(|tensor| of(tensor.range)).collect()
}

/// How the samples are kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Storage {
    SparseBytes,
    DenseBytes,
    Floats,
}

pub fn bytes(storage: Storage, count: usize, features: usize, seed: u64) -> Vec<u8> {
    let mut random = noise(seed);
    let often = if storage == Storage::SparseBytes { 0.2 } else { 1.0 };
    let mut byte = || if random().abs() < often { (random().abs() * 255.0) as u8 } else { 0 };
    (0..count * features).map(|_| byte()).collect()
}

pub fn floats(count: usize, features: usize, seed: u64) -> Vec<f32> {
    let mut random = noise(seed);
    (0..count * features).map(|_| random() as f32).collect()
}

pub fn samples(storage: Storage, count: usize, features: usize, seed: u64) -> Samples {
    match storage {
        Storage::Floats => Samples::from_floats(floats(count, features, seed), features).unwrap(),
        _ => Samples::from_bytes(&bytes(storage, count, features, seed), features, 1.0 / 128.0).unwrap(),
    }
}

pub fn labels(count: usize, outputs: usize, seed: u64) -> Vec<u8> {
    let mut random = noise(seed + 1);
    (0..count).map(|_| ((random() + 1.0) / 2.0 * outputs as f64) as u8).collect()
}

pub fn case(
    layers: Vec<Layer>,
    loss: Loss,
    storage: Storage,
    count: usize,
    features: usize,
    seed: u64,
) -> Case {
    let network = Network::new(vec![features], layers).unwrap();
    let mut random = noise(seed + 1);
    let outputs = network.outputs();
    let targets = if loss == Loss::MeanSquared && seed.is_multiple_of(2) {
        (0..count).for_each(|_| _ = random()); // as many as there are labels
        Targets::values((0..count * outputs).map(|_| random() as f32).collect(), outputs).unwrap()
    } else if loss == Loss::BinaryCrossEntropy && seed.is_multiple_of(2) {
        (0..count).for_each(|_| _ = random());
        let probabilities = (0..count * outputs).map(|_| (0.5 + 0.5 * random()) as f32);
        Targets::values(probabilities.collect(), outputs).unwrap()
    } else {
        Targets::labels(&labels(count, outputs, seed), outputs).unwrap()
    };
    let theta = network.initial(seed);
    Case {
        network,
        loss,
        samples: Arc::new(samples(storage, count, features, seed)),
        targets: Arc::new(targets),
        theta,
    }
}

pub fn storages() -> impl Strategy<Value = Storage> {
    prop_oneof![Just(Storage::SparseBytes), Just(Storage::DenseBytes), Just(Storage::Floats)]
}

/// Any activation between dense layers of any width, any loss, any storage, partial tiles.
pub fn cases() -> impl Strategy<Value = Case> {
    cases_of(prop_oneof![Just(Loss::CrossEntropy), Just(Loss::MeanSquared)])
}

/// As [`cases`], of every loss.
pub fn cases_of_every_loss() -> impl Strategy<Value = Case> {
    let losses = [Loss::CrossEntropy, Loss::MeanSquared, Loss::BinaryCrossEntropy].map(Just);
    let [entropy, squared, binary] = losses;
    cases_of(prop_oneof![entropy, squared, binary])
}

fn cases_of(loss: impl Strategy<Value = Loss>) -> impl Strategy<Value = Case> {
    let activation =
        prop_oneof![Just(Layer::Relu), Just(Layer::Sigmoid), Just(Layer::Tanh), Just(Layer::LogSoftmax),];
    let dense = (1_usize..40).prop_map(|outputs| Layer::Dense { outputs });
    let layers = prop::collection::vec(prop_oneof![3 => dense, 2 => activation], 0..5);
    (layers, loss, storages(), 1_usize..600, 1_usize..40, 0_u64..1000, 1_usize..20).prop_map(
        |(mut layers, loss, storage, count, features, seed, outputs)| {
            layers.push(Layer::Dense { outputs });
            if seed % 3 == 0 {
                layers.push(Layer::LogSoftmax);
            }
            case(layers, loss, storage, count, features, seed)
        },
    )
}
