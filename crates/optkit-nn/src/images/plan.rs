//! An image network made ready for computing: its nodes as stages, some of them joined.
//!
//! A batch normalisation, the addition behind it and the relu behind that are one stage, where nothing else reads what
//! lies between: they cost what moving their values through memory costs. A flattening is nothing where dense layers read
//! the image, each as a convolution whose kernel is the image.

use std::ops::Range;

use super::convolution::Convolution;
use super::geometry::Extents;
use super::pool::Pool;
use crate::kernels::padded;
use crate::{BatchNorm, Graph, Layer, Loss, Network, Node, Operation as Of};

/// What a value holds of every sample: \[pixels\]\[samples\]\[stride\], the channels padded to vectors; of the network's
/// input, where its only reader is a convolution of few channels, \[padded rows\]\[samples\]\[padded columns·channels\].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Value {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) channels: usize,
    /// Zeros around the image; in the input only.
    pub(crate) pad: Option<[usize; 2]>,
}

impl Value {
    /// Of a shape: channels first where it has three extents, one pixel otherwise.
    fn of_shape(shape: &[usize]) -> Self {
        let (channels, rows, columns) = match shape {
            &[channels, rows, columns] => (channels, rows, columns),
            flat => (flat.iter().product(), 1, 1),
        };
        Self { rows, columns, channels, pad: None }
    }

    /// Outermost extent.
    pub(crate) fn pixels(&self) -> usize {
        self.pad.map_or(self.rows * self.columns, |[rows, _]| self.rows + 2 * rows)
    }

    /// Values between one sample and the next.
    pub(crate) fn stride(&self) -> usize {
        self.pad.map_or(padded(self.channels), |[_, columns]| (self.columns + 2 * columns) * self.channels)
    }

    /// Room for a sample.
    pub(crate) fn len(&self) -> usize {
        self.pixels() * self.stride()
    }
}

/// Batch normalisation and what is joined to it.
#[derive(Clone, Debug)]
pub(crate) struct Norm {
    pub(crate) setting: BatchNorm,
    /// γ and β.
    pub(crate) weight: Range<usize>,
    pub(crate) bias: Range<usize>,
    /// The running averages among the network's buffers.
    pub(crate) mean: Range<usize>,
    pub(crate) variance: Range<usize>,
    /// Behind the residual, where there is one.
    pub(crate) relu: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Operation {
    Convolution {
        convolution: Box<Convolution>,
        weight: Range<usize>,
        bias: Option<Range<usize>>,
    },
    Norm(Box<Norm>),
    Add {
        relu: bool,
    },
    Relu,
    LeakyRelu {
        slope: f64,
    },
    Gelu,
    Sigmoid,
    Tanh,
    LogSoftmax,
    LayerNorm {
        eps: f64,
        weight: Range<usize>,
        bias: Range<usize>,
    },
    PoolMax(Pool),
    PoolAvg(Pool),
    Dropout {
        rate: f64,
    },
    /// Channel by channel in one row.
    Flatten,
}

/// One stage: it gives value `i + 1` where it is stage i; 0 is the network's input.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    pub(crate) operation: Operation,
    pub(crate) input: usize,
    /// What is added: of additions, and of normalisations with a residual.
    pub(crate) other: Option<usize>,
}

impl Stage {
    pub(crate) fn inputs(&self) -> impl Iterator<Item = usize> {
        [Some(self.input), self.other].into_iter().flatten()
    }

    /// Where its tensors lie in θ.
    pub(crate) fn tensors(&self) -> impl Iterator<Item = Range<usize>> {
        let [first, second] = match &self.operation {
            Operation::Convolution { weight, bias, .. } => [Some(weight.clone()), bias.clone()],
            Operation::Norm(norm) => [Some(norm.weight.clone()), Some(norm.bias.clone())],
            Operation::LayerNorm { weight, bias, .. } => [Some(weight.clone()), Some(bias.clone())],
            _ => [None, None],
        };
        [first, second].into_iter().flatten()
    }
}

