//! What a network is, before anything computes with it: an input shape and a list of layers, as plain data.
//!
//! The parameters are one vector θ ∈ ℝⁿ: layer by layer, each layer's tensors in PyTorch's order and layout
//! (`weight` of shape \[out, in\] row by row, then `bias`), so that θ is what `torch.nn.Sequential` of the same
//! layers would give when its parameters are flattened one after another; a skip is a module whose `body` and `shortcut`
//! are such sequences, in this order.

use std::ops::Range;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::{Deserialize, Serialize};

use crate::{Graph, Layer, LayerError, Operation};

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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Description", into = "Description")]
pub struct Network {
    input: Vec<usize>,
    layers: Vec<Layer>,
    shapes: Vec<Vec<usize>>,
    graph: Graph,
}

/// A parameter tensor and where it lies in θ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// Name as PyTorch gives it: the layer's index, in skips behind the skip's and `body` or `shortcut`, a dot, and
    /// `weight` or `bias`: `3.weight`, `4.body.0.weight`.
    pub name: String,
    /// Which layer it belongs to, counted as by [`Node::layer`](crate::Node::layer): in a network without skips, the
    /// index in [`Network::layers`].
    pub layer: usize,
    /// Shape, outermost index first.
    pub shape: Vec<usize>,
    /// Its entries in the parameter vector.
    pub range: Range<usize>,
}

/// What a network keeps besides its parameters: running averages. No part of θ.
#[derive(Clone, Debug, PartialEq)]
pub struct Buffer {
    /// Name as PyTorch gives it: `1.running_mean`, `4.body.1.running_var`.
    pub name: String,
    /// Shape, outermost index first.
    pub shape: Vec<usize>,
    /// Its entries among all buffers.
    pub range: Range<usize>,
    /// What every entry begins as.
    pub start: f64,
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
    #[error("layer {name}: {source}")]
    Layer {
        /// Which layer, counted as by [`Node::layer`](crate::Node::layer).
        index: usize,
        /// Its name: `4.body.0`.
        name: String,
        /// What is wrong there.
        source: LayerError,
    },
    /// More parameters or activations than an address can count.
    #[error("layer {index} would need more values than this machine can address")]
    TooLarge {
        /// Which layer, counted as by [`Node::layer`](crate::Node::layer).
        index: usize,
    },
}

impl Network {
    /// The network that applies `layers` in turn to an input of shape `input`, shapes inferred and checked.
    pub fn new(input: Vec<usize>, layers: Vec<Layer>) -> Result<Self, NetworkError> {
        if input.is_empty() || input.contains(&0) {
            return Err(NetworkError::EmptyInput { shape: input });
        }
        let graph = Graph::new(&input, &layers)?;
        let shapes = graph.ends().iter().map(|&end| graph.shape_of(end).to_vec()).collect();
        Ok(Self { input, layers, shapes, graph })
    }

    /// Shape of one sample.
    #[must_use]
    pub fn input(&self) -> &[usize] {
        &self.input
    }

    /// The outermost layers in the order in which they are applied.
    #[must_use]
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Shape behind each of the outermost layers, for one sample.
    #[must_use]
    pub fn shapes(&self) -> &[Vec<usize>] {
        &self.shapes
    }

