//! One result for any number of threads, bit for bit: identical traces with 1, 2 and 4 threads.

use std::ops::ControlFlow;
use std::sync::Arc;

use optkit::assemble::Assembly;
use optkit::data::{Fetch, Locations};
use optkit::lang::{Override, Source};
use optkit::nn::{Layer, Loss, Network, NetworkObjective, Samples, Targets};
use optkit::{
    Apts, AptsOptions, Deal, Iteration, Objective, Optimizer, Partition, Run, StopWhen, Test, TrustRegion,
    problem, run,
};

/// Everything of an iteration that a thread could disturb, as bits.
type Trace = Vec<(Vec<u64>, [u64; 5], [u32; 3], bool)>;

fn bits(iteration: &Iteration<'_>) -> (Vec<u64>, [u64; 5], [u32; 3], bool) {
    let step = &iteration.step;
    let numbers = [
        step.value,
        iteration.gradient_norm_inf,
        step.radius,
        step.ratio,
        iteration.work.gradient_equivalents,
    ];
    let counts = [step.trials_accepted, step.trials_rejected, step.local_iterations];
    (
        iteration.point.x.iter().map(|v| v.to_bits()).collect(),
        numbers.map(f64::to_bits),
        counts,
        step.accepted,
    )
}

/// The run that `make` begins, on `threads` threads.
fn traced(threads: usize, epochs: u64, make: &(dyn Fn() -> Begun + Sync)) -> Trace {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let Begun { mut objective, mut optimizer, start } = make();
        let mut trace = Trace::new();
        let mut observer = |iteration: &Iteration<'_>| {
            trace.push(bits(iteration));
            ControlFlow::Continue(())
        };
        let stop = StopWhen::new().or("epochs", Test::Epochs(epochs));
        let setup = Run { stop: &stop, measures: &mut [], observer: &mut observer, interrupt: None };
        run(optimizer.as_mut(), objective.as_mut(), &start, setup).unwrap();
        trace
    })
}

struct Begun {
    objective: Box<dyn Objective>,
    optimizer: Box<dyn Optimizer>,
    start: Vec<f64>,
}

/// Fails where a trace with 2 or 4 threads, or a second one, differs from the first.
fn same_for_all_threads(what: &str, epochs: u64, make: &(dyn Fn() -> Begun + Sync)) {
    let one = traced(1, epochs, make);
    assert!(one.len() as u64 == epochs, "{what}: {} epochs", one.len());
    for threads in [2, 4, 4] {
        let other = traced(threads, epochs, make);
        assert_eq!(one.len(), other.len(), "{what}, {threads} threads");
        for (epoch, (one, other)) in one.iter().zip(&other).enumerate() {
            assert!(one == other, "{what}: epoch {} differs with {threads} threads", epoch + 1);
        }
    }
}

fn from_file(set: &[(&str, &str)], partition: Option<&str>) -> Begun {
    let mut text = include_str!("../problems/digits_fcnn.apts").to_owned();
    if let Some(partition) = partition {
        let declared = "weights(fcnn) { parts = 4, by = tensor }";
        assert!(text.contains(declared));
        text = text.replace(declared, partition);
    }
    let overrides: Vec<_> =
        set.iter().map(|(path, value)| Override { path: (*path).into(), value: (*value).into() }).collect();
    let source = Source::new("digits_fcnn.apts", text);
    let planned = problem::from_text(source, &mut |_| Err("no files".to_owned()), &overrides)
        .unwrap_or_else(|error| panic!("{error}"));
    let Assembly { objective, optimizer, start, .. } =
        planned.plan.load(&Locations::default(), Fetch::Never).unwrap();
    Begun { objective, optimizer, start }
}

#[test]
fn the_digits_problem_is_the_same_for_any_number_of_threads() {
    for fdl in ["on", "off"] {
        for ratio in ["model", "paper_code"] {
            let make = || from_file(&[("solver.fdl", fdl), ("solver.ratio", ratio)], None);
            same_for_all_threads(&format!("fdl {fdl}, ratio {ratio}"), 8, &make);
        }
    }
}

