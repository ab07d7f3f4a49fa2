//! Median times of the paper's MNIST network: whole, and each part that owns one tensor.
//!
//!     cargo run --release -p optkit-nn --example timing -- DATA [THREADS [REPEATS]]
//!
//! DATA is a folder with `train-images-idx3-ubyte` and `train-labels-idx1-ubyte`. To compare with PyTorch, time a
//! full-batch loss and `torch.autograd.grad` of it in the same minute, with as many threads.

use std::error::Error;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use optkit_core::{Objective, Pass, Subset};
use optkit_nn::{Accuracy, Layer, Loss, Network, NetworkObjective, Samples, Targets, kernel};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("usage: timing DATA [THREADS [REPEATS]]")?;
    let threads = arguments.next().map_or(Ok(2), |t| t.parse())?;
    let repeats: usize = arguments.next().map_or(Ok(31), |t| t.parse())?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    // Errors of `?` inside the pool cannot leave it: they are not `Send`.
    pool.install(|| time(Path::new(&folder), repeats).map_err(|e| e.to_string()))?;
    Ok(())
}

fn time(folder: &Path, repeats: usize) -> Result<(), Box<dyn Error>> {
    let started = Instant::now();
    let images = std::fs::read(folder.join("train-images-idx3-ubyte"))?;
    let labels = std::fs::read(folder.join("train-labels-idx1-ubyte"))?;
    let read = started.elapsed();
    let samples = Arc::new(Samples::from_bytes(&images[16..], 784, 1.0 / 255.0)?);
    drop(images);
    println!("read {:.0} ms, tiled {:.0} ms", ms(read), ms(started.elapsed() - read));
    let targets = Arc::new(Targets::labels(&labels[8..], 10)?);
    let network = paper()?;
    let mut f: NetworkObjective =
        NetworkObjective::new(&network, Loss::CrossEntropy, samples.clone(), targets.clone())?;
    let mut accuracy = Accuracy::new(&network, samples, targets)?;
    println!("{} samples, kernel {}, {} threads", f.samples(), kernel().name(), rayon::current_num_threads());

    let mut x = network.initial(0);
    let mut gradient = vec![0.0; f.dim()];
    let (mut value, mut known, mut both, mut measure) = (vec![], vec![], vec![], vec![]);
    for _ in 0..repeats {
        x[0] += 1e-3;
        value.push(timed(|| f.value(&x)));
        known.push(timed(|| f.value_gradient(&x, &mut gradient)));
        x[0] += 1e-3;
        both.push(timed(|| f.value_gradient(&x, &mut gradient)));
        measure.push(timed(|| accuracy.evaluate(&x)));
    }
    let whole = median(&mut both);
    println!(
        "whole: value {}, gradient behind it {}, value and gradient {whole}",
        median(&mut value),
        median(&mut known)
    );
    println!("accuracy on all samples {}", median(&mut measure));
    lines(&mut f, &x, &gradient, repeats);

    let tensors = network.tensors();
    let subsets = tensors.iter().map(|t| Subset::from_ranges(network.dim(), [t.range.clone()]));
    let subsets = subsets.collect::<Result<Vec<_>, _>>()?;
    let mut split = f.decompose(&subsets)?;
    f.value(&x);
    split.freeze(&x, Pass::default());
    for (i, (subset, tensor)) in subsets.iter().zip(&tensors).enumerate() {
        let cost = split.cost(i);
        let part = &mut split.parts()[i];
        let mut own = vec![0.0; subset.len()];
        subset.gather(&x, &mut own);
        let mut gradient = own.clone();
        let (mut value, mut both) = (vec![], vec![]);
        for _ in 0..repeats {
            own[0] += 1e-3;
            value.push(timed(|| part.value(&own)));
            own[0] += 1e-3;
            both.push(timed(|| part.value_gradient(&own, &mut gradient)));
        }
        let both = median(&mut both);
        println!(
            "{}: value {}, value and gradient {both}, {:.3} of the whole (least times; by work {:.3})",
            tensor.name,
            median(&mut value),
            both.least / whole.least,
            cost.value_gradient(),
        );
    }
    Ok(())
}

/// Trial points along the negative gradient: the first costs a value, the others no product with the samples.
fn lines(f: &mut NetworkObjective, x: &[f64], gradient: &[f64], repeats: usize) {
    let direction: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut times = vec![];
    for k in 0..repeats {
        let t = 0.1 / (1.0 + k as f64);
        let point: Vec<f64> = x.iter().zip(&direction).map(|(x, d)| x + t * d).collect();
        if let Some(span) = f.span(x, &[&direction]) {
            times.push(timed(|| span.value(&[t], &point)));
        }
    }
    println!("a trial along a line {}", median(&mut times));
}

fn paper() -> Result<Network, Box<dyn Error>> {
    let (hidden, outputs) = (Layer::Dense { outputs: 32 }, Layer::Dense { outputs: 10 });
    let layers = vec![Layer::Flatten, hidden.clone(), Layer::Relu, hidden, Layer::Relu, outputs];
    Ok(Network::new(vec![28, 28], layers)?)
}

fn timed(evaluate: impl FnOnce() -> f64) -> f64 {
    let started = Instant::now();
    black_box(evaluate());
    ms(started.elapsed())
}

fn ms(duration: std::time::Duration) -> f64 {
    1e3 * duration.as_secs_f64()
}

/// Milliseconds: the median, and the least for machines with other work to do.
struct Times {
    median: f64,
    least: f64,
}

impl std::fmt::Display for Times {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.2} ms (least {:.2})", self.median, self.least)
    }
}

fn median(times: &mut [f64]) -> Times {
    times.sort_by(f64::total_cmp);
    let at = |i: usize| times.get(i).copied().unwrap_or(f64::NAN);
    Times { median: at(times.len() / 2), least: at(0) }
}
