//! A problem file, from text to a plan.

use divan::Bencher;
use optkit::lang::Source;
use optkit::problem::from_text;

fn main() {
    divan::main();
}

/// The paper's problem, checked against the whole vocabulary.
#[divan::bench]
fn mnist_fcnn(bencher: Bencher) {
    let text = include_str!("../../../problems/mnist_fcnn.apts");
    bencher.bench_local(|| {
        from_text(Source::new("mnist_fcnn.apts", text), &mut |_| Err("no files".to_owned()), &[])
            .map(|planned| planned.plan.subject.dim())
    });
}
