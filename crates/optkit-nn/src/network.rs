//! What a network is, before anything computes with it: an input shape and a list of layers, as plain data.
//!
//! The parameters are one vector θ ∈ ℝⁿ: layer by layer, each layer's tensors in PyTorch's order and layout
//! (`weight` of shape \[out, in\] row by row, then `bias`), so that θ is what `torch.nn.Sequential` of the same
//! layers would give when its parameters are flattened one after another.

use std::ops::Range;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::{Layer, LayerError};

/// A network by its layers: plain, serialisable, checked when made.
///
/// ```
/// use optkit_nn::{Layer, Network};
/// let layers = vec![Layer::Flatten, Layer::Dense { outputs: 32 }, Layer::Relu, Layer::Dense { outputs: 10 }];
/// let network = Network::new(vec![28, 28], layers)?;
/// assert_eq!(network.dim(), 784 * 32 + 32 + 32 * 10 + 10);
/// assert_eq!(network.tensors()[2].name, "3.weight");
/// assert_eq!(network.tensors()[2].shape, [10, 32]);
/// # Ok::<(), optkit_nn::NetworkError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Description", into = "Description")]
pub struct Network {
    input: Vec<usize>,
    layers: Vec<Layer>,
    shapes: Vec<Vec<usize>>,
}

/// A parameter tensor and where it lies in θ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// Name as `torch.nn.Sequential` gives it: the layer's index, a dot, `weight` or `bias`.
    pub name: String,
    /// Index of its layer in [`Network::layers`].
    pub layer: usize,
    /// Shape, outermost index first.
    pub shape: Vec<usize>,
    /// Its entries in the parameter vector.
    pub range: Range<usize>,
}

/// Why a description is no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// The input has no extent or an extent of zero.
    #[error("the input shape {shape:?} holds no value; every extent must be at least 1")]
    EmptyInput {
        /// The shape given.
        shape: Vec<usize>,
    },
    /// A layer does not fit what comes into it.
    #[error("layer {index}: {source}")]
    Layer {
        /// Index of the layer, counted from 0.
        index: usize,
        /// What is wrong there.
        source: LayerError,
    },
    /// More parameters or activations than an address can count.
    #[error("layer {index} would need more values than this machine can address")]
    TooLarge {
        /// Index of the layer, counted from 0.
        index: usize,
    },
}

impl Network {
    /// The network that applies `layers` in turn to an input of shape `input`, shapes inferred and checked.
    pub fn new(input: Vec<usize>, layers: Vec<Layer>) -> Result<Self, NetworkError> {
        if input.is_empty() || input.contains(&0) {
            return Err(NetworkError::EmptyInput { shape: input });
        }
        let mut shapes: Vec<Vec<usize>> = Vec::with_capacity(layers.len());
        let mut parameters = Some(0_usize);
        for (index, layer) in layers.iter().enumerate() {
            let before = shapes.last().unwrap_or(&input);
            // First of all: layers multiply these extents.
            if extent(before).is_none() {
                return Err(NetworkError::TooLarge { index });
            }
            let after = layer.output(before).map_err(|source| NetworkError::Layer { index, source })?;
            for (_, shape) in layer.tensors(before) {
                parameters = parameters.and_then(|n| n.checked_add(extent(&shape)?));
            }
            if parameters.is_none() || extent(&after).is_none() {
                return Err(NetworkError::TooLarge { index });
            }
            shapes.push(after);
        }
        Ok(Self { input, layers, shapes })
    }

    /// Shape of one sample.
    #[must_use]
    pub fn input(&self) -> &[usize] {
        &self.input
    }

    /// The layers in the order in which they are applied.
    #[must_use]
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Shape behind each layer, for one sample.
    #[must_use]
    pub fn shapes(&self) -> &[Vec<usize>] {
        &self.shapes
    }

