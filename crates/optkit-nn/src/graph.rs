//! A network as what is computed: a directed graph of layers and additions, in an order in which all that a node needs
//! stands before it.
//!
//! Skips are resolved: their layers are nodes, their shortcuts edges, and an addition joins the two. Making the graph is
//! what infers and checks shapes, and what gives parameters their names and their places in θ.

use std::ops::Range;

use crate::{Layer, LayerError, NetworkError, Shortcut};

/// Skips inside each other: recursion goes as deep.
const DEEPEST: usize = 64;

/// What a node reads: 0 is the network's input, i + 1 what node i gives.
pub type ValueIndex = usize;

/// The nodes of a network, each behind all that it reads.
///
/// ```
/// use optkit_nn::{Layer, Network, Operation, Shortcut};
/// let skip = Layer::Skip { body: vec![Layer::Dense { outputs: 4 }, Layer::Tanh], shortcut: Shortcut::Identity };
/// let network = Network::new(vec![4], vec![skip, Layer::Dense { outputs: 2 }])?;
/// let nodes = network.graph().nodes();
/// let names: Vec<_> = nodes.iter().map(|node| node.name.as_str()).collect();
/// assert_eq!(names, ["0.body.0", "0.body.1", "0", "1"]);
/// assert_eq!((&nodes[2].operation, &nodes[2].inputs[..]), (&Operation::Add, &[2, 0][..]));
/// # Ok::<(), optkit_nn::NetworkError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    input: Vec<usize>,
    nodes: Vec<Node>,
    /// Behind each of the outermost layers.
    ends: Vec<ValueIndex>,
    dim: usize,
    buffers: usize,
}

/// One step of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What it does.
    pub operation: Operation,
    /// What it reads: one value; an addition two, the layers' result first.
    pub inputs: Vec<ValueIndex>,
    /// Shape of what it gives, for one sample.
    pub shape: Vec<usize>,
    /// Which layer it is: layers are counted from 0 depth first, a skip before its layers and these before its
    /// shortcut's. In a network without skips, the index in [`Network::layers`](crate::Network::layers).
    pub layer: usize,
    /// Name of the layer: its index, in skips behind the skip's and `body` or `shortcut`: `4.body.0`.
    pub name: String,
    /// Its parameters in θ, in their order.
    pub tensors: Vec<Slot>,
    /// What it keeps besides, such as running averages, in the network's buffers.
    pub buffers: Vec<Slot>,
}

/// What a node does.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// A layer, never a skip.
    Layer(Layer),
    /// The sum of two values of one shape.
    Add,
}

/// A named array of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// `weight`, `bias`, `running_mean`, `running_var`.
    pub kind: &'static str,
    /// Its shape, outermost index first.
    pub shape: Vec<usize>,
    /// Its entries among all parameters, or among all buffers.
    pub range: Range<usize>,
}

impl Node {
    /// The parameters called `kind` in θ.
    #[must_use]
    pub fn tensor(&self, kind: &str) -> Option<Range<usize>> {
        self.tensors.iter().find(|slot| slot.kind == kind).map(|slot| slot.range.clone())
    }

    /// The buffer called `kind` among all buffers.
    #[must_use]
    pub fn buffer(&self, kind: &str) -> Option<Range<usize>> {
        self.buffers.iter().find(|slot| slot.kind == kind).map(|slot| slot.range.clone())
    }

    /// Number of values that it gives for one sample.
    #[must_use]
    pub fn width(&self) -> usize {
        self.shape.iter().product()
    }
}

impl Graph {
    /// The graph of `layers` applied in turn to a sample of shape `input`.
    pub(crate) fn new(input: &[usize], layers: &[Layer]) -> Result<Self, NetworkError> {
        let mut graph =
            Self { input: input.to_vec(), nodes: Vec::new(), ends: Vec::new(), dim: 0, buffers: 0 };
        let (mut at, mut counted) = (0, 0);
        for (index, layer) in layers.iter().enumerate() {
            at = graph.add(layer, at, &mut counted, &index.to_string(), 0)?;
            graph.ends.push(at);
        }
        Ok(graph)
    }

    /// The nodes in an order in which they can be computed.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Shape of a value, for one sample.
    #[must_use]
    pub fn shape_of(&self, value: ValueIndex) -> &[usize] {
        if value == 0 { &self.input } else { &self.nodes[value - 1].shape }
    }