#[test]
fn every_partition_is_the_same_for_any_number_of_threads() {
    let halves = |range: std::ops::Range<usize>| range.map(|i| i.to_string()).collect::<Vec<_>>().join(", ");
    let explicit = format!("explicit([[{}], [{}]])", halves(1..1_001), halves(1_001..2_411));
    for partition in [
        "weights(fcnn) { parts = 3, deal = in_order }",
        "weights(fcnn) { parts = 1 }",
        "contiguous { parts = 5 }",
        "random { parts = 3 }",
        &explicit,
    ] {
        for fdl in ["on", "off"] {
            let what = format!("{}, fdl {fdl}", partition.get(..20).unwrap_or(partition));
            same_for_all_threads(&what, 3, &|| from_file(&[("solver.fdl", fdl)], Some(partition)));
        }
    }
}

#[test]
fn double_precision_is_the_same_for_any_number_of_threads() {
    let text = include_str!("../problems/digits_fcnn.apts").to_owned() + "\nrun { precision = f64 }\n";
    same_for_all_threads("f64", 3, &|| {
        let source = Source::new("digits_fcnn.apts", text.clone());
        let planned = problem::from_text(source, &mut |_| Err("no files".to_owned()), &[])
            .unwrap_or_else(|error| panic!("{error}"));
        let Assembly { objective, optimizer, start, .. } =
            planned.plan.load(&Locations::default(), Fetch::Never).unwrap();
        Begun { objective, optimizer, start }
    });
}

/// Images like MNIST's, four fifths of their bytes zero, drawn from a seed; more than one chunk of samples, and a
/// last chunk that is not full.
fn sparse_images(count: usize, pixels: usize) -> (Samples, Targets) {
    let mut state = 7_u64;
    let mut draw = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    let bytes: Vec<u8> = (0..count * pixels)
        .map(|_| if draw() % 5 == 0 { u8::try_from(draw() % 256).unwrap() } else { 0 })
        .collect();
    let labels: Vec<u8> = (0..count).map(|_| u8::try_from(draw() % 10).unwrap()).collect();
    (Samples::from_bytes(&bytes, pixels, 1.0 / 255.0).unwrap(), Targets::labels(&labels, 10).unwrap())
}

#[test]
fn a_sparse_first_layer_is_the_same_for_any_number_of_threads() {
    let (samples, targets) = sparse_images(2_311, 196);
    let (samples, targets) = (Arc::new(samples), Arc::new(targets));
    let layers = vec![
        Layer::Dense { outputs: 24 },
        Layer::Relu,
        Layer::Dense { outputs: 16 },
        Layer::Tanh,
        Layer::Dense { outputs: 10 },
    ];
    let network = Network::new(vec![196], layers).unwrap();
    let ranges: Vec<_> = network.tensors().into_iter().map(|t| t.range).collect();
    let n = network.dim();
    let options = AptsOptions { radius: 0.01, ..AptsOptions::default() };
    let deal = |parts, deal| Partition::from_ranges(n, &ranges, parts, deal).unwrap();
    let partitions = [
        ("all tensors", deal(6, Deal::Random(3))),
        ("two parts", deal(2, Deal::InOrder)),
        ("contiguous", Partition::contiguous(n, 4).unwrap()),
        ("random", Partition::random(n, 3, 11).unwrap()),
    ];
    let objective = || -> Box<dyn Objective> {
        Box::new(
            NetworkObjective::<f32>::new(&network, Loss::CrossEntropy, samples.clone(), targets.clone())
                .unwrap(),
        )
    };
    for (name, partition) in partitions {
        for fdl in [true, false] {
            same_for_all_threads(&format!("{name}, fdl {fdl}"), 4, &|| Begun {
                objective: objective(),
                optimizer: Box::new(Apts::new(partition.clone(), AptsOptions { fdl, ..options })),
                start: network.initial(5),
            });
        }
    }
    same_for_all_threads("trust region", 6, &|| Begun {
        objective: objective(),
        optimizer: Box::new(TrustRegion::default()),
        start: network.initial(5),
    });
}
