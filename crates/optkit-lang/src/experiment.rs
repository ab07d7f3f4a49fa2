//! Experiments and reports as a checked file has them.

use crate::{Problem, Spanned};

/// `experiment fig1b { … }`, spelt out: every configuration that it runs, each a problem of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Experiment {
    /// The declared name; `experiment` where the file gives none.
    pub name: Spanned<String>,
    /// How often each configuration runs, at least once.
    pub trials: u64,
    /// The seed of the first trial; each next one has the next seed.
    pub seed: u64,
    /// Solvers in their order, each with every combination of what is varied. Never empty.
    pub configurations: Vec<Configuration>,
}

/// One combination of a solver and varied settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Configuration {
    /// How tables and figures call it: `adam`, or `apts, parts = 2, order = 1`. No two of an experiment are the same.
    pub label: String,
    /// The declared name of its solver; `solver` for the unnamed one.
    pub solver: String,
    /// What was varied: paths with the values as written.
    pub varied: Vec<(String, String)>,
    /// What it runs: the file with the settings of the experiment applied, and no other solver.
    pub problem: Problem,
}

impl Experiment {
    /// The problem that trial `trial` (counted from 1) of `configuration` runs: its own seed, all else the same.
    ///
    /// Trials of one number have one seed in all configurations, and so the same initial parameters where the networks
    /// are the same.
    #[must_use]
    pub fn trial(&self, configuration: &Configuration, trial: u64) -> Problem {
        let mut problem = configuration.problem.clone();
        let seed = self.seed.saturating_add(trial.saturating_sub(1));
        let span = self.name.span;
        problem.run.insert("seed", span, Spanned::new(crate::Value::Integer(seed), span));
        problem
    }
}

/// `report "figure1.html" { … }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The file to write.
    pub path: Spanned<String>,
    /// The page's title, where the file gives one.
    pub title: Option<String>,
    /// What is drawn: `loss` (under its declared name), measures, `gradient_norm`.
    pub show: Vec<String>,
    /// Against what.
    pub against: Vec<Against>,
    /// What is drawn around the mean of several trials.
    pub band: Band,
    /// The experiments that are in it; all of the file where none is named.
    pub experiments: Vec<String>,
}

/// The horizontal axis of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Against {
    /// Passes over the data.
    Epochs,
    /// Iterations.
    Iterations,
    /// Gradient equivalents.
    Gradients,
    /// Seconds of training.
    Time,
}

impl Against {
    /// All, with their words.
    pub const WORDS: [(&'static str, Self); 4] = [
        ("epochs", Self::Epochs),
        ("iterations", Self::Iterations),
        ("gradients", Self::Gradients),
        ("time", Self::Time),
    ];

    /// The word of the language.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Epochs => "epochs",
            Self::Iterations => "iterations",
            Self::Gradients => "gradients",
            Self::Time => "time",
        }
    }
}

/// What is drawn around the mean of several trials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Band {
    /// The best and the worst trial.
    MinMax,
    /// One standard deviation to each side.
    Std,
    /// Nothing.
    None,
}

impl Band {
    /// The word of the language.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::MinMax => "min_max",
            Self::Std => "std",
            Self::None => "none",
        }
    }
}
