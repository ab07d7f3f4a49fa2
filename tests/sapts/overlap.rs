//! Secant pairs of what two mini-batches share.

use std::sync::{Arc, Mutex};

use optkit::nn::{
    BatchNorm, Conv, Dealing, Layer, Loss, Network, NetworkObjective, Scalar, Targets, WeightDecay,
};
use optkit::{
    Apts, AptsOptions, Counted, Lsr1, Lsr1Settings, Objective, Optimizer, PairsFrom, Partition, Pass,
    Samples, StartError, Subset, TrustRegion, Work,
};

use super::spy::{Spy, Told};

fn pass(k: usize, batches: usize) -> Pass {
    Pass { epoch: (k / batches) as u64, samples: Samples::Batch(k % batches) }
}

/// APTS whose global solver is watched.
fn watched(n: usize, parts: usize, memory: usize, options: AptsOptions) -> (Apts, Arc<Mutex<Told>>) {
    let (global, told) = Spy::new(options.global(), memory);
    let local = options.local();
    let make_local = move |_: &Subset| -> Box<dyn optkit::RadiusDriven> {
        Box::new(TrustRegion::new(local).with_model(Lsr1::new(Lsr1Settings::default()).unwrap()))
    };
    let partition = Partition::contiguous(n, parts).unwrap();
    (Apts::with_solvers(partition, options, Box::new(make_local), Box::new(global)), told)
}

const OVERLAP: AptsOptions = {
    let rule = optkit::RadiusRule {
        shrink: 0.5,
        grow: 2.0,
        shrink_below: 0.25,
        grow_above: 0.75,
        min_radius: 0.0,
        max_radius: 0.5,
    };
    AptsOptions {
        radius: 0.1,
        rule,
        fdl: true,
        ratio: optkit::Ratio::Model,
        local_iterations: 5,
        global_iterations: 1,
        pairs: PairsFrom::Overlap,
    }
};

/// The mean over samples i of ½(x − cᵢ)ᵀHᵢ(x − cᵢ), in `batches` batches of neighbours, each with `shared` of the next.
struct Quadratics {
    n: usize,
    samples: usize,
    batches: usize,
    shared: usize,
    /// Whether all samples have one Hessian.
    common: bool,
    seen: Vec<usize>,
}

impl Quadratics {
    fn new(shared: usize, common: bool) -> Self {
        let (n, samples, batches) = (6, 40, 4);
        Self { n, samples, batches, shared, common, seen: (0..samples).collect() }
    }

    /// A sample's Hessian: symmetric, diagonally dominant.
    fn hessian(&self, sample: usize, row: usize, column: usize) -> f64 {
        let i = if self.common { 0 } else { sample };
        let (low, high) = (row.min(column), row.max(column));
        match high - low {
            0 => 3.0 + ((i + row) % 5) as f64,
            difference => ((i * 7 + low * 3 + high) % 11) as f64 / 11.0 - 0.4 / difference as f64,
        }
    }

    fn centre(sample: usize, row: usize) -> f64 {
        ((sample * 13 + row * 5) % 17) as f64 / 4.0 - 2.0
    }

    /// H_O v.
    fn product(&self, samples: &[usize], v: &[f64]) -> Vec<f64> {
        let row = |r: usize| {
            let of = |&i: &usize| (0..self.n).map(|c| self.hessian(i, r, c) * v[c]).sum::<f64>();
            samples.iter().map(of).sum::<f64>() / samples.len() as f64
        };
        (0..self.n).map(row).collect()
    }

    /// Of batch k: its own, and the first of the next one's. Every epoch begins three samples before the last one's beginning.
    fn members(&self, pass: Pass) -> Vec<usize> {
        let Samples::Batch(batch) = pass.samples else { return (0..self.samples).collect() };
        let own = self.samples / self.batches;
        (0..own + self.shared)
            .map(|j| (batch * own + j + self.samples - 3 * pass.epoch as usize) % self.samples)
            .collect()
    }