    /// What the network gives.
    #[must_use]
    pub fn output(&self) -> ValueIndex {
        self.ends.last().copied().unwrap_or(0)
    }

    /// What each of the network's outermost layers gives.
    pub(crate) fn ends(&self) -> &[ValueIndex] {
        &self.ends
    }

    /// Length of θ.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Number of values in all buffers.
    #[must_use]
    pub fn buffers(&self) -> usize {
        self.buffers
    }

    /// The nodes of `layer`, called `name`, on `value`, behind all others; what they give. `counted`: layers before it.
    fn add(
        &mut self,
        layer: &Layer,
        value: ValueIndex,
        counted: &mut usize,
        name: &str,
        depth: usize,
    ) -> Result<ValueIndex, NetworkError> {
        let number = *counted;
        let wrong = |source| NetworkError::Layer { index: number, name: name.to_owned(), source };
        *counted += 1;
        let Layer::Skip { body, shortcut } = layer else {
            return self.add_layer(layer, value, number, name);
        };
        if depth == DEEPEST {
            return Err(wrong(LayerError::TooDeep { most: DEEPEST }));
        }
        let through = self.add_all(body, value, counted, &format!("{name}.body"), depth)?;
        let beside = match shortcut {
            Shortcut::Auto(layers) if self.shape_of(through) == self.shape_of(value) => {
                *counted += layers.iter().map(Layer::count).sum::<usize>();
                value
            }
            _ => self.add_all(shortcut.layers(), value, counted, &format!("{name}.shortcut"), depth)?,
        };
        let shape = self.shape_of(through).to_vec();
        if shape != self.shape_of(beside) {
            return Err(wrong(LayerError::SkipShapes {
                body: shape,
                shortcut: self.shape_of(beside).to_vec(),
                identity: beside == value,
            }));
        }
        self.nodes.push(Node {
            operation: Operation::Add,
            inputs: vec![through, beside],
            shape,
            layer: number,
            name: name.to_owned(),
            tensors: Vec::new(),
            buffers: Vec::new(),
        });
        Ok(self.nodes.len())
    }

    fn add_all(
        &mut self,
        layers: &[Layer],
        value: ValueIndex,
        counted: &mut usize,
        within: &str,
        depth: usize,
    ) -> Result<ValueIndex, NetworkError> {
        let each = layers.iter().enumerate();
        each.map(|(index, layer)| (format!("{within}.{index}"), layer))
            .try_fold(value, |at, (name, layer)| self.add(layer, at, counted, &name, depth + 1))
    }

    fn add_layer(
        &mut self,
        layer: &Layer,
        value: ValueIndex,
        number: usize,
        name: &str,
    ) -> Result<ValueIndex, NetworkError> {
        let too_large = || NetworkError::TooLarge { index: number };
        let before = self.shape_of(value).to_vec();
        // First of all: layers multiply these extents.
        extent(&before).ok_or_else(too_large)?;
        let shape = layer.output(&before).map_err(|source| NetworkError::Layer {
            index: number,
            name: name.to_owned(),
            source,
        })?;
        extent(&shape).ok_or_else(too_large)?;
        let place = |kind, shape: Vec<usize>, end: &mut usize| {
            let start = *end;
            *end = extent(&shape).and_then(|len| start.checked_add(len)).ok_or_else(too_large)?;
            Ok(Slot { kind, shape, range: start..*end })
        };
        let tensors = layer.tensors(&before).into_iter();
        let tensors =
            tensors.map(|(kind, shape)| place(kind, shape, &mut self.dim)).collect::<Result<_, _>>()?;
        let buffers = layer.buffers(&before).into_iter();
        let buffers = buffers
            .map(|(kind, shape, _)| place(kind, shape, &mut self.buffers))
            .collect::<Result<_, _>>()?;
        self.nodes.push(Node {
            operation: Operation::Layer(layer.clone()),
            inputs: vec![value],
            shape,
            layer: number,
            name: name.to_owned(),
            tensors,
            buffers,
        });
        Ok(self.nodes.len())
    }
}

/// Number of values of a shape, where it can be counted.
fn extent(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1_usize, |n, &d| n.checked_mul(d)).filter(|&n| n <= isize::MAX as usize / 16)
}

#[cfg(test)]
mod tests;
