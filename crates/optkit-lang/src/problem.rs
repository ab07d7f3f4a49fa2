//! What a checked file says.

use crate::{Call, Experiment, Method, Report, Settings, Span, Spanned, Stop, Value};

/// A checked problem: every name in it is declared, every word is in the vocabulary, every value in its range.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// `problem "title"`.
    pub title: Option<String>,
    /// `reference = "…"` of the problem.
    pub reference: Option<String>,
    /// `known_minimum = …` of the problem.
    pub known_minimum: Option<f64>,
    /// `data` declarations.
    pub data: Vec<Data>,
    /// `network` declarations.
    pub networks: Vec<Network>,
    /// `minimize`.
    pub objective: Objective,
    /// `measure` declarations.
    pub measures: Vec<Measure>,
    /// `partition` declarations.
    pub partitions: Vec<Partition>,
    /// `solver` declarations by name; the unnamed one is called `solver`. Never empty.
    pub solvers: Vec<(String, Method)>,
    /// `stop when`.
    pub stop: Stop,
    /// The `run` block, defaults filled in.
    pub run: Settings,
    /// `experiment` declarations, spelt out.
    pub experiments: Vec<Experiment>,
    /// `report` declarations.
    pub reports: Vec<Report>,
}

impl Problem {
    /// The solver to run: the unnamed one, or the only one.
    #[must_use]
    pub fn solver(&self) -> &Method {
        let unnamed = self.solvers.iter().find(|(name, _)| name == "solver");
        let chosen = unnamed.or_else(|| self.solvers.first());
        &chosen.expect("a checked problem declares a solver").1
    }

    /// The data set declared as `name`.
    #[must_use]
    pub fn data(&self, name: &str) -> Option<&Data> {
        self.data.iter().find(|d| d.name.value == name)
    }

    /// The network declared as `name`.
    #[must_use]
    pub fn network(&self, name: &str) -> Option<&Network> {
        self.networks.iter().find(|n| n.name.value == name)
    }

    /// The partition declared as `name`.
    #[must_use]
    pub fn partition(&self, name: &str) -> Option<&Partition> {
        self.partitions.iter().find(|p| p.name.value == name)
    }
}

/// `data mnist = mnist() { images = unit }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Data {
    /// The declared name.
    pub name: Spanned<String>,
    /// The dataset with its operands and settings.
    pub dataset: Call,
}

/// `network fcnn { … }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// The declared name.
    pub name: Spanned<String>,
    /// Its layers from input to output, blocks and repetitions written out; the `input` line is one of them.
    pub layers: Vec<Layer>,
}

/// A layer, or layers that are skipped.
#[derive(Clone, Debug, PartialEq)]
pub enum Layer {
    /// `dense 32`.
    Line(LayerLine),
    /// `skip { … } shortcut { … }`.
    Skip(Skip),
}

impl Layer {
    /// The line, where it is one.
    #[must_use]
    pub fn line(&self) -> Option<&LayerLine> {
        if let Self::Line(line) = self { Some(line) } else { None }
    }

    /// Where it stands: a line as a whole, of a skip the word.
    #[must_use]
    pub fn span(&self) -> Span {
        match self {
            Self::Line(line) => line.span,
            Self::Skip(skip) => skip.span,
        }
    }

    /// Where the block stands that it comes from.
    #[must_use]
    pub fn called(&self) -> Option<Span> {
        match self {
            Self::Line(line) => line.called,
            Self::Skip(skip) => skip.called,
        }
    }

    /// How many lines and skips this is, itself among them.
    #[must_use]
    pub fn count(&self) -> usize {
        match self {
            Self::Line(_) => 1,
            Self::Skip(Skip { body, shortcut, .. }) => {
                1 + body.iter().chain(shortcut.layers()).map(Self::count).sum::<usize>()
            }
        }
    }
}

/// Layers whose input is added to their result.
#[derive(Clone, Debug, PartialEq)]
pub struct Skip {
    /// The layers.
    pub body: Vec<Layer>,
    /// What is added.
    pub shortcut: Shortcut,
    /// The word `skip`.
    pub span: Span,
    /// Where the block stands that it comes from.
    pub called: Option<Span>,
}

/// What is added to the result of skipped layers.
#[derive(Clone, Debug, PartialEq)]
pub enum Shortcut {
    /// Their input.
    Identity,
    /// `shortcut { … }`: the result of these, on the same input.
    Layers(Vec<Layer>),
    /// `shortcut auto { … }`: the result of these where shapes differ, the input elsewhere.
    Auto(Vec<Layer>),
}

impl Shortcut {
    /// The layers written.
    #[must_use]
    pub fn layers(&self) -> &[Layer] {
        match self {
            Self::Identity => &[],
            Self::Layers(layers) | Self::Auto(layers) => layers,
        }
    }
}

/// One layer: `dense 32`.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerLine {
    /// The layer's word in the vocabulary.
    pub name: Spanned<String>,
    /// Operands in the vocabulary's order, defaults filled in.
    pub operands: Vec<Spanned<Value>>,
    /// The `key=value` words, defaults filled in.
    pub settings: Settings,
    /// The whole layer.
    pub span: Span,
    /// Where the block stands that it comes from.
    pub called: Option<Span>,
}

/// `minimize loss = …`.
#[derive(Clone, Debug, PartialEq)]
pub struct Objective {
    /// The declared name; `loss` where the file gives none.
    pub name: String,
    /// What is minimised.
    pub kind: ObjectiveKind,
}

/// What is minimised.
#[derive(Clone, Debug, PartialEq)]
pub enum ObjectiveKind {
    /// A classic function by name; its variables are implied.
    Function(Call),
    /// `cross_entropy(fcnn(mnist.train.x), mnist.train.y) { smoothing = 0.1 }`.
    NetworkLoss {
        /// The loss's word in the vocabulary.
        loss: Spanned<String>,
        /// The network's declared name.
        network: String,
        /// The data set's declared name.
        data: String,
        /// Which samples.
        split: Split,
        /// The loss's settings.
        settings: Settings,
        /// The whole expression.
        span: Span,
    },
}

/// Which samples of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// `mnist.train`.
    Train,
    /// `mnist.test`.
    Test,
}

/// `measure accuracy = accuracy(fcnn(mnist.test.x), mnist.test.y)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    /// The declared name.
    pub name: Spanned<String>,
    /// The measure's word in the vocabulary.
    pub measure: Spanned<String>,
    /// The network's declared name.
    pub network: String,
    /// The data set's declared name.
    pub data: String,
    /// Which samples.
    pub split: Split,
}

/// `partition tensors = weights(fcnn) { parts = 6 }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Partition {
    /// The declared name.
    pub name: Spanned<String>,
    /// The partition with its operands and settings.
    pub call: Call,
}
