//! Taking in a pair and multiplying, against the time of reading S and Y once in the same run.

use divan::Bencher;
use optkit_core::Operator;
use optkit_quasi_newton::{Lsr1, Settings};

fn main() {
    divan::main();
}

const SIZES: [usize; 3] = [1_000, 100_000, 1_000_000];
const MEMORY: usize = 10;

fn pair(n: usize, k: usize) -> (Vec<f64>, Vec<f64>) {
    let s: Vec<f64> = (0..n).map(|i| (0.37 * (i * (k + 1)) as f64).sin()).collect();
    let y = s.iter().enumerate().map(|(i, s)| (0.5 + (i % 10) as f64) * s).collect();
    (s, y)
}

fn full(n: usize) -> Lsr1 {
    let mut b = Lsr1::new(Settings { memory: MEMORY, ..Settings::default() }).expect("settings in range");
    b.clear(n);
    for k in 0..MEMORY {
        let (s, y) = pair(n, k);
        b.learn(&s, &y, 1e-15);
    }
    b
}

/// Reads S and Y once.
#[divan::bench(args = SIZES, sample_count = 20)]
fn stream(bencher: Bencher, n: usize) {
    let b = full(n);
    bencher.bench_local(|| {
        let sum = |x: &[f64]| {
            let mut lanes = [0.0; 8];
            x.chunks_exact(8).for_each(|x| lanes.iter_mut().zip(x).for_each(|(l, x)| *l += x));
            lanes.iter().sum::<f64>()
        };
        (0..MEMORY).map(|i| sum(b.pairs().s(i)) + sum(b.pairs().y(i))).sum::<f64>()
    });
}

/// A new pair with memory 10 full: two passes.
#[divan::bench(args = SIZES, sample_count = 20)]
fn learn(bencher: Bencher, n: usize) {
    let (mut b, mut k) = (full(n), MEMORY);
    let pairs: Vec<_> = (0..MEMORY + 2).map(|k| pair(n, k)).collect();
    bencher.bench_local(|| {
        k += 1;
        let (s, y) = &pairs[k % pairs.len()];
        b.learn(s, y, 1e-15)
    });
}

/// Bv with memory 10 full: two passes.
#[divan::bench(args = SIZES, sample_count = 20)]
fn apply(bencher: Bencher, n: usize) {
    let mut b = full(n);
    let (v, mut bv) = (pair(n, 100).0, vec![0.0; n]);
    bencher.bench_local(|| b.apply(&v, &mut bv));
}