    /// What is computed: layers and additions, skips resolved.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        &self.graph
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
        let of_nodes =
            self.graph.nodes().iter().flat_map(|node| node.tensors.iter().map(move |slot| (node, slot)));
        let tensor = |(node, slot): (&crate::Node, &crate::Slot)| Tensor {
            name: format!("{}.{}", node.name, slot.kind),
            layer: node.layer,
            shape: slot.shape.clone(),
            range: slot.range.clone(),
        };
        of_nodes.map(tensor).collect()
    }

    /// What the network keeps besides its parameters, in the order in which it lies in one vector.
    ///
    /// ```
    /// use optkit_nn::{BatchNorm, Layer, Network};
    /// let network = Network::new(vec![4], vec![Layer::BatchNorm(BatchNorm::default())])?;
    /// assert_eq!(network.buffers()[1].name, "0.running_var");
    /// assert_eq!((network.buffers()[1].range.clone(), network.buffers()[1].start), (4..8, 1.0));
    /// # Ok::<(), optkit_nn::NetworkError>(())
    /// ```
    #[must_use]
    pub fn buffers(&self) -> Vec<Buffer> {
        let mut buffers = Vec::new();
        for node in self.graph.nodes() {
            let Operation::Layer(layer) = &node.operation else { continue };
            let starts = layer.buffers(self.graph.shape_of(node.inputs[0]));
            for (slot, (kind, shape, start)) in node.buffers.iter().zip(starts) {
                let name = format!("{}.{kind}", node.name);
                buffers.push(Buffer { name, shape, range: slot.range.clone(), start });
            }
        }
        buffers
    }

    /// n, the number of parameters.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.graph.dim()
    }

    /// Initial parameters, of length [`dim`](Self::dim): of dense layers PyTorch's default, weights and biases uniform
    /// in ±1/√fan_in; of convolutions what their [`init`](crate::ConvInit) says; of normalisations 1 and 0. One ChaCha8
    /// stream in the order of θ; equal seeds give equal bits on every machine. All entries are representable in `f32`.
    #[must_use]
    pub fn initial(&self, seed: u64) -> Vec<f64> {
        let mut stream = ChaCha8Rng::seed_from_u64(seed);
        let mut theta = Vec::with_capacity(self.dim());
        for node in self.graph.nodes() {
            let Operation::Layer(layer) = &node.operation else { continue };
            let before = self.graph.shape_of(node.inputs[0]);
            for slot in &node.tensors {
                layer.start(before, slot.kind).extend(&mut theta, slot.range.len(), &mut stream);
            }
        }
        theta
    }

    /// Shape that comes into layer `index`, where there are no skips.
    pub(crate) fn before(&self, index: usize) -> &[usize] {
        if index == 0 { &self.input } else { &self.shapes[index - 1] }
    }

    /// Whether it is a chain of dense layers and activations: such networks are computed sample by sample, all others
    /// stage by stage over the samples at hand.
    #[must_use]
    pub fn is_chain(&self) -> bool {
        self.not_a_chain().is_none()
    }

    /// Samples that batch normalisations see together, the least common multiple of their `ghost`s: 1 where there are none,
    /// nothing where one sees the whole mini-batch.
    ///
    /// ```
    /// use optkit_nn::{BatchNorm, Layer, Network};
    /// let norm = |ghost| Layer::BatchNorm(BatchNorm { ghost, ..BatchNorm::default() });
    /// let of = |layers| Network::new(vec![4], layers).map(|network| network.normalised_together());
    /// assert_eq!(of(vec![norm(Some(32)), norm(Some(48))])?, Some(96));
    /// assert_eq!(of(vec![norm(Some(32)), norm(None)])?, None);
    /// # Ok::<(), optkit_nn::NetworkError>(())
    /// ```
    #[must_use]
    pub fn normalised_together(&self) -> Option<usize> {
        let norms = self.graph.nodes().iter().filter_map(|node| match &node.operation {
            Operation::Layer(Layer::BatchNorm(norm)) => Some(norm.ghost),
            _ => None,
        });
        norms.into_iter().try_fold(1_usize, |multiple, ghost| {
            let ghost = ghost?.max(1);
            let (mut a, mut b) = (multiple, ghost);
            while b > 0 {
                (a, b) = (b, a % b);
            }
            multiple.checked_mul(ghost / a) // more than can be counted is more than any batch has
        })
    }

    /// The first layer that the dfdx backend does not compute: which it is, counted as by
    /// [`Node::layer`](crate::Node::layer), and its keyword.
    ///
    /// ```
    /// use optkit_nn::{Layer, Network};
    /// let network = Network::new(vec![4], vec![Layer::Dense { outputs: 2 }, Layer::Gelu])?;
    /// assert_eq!(network.not_on_dfdx(), Some((1, "gelu")));
    /// # Ok::<(), optkit_nn::NetworkError>(())
    /// ```
    #[must_use]
    pub fn not_on_dfdx(&self) -> Option<(usize, &'static str)> {
        // The same layers as a chain's; none before the first other one is a skip, so that counting is by index.
        let layer = self.not_a_chain()?;
        let index = self.layers.iter().position(|other| std::ptr::eq(other, layer))?;
        Some((index, layer.entry().name))
    }

    /// The first layer that the executor of chains does not compute.
    pub(crate) fn not_a_chain(&self) -> Option<&Layer> {
        self.layers.iter().find(|layer| {
            !matches!(
                layer,
                Layer::Flatten
                    | Layer::Dense { .. }
                    | Layer::Relu
                    | Layer::Sigmoid
                    | Layer::Tanh
                    | Layer::LogSoftmax
            )
        })
    }
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
    use crate::{BatchNorm, Conv, ConvInit, Shortcut};

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

    /// Normal values of torchvision's deviation; nothing else in the network is drawn from them.
    #[test]
    fn convolutions_begin_as_torchvisions_or_as_pytorchs() {
        let conv = Conv { bias: false, ..Conv::new(64, [3, 3]) };
        let uniform = Conv { init: ConvInit::Uniform, groups: 4, ..Conv::new(64, [3, 3]) };
        let layers = vec![
            Layer::Conv(conv),
            Layer::BatchNorm(BatchNorm::default()),
            Layer::Conv(uniform),
            Layer::Flatten,
            Layer::Dense { outputs: 3 },
        ];
        let network = Network::new(vec![32, 6, 6], layers).unwrap();
        let theta = network.initial(1);
        let of = |name: &str| {
            let tensor = network.tensors().into_iter().find(|t| t.name == name).unwrap();
            theta[tensor.range].to_vec()
        };
        let weights = of("0.weight");
        let squares: f64 = weights.iter().map(|w| w * w).sum();
        let deviation = (squares / weights.len() as f64).sqrt();
        // √(2/(64·9)), of 18,432 values to about half a per cent.
        assert!((deviation / (2.0_f64 / 576.0).sqrt() - 1.0).abs() < 0.02, "{deviation}");
        assert!(of("1.weight").iter().all(|&w| w == 1.0) && of("1.bias").iter().all(|&b| b == 0.0));
        let bound = 1.0 / (16.0_f64 * 9.0).sqrt();
        for name in ["2.weight", "2.bias"] {
            let largest = of(name).iter().fold(0.0, |m: f64, w| m.max(w.abs()));
            assert!(largest <= bound && largest > 0.9 * bound, "{name}: {largest}");
        }
    }

    #[test]
    fn a_description_with_skips_survives_a_file() {
        let conv = |outputs| Layer::Conv(Conv { pad: [1, 1], ..Conv::new(outputs, [3, 3]) });
        let skip = Layer::Skip {
            body: vec![conv(4), Layer::LeakyRelu { slope: 0.1 }],
            shortcut: Shortcut::Auto(vec![conv(4)]),
        };
        let network = Network::new(vec![3, 5, 5], vec![skip, Layer::PoolAvgGlobal]).unwrap();
        let text = serde_json::to_string(&network).unwrap();
        assert_eq!(serde_json::from_str::<Network>(&text).unwrap(), network);
    }
}