/// An image network as stages.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) stages: Vec<Stage>,
    pub(crate) values: Vec<Value>,
    /// By value: whether it may be computed again rather than kept. It costs a pass through memory, and saves a third of
    /// the activations of residual networks.
    pub(crate) spared: Vec<bool>,
    /// By value: the last stage that reads it.
    pub(crate) last_reader: Vec<usize>,
    pub(crate) outputs: usize,
    pub(crate) dim: usize,
    /// What of θ is no convolution's weights.
    pub(crate) rest: Vec<Range<usize>>,
}

/// Below so many channels, the first convolution reads the padded image.
const FEW_CHANNELS: usize = 16;

impl Plan {
    pub(crate) fn new(network: &Network, loss: Option<Loss>) -> Self {
        let graph = network.graph();
        let mut maker = Maker {
            graph,
            readers: readers(graph),
            place: vec![None; graph.nodes().len() + 1],
            stages: Vec::new(),
            values: vec![Value::of_shape(network.input())],
        };
        maker.place[0] = Some(0);
        let end = maker.without_final(loss);
        for k in 0..graph.nodes().len() {
            maker.add(k);
        }
        let mut output = maker.placed(end);
        if maker.values[output].pixels() > 1 {
            output = maker.push(Operation::Flatten, output, None, &[network.outputs()]);
        }
        let Maker { mut stages, mut values, .. } = maker;
        // What nothing reads any more, such as a final log-softmax.
        stages.truncate(output);
        values.truncate(output + 1);
        read_image(&mut stages, &mut values);
        let (mut spared, mut last_reader) = (vec![false; values.len()], vec![0; values.len()]);
        for (i, stage) in stages.iter().enumerate() {
            stage.inputs().for_each(|value| last_reader[value] = i);
            let norm = matches!(stage.operation, Operation::Norm(_)) && stage.other.is_none();
            spared[i + 1] = norm && !spared[stage.input] && i + 1 != output;
        }
        let (outputs, dim) = (network.outputs(), network.dim());
        let rest = rest(&stages, dim);
        Self { stages, values, spared, last_reader, outputs, dim, rest }
    }

    /// Values of a sample in all.
    pub(crate) fn len(&self) -> usize {
        self.values.iter().map(Value::len).sum()
    }

    /// What the network gives.
    pub(crate) fn output(&self) -> usize {
        self.values.len() - 1
    }
}

/// What of 0..`dim` is no convolution's weights.
fn rest(stages: &[Stage], dim: usize) -> Vec<Range<usize>> {
    let weights = |stage: &Stage| match &stage.operation {
        Operation::Convolution { weight, .. } => Some(weight.clone()),
        _ => None,
    };
    let mut weights: Vec<_> = stages.iter().filter_map(weights).collect();
    weights.sort_by_key(|range| range.start);
    weights.push(dim..dim);
    let mut end = 0;
    let before = |range: Range<usize>| std::mem::replace(&mut end, range.end)..range.start;
    weights.into_iter().map(before).filter(|gap| !gap.is_empty()).collect()
}

/// By value: the nodes that read it.
fn readers(graph: &Graph) -> Vec<Vec<usize>> {
    let mut readers = vec![Vec::new(); graph.nodes().len() + 1];
    for (k, node) in graph.nodes().iter().enumerate() {
        node.inputs.iter().for_each(|&value| readers[value].push(k));
    }
    readers
}

/// The input becomes the padded image, where that suits its only reader.
fn read_image(stages: &mut [Stage], values: &mut [Value]) {
    let mut first = stages.iter_mut().filter(|stage| stage.inputs().any(|value| value == 0));
    let (Some(stage), None) = (first.next(), first.next()) else { return };
    if let Operation::Convolution { convolution, .. } = &mut stage.operation
        && values[0].channels < FEW_CHANNELS
        && convolution.reads_image()
    {
        **convolution =
            Convolution::new(convolution.extents, convolution.channels, convolution.outputs, 1, true);
        values[0].pad = Some(convolution.extents.pad);
    }
}

