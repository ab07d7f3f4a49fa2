//! What the parts of ResNet-18 cost, as counted and by the clock, and what iterations of SAPTS on them come to.
//!
//! usage: resnet18_parts BATCH PARTS THREADS [ITERATIONS [ROUNDS]]    (images of 3×32×32, 1,000 classes)
//!
//! The first table has a row a part: its tensors, and its share of a forward and of a backward pass of the whole, counted
//! and in processor time (medians of ROUNDS; 0: no table). Then iterations of SAPTS of order 1 in its paper's settings, on
//! two mini-batches of random images in turn: local evaluations that were made, and what they cost of what as many of the
//! whole network would, which is timed before and after every iteration; last the peak memory.

mod common;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::{CLASSES, draw, peak_memory, processor_time, resnet18};
use optkit::nn::{Loss, Network, NetworkObjective, Samples as Images, Targets};
use optkit::{Apts, AptsOptions, Deal, Flow, Objective, Optimizer, Partition, Pass, Samples, Work};
use optkit_core::{Phase, Phases};

fn main() {
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|a| a.parse().ok()).collect();
    let (&[batch, parts, threads], rest) = numbers.split_first_chunk().unwrap_or_else(|| {
        eprintln!("usage: resnet18_parts BATCH PARTS THREADS [ITERATIONS [ROUNDS]]");
        std::process::exit(2);
    });
    let (iterations, rounds) = (rest.first().map_or(4, |&n| n), rest.get(1).map_or(5, |&n| n));
    let network = resnet18(32);
    let ranges: Vec<_> = network.tensors().into_iter().map(|t| t.range).collect();
    let partition = Partition::from_ranges(network.dim(), &ranges, parts, Deal::Random(0));
    let partition = partition.expect("as many parts as tensors at most");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be made");
    pool.install(|| {
        let mut f = objective(&network, batch);
        let whole = time_whole(&network, &mut f, rounds.max(3));
        println!("whole: forward {:.1} ms, backward {:.1} ms (processor time)", whole[0], whole[1]);
        if rounds > 0 {
            table(&network, &partition, &mut f, whole, rounds);
        }
        sapts(&network, partition, &mut f, iterations);
    });
    println!("peak memory {:.2} GiB", peak_memory() as f64 / (1_u64 << 30) as f64);
}

/// On two mini-batches of `batch` images.
fn objective(network: &Network, batch: usize) -> NetworkObjective {
    let mut draw = draw();
    let bytes: Vec<u8> = (0..2 * batch * network.inputs()).map(|_| (draw() >> 16) as u8).collect();
    let labels = (0..2 * batch).map(|_| draw() % CLASSES as u32).collect();
    let samples = Images::from_bytes(&bytes, network.inputs(), 1.0 / 128.0).expect("whole images");
    let targets = Targets::wide_labels(labels, CLASSES).expect("labels below 1,000");
    let f = NetworkObjective::new(network, Loss::CrossEntropy, Arc::new(samples), Arc::new(targets));
    f.expect("shapes fit").in_batches(batch, 0)
}

