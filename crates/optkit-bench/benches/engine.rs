//! What a method costs beside its evaluations.

use divan::Bencher;
use optkit::functions::build;
use optkit::{Apts, AptsOptions, Optimizer, Partition, TrustRegion};

fn main() {
    divan::main();
}

/// An iteration of the trust region on a quadratic of n variables: an evaluation with gradient, a value, and the
/// engine's vector passes.
#[divan::bench(args = [1_000, 100_000, 1_000_000], sample_count = 20)]
fn trust_region(bencher: Bencher, n: usize) {
    let mut f = build("quadratic", &[("n", n as f64), ("condition", 100.0)]).expect("operands in range");
    let start = f.start();
    let mut method = TrustRegion::default();
    method.start(f.as_mut(), &start, None).expect("lengths agree");
    bencher.bench_local(|| method.step(f.as_mut()));
}

/// The evaluation with gradient alone, to compare with.
#[divan::bench(args = [1_000, 100_000, 1_000_000], sample_count = 20)]
fn evaluation(bencher: Bencher, n: usize) {
    let mut f = build("quadratic", &[("n", n as f64), ("condition", 100.0)]).expect("operands in range");
    let start = f.start();
    let mut gradient = vec![0.0; n];
    bencher.bench_local(|| f.value_gradient(&start, &mut gradient));
}

/// An iteration of APTS with four parts.
#[divan::bench(args = [1_000, 100_000], sample_count = 20)]
fn apts(bencher: Bencher, n: usize) {
    let mut f = build("quadratic", &[("n", n as f64), ("condition", 100.0)]).expect("operands in range");
    let start = f.start();
    let mut method = Apts::new(Partition::contiguous(n, 4).expect("four parts"), AptsOptions::default());
    method.start(f.as_mut(), &start, None).expect("lengths agree");
    bencher.bench_local(|| method.step(f.as_mut()));
}