    /// Number of values in one sample.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.input.iter().product()
    }

    /// Number of values that the last layer gives for one sample.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.shapes.last().unwrap_or(&self.input).iter().product()
    }

    /// The parameter tensors in the order in which they lie in θ.
    #[must_use]
    pub fn tensors(&self) -> Vec<Tensor> {
        let mut tensors = Vec::new();
        let mut at = 0;
        for (index, layer) in self.layers.iter().enumerate() {
            for (kind, shape) in layer.tensors(self.before(index)) {
                let len: usize = shape.iter().product();
                tensors.push(Tensor {
                    name: format!("{index}.{kind}"),
                    layer: index,
                    shape,
                    range: at..at + len,
                });
                at += len;
            }
        }
        tensors
    }

    /// n, the number of parameters.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.tensors().last().map_or(0, |t| t.range.end)
    }

    /// Initial parameters, of length [`dim`](Self::dim): PyTorch's default for `Linear`, weights and biases
    /// uniform in ±1/√fan_in. One ChaCha8 stream in the order of θ; equal seeds give equal bits on every machine.
    /// All entries are representable in `f32`.
    #[must_use]
    pub fn initial(&self, seed: u64) -> Vec<f64> {
        let mut stream = ChaCha8Rng::seed_from_u64(seed);
        let mut theta = Vec::with_capacity(self.dim());
        for tensor in self.tensors() {
            let fan_in = self.layers[tensor.layer].fan_in(self.before(tensor.layer));
            let bound = 1.0 / (fan_in as f64).sqrt();
            theta.extend(tensor.range.map(|_| {
                // 24 bits: every value is exact in f32 before scaling.
                let unit = f64::from(stream.next_u32() >> 8) / f64::from(1_u32 << 24);
                f64::from(((2.0 * unit - 1.0) * bound) as f32)
            }));
        }
        theta
    }

    /// Shape that comes into layer `index`.
    pub(crate) fn before(&self, index: usize) -> &[usize] {
        if index == 0 { &self.input } else { &self.shapes[index - 1] }
    }
}

/// Number of values of a shape, where it can be counted.
fn extent(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1_usize, |n, &d| n.checked_mul(d)).filter(|&n| n <= isize::MAX as usize / 16)
}

/// What of a network is written to a file.
#[derive(Serialize, Deserialize)]
struct Description {
    input: Vec<usize>,
    layers: Vec<Layer>,
}

impl TryFrom<Description> for Network {
    type Error = NetworkError;
    fn try_from(description: Description) -> Result<Self, NetworkError> {
        Self::new(description.input, description.layers)
    }
}

impl From<Network> for Description {
    fn from(network: Network) -> Self {
        Self { input: network.input, layers: network.layers }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paper() -> Network {
        let layers = vec![
            Layer::Flatten,
            Layer::Dense { outputs: 32 },
            Layer::Relu,
            Layer::Dense { outputs: 32 },
            Layer::Relu,
            Layer::Dense { outputs: 10 },
        ];
        Network::new(vec![28, 28], layers).unwrap()
    }

    #[test]
    fn tensors_lie_one_behind_the_other_as_in_torch() {
        let network = paper();
        let names: Vec<_> = network.tensors().into_iter().map(|t| t.name).collect();
        assert_eq!(names, ["1.weight", "1.bias", "3.weight", "3.bias", "5.weight", "5.bias"]);
        let mut end = 0;
        for tensor in network.tensors() {
            assert_eq!(tensor.range.start, end);
            assert_eq!(tensor.range.len(), tensor.shape.iter().product::<usize>());
            end = tensor.range.end;
        }
        assert_eq!((end, network.dim()), (26_506, 26_506));
    }

    #[test]
    fn initial_parameters_fill_the_bound_evenly() {
        let network = paper();
        let theta = network.initial(3);
        assert_eq!(theta, network.initial(3));
        assert_ne!(theta, network.initial(4));
        for tensor in network.tensors() {
            let fan_in: f64 = if tensor.layer == 1 { 784.0 } else { 32.0 };
            let bound = 1.0 / fan_in.sqrt();
            let values = &theta[tensor.range.clone()];
            assert!(values.iter().all(|v| v.abs() <= bound && f64::from(*v as f32) == *v));
            let (count, sum) = (values.len() as f64, values.iter().sum::<f64>());
            // The mean of k uniform values has deviation bound/√(3k): five of them.
            assert!((sum / count).abs() <= 5.0 * bound / (3.0 * count).sqrt(), "{}", tensor.name);
        }
    }

    #[test]
    fn a_wrong_description_names_the_layer_and_the_remedy() {
        let dense = Layer::Dense { outputs: 4 };
        let error = Network::new(vec![3, 3], vec![dense.clone()]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "layer 0: `dense` takes a flat input, but gets 3x3; put `flatten` before it"
        );
        let none = Layer::Dense { outputs: 0 };
        let error = Network::new(vec![3], vec![dense.clone(), none]).unwrap_err();
        assert_eq!(error.to_string(), "layer 1: `dense` needs at least 1 output");
        assert!(matches!(Network::new(vec![], vec![]), Err(NetworkError::EmptyInput { .. })));
        assert!(matches!(Network::new(vec![4, 0], vec![]), Err(NetworkError::EmptyInput { .. })));
        let huge = Layer::Dense { outputs: usize::MAX / 2 };
        assert!(matches!(Network::new(vec![3], vec![huge]), Err(NetworkError::TooLarge { index: 0 })));
        let wide = vec![usize::MAX, 3];
        let flat = Network::new(wide, vec![Layer::Flatten, dense]);
        assert!(matches!(flat, Err(NetworkError::TooLarge { index: 0 })));
    }
}
