//! The first and the last line of a log: what was solved, and how it ended.

use serde::Deserialize;
use serde_json::{Map, Value};

/// The first line. Everything may be missing: logs of other programs are drawn as well.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// Version of the format.
    pub schema: Option<u64>,
    /// Version of the program.
    pub optkit: Option<String>,
    /// From the file.
    pub title: Option<String>,
    /// What is minimised, in words.
    pub objective: Option<String>,
    /// The method's word.
    pub solver: Option<String>,
    /// n.
    pub variables: Option<u64>,
    /// Parts of the partition.
    pub subdomains: Option<u64>,
    /// The dataset's word.
    pub dataset: Option<String>,
    /// SHA-256 of the data.
    pub data_checksum: Option<String>,
    /// How many samples are trained on.
    pub samples: Option<u64>,
    /// The terms that end the run.
    pub stop: Option<String>,
    /// Of initial parameters and deals.
    pub seed: Option<u64>,
    /// Of the run.
    pub threads: Option<u64>,
    /// Backend, precision and instruction set of a network.
    pub kernel: Option<String>,
}

/// The last line: how the run ended. Numbers that are not finite are `None`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Outcome {
    /// `converged`, `target`, `budget`, …
    pub status: String,
    /// The same in words, with the evidence.
    pub status_text: String,
    /// `best` or `last`: which point the numbers speak of.
    pub returned: String,
    /// The objective there, from an independent evaluation.
    pub loss: Option<f64>,
    /// ‖∇f‖∞ there.
    pub gradient_norm: Option<f64>,
    /// How many were made.
    pub epochs: Option<u64>,
    /// How many were made.
    pub iterations: Option<u64>,
    /// What all evaluations cost, in gradients.
    pub evaluations: Evaluations,
    /// Training alone.
    pub seconds: Option<f64>,
    /// Everything.
    pub seconds_total: Option<f64>,
    /// Where the time went.
    pub phases: Option<Phases>,
    /// Largest resident memory.
    pub peak_memory_bytes: Option<u64>,
    /// The work of each subdomain.
    pub parts: Option<Vec<Part>>,
    /// Every other key, measures among them.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Of a whole run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Evaluations {
    /// What all evaluations cost, in gradients.
    pub gradient_equivalents: Option<f64>,
}

/// Seconds of a run, by what they went into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Phases {
    /// Local solves.
    pub local: f64,
    /// The value of the combined step and the forced decrease of the loss.
    pub fdl: f64,
    /// The global iteration and the gradient at the new point.
    #[serde(rename = "global")]
    pub whole: f64,
    /// Measures.
    pub measures: f64,
}

/// The work of one subdomain over a whole run.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Part {
    /// Counted from 1.
    pub part: u64,
    /// What its evaluations cost, in gradients of the whole.
    pub gradient_equivalents: f64,
    /// The parameter tensors it holds entries of.
    pub tensors: Vec<String>,
}
