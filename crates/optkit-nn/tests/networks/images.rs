//! Layers of image networks and small networks of them, for the tests of what they compute.

use optkit_nn::{BatchNorm, Conv, Layer, Shortcut, Window};

pub(crate) fn conv(outputs: usize, kernel: usize, stride: usize, pad: usize) -> Conv {
    Conv { stride: [stride; 2], pad: [pad; 2], ..Conv::new(outputs, [kernel; 2]) }
}

pub(crate) fn norm() -> Layer {
    Layer::BatchNorm(BatchNorm::default())
}

/// torchvision's basic block, of smooth activations where `smooth`.
pub(crate) fn block(outputs: usize, stride: usize, activation: &Layer) -> Layer {
    let plain = |outputs, kernel, stride, pad| {
        Layer::Conv(Conv { bias: false, ..conv(outputs, kernel, stride, pad) })
    };
    let body =
        vec![plain(outputs, 3, stride, 1), norm(), activation.clone(), plain(outputs, 3, 1, 1), norm()];
    Layer::Skip { body, shortcut: Shortcut::Auto(vec![plain(outputs, 1, stride, 0), norm()]) }
}

pub(crate) fn residual(activation: &Layer) -> Vec<Layer> {
    vec![
        Layer::Conv(Conv { bias: false, ..conv(6, 3, 1, 1) }),
        norm(),
        activation.clone(),
        block(6, 1, activation),
        activation.clone(),
        block(20, 2, activation),
        activation.clone(),
        Layer::PoolAvgGlobal,
        Layer::Dense { outputs: 5 },
    ]
}

/// Where a layer stands.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Within {
    Images,
    Rows,
}

/// Every layer, alone.
pub(crate) fn layers_of(within: Within) -> Vec<Layer> {
    let window = Window { stride: [2, 2], pad: [1, 1], ..Window::new([3, 3]) };
    let ghost = BatchNorm { ghost: Some(3), ..BatchNorm::default() };
    match within {
        Within::Images => vec![
            Layer::Conv(conv(5, 3, 2, 1)),
            Layer::Conv(Conv { dilation: [2, 1], ..conv(7, 2, 1, 2) }),
            Layer::Conv(Conv { groups: 2, bias: false, ..conv(8, 3, 1, 0) }),
            norm(),
            Layer::BatchNorm(ghost),
            Layer::LayerNorm { eps: 1e-5 },
            Layer::PoolMax(window.clone()),
            Layer::PoolAvg(window),
            Layer::Dropout { rate: 0.4 },
            Layer::Relu,
            Layer::LeakyRelu { slope: 0.2 },
            Layer::Gelu,
            Layer::Sigmoid,
            Layer::Tanh,
            Layer::Skip {
                body: vec![Layer::Conv(conv(4, 3, 1, 1)), Layer::Tanh],
                shortcut: Shortcut::Identity,
            },
            Layer::Skip { body: vec![], shortcut: Shortcut::Identity },
            Layer::Skip { body: vec![norm()], shortcut: Shortcut::Identity },
            Layer::Skip { body: vec![norm()], shortcut: Shortcut::Layers(vec![norm(), Layer::Relu]) },
            block(4, 1, &Layer::Relu),
            block(9, 2, &Layer::Relu),
        ],
        Within::Rows => vec![
            norm(),
            Layer::LayerNorm { eps: 1e-3 },
            Layer::Dropout { rate: 0.5 },
            Layer::Gelu,
            Layer::LeakyRelu { slope: -0.5 },
            Layer::LogSoftmax,
            Layer::Skip {
                body: vec![Layer::Relu, Layer::Dense { outputs: 6 }],
                shortcut: Shortcut::Identity,
            },
        ],
    }
}
