//! The words of the language: one descriptor a method, function, layer, dataset, loss, measure or partition.
//!
//! Every crate exports a table of [`Entry`]; the facade puts them together into a [`Vocabulary`], against which
//! `optkit-lang` checks a file and from which the command line and the reference pages are printed. A word that
//! is in no table does not exist; a word that a later version gives meaning stands in the table as
//! [`Support::Planned`].

/// What an entry or setting is good for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// Works.
    Available,
    /// Known to the language; using it is the error "not supported yet".
    Planned,
}

/// The type of a setting's value, with the range it must lie in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A real number in the range.
    Real(Range),
    /// A whole number of at least the first and at most the second.
    Integer(u64, u64),
    /// A whole number of at least the first and at most the second, or a method of this slot.
    CountOrMethod(u64, u64, Slot),
    /// `on` or `off`.
    Switch,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A string in quotes.
    Text,
    /// A method of this slot: `trust_region { … }`.
    Method(Slot),
    /// The name of a declared partition.
    Partition,
    /// The name of a declared network.
    Network,
    /// The name of declared variables, or of a network (its parameters).
    Variables,
    /// A list of lists of whole numbers: `[[1, 2], [3]]`.
    IndexLists,
    /// A list of whole numbers of at least the first and at most the second, in an order that matters: `[3, 1..2]`; or one
    /// range or number alone: `2..4`. Never empty.
    Indices(u64, u64),
    /// A duration: `15 min`.
    Duration,
    /// A size of memory: `4 GiB`.
    Memory,
    /// A shape: `28x28`.
    Shape,
    /// Whole numbers of at least this, by rows and by columns: `3x1`; or one for both: `2`.
    Pair(u64),
    /// Extents of a window by rows and by columns as in [`Pair`](Self::Pair), or `global`: all of the image.
    Window,
}

/// A range of real numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// Smallest value.
    pub least: f64,
    /// True where `least` itself is excluded.
    pub open_below: bool,
    /// Largest value.
    pub most: f64,
    /// True where `most` itself is excluded.
    pub open_above: bool,
}

impl Range {
    /// Greater than zero.
    pub const POSITIVE: Self = Self { least: 0.0, open_below: true, most: f64::INFINITY, open_above: true };
    /// Zero or greater.
    pub const NOT_NEGATIVE: Self =
        Self { least: 0.0, open_below: false, most: f64::INFINITY, open_above: true };
    /// Strictly between two numbers.
    #[must_use]
    pub const fn between(least: f64, most: f64) -> Self {
        Self { least, open_below: true, most, open_above: true }
    }
    /// True where `value` lies in the range (a NaN never does).
    #[must_use]
    pub fn contains(&self, value: f64) -> bool {
        let above = if self.open_below { value > self.least } else { value >= self.least };
        let below = if self.open_above { value < self.most } else { value <= self.most };
        above && below
    }
}

/// Where a method may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// As `solver`.
    Solver,
    /// Where a radius is asked for: `local` and `global` of `apts`.
    RadiusDriven,
    /// As the `model` of a trust region.
    Model,
    /// As the `subproblem` of a trust region.
    Subproblem,
    /// As the `local` solver of `apts`.
    Local,
    /// As what `apts` makes of the parts' steps: `combine`.
    Combine,
    /// As what `apts` does between the combined step and the next iteration: `sweeps`.
    Sweeps,
    /// As how many samples a method sees: `samples`.
    Samples,
    /// As how samples are dealt to mini-batches: `batch` of a dataset.
    Batches,
    /// As what improves a point before a method's own step: `precondition` of `lbfgs`.
    Preconditioner,
}

/// A setting of an entry: `radius = 0.01`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setting {
    /// The keyword.
    pub name: &'static str,
    /// Its type and range.
    pub kind: Kind,
    /// The default, as it would be written in a file; `None` where the setting must be given, "" where it has
    /// none and may be left out.
    pub default: Option<&'static str>,
    /// One line that says what it means, with its unit and source.
    pub doc: &'static str,
    /// Whether it works yet.
    pub support: Support,
}

/// An operand in parentheses (of functions) or behind a layer's name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Operand {
    /// The name, which a call may use: `quadratic(n = 10)`.
    pub name: &'static str,
    /// Its type and range.
    pub kind: Kind,
    /// The default as written in a file; `None` where it must be given.
    pub default: Option<&'static str>,
    /// One line.
    pub doc: &'static str,
}

/// A word with its operands and settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entry {
    /// The keyword.
    pub name: &'static str,
    /// One line that says what it is.
    pub doc: &'static str,
    /// Operands.
    pub operands: &'static [Operand],
    /// Settings in braces (for layers: `key=value` words).
    pub settings: &'static [Setting],
    /// The slots it fits, for methods; empty elsewhere.
    pub slots: &'static [Slot],
    /// Whether it works yet.
    pub support: Support,
}

impl Entry {
    /// The setting called `name`.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<&'static Setting> {
        self.settings.iter().find(|s| s.name == name)
    }
}

/// All words, by what they are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Vocabulary {
    /// Solvers, models, subproblem solvers.
    pub methods: Vec<Entry>,
    /// Classic test functions.
    pub functions: Vec<Entry>,
    /// Layers of networks.
    pub layers: Vec<Entry>,
    /// Datasets.
    pub datasets: Vec<Entry>,
    /// Losses of networks: `cross_entropy(net(data.train.x), data.train.y)`.
    pub losses: Vec<Entry>,
    /// Measures: `accuracy(net(data.test.x), data.test.y)`.
    pub measures: Vec<Entry>,
    /// Partitions.
    pub partitions: Vec<Entry>,
    /// The settings of the `run` block.
    pub run: Vec<Setting>,
}

impl Vocabulary {
    /// The entry called `name` in `table`.
    #[must_use]
    pub fn find(table: &[Entry], name: &str) -> Option<Entry> {
        table.iter().copied().find(|e| e.name == name)
    }
}
