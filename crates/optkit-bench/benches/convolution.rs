//! Four convolutions of the first group of ResNet-18, as a network of their own: the speed of the product over pairs of
//! pixels. A register block that spills, as it would without its unrolled rows, shows as a third of it.

use std::sync::Arc;

use divan::Bencher;
use divan::counter::ItemsCount;
use optkit::Objective;
use optkit::nn::{Conv, Layer, Loss, Network, NetworkObjective, Samples, Targets};

const SAMPLES: usize = 64;
const SIZE: usize = 8;
const CHANNELS: usize = 64;

fn main() {
    divan::main();
}

fn network() -> Network {
    let conv = Conv { pad: [1, 1], bias: false, ..Conv::new(CHANNELS, [3, 3]) };
    let mut layers = vec![Layer::Conv(conv); 4];
    layers.extend([Layer::PoolAvgGlobal, Layer::Dense { outputs: 10 }]);
    Network::new(vec![CHANNELS, SIZE, SIZE], layers).expect("the layers fit")
}

/// Pairs of an output and an input pixel of a 3×3 kernel, padding left out: 22 along either side of 8 pixels.
fn multiply_adds() -> usize {
    4 * SAMPLES * (3 * SIZE - 2).pow(2) * CHANNELS * CHANNELS
}

fn objective() -> NetworkObjective {
    let values = SAMPLES * CHANNELS * SIZE * SIZE;
    let floats = (0..values).map(|i| (i * 7919 % 2048) as f32 / 1024.0 - 1.0).collect();
    let samples = Samples::from_floats(floats, CHANNELS * SIZE * SIZE).expect("whole images");
    let labels: Vec<u8> = (0..SAMPLES).map(|i| (i % 10) as u8).collect();
    let targets = Targets::labels(&labels, 10).expect("labels below 10");
    let (samples, targets) = (Arc::new(samples), Arc::new(targets));
    NetworkObjective::new(&network(), Loss::CrossEntropy, samples, targets).expect("shapes fit")
}

const THREADS: [usize; 2] = [1, 2];

fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be made")
}

/// Points that are not remembered.
fn fresh(x: &[f64], count: &mut u32) -> Vec<f64> {
    *count += 1;
    x.iter().map(|v| v * (1.0 + 1e-6 * f64::from(*count))).collect()
}

#[divan::bench(args = THREADS, sample_count = 50)]
fn forward(bencher: Bencher, threads: usize) {
    let (mut f, x, mut count) = (objective(), network().initial(0), 0);
    let pool = pool(threads);
    let bencher = bencher.counter(ItemsCount::new(multiply_adds()));
    bencher.bench_local(|| pool.install(|| f.value(&fresh(&x, &mut count))));
}

#[divan::bench(args = THREADS, sample_count = 50)]
fn forward_and_back(bencher: Bencher, threads: usize) {
    let (mut f, x, mut count) = (objective(), network().initial(0), 0);
    let mut gradient = vec![0.0; x.len()];
    let pool = pool(threads);
    let bencher = bencher.counter(ItemsCount::new(3 * multiply_adds()));
    bencher.bench_local(|| pool.install(|| f.value_gradient(&fresh(&x, &mut count), &mut gradient)));
}