struct Maker<'a> {
    graph: &'a Graph,
    readers: Vec<Vec<usize>>,
    /// Where what a node gives lies, by the graph's numbers; none where it is part of a later stage.
    place: Vec<Option<usize>>,
    stages: Vec<Stage>,
    values: Vec<Value>,
}

impl Maker<'_> {
    fn node(&self, value: usize) -> Option<(&Node, usize)> {
        value.checked_sub(1).map(|k| (&self.graph.nodes()[k], k))
    }

    /// The value that the loss takes: cross-entropy takes a final log-softmax itself, binary cross-entropy a final
    /// sigmoid, and measures look for the largest output.
    fn without_final(&self, loss: Option<Loss>) -> usize {
        let taken = match loss {
            Some(Loss::CrossEntropy) | None => Some(Layer::LogSoftmax),
            Some(Loss::BinaryCrossEntropy) => Some(Layer::Sigmoid),
            Some(Loss::MeanSquared) => None,
        };
        let end = self.graph.output();
        match (self.node(end), taken) {
            (Some((node, _)), Some(layer)) if node.operation == Of::Layer(layer.clone()) => node.inputs[0],
            _ => end,
        }
    }

    fn placed(&self, value: usize) -> usize {
        self.place[value].expect("a node stands behind what it reads, and what is joined to it")
    }

    fn push(&mut self, operation: Operation, input: usize, other: Option<usize>, shape: &[usize]) -> usize {
        self.stages.push(Stage { operation, input, other });
        self.values.push(Value::of_shape(shape));
        self.values.len() - 1
    }

    /// The only reader of what node `k` gives.
    fn only_reader(&self, k: usize) -> Option<&Node> {
        match self.readers[k + 1][..] {
            [reader] if k + 1 != self.graph.output() => Some(&self.graph.nodes()[reader]),
            _ => None,
        }
    }

    /// Whether node `k` is a normalisation that an addition takes as its own.
    fn joined_to(&self, addition: &Node) -> Option<usize> {
        let is_norm = |value: usize| {
            let (node, k) = self.node(value)?;
            let norm = matches!(node.operation, Of::Layer(Layer::BatchNorm(_)));
            (norm && self.only_reader(k).is_some()).then_some(value)
        };
        addition.inputs.iter().copied().find_map(is_norm)
    }

    fn is_joined(&self, k: usize) -> bool {
        let addition = self.only_reader(k).filter(|node| node.operation == Of::Add);
        addition.is_some_and(|addition| self.joined_to(addition) == Some(k + 1))
    }

    /// Whether the only reader of what node `k` gives is a relu.
    fn before_relu(&self, k: usize) -> bool {
        self.only_reader(k).is_some_and(|node| node.operation == Of::Layer(Layer::Relu))
    }

    fn add(&mut self, k: usize) {
        let graph = self.graph;
        let node = &graph.nodes()[k];
        let before = graph.shape_of(node.inputs[0]);
        let at = match &node.operation {
            Of::Add => Some(self.add_addition(k, node)),
            Of::Layer(Layer::BatchNorm(_)) if self.is_joined(k) => None,
            Of::Layer(Layer::BatchNorm(setting)) => {
                let norm = norm(node, setting, self.before_relu(k));
                Some(self.push(
                    Operation::Norm(Box::new(norm)),
                    self.placed(node.inputs[0]),
                    None,
                    &node.shape,
                ))
            }
            // Part of the stage before it.
            Of::Layer(Layer::Relu) if self.is_taken(node.inputs[0]) => Some(self.placed(node.inputs[0])),
            Of::Layer(Layer::Flatten) => Some(self.add_flatten(k, node)),
            Of::Layer(layer) => {
                let input = self.placed(node.inputs[0]);
                let operation = operation(layer, node, before, &self.values[input]);
                Some(self.push(operation, input, None, &node.shape))
            }
        };
        self.place[k + 1] = at;
    }

    /// Whether the relu behind `value` is computed with it.
    fn is_taken(&self, value: usize) -> bool {
        let Some((node, k)) = self.node(value) else { return false };
        matches!(node.operation, Of::Add | Of::Layer(Layer::BatchNorm(_))) && self.before_relu(k)
    }

    fn add_addition(&mut self, k: usize, node: &Node) -> usize {
        let relu = self.before_relu(k);
        let Some(joined) = self.joined_to(node) else {
            let [a, b] = [self.placed(node.inputs[0]), self.placed(node.inputs[1])];
            return self.push(Operation::Add { relu }, a, Some(b), &node.shape);
        };
        let other = if node.inputs[0] == joined { node.inputs[1] } else { node.inputs[0] };
        let inner = &self.graph.nodes()[joined - 1];
        let Of::Layer(Layer::BatchNorm(setting)) = &inner.operation else {
            unreachable!("normalisations are what additions take")
        };
        let norm = norm(inner, setting, relu);
        let (input, other) = (self.placed(inner.inputs[0]), self.placed(other));
        self.push(Operation::Norm(Box::new(norm)), input, Some(other), &node.shape)
    }

    /// Nothing, where there is one pixel or only dense layers read it.
    fn add_flatten(&mut self, k: usize, node: &Node) -> usize {
        let input = self.placed(node.inputs[0]);
        let dense =
            |&reader: &usize| matches!(self.graph.nodes()[reader].operation, Of::Layer(Layer::Dense { .. }));
        let readers = &self.readers[k + 1];
        let by_dense = !readers.is_empty() && readers.iter().all(dense) && k + 1 != self.graph.output();
        if self.values[input].pixels() == 1 || by_dense {
            return input;
        }
        self.push(Operation::Flatten, input, None, &node.shape)
    }
}

