//! The main job on the real data, against a recorded run of PyTorch. Needs MNIST, and fetches it where it is not.

use optkit::assemble::Assembly;
use optkit::data::{Fetch, Locations, Quiet};
use optkit::lang::{Override, Source};
use optkit::{Apts, AptsOptions, Optimizer, Partition, problem};

const WEIGHTS: &[u8] = include_bytes!("fixtures/mnist_torch_seed0.f32");
const RECORD: &str = include_str!("fixtures/mnist_torch_seed0.txt");

fn assembled(set: &[(&str, &str)]) -> (problem::Planned, Assembly) {
    let source = Source::new("mnist_fcnn.apts", include_str!("../problems/mnist_fcnn.apts"));
    let overrides: Vec<_> =
        set.iter().map(|(path, value)| Override { path: (*path).into(), value: (*value).into() }).collect();
    let planned = problem::from_text(source, &mut |_| Err("no files".to_owned()), &overrides).unwrap();
    let locations = Locations::from_environment(None);
    let assembly = planned.plan.load(&locations, Fetch::IfMissing(&mut Quiet)).unwrap();
    (planned, assembly)
}

fn record(name: &str) -> Vec<f64> {
    let line = RECORD.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.split_whitespace().map(|word| word.parse().unwrap()).collect()
}

/// From the peer's own initial weights and deal, the losses of five epochs agree with the peer's to 1e-3, for both
/// ways to predict a reduction. The fixture is written by fixtures/peer_start.py.
#[test]
#[ignore = "slow: cargo test -- --ignored"]
fn losses_agree_with_pytorch_from_the_same_start() {
    let start: Vec<f64> =
        WEIGHTS.chunks_exact(4).map(|b| f64::from(f32::from_le_bytes([b[0], b[1], b[2], b[3]]))).collect();
    let (planned, mut assembly) = assembled(&[]);
    let optkit::assemble::Subject::Network(subject) = &planned.plan.subject else {
        panic!("the problem trains a network");
    };
    let ranges: Vec<_> = subject.network.tensors().into_iter().map(|t| t.range).collect();
    let parts =
        record("deal").iter().map(|&tensor| ranges[tensor as usize].clone().collect()).collect::<Vec<_>>();
    let partition = Partition::explicit(start.len(), &parts).unwrap();
    for (name, options) in [("model", AptsOptions::paper()), ("paper_code", AptsOptions::ml_apts())] {
        let options = AptsOptions { fdl: false, ..options };
        let mut apts = Apts::new(partition.clone(), options);
        let f = assembly.objective.as_mut();
        apts.start(f, &start, None).unwrap();
        for (epoch, expected) in record(name).into_iter().enumerate() {
            apts.step(f);
            let loss = apts.current().value;
            assert!((loss - expected).abs() <= 1e-3, "{name}, epoch {}: {loss} for {expected}", epoch + 1);
        }
    }
}

/// fdl on, ratio of the model: the loss never rises beyond the noise of an f32 loss.
#[test]
#[ignore = "slow: cargo test -- --ignored"]
fn with_fdl_the_loss_on_mnist_never_rises() {
    for seed in ["0", "1"] {
        let (_, assembly) = assembled(&[("solver.fdl", "on"), ("run.seed", seed)]);
        let Assembly { mut objective, mut optimizer, start, .. } = assembly;
        optimizer.start(objective.as_mut(), &start, None).unwrap();
        let mut before = f64::INFINITY;
        for epoch in 0..30 {
            optimizer.prepare(objective.as_mut()).unwrap();
            let loss = optimizer.current().value;
            assert!(loss <= before + 1e-6, "seed {seed}, epoch {epoch}: {before} to {loss}");
            before = loss;
            optimizer.step(objective.as_mut());
        }
        assert!(before < 1.0, "seed {seed}: {before} after 30 epochs");
    }
}
