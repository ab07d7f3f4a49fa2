//! Times ResNet-18 on random images, for `peers/resnet18_torch.py`, which asks for evaluations one by one.
//!
//! usage: resnet18 BATCH SIZE THREADS    (images of 3×SIZE×SIZE, 1,000 classes)
//!
//! For every line read, `F` a loss or `G` a loss with gradient at a point that was not evaluated last, it prints the
//! milliseconds and those of the processor; for `M`, the peak memory in bytes.

mod common;

use std::io::BufRead;
use std::sync::Arc;
use std::time::Instant;

use common::{CLASSES, draw, peak_memory, processor_time, resnet18};
use optkit::Objective;
use optkit::nn::{Loss, NetworkObjective, Samples, Targets};

/// More points than an objective remembers.
const POINTS: usize = 3;

fn main() {
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let [batch, size, threads] = numbers[..] else {
        eprintln!("usage: resnet18 BATCH SIZE THREADS");
        std::process::exit(2);
    };
    let network = resnet18(size);
    let features = network.inputs();
    let mut draw = draw();
    let floats = (0..batch * features).map(|_| draw() as f32 / 8_388_608.0 - 1.0).collect();
    let samples = Arc::new(Samples::from_floats(floats, features).expect("whole images"));
    let labels = (0..batch).map(|_| draw() % CLASSES as u32).collect();
    let targets = Arc::new(Targets::wide_labels(labels, CLASSES).expect("labels below 1,000"));
    let mut f: NetworkObjective =
        NetworkObjective::new(&network, Loss::CrossEntropy, samples, targets).expect("shapes fit");
    let begin = network.initial(0);
    let point = |i: usize| begin.iter().map(|v| v * (1.0 + 1e-3 * i as f64)).collect();
    let points: Vec<Vec<f64>> = (0..POINTS).map(point).collect();
    let mut gradient = vec![0.0; network.dim()];
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be made");
    println!("ready");
    for (i, line) in std::io::stdin().lock().lines().enumerate() {
        let x = &points[i % POINTS];
        let (begun, before) = (Instant::now(), processor_time());
        match line.as_deref().map(str::trim) {
            Ok("F") => _ = pool.install(|| f.value(x)),
            Ok("G") => _ = pool.install(|| f.value_gradient(x, &mut gradient)),
            Ok("M") => {
                println!("{}", peak_memory());
                continue;
            }
            _ => return,
        }
        println!("{} {}", begun.elapsed().as_secs_f64() * 1e3, processor_time() - before);
    }
}
