//! What the examples on ResNet-18 have in common.

use std::path::Path;

use optkit::assemble::Subject;
use optkit::nn::Network;
use optkit::problem;

pub(crate) const CLASSES: usize = 1000;

/// The network of `problems/cifar_resnet18.apts`, torchvision's, for images of 3×`size`×`size`.
pub(crate) fn resnet18(size: usize) -> Network {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../problems/cifar_resnet18.apts");
    let planned = problem::read(&path, &[]).expect("the problem file can be run");
    let Subject::Network(subject) = planned.plan.subject else { panic!("the problem is of a network") };
    Network::new(vec![3, size, size], subject.network.layers().to_vec()).expect("the layers fit")
}

/// Numbers below 2²⁴ that look random, the same in every run.
pub(crate) fn draw() -> impl FnMut() -> u32 {
    let mut state = 1_u32;
    move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 8
    }
}

/// Milliseconds that all threads have run; 0 where the system does not say.
pub(crate) fn processor_time() -> f64 {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let of = |thread: std::fs::DirEntry| {
        let text = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<f64>().ok()
    };
    threads.filter_map(of).sum::<f64>() / 1e6
}

/// Largest resident set so far, in bytes; 0 where the system does not say.
pub(crate) fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|kb| kb.split_whitespace().next()?.parse::<u64>().ok()).map_or(0, |kb| kb * 1024)
}
