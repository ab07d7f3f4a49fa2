//! Small networks on random images, and what holds of any objective on them.

use std::sync::Arc;

use optkit_core::{Archive, Objective, Pass, Subset};
use optkit_nn::{Layer, Loss, Network, NetworkObjective, Samples, Scalar, Targets};

use crate::common::{self, batch};

/// A network on images with samples and labels.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) network: Network,
    pub(crate) samples: Arc<Samples>,
    pub(crate) targets: Arc<Targets>,
    pub(crate) theta: Vec<f64>,
}

impl Case {
    pub(crate) fn new(input: Vec<usize>, layers: Vec<Layer>, count: usize, seed: u64) -> Self {
        let network = Network::new(input, layers).unwrap();
        let features = network.inputs();
        let samples = Samples::from_floats(common::floats(count, features, seed), features).unwrap();
        let labels = common::labels(count, network.outputs(), seed);
        let targets = Targets::labels(&labels, network.outputs()).unwrap();
        let mut random = common::noise(seed + 7);
        // Away from what normalisations begin with, 1 and 0.
        let theta = network.initial(seed).iter().map(|t| t + 0.1 * random()).collect();
        Self { network, samples: Arc::new(samples), targets: Arc::new(targets), theta }
    }

    pub(crate) fn objective<S: Scalar>(&self) -> NetworkObjective<S> {
        let (samples, targets) = (self.samples.clone(), self.targets.clone());
        NetworkObjective::new(&self.network, Loss::CrossEntropy, samples, targets).unwrap()
    }

    pub(crate) fn tensors(&self) -> Vec<Subset> {
        common::tensors(&self.network)
    }
}

/// Saved in the middle of an epoch of three batches and loaded elsewhere, everything goes on as it would have.
#[track_caller]
pub(crate) fn goes_on_as_the_saved_one(make: impl Fn() -> NetworkObjective<f32>, theta: &[f64]) -> Archive {
    let step = |f: &mut NetworkObjective<f32>, x: &mut Vec<f64>, pass: Pass| {
        let mut gradient = vec![0.0; x.len()];
        f.select(pass);
        let value = f.value_gradient(x, &mut gradient);
        x.iter_mut().zip(&gradient).for_each(|(x, g)| *x -= 0.01 * g);
        f.accept(x);
        (value, f.value(x), f.running().values(), f.work())
    };
    let (mut one, mut x) = (make(), theta.to_vec());
    (0..2).for_each(|i| _ = step(&mut one, &mut x, batch(0, i)));
    let mut archive = Archive::default();
    one.save(&mut archive);
    let (mut other, mut y) = (make(), x.clone());
    other.load(&archive).unwrap();
    // At the point of the last evaluation both repeat nothing.
    assert_eq!((one.value(&x), one.work()), (other.value(&y), other.work()));
    one.accept(&x);
    other.accept(&y);
    assert_eq!(one.running().values(), other.running().values());
    for (epoch, number) in [(0, 2), (1, 0), (1, 1)] {
        let pass = batch(epoch, number);
        assert_eq!(step(&mut one, &mut x, pass), step(&mut other, &mut y, pass));
    }
    assert_eq!(x, y);
    archive
}