    fn shared(&self, pass: Pass, other: Pass) -> Vec<usize> {
        let other = self.members(other);
        self.members(pass).into_iter().filter(|i| other.contains(i)).collect()
    }
}

impl Objective for Quadratics {
    fn dim(&self) -> usize {
        self.n
    }
    fn value(&mut self, x: &[f64]) -> f64 {
        self.value_gradient(x, &mut vec![0.0; self.n])
    }
    fn value_gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        gradient.fill(0.0);
        let mut value = 0.0;
        for &i in &self.seen {
            let d: Vec<f64> = (0..self.n).map(|r| x[r] - Self::centre(i, r)).collect();
            let hd = self.product(&[i], &d);
            value += 0.5 * optkit::vector::dot(&d, &hd) / self.seen.len() as f64;
            gradient.iter_mut().zip(&hd).for_each(|(g, h)| *g += h / self.seen.len() as f64);
        }
        value
    }
    fn select(&mut self, pass: Pass) {
        self.seen = self.members(pass);
    }
    fn select_shared(&mut self, pass: Pass, other: Pass) -> Option<usize> {
        let shared = self.shared(pass, other);
        if shared.is_empty() {
            return None;
        }
        self.seen = shared;
        Some(self.seen.len())
    }
    fn batches(&self) -> usize {
        self.batches
    }
}

/// `count` iterations; before each, what the batch's beginning cost, and the point.
fn iterate(apts: &mut Apts, f: &mut dyn Objective, count: usize) -> Vec<(Work, Vec<f64>)> {
    let batches = f.batches();
    let begin = |k: usize| {
        let before = f.work();
        f.select(pass(k, batches));
        apts.samples_changed(pass(k, batches));
        apts.prepare(f).unwrap();
        let seen = (f.work() - before, apts.current().x.to_vec());
        apts.step(f);
        seen
    };
    (0..count).map(begin).collect()
}

/// On a mean of quadratics y = H_O s: of the samples that the two batches share, and of these alone. One pair an iteration,
/// for two gradients, and none of the solver's own.
#[test]
fn a_pair_is_of_the_shared_samples_exactly() {
    let (mut apts, told) = watched(6, 2, 4, OVERLAP);
    let mut f = Counted::new(Quadratics::new(4, false));
    apts.start(&mut f, &[0.5; 6], None).unwrap();
    let seen = iterate(&mut apts, &mut f, 10);
    let told = told.lock().unwrap();
    assert_eq!(told.pairs.len(), 9);
    assert!(told.rank > 0 && told.rank <= 4);
    let alike = Quadratics::new(4, false);
    for (k, (s, y)) in told.pairs.iter().enumerate() {
        let (before, after) = (&seen[k].1, &seen[k + 1].1);
        assert!(s.iter().zip(before.iter().zip(after)).all(|(s, (x, z))| *s == z - x));
        let shared = alike.shared(pass(k + 1, 4), pass(k, 4));
        assert!((1..14).contains(&shared.len()), "some, and not all");
        let expected = alike.product(&shared, s);
        let wrong = optkit::vector::distance_inf(y, &expected);
        assert!(wrong <= 1e-13, "iteration {k}: {wrong:e}"); // of gradients of about 10
        let other = optkit::vector::distance_inf(y, &alike.product(&alike.members(pass(k, 4)), s));
        assert!(other > 1e-4, "of the whole batch it would be another pair");
    }
    let gradients: Vec<_> = seen.iter().map(|(work, _)| work.gradients).collect();
    assert_eq!(gradients, [&[1][..], &[3; 9]].concat(), "two of the pair, one of the new batch");
}

