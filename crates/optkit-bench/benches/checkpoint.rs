//! What a checkpoint costs: of a network with 26,485 parameters (the paper's has 26,506), made and forced to the disk
//! while it is trained by methods as in Figure 1. At one a minute, the share of a run that goes into checkpoints is this over 60 s.
//!
//!     cargo bench -p optkit-bench --bench checkpoint [FOLDER]

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Instant;

use optkit::lang::Source;
use optkit::{Iteration, Run, StopWhen, run};

/// Few samples: a checkpoint holds points and curvature, but nothing a sample.
const PROBLEM: &str = "apts 1
data digits = digits()
network fcnn { input 8x8
  flatten
  dense 353; relu
  dense 10 }
minimize loss = cross_entropy(fcnn(digits.train.x), digits.train.y)
partition tensors = weights(fcnn) { parts = 4 }
";

const SOLVERS: [(&str, &str); 5] = [
    ("apts, order 1", "solver apts { partition = tensors }"),
    ("apts, order 2", "solver apts { partition = tensors, order = 2 }"),
    ("trust_region, order 2", "solver trust_region { order = 2 }"),
    ("adam", "solver adam { lr = 0.001 }"),
    ("lbfgs of 50 pairs", "solver lbfgs { line_search = strong_wolfe, memory = 50 }"),
];

/// Checkpoints that are made, and those before the first that counts, while memories of curvature fill.
const COUNTED: u64 = 21;
const BEFORE: u64 = 10;

fn main() {
    let folder = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let folder = folder.map_or_else(|| std::env::temp_dir().join("optkit-bench-checkpoint"), PathBuf::from);
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    println!("{:<24} {:>9} {:>11} {:>11} {:>14}", "method", "size", "median", "largest", "at one a min");
    for (name, solver) in SOLVERS {
        let (bytes, mut times) = timed(&format!("{PROBLEM}{solver}"), &folder.join("bench.safetensors"));
        times.sort_by(f64::total_cmp);
        let (median, largest) = (times[times.len() / 2], times[times.len() - 1]);
        println!(
            "{name:<24} {:>6.2} MB {:>8.2} ms {:>8.2} ms {:>12.4} %",
            bytes as f64 / 1e6,
            1e3 * median,
            1e3 * largest,
            100.0 * median / 60.0
        );
    }
    let _ = std::fs::remove_dir_all(folder);
}

/// The size of the last one, and the seconds of each.
fn timed(text: &str, path: &std::path::Path) -> (u64, Vec<f64>) {
    let source = Source::new("bench.apts", text);
    let planned = optkit::problem::from_text(source, &mut |_| Err(String::new()), &[]).expect("it is right");
    let locations = optkit::data::Locations::default();
    let assembly = planned.plan.load(&locations, optkit::data::Fetch::Never).expect("digits are built in");
    let (mut objective, mut optimizer, start) = (assembly.objective, assembly.optimizer, assembly.start);
    let identity = planned.problem.identity();
    let mut times = Vec::new();
    let mut watch = |iteration: &Iteration<'_>| {
        let begun = Instant::now();
        iteration.checkpoint().of_problem(identity.as_str()).write(path).expect("there is space");
        if iteration.step.iteration > BEFORE {
            times.push(begun.elapsed().as_secs_f64());
        }
        ControlFlow::Continue(())
    };
    let stop = StopWhen::new().iterations(BEFORE + COUNTED);
    let setup = Run { stop: &stop, measures: &mut [], observer: &mut watch, interrupt: None };
    let report = run(optimizer.as_mut(), objective.as_mut(), &start, setup).expect("it starts");
    assert!(times.len() as u64 == COUNTED, "it ended early: {}", report.status);
    (path.metadata().map_or(0, |file| file.len()), times)
}
