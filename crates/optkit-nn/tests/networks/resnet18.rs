//! torchvision's `resnet18`, for the tests that need it described in Rust.

use optkit_nn::{BatchNorm, Conv, Layer, Network, Shortcut, Window};

pub(crate) const CLASSES: usize = 1000;

/// A convolution without bias.
pub(crate) fn conv(outputs: usize, kernel: usize, stride: usize, pad: usize) -> Layer {
    Layer::Conv(Conv { stride: [stride; 2], pad: [pad; 2], bias: false, ..Conv::new(outputs, [kernel; 2]) })
}

pub(crate) fn norm() -> Layer {
    Layer::BatchNorm(BatchNorm::default())
}

/// torchvision's `BasicBlock`.
pub(crate) fn basic(channels: usize, stride: usize) -> [Layer; 2] {
    let body = vec![conv(channels, 3, stride, 1), norm(), Layer::Relu, conv(channels, 3, 1, 1), norm()];
    let shortcut = Shortcut::Auto(vec![conv(channels, 1, stride, 0), norm()]);
    [Layer::Skip { body, shortcut }, Layer::Relu]
}

/// For images of 3×`size`×`size`.
pub(crate) fn resnet18(size: usize) -> Network {
    let halves = Window { stride: [2, 2], pad: [1, 1], ..Window::new([3, 3]) };
    let mut layers = vec![conv(64, 7, 2, 3), norm(), Layer::Relu, Layer::PoolMax(halves)];
    for (channels, stride) in [(64, 1), (128, 2), (256, 2), (512, 2)] {
        layers.extend(basic(channels, stride));
        layers.extend(basic(channels, 1));
    }
    layers.extend([Layer::PoolAvgGlobal, Layer::Dense { outputs: CLASSES }]);
    Network::new(vec![3, size, size], layers).unwrap()
}
