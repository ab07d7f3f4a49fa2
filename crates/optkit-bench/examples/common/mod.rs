//! What the examples on ResNet-18 have in common.

use optkit::nn::{BatchNorm, Conv, Layer, Network, Shortcut, Window};

pub(crate) const CLASSES: usize = 1000;

fn conv(outputs: usize, kernel: usize, stride: usize, pad: usize) -> Layer {
    Layer::Conv(Conv { stride: [stride; 2], pad: [pad; 2], bias: false, ..Conv::new(outputs, [kernel; 2]) })
}

/// torchvision's, for images of 3×`size`×`size`.
pub(crate) fn resnet18(size: usize) -> Network {
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
