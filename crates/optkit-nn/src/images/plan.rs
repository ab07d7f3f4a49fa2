//! An image network made ready for computing: its nodes as stages, some of them joined.
//!
//! A batch normalisation, the addition behind it and the relu behind that are one stage, where nothing else reads what
//! lies between: they cost what moving their values through memory costs. A flattening is nothing where dense layers read
//! the image, each as a convolution whose kernel is the image.

mod maker;

use std::ops::Range;

use maker::{Maker, readers};

use super::convolution::Convolution;
use super::pool::Pool;
use crate::kernels::padded;
use crate::{BatchNorm, Loss, Network};

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