/// L-SR1 recovers the Hessian of a quadratic from n independent pairs. Gradients of different batches differ by far more
/// than a step changes them, and the pairs know nothing of it.
#[test]
fn the_model_recovers_the_hessian_that_all_samples_have() {
    // More than n: what steps nearly repeat is left out of the matrix.
    let (mut apts, told) = watched(6, 2, 15, OVERLAP);
    let mut f = Quadratics::new(4, true);
    apts.start(&mut f, &[0.5; 6], None).unwrap();
    iterate(&mut apts, &mut f, 24);
    let told = told.lock().unwrap();
    for (i, entry) in told.matrix.iter().enumerate() {
        let expected = Quadratics::new(4, true).hessian(0, i / 6, i % 6);
        assert!((entry - expected).abs() < 1e-6, "{i}: {entry} for {expected}");
    }
}

/// Where batches share nothing within an epoch there is one pair an epoch, and what is not there costs nothing.
#[test]
fn batches_that_share_nothing_give_no_pair_at_no_cost() {
    let (mut apts, told) = watched(6, 2, 4, OVERLAP);
    let mut f = Counted::new(Quadratics::new(0, false));
    apts.start(&mut f, &[0.5; 6], None).unwrap();
    let seen = iterate(&mut apts, &mut f, 9);
    assert_eq!(told.lock().unwrap().pairs.len(), 2);
    let gradients: Vec<_> = seen.iter().map(|(work, _)| work.gradients).collect();
    assert_eq!(gradients, [1, 1, 1, 1, 3, 1, 1, 1, 3]);
}

#[test]
fn without_mini_batches_pairs_of_overlaps_are_refused() {
    let (mut apts, _) = watched(6, 2, 4, OVERLAP);
    let mut f = Counted::new(optkit::from_fn(6, |x| x[0], |_, g| g.fill(1.0)));
    let error = apts.start(&mut f, &[0.5; 6], None).unwrap_err();
    assert_eq!(error, StartError::NoOverlap { method: "apts" });
    assert_eq!(f.work(), Work::default());
    // Order 1 has no pairs, but the settings are wrong all the same.
    let mut first = Apts::new(Partition::contiguous(6, 2).unwrap(), OVERLAP);
    assert_eq!(first.start(&mut f, &[0.5; 6], None), Err(error));
    // And it learns no pair where it may run.
    let mut f = Counted::new(Quadratics::new(4, false));
    first.start(&mut f, &[0.5; 6], None).unwrap();
    let seen = iterate(&mut first, &mut f, 5);
    assert!(seen.iter().all(|(work, _)| work.gradients == 1));
}

const COUNT: usize = 90;
const SEED: u64 = 11;
const DEALING: Dealing = Dealing::Overlapping { parts: 5, overlap: 0.2 };

fn numbers() -> Vec<f32> {
    (0..COUNT * 36).map(|i| ((i * i % 1009) as f32 / 504.5 - 1.0) * (1.0 + (i % 7) as f32 * 0.1)).collect()
}

/// A network of dense layers and one on images, whose batch normalisation sees the shared samples alone.
fn networks() -> [Network; 2] {
    let dense = vec![Layer::Dense { outputs: 7 }, Layer::Tanh, Layer::Dense { outputs: 3 }];
    let images = vec![
        Layer::Conv(Conv { pad: [1, 1], bias: false, ..Conv::new(4, [3, 3]) }),
        Layer::BatchNorm(BatchNorm::default()),
        Layer::Tanh,
        Layer::PoolAvgGlobal,
        Layer::Dense { outputs: 3 },
    ];
    [Network::new(vec![36], dense).unwrap(), Network::new(vec![1, 6, 6], images).unwrap()]
}

/// The loss of `network` on these samples alone, in their order.
fn only<S: Scalar>(network: &Network, chosen: &[usize]) -> NetworkObjective<S> {
    let numbers = numbers();
    let rows = chosen.iter().flat_map(|&i| &numbers[36 * i..36 * (i + 1)]).copied().collect();
    let labels: Vec<u8> = chosen.iter().map(|&i| (i * 5 % 3) as u8).collect();
    let samples = Arc::new(optkit::nn::Samples::from_floats(rows, 36).unwrap());
    NetworkObjective::new(
        network,
        Loss::CrossEntropy,
        samples,
        Arc::new(Targets::labels(&labels, 3).unwrap()),
    )
    .unwrap()
}

