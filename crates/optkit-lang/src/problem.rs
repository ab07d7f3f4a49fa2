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
    /// Its layers from input to output; the `input` line is one of them.
    pub layers: Vec<LayerLine>,
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
    /// `cross_entropy(fcnn(mnist.train.x), mnist.train.y)`.
    NetworkLoss {
        /// The loss's word in the vocabulary.
        loss: Spanned<String>,
        /// The network's declared name.
        network: String,
        /// The data set's declared name.
        data: String,
        /// Which samples.
        split: Split,
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
