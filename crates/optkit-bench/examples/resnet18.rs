//! Times ResNet-18 on random images, for `peers/resnet18_torch.py`, which asks for evaluations one by one.
//!
//! usage: resnet18 BATCH SIZE THREADS    (images of 3×SIZE×SIZE, 1,000 classes)
//!
//! For every line read, `F` a loss or `G` a loss with gradient at a point that was not evaluated last, it prints the
//! milliseconds and those of the processor; for `M`, the peak memory in bytes.

use std::io::BufRead;
use std::sync::Arc;
use std::time::Instant;

use optkit::Objective;
use optkit::nn::{
    BatchNorm, Conv, Layer, Loss, Network, NetworkObjective, Samples, Shortcut, Targets, Window,
};

const CLASSES: usize = 1000;
/// More points than an objective remembers.
const POINTS: usize = 3;

fn conv(outputs: usize, kernel: usize, stride: usize, pad: usize) -> Layer {
    Layer::Conv(Conv { stride: [stride; 2], pad: [pad; 2], bias: false, ..Conv::new(outputs, [kernel; 2]) })
}

/// torchvision's.
fn resnet18(size: usize) -> Network {
    let norm = || Layer::BatchNorm(BatchNorm::default());
    let halves = Window { stride: [2, 2], pad: [1, 1], ..Window::new([3, 3]) };
    let mut layers = vec![conv(64, 7, 2, 3), norm(), Layer::Relu, Layer::PoolMax(halves)];
    for (channels, stride) in [(64, 1), (128, 2), (256, 2), (512, 2)] {
        for stride in [stride, 1] {
            let body =
                vec![conv(channels, 3, stride, 1), norm(), Layer::Relu, conv(channels, 3, 1, 1), norm()];
            let shortcut = Shortcut::Auto(vec![conv(channels, 1, stride, 0), norm()]);
            layers.extend([Layer::Skip { body, shortcut }, Layer::Relu]);
        }
    }
    layers.extend([Layer::PoolAvgGlobal, Layer::Dense { outputs: CLASSES }]);
    Network::new(vec![3, size, size], layers).expect("the layers fit")
}

fn main() {
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let [batch, size, threads] = numbers[..] else {
        eprintln!("usage: resnet18 BATCH SIZE THREADS");
        std::process::exit(2);
    };
    let network = resnet18(size);
    let features = network.inputs();
    let mut state = 1_u32;
    let mut draw = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 8
    };
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

/// Milliseconds that all threads have run; 0 where the system does not say.
fn processor_time() -> f64 {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let of = |thread: std::fs::DirEntry| {
        let text = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<f64>().ok()
    };
    threads.filter_map(of).sum::<f64>() / 1e6
}

/// Largest resident set so far, in bytes; 0 where the system does not say.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|kb| kb.split_whitespace().next()?.parse::<u64>().ok()).map_or(0, |kb| kb * 1024)
}
