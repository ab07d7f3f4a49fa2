//! Evaluations of large test functions: a value, a gradient with its value, a product with the Hessian.

use divan::Bencher;
use optkit::functions::{TestFunction, build};

fn main() {
    divan::main();
}

const NAMES: [&str; 6] =
    ["rosenbrock", "extended_rosenbrock", "broyden_banded", "penalty_1", "griewank", "quadratic"];

fn made(name: &str) -> (Box<dyn TestFunction>, Vec<f64>, Vec<f64>) {
    let f = build(name, &[("n", 1e6)]).expect("a million variables");
    let start = f.start();
    let out = vec![0.0; start.len()];
    (f, start, out)
}

#[divan::bench(args = NAMES, sample_count = 10)]
fn value(bencher: Bencher, name: &str) {
    let (mut f, x, _) = made(name);
    bencher.bench_local(|| f.value(&x));
}

#[divan::bench(args = NAMES, sample_count = 10)]
fn gradient(bencher: Bencher, name: &str) {
    let (mut f, x, mut out) = made(name);
    bencher.bench_local(|| f.value_gradient(&x, &mut out));
}

#[divan::bench(args = NAMES, sample_count = 10)]
fn hessian_product(bencher: Bencher, name: &str) {
    let (mut f, x, mut out) = made(name);
    let v: Vec<f64> = (0..x.len()).map(|i| (i as f64).sin()).collect();
    let hessian = f.hessian_product().expect("all functions have one");
    bencher.bench_local(|| hessian.apply(&x, &v, &mut out));
}