fn norm(node: &Node, setting: &BatchNorm, relu: bool) -> Norm {
    let tensor = |kind| node.tensor(kind).unwrap_or_default();
    let buffer = |kind| node.buffer(kind).unwrap_or_default();
    Norm {
        setting: setting.clone(),
        weight: tensor("weight"),
        bias: tensor("bias"),
        mean: buffer("running_mean"),
        variance: buffer("running_var"),
        relu,
    }
}

/// A layer on its own, reading `value`, which holds what has the shape `before`.
fn operation(layer: &Layer, node: &Node, before: &[usize], value: &Value) -> Operation {
    let tensor = |kind| node.tensor(kind).unwrap_or_default();
    let convolution = |extents, outputs, groups| Operation::Convolution {
        convolution: Box::new(Convolution::new(extents, value.channels, outputs, groups, false)),
        weight: tensor("weight"),
        bias: node.tensor("bias"),
    };
    let image = [value.rows, value.columns];
    let pool = |window: &crate::Window| {
        Pool::new(Extents {
            input: image,
            kernel: window.kernel,
            stride: window.stride,
            pad: window.pad,
            dilation: [1; 2],
        })
    };
    match layer {
        Layer::Dense { outputs } => convolution(Extents::whole(image), *outputs, 1),
        Layer::Conv(c) => {
            let (kernel, stride, pad, dilation) = (c.kernel, c.stride, c.pad, c.dilation);
            convolution(Extents { input: image, kernel, stride, pad, dilation }, c.outputs, c.groups)
        }
        Layer::LayerNorm { eps } => {
            Operation::LayerNorm { eps: *eps, weight: tensor("weight"), bias: tensor("bias") }
        }
        Layer::PoolMax(window) => Operation::PoolMax(pool(window)),
        Layer::PoolAvg(window) => Operation::PoolAvg(pool(window)),
        Layer::PoolAvgGlobal => Operation::PoolAvg(Pool::new(Extents::whole(image))),
        Layer::Dropout { rate } => Operation::Dropout { rate: *rate },
        Layer::Relu => Operation::Relu,
        Layer::LeakyRelu { slope } => Operation::LeakyRelu { slope: *slope },
        Layer::Gelu => Operation::Gelu,
        Layer::Sigmoid => Operation::Sigmoid,
        Layer::Tanh => Operation::Tanh,
        Layer::LogSoftmax => Operation::LogSoftmax,
        Layer::Flatten | Layer::BatchNorm(_) | Layer::Skip { .. } => {
            unreachable!("of {before:?}: stages of their own, or resolved in the graph")
        }
    }
}
