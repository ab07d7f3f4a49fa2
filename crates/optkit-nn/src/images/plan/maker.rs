//! From the graph of a network to stages: what is joined to what, and what needs no stage.

use super::{Norm, Operation, Stage, Value};
use crate::images::convolution::Convolution;
use crate::images::geometry::Extents;
use crate::images::pool::Pool;
use crate::{BatchNorm, Graph, Layer, Loss, Node, Operation as Of};

/// By value: the nodes that read it.
pub(super) fn readers(graph: &Graph) -> Vec<Vec<usize>> {
    let mut readers = vec![Vec::new(); graph.nodes().len() + 1];
    for (k, node) in graph.nodes().iter().enumerate() {
        node.inputs.iter().for_each(|&value| readers[value].push(k));
    }
    readers
}

/// Turns nodes into stages, in their order.
pub(super) struct Maker<'a> {
    pub(super) graph: &'a Graph,
    pub(super) readers: Vec<Vec<usize>>,
    /// Where what a node gives lies, by the graph's numbers; none where it is part of a later stage.
    pub(super) place: Vec<Option<usize>>,
    pub(super) stages: Vec<Stage>,
    pub(super) values: Vec<Value>,
}

impl Maker<'_> {
    fn node(&self, value: usize) -> Option<(&Node, usize)> {
        value.checked_sub(1).map(|k| (&self.graph.nodes()[k], k))
    }

    /// The value that the loss takes: cross-entropy takes a final log-softmax itself, binary cross-entropy a final
    /// sigmoid, and measures look for the largest output.
    pub(super) fn without_final(&self, loss: Option<Loss>) -> usize {
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

    pub(super) fn placed(&self, value: usize) -> usize {
        self.place[value].expect("a node stands behind what it reads, and what is joined to it")
    }

    pub(super) fn push(
        &mut self,
        operation: Operation,
        input: usize,
        other: Option<usize>,
        shape: &[usize],
    ) -> usize {
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

    pub(super) fn add(&mut self, k: usize) {
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
