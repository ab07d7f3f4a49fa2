//! Evaluations of the paper's network (784-32-32-10) on 60,000 samples as sparse as MNIST's, whole and by part.

use std::sync::Arc;

use divan::Bencher;
use optkit::nn::{Layer, Loss, Network, NetworkObjective, Samples, Targets};
use optkit::{Decomposition, Objective, Pass, Subset};
use optkit_core::Samples as Seen;

const SAMPLES: usize = 60_000;
const FEATURES: usize = 784;

fn main() {
    divan::main();
}

fn network() -> Network {
    let dense = |outputs| Layer::Dense { outputs };
    let layers = vec![Layer::Flatten, dense(32), Layer::Relu, dense(32), Layer::Relu, dense(10)];
    Network::new(vec![28, 28], layers).expect("the layers fit")
}

/// Bytes of which 19 % are not zero, in runs as strokes make them, and labels.
fn objective() -> NetworkObjective {
    let mut state = 1_u32;
    let mut draw = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 16
    };
    let mut bytes = vec![0_u8; SAMPLES * FEATURES];
    for run in bytes.chunks_mut(8) {
        if draw() % 100 < 19 {
            run.iter_mut().for_each(|b| *b = 1 + (draw() % 255) as u8);
        }
    }
    let labels: Vec<u8> = (0..SAMPLES).map(|_| (draw() % 10) as u8).collect();
    let samples = Arc::new(Samples::from_bytes(&bytes, FEATURES, 1.0 / 255.0).expect("whole samples"));
    let targets = Arc::new(Targets::labels(&labels, 10).expect("labels below 10"));
    NetworkObjective::new(&network(), Loss::CrossEntropy, samples, targets).expect("shapes fit")
}

/// Points that no slot holds.
fn fresh(x: &[f64], count: &mut u32) -> Vec<f64> {
    *count += 1;
    let shift = 1.0 + 1e-6 * f64::from(*count);
    x.iter().map(|v| v * shift).collect()
}

const THREADS: [usize; 2] = [1, 2];

fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be made")
}

#[divan::bench(args = THREADS, sample_count = 20)]
fn loss(bencher: Bencher, threads: usize) {
    let (mut f, x, mut count) = (objective(), network().initial(0), 0);
    let pool = pool(threads);
    bencher.bench_local(|| pool.install(|| f.value(&fresh(&x, &mut count))));
}

#[divan::bench(args = THREADS, sample_count = 20)]
fn loss_with_gradient(bencher: Bencher, threads: usize) {
    let (mut f, x, mut count) = (objective(), network().initial(0), 0);
    let mut gradient = vec![0.0; x.len()];
    let pool = pool(threads);
    bencher.bench_local(|| pool.install(|| f.value_gradient(&fresh(&x, &mut count), &mut gradient)));
}

/// A product with the Hessian at the point of the last evaluation, as conjugate gradients ask for them.
#[divan::bench(args = THREADS, sample_count = 20)]
fn hessian_product(bencher: Bencher, threads: usize) {
    let (mut f, x) = (objective(), network().initial(0));
    let (mut gradient, mut product) = (vec![0.0; x.len()], vec![0.0; x.len()]);
    let pool = pool(threads);
    pool.install(|| f.value_gradient(&x, &mut gradient));
    bencher.bench_local(|| {
        pool.install(|| {
            let products = f.hessian_product().expect("networks offer products");
            products.apply(&x, &gradient, &mut product);
        });
    });
}

/// A mini-batch of a shuffled epoch: its samples gathered, loss and gradient at a new point.
#[divan::bench(args = [32, 128, 512, 4096], consts = THREADS)]
fn batch<const N: usize>(bencher: Bencher, size: usize) {
    let (mut f, x, mut count) = (objective().in_batches(size, 0), network().initial(0), 0);
    let (mut gradient, mut batch) = (vec![0.0; x.len()], 0);
    let pool = pool(N);
    bencher.bench_local(|| {
        batch = (batch + 1) % f.batches();
        f.select(Pass { epoch: 0, samples: Seen::Batch(batch) });
        pool.install(|| f.value_gradient(&fresh(&x, &mut count), &mut gradient))
    });
}

/// Loss with gradient of the part that owns one tensor, at two threads.
#[divan::bench(args = [0, 1, 2, 3, 4, 5], sample_count = 20)]
fn part(bencher: Bencher, tensor: usize) {
    let (f, x, mut count) = (objective(), network().initial(0), 0);
    let range = network().tensors()[tensor].range.clone();
    let subset = Subset::from_ranges(x.len(), [range.clone()]).expect("a tensor is a subset");
    let mut decomposition: Box<dyn Decomposition> = f.decompose(&[subset]).expect("networks decompose");
    let mut gradient = vec![0.0; range.len()];
    let pool = pool(2);
    pool.install(|| decomposition.freeze(&x, Pass::default()));
    let part = &mut decomposition.parts()[0];
    bencher.bench_local(|| {
        pool.install(|| part.value_gradient(&fresh(&x[range.clone()], &mut count), &mut gradient))
    });
}