/// The samples of a batch: where sample i is the i-th unit vector, the columns of a dense layer whose gradient is not zero.
fn members(pass: Pass) -> Vec<usize> {
    let mut units = vec![0.0; COUNT * COUNT];
    (0..COUNT).for_each(|i| units[i * COUNT + i] = 1.0);
    let network = Network::new(vec![COUNT], vec![Layer::Dense { outputs: 2 }]).unwrap();
    let samples = Arc::new(optkit::nn::Samples::from_floats(units, COUNT).unwrap());
    let targets = Arc::new(Targets::labels(&[0; COUNT], 2).unwrap());
    let f: NetworkObjective = NetworkObjective::new(&network, Loss::CrossEntropy, samples, targets).unwrap();
    let mut f = f.dealt(DEALING, SEED);
    let mut gradient = vec![0.0; f.dim()];
    f.select(pass);
    f.value_gradient(&vec![0.0; f.dim()], &mut gradient);
    (0..COUNT).filter(|&i| gradient[i] != 0.0).collect()
}

/// y is the difference of two gradients over exactly the shared samples, computed on an objective that has no others, with
/// weight decay; twice their share of a gradient is what it costs; running averages stay where they are.
fn pairs_of<S: Scalar>(network: &Network, tolerance: f64) {
    let decay = 0.01;
    let all: Vec<usize> = (0..COUNT).collect();
    let made = only::<S>(network, &all).dealt(DEALING, SEED);
    let averages = made.running();
    let mut f = WeightDecay::new(Box::new(made), decay);
    let (mut apts, told) = watched(f.dim(), 3, 5, OVERLAP);
    apts.start(&mut f, &network.initial(SEED), None).unwrap();
    let mut before = Vec::new();
    for k in 0..12 {
        let (now, work, still) = (pass(k, 5), f.work(), averages.values());
        f.select(now);
        apts.samples_changed(now);
        apts.prepare(&mut f).unwrap();
        assert_eq!(averages.values(), still, "they move where a point is accepted");
        let (x, work) = (apts.current().x.to_vec(), f.work() - work);
        let told = told.lock().unwrap();
        assert_eq!(told.pairs.len(), k, "one pair an iteration");
        if let Some((s, y)) = told.pairs.last() {
            let last = members(pass(k - 1, 5));
            let shared: Vec<usize> = members(now).into_iter().filter(|i| last.contains(i)).collect();
            let mut alone = WeightDecay::new(Box::new(only::<f64>(network, &shared)), decay);
            let (mut g, mut h) = (x.clone(), x.clone());
            alone.value_gradient(&before, &mut g);
            alone.value_gradient(&x, &mut h);
            let size = optkit::vector::norm_inf(y);
            for i in 0..x.len() {
                assert_eq!(s[i], x[i] - before[i]);
                let wrong = (y[i] - (h[i] - g[i])).abs() / size;
                assert!(wrong <= tolerance, "iteration {k}, entry {i}: off by {wrong:e} of {size:e}");
            }
            // A batch has 18 samples of its own and round(0.2·18) of each of four others.
            let cost = (2 * shared.len() + 18 + 4 * 4) as f64 / COUNT as f64;
            assert!((work.gradient_equivalents - cost).abs() < 1e-12, "{work:?}, {} shared", shared.len());
            assert_eq!((work.values, work.gradients), (3, 3));
        }
        before = x;
        drop(told);
        apts.step(&mut f);
    }
    assert!(
        averages.values().is_empty()
            || averages.values() != optkit::nn::RunningAverages::new(network).values()
    );
}

#[test]
fn on_networks_a_pair_is_a_difference_of_gradients_over_the_shared_samples() {
    for network in &networks() {
        pairs_of::<f64>(network, 1e-10);
        pairs_of::<f32>(network, 1e-5);
    }
}