/// Milliseconds of processor time of what `f` does.
fn timed(f: impl FnOnce()) -> f64 {
    let before = processor_time();
    f();
    processor_time() - before
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Passes of the whole, each at a point of its own.
struct Whole {
    x: Vec<f64>,
    gradient: Vec<f64>,
}

impl Whole {
    fn new(network: &Network) -> Self {
        Self { x: network.initial(0), gradient: vec![0.0; network.dim()] }
    }

    /// A forward and a backward pass.
    fn time(&mut self, f: &mut NetworkObjective) -> [f64; 2] {
        self.x.iter_mut().for_each(|v| *v *= 1.0001);
        let forward = timed(|| _ = f.value(&self.x));
        [forward, timed(|| _ = f.value_gradient(&self.x, &mut self.gradient))]
    }
}

/// A forward and a backward pass of the whole: medians.
fn time_whole(network: &Network, f: &mut NetworkObjective, rounds: usize) -> [f64; 2] {
    f.select(Pass { epoch: 0, samples: Samples::Batch(0) });
    let mut whole = Whole::new(network);
    let (mut forward, mut backward) = (Vec::new(), Vec::new());
    for _ in 0..=rounds {
        let [up, down] = whole.time(f);
        forward.push(up);
        backward.push(down);
    }
    // The first pass makes its room.
    [forward, backward].map(|times| median(times[1..].to_vec()))
}

fn table(network: &Network, partition: &Partition, f: &mut NetworkObjective, whole: [f64; 2], rounds: usize) {
    let tensors = network.tensors();
    let mut split = f.decompose(partition.parts()).expect("networks decompose");
    let (x, mut gradient) = (network.initial(0), vec![0.0; network.dim()]);
    f.value_gradient(&x, &mut gradient);
    split.freeze(&x, Pass::default());
    println!("part  forward: counted clocked  backward: counted clocked  tensors");
    let mut sums = [0.0; 4];
    for (i, subset) in partition.parts().iter().enumerate() {
        let cost = split.cost(i);
        let (mut own, mut of_part) = (vec![0.0; subset.len()], vec![0.0; subset.len()]);
        subset.gather(&x, &mut own);
        let (mut forward, mut backward) = (Vec::new(), Vec::new());
        for _ in 0..=rounds {
            own.iter_mut().for_each(|v| *v += 1e-3);
            forward.push(timed(|| _ = split.parts()[i].value(&own)));
            backward.push(timed(|| _ = split.parts()[i].value_gradient(&own, &mut of_part)));
        }
        let clocked = [forward, backward].map(|times| median(times[1..].to_vec()));
        let row = [cost.forward, clocked[0] / whole[0], cost.backward, clocked[1] / whole[1]];
        let names = tensors.iter().filter(|t| subset.ranges().iter().any(|r| r.contains(&t.range.start)));
        let names: Vec<_> = names.map(|t| t.name.as_str()).collect();
        println!(
            "{i:4}  {:15.3} {:7.3}  {:16.3} {:7.3}  {}",
            row[0],
            row[1],
            row[2],
            row[3],
            names.join(" ")
        );
        sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value / partition.parts().len() as f64);
    }
    println!("mean  {:15.3} {:7.3}  {:16.3} {:7.3}", sums[0], sums[1], sums[2], sums[3]);
}

/// Processor time of the local phases.
#[derive(Clone)]
struct Local(Arc<Mutex<(Option<f64>, f64)>>);

impl Phases for Local {
    fn enter(&mut self, phase: Phase) {
        let mut times = self.0.lock().expect("nothing panics while it is held");
        let now = processor_time();
        if let Some(begun) = times.0.take() {
            times.1 += now - begun;
        }
        times.0 = (phase == Phase::Local).then_some(now);
    }
}

fn sapts(network: &Network, partition: Partition, f: &mut NetworkObjective, iterations: usize) {
    let mut apts = Apts::new(partition, AptsOptions::paper());
    let local = Local(Arc::default());
    apts.watch(Box::new(local.clone()));
    f.select(Pass { epoch: 0, samples: Samples::Batch(0) });
    apts.start(f, &network.initial(0), None).expect("the partition is of this network");
    println!("iteration  local values gradients  cost/whole: counted clocked  seconds");
    // Two batches are all samples: an evaluation of one is half of one of all.
    let share = 0.5;
    let (mut before, mut spent) = (Work::default(), 0.0);
    // The machine's speed drifts: the whole is timed before and after every iteration.
    let mut whole = Whole::new(network);
    let mut times = whole.time(f);
    for iteration in 0..iterations {
        let pass = Pass { epoch: iteration as u64 / 2, samples: Samples::Batch(iteration % 2) };
        f.select(pass);
        apts.samples_changed(pass);
        let begun = Instant::now();
        if !matches!(apts.step(f), Flow::Continue(_)) {
            println!("ended");
            return;
        }
        let seconds: Duration = begun.elapsed();
        let work = apts.work_of_parts().into_iter().fold(Work::default(), |sum, work| sum + work);
        let (done, now) = (work - before, local.0.lock().expect("nothing panics while it is held").1);
        let (values, gradients) = (done.values as f64, done.gradients as f64);
        let counted = done.gradient_equivalents / (share * 0.5 * (values + gradients));
        let after = whole.time(f);
        let [forward, backward] = [0, 1].map(|i| 0.5 * (times[i] + after[i]));
        let clocked = (now - spent) / (values * forward + gradients * backward);
        println!(
            "{iteration:9}  {:12} {:9}  {counted:19.3} {clocked:7.3}  {:7.2}",
            done.values,
            done.gradients,
            seconds.as_secs_f64()
        );
        (before, spent, times) = (work, now, after);
    }
}
