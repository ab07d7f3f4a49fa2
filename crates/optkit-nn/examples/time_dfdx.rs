//! Median times of the dfdx backend on the paper's MNIST network (784-32-relu-32-relu-10, all 60,000 samples).
//!
//! usage: time_dfdx FOLDER [THREADS]      FOLDER: MNIST in idx form, uncompressed
//!
//! Prints the medians of 15 evaluations in ms: a loss, a loss with gradient, and a gradient where the loss at
//! that point was just evaluated.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use optkit_core::Objective;
use optkit_nn::{DfdxObjective, Layer, Loss, Network, Samples, Targets};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("usage: time_dfdx FOLDER [THREADS]")?;
    let threads = arguments.next().map_or(Ok(1), |text| text.parse())?;
    let (mut f, mut theta) = mnist(Path::new(&folder))?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    let [loss, with_gradient, known] = pool.install(|| medians(&mut f, &mut theta));
    println!("loss {loss:.1} ms, loss with gradient {with_gradient:.1} ms, gradient alone {known:.1} ms");
    Ok(())
}

/// The objective and initial parameters.
fn mnist(folder: &Path) -> Result<(DfdxObjective, Vec<f64>), Box<dyn Error>> {
    // The headers of idx files: 16 bytes before images, 8 before labels.
    let images = std::fs::read(folder.join("train-images-idx3-ubyte"))?;
    let labels = std::fs::read(folder.join("train-labels-idx1-ubyte"))?;
    let samples = Samples::from_bytes(images.get(16..).ok_or("no images")?, 784, 1.0 / 255.0)?;
    let targets = Targets::labels(labels.get(8..).ok_or("no labels")?, 10)?;
    let layers = vec![
        Layer::Flatten,
        Layer::Dense { outputs: 32 },
        Layer::Relu,
        Layer::Dense { outputs: 32 },
        Layer::Relu,
        Layer::Dense { outputs: 10 },
    ];
    let network = Network::new(vec![28, 28], layers)?;
    let f = DfdxObjective::new(&network, Loss::CrossEntropy, Arc::new(samples), Arc::new(targets))?;
    Ok((f, network.initial(0)))
}

fn medians(f: &mut DfdxObjective, theta: &mut [f64]) -> [f64; 3] {
    let mut gradient = vec![0.0; f.dim()];
    let mut times = [const { Vec::new() }; 3];
    for _ in 0..15 {
        theta[0] += 1e-3; // a new point
        let start = Instant::now();
        f.value(theta);
        times[0].push(start.elapsed().as_secs_f64() * 1e3);
        let start = Instant::now();
        f.value_gradient(theta, &mut gradient);
        times[2].push(start.elapsed().as_secs_f64() * 1e3);
        theta[0] += 1e-3;
        let start = Instant::now();
        f.value_gradient(theta, &mut gradient);
        times[1].push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    })
}
