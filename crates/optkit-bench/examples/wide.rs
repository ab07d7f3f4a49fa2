//! What the local models of the two-level method cost at wide layers, in seconds of a value with its gradient.
//!
//! ```sh
//! cargo run --release -p optkit-bench --example wide -- 784-4096-10 samples=8192
//! ```
//!
//! By the clock and by count. *Once* is what only the first iteration pays: the moment of the inputs and its
//! eigenvectors. Samples are bytes of which `dense=0.19` are not zero, in runs as strokes make them.

use std::sync::Arc;
use std::time::Instant;

use optkit::nn::{Layer, Loss, Network, NetworkObjective, Samples, Targets};
use optkit::{Objective, Subset};
use optkit_core::GaussNewton;

struct Setup {
    widths: Vec<usize>,
    samples: usize,
    dense: f64,
    repeats: usize,
}

fn setup() -> Result<Setup, Box<dyn std::error::Error>> {
    let mut made = Setup { widths: vec![784, 4096, 10], samples: 8192, dense: 0.19, repeats: 3 };
    for word in std::env::args().skip(1) {
        match word.split_once('=') {
            None => made.widths = word.split('-').map(str::parse).collect::<Result<_, _>>()?,
            Some(("samples", n)) => made.samples = n.parse()?,
            Some(("dense", x)) => made.dense = x.parse()?,
            Some(("repeats", n)) => made.repeats = n.parse()?,
            _ => return Err(format!("what is `{word}`?").into()),
        }
    }
    Ok(made)
}

fn objective(setup: &Setup, network: &Network) -> Result<NetworkObjective, Box<dyn std::error::Error>> {
    let mut state = 1_u32;
    let mut draw = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 16
    };
    let (features, classes) = (setup.widths[0], network.outputs());
    let mut bytes = vec![0_u8; setup.samples * features];
    let most = (setup.dense * 65_536.0) as u32;
    for run in bytes.chunks_mut(8) {
        if draw() < most {
            run.iter_mut().for_each(|b| *b = 1 + (draw() % 255) as u8);
        }
    }
    let labels: Vec<u8> = (0..setup.samples).map(|_| (draw() % classes as u32) as u8).collect();
    let samples = Arc::new(Samples::from_bytes(&bytes, features, 1.0 / 255.0)?);
    let targets = Arc::new(Targets::labels(&labels, classes)?);
    Ok(NetworkObjective::new(network, Loss::CrossEntropy, samples, targets)?)
}

/// Seconds and gradient equivalents of the fastest of `repeats`.
fn least<T>(
    repeats: usize,
    of: &mut T,
    mut run: impl FnMut(&mut T, usize),
    work: impl Fn(&T) -> f64,
) -> [f64; 2] {
    let one = |i: usize| {
        let (begun, before) = (Instant::now(), work(of));
        run(of, i);
        [begun.elapsed().as_secs_f64(), work(of) - before]
    };
    (0..repeats).map(one).min_by(|a, b| a[0].total_cmp(&b[0])).unwrap_or([f64::NAN; 2])
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let setup = setup()?;
    let mut layers = Vec::new();
    for &outputs in &setup.widths[1..] {
        layers.extend([Layer::Dense { outputs }, Layer::Relu]);
    }
    layers.pop();
    let network = Network::new(vec![setup.widths[0]], layers)?;
    let mut f = objective(&setup, &network)?;
    let mut parts = Vec::new();
    for pair in network.tensors().chunks(2) {
        parts.push(Subset::from_ranges(network.dim(), pair.iter().map(|t| t.range.clone()))?);
    }
    let x = network.initial(0);
    let mut gradient = vec![0.0; x.len()];
    f.value_gradient(&x, &mut gradient);
    let evaluate = |f: &mut NetworkObjective, i: usize| {
        let shift = 1.0 + 1e-6 * (i + 1) as f64;
        let at: Vec<f64> = x.iter().map(|x| x * shift).collect();
        f.value_gradient(&at, &mut gradient);
    };
    let [unit, _] = least(setup.repeats, &mut f, evaluate, |f| f.work().gradient_equivalents);
    let mut levels = f.gauss_newton(&parts)?;
    levels.go_to(&x);
    let mut gradient = vec![0.0; x.len()];
    levels.gradient(&mut gradient);
    let mut step = vec![0.0; x.len()];
    type Levels = Box<dyn GaussNewton>;
    let work = |levels: &Levels| levels.work().gradient_equivalents;
    let first = least(1, &mut levels, |levels, _| levels.factor(0), work);
    let factor = least(setup.repeats, &mut levels, |levels, i| levels.factor(1 + i as u64), work);
    let mut solve = |levels: &mut Levels, _: usize| {
        levels.prepare_steps(&gradient, false);
        levels.steps(3.0, &mut step);
    };
    solve(&mut levels, 0);
    let steps = least(setup.repeats, &mut levels, solve, work);
    println!("{:?}, {} samples: a value with its gradient takes {unit:.3} s", setup.widths, setup.samples);
    println!("{:30} {:>9} {:>9}", "in units of that", "clock", "count");
    let once = [first[0] - factor[0], first[1] - factor[1]];
    let both = [factor[0] + steps[0], factor[1] + steps[1]];
    for (name, [seconds, count]) in
        [("once", once), ("factors", factor), ("steps", steps), ("factors and steps", both)]
    {
        println!("{name:30} {:9.3} {count:9.3}", seconds / unit);
    }
    Ok(())
}
