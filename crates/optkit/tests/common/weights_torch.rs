//! The network of `fixtures/weights_torch.py`.

use optkit::nn::{BatchNorm, Conv, Layer, Network, Shortcut};

pub(crate) const CLASSES: usize = 5;

/// The script's `model`.
pub(crate) fn network() -> Network {
    let conv = |outputs, kernel, stride, pad, bias| {
        Layer::Conv(Conv { stride: [stride; 2], pad: [pad; 2], bias, ..Conv::new(outputs, [kernel; 2]) })
    };
    let norm = || Layer::BatchNorm(BatchNorm::default());
    let skip = Layer::Skip {
        body: vec![conv(6, 3, 2, 1, false), norm()],
        shortcut: Shortcut::Layers(vec![conv(6, 1, 2, 0, true), norm()]),
    };
    let layers = vec![
        conv(4, 3, 1, 1, false),
        norm(),
        Layer::Relu,
        skip,
        Layer::LeakyRelu { slope: 0.01 },
        Layer::PoolAvgGlobal,
        Layer::Flatten,
        Layer::Dense { outputs: CLASSES },
    ];
    Network::new(vec![2, 6, 6], layers).unwrap()
}
