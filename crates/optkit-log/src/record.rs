//! What is known of a run: the records that logs and `--json` are made of. Keys are explained in docs/src/json.md.
//!
//! Numbers that are not finite are `null` in JSON and empty elsewhere. Measures stand beside the other keys, by their
//! names; one that is named as a key of ours is left out.

use optkit_core::Work;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::Cell;

/// Version of the records; it grows where a key changes its meaning or leaves.
pub const SCHEMA: u32 = 1;

/// What is solved, and where.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Problem {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Version of the program.
    pub optkit: String,
    /// From the file.
    pub title: Option<String>,
    /// The experiment that the run belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub experiment: Option<String>,
    /// The configuration within the experiment, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub series: Option<String>,
    /// Which trial of the configuration, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trial: Option<u64>,
    /// What is minimised, in words.
    pub objective: String,
    /// The method's word.
    pub solver: String,
    /// n.
    pub variables: usize,
    /// Parameter tensors of a network.
    pub tensors: Option<usize>,
    /// Parts of the partition.
    pub subdomains: Option<usize>,
    /// The dataset's word.
    pub dataset: Option<String>,
    /// SHA-256 over the data.
    pub data_checksum: Option<String>,
    /// How many samples are trained on.
    pub samples: Option<usize>,
    /// The terms that end the run.
    pub stop: String,
    /// Of initial parameters, deals and shuffles.
    pub seed: u64,
    /// Of this run.
    pub threads: usize,
    /// Backend, precision and instruction set of a network.
    pub kernel: Option<String>,
}

/// The number of a row: of an epoch for networks, of an iteration for functions; counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Count {
    /// Of an epoch.
    Epoch(u64),
    /// Of an iteration.
    Iteration(u64),
}

impl Count {
    /// The key: `epoch` or `iteration`.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::Epoch(_) => "epoch",
            Self::Iteration(_) => "iteration",
        }
    }

    /// The number.
    #[must_use]
    pub fn number(self) -> u64 {
        let (Self::Epoch(number) | Self::Iteration(number)) = self;
        number
    }
}

/// What evaluations were made since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Evaluations {
    /// Values.
    pub value: u64,
    /// Gradients.
    pub gradient: u64,
    /// Products with the Hessian.
    pub hessian_product: u64,
    /// What all of them cost.
    pub gradient_equivalents: f64,
}

impl From<Work> for Evaluations {
    fn from(work: Work) -> Self {
        Self {
            value: work.values,
            gradient: work.gradients,
            hessian_product: work.hessian_products,
            gradient_equivalents: work.gradient_equivalents,
        }
    }
}

/// A run after an epoch or iteration.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Which one.
    #[serde(flatten)]
    pub count: Count,
    /// The objective.
    pub loss: f64,
    /// ‖∇f‖∞.
    pub gradient_norm: f64,
    /// Trust-region radius after it.
    pub radius: f64,
    /// Actual over predicted reduction at the last trial.
    pub ratio: f64,
    /// Whether it moved.
    pub accepted: bool,
    /// Trial points accepted.
    pub trials_accepted: u32,
    /// Trial points rejected.
    pub trials_rejected: u32,
    /// Iterations of local solvers.
    pub local_iterations: u32,
    /// Since the start.
    pub evaluations: Evaluations,
    /// Wall time in training since the start.
    pub seconds: f64,
    /// Measures by name.
    #[serde(flatten, serialize_with = "beside_row")]
    pub measures: Vec<(String, f64)>,
}

impl Default for Row {
    /// The first epoch, of which nothing is known.
    fn default() -> Self {
        Self {
            count: Count::Epoch(1),
            loss: f64::NAN,
            gradient_norm: f64::NAN,
            radius: f64::NAN,
            ratio: f64::NAN,
            accepted: true,
            trials_accepted: 0,
            trials_rejected: 0,
            local_iterations: 0,
            evaluations: Evaluations::default(),
            seconds: 0.0,
            measures: Vec::new(),
        }
    }
}

impl Row {
    /// All values by key, those of objects inside behind a point: `evaluations.value`.
    pub fn cells(&self) -> impl Iterator<Item = (&str, Cell)> {
        let Evaluations { value, gradient, hessian_product, gradient_equivalents } = self.evaluations;
        let own = [
            (self.count.unit(), Cell::Integer(self.count.number())),
            ("loss", Cell::Number(self.loss)),
            ("gradient_norm", Cell::Number(self.gradient_norm)),
            ("radius", Cell::Number(self.radius)),
            ("ratio", Cell::Number(self.ratio)),
            ("accepted", Cell::Truth(self.accepted)),
            ("trials_accepted", Cell::Integer(self.trials_accepted.into())),
            ("trials_rejected", Cell::Integer(self.trials_rejected.into())),
            ("local_iterations", Cell::Integer(self.local_iterations.into())),
            ("evaluations.value", Cell::Integer(value)),
            ("evaluations.gradient", Cell::Integer(gradient)),
            ("evaluations.hessian_product", Cell::Integer(hessian_product)),
            ("evaluations.gradient_equivalents", Cell::Number(gradient_equivalents)),
            ("seconds", Cell::Number(self.seconds)),
        ];
        let measures = free(&self.measures, &ROW).map(|(name, value)| (name, Cell::Number(value)));
        own.into_iter().chain(measures)
    }
}

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Outcome {
    /// In a word.
    pub status: String,
    /// In words, with the evidence.
    pub status_text: String,
    /// `best` or `last`: which point the following speaks of.
    pub returned: String,
    /// The objective there.
    pub loss: f64,
    /// ‖∇f‖∞ there.
    pub gradient_norm: f64,
    /// Whole epochs made.
    pub epochs: u64,
    /// Iterations made.
    pub iterations: u64,
    /// `epoch` or `iteration`: what the rows are.
    pub unit: String,
    /// Of the whole run.
    pub evaluations: Evaluations,
    /// Wall time in training.
    pub seconds: f64,
    /// Wall time of everything.
    pub seconds_total: f64,
    /// Where the time went.
    pub phases: Phases,
    /// Largest resident memory.
    pub peak_memory_bytes: Option<u64>,
    /// Work of each subdomain; empty where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
    /// Measures by name.
    #[serde(flatten, serialize_with = "beside_outcome")]
    pub measures: Vec<(String, f64)>,
}

/// Seconds of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Phases {
    /// In local solves.
    pub local: f64,
    /// In the value of the combined step and the forced decrease.
    pub fdl: f64,
    /// In the global iteration and the gradient at the new point.
    pub global: f64,
    /// In measures.
    pub measures: f64,
}

/// The work of one subdomain over a whole run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Part {
    /// Counted from 1.
    pub part: u64,
    /// What its evaluations cost, in gradients of the whole.
    pub gradient_equivalents: f64,
    /// The parameter tensors that it holds entries of; empty without a network.
    pub tensors: Vec<String>,
}

const ROW: [&str; 12] = [
    "epoch",
    "iteration",
    "loss",
    "gradient_norm",
    "radius",
    "ratio",
    "accepted",
    "trials_accepted",
    "trials_rejected",
    "local_iterations",
    "evaluations",
    "seconds",
];

const OUTCOME: [&str; 14] = [
    "status",
    "status_text",
    "returned",
    "loss",
    "gradient_norm",
    "epochs",
    "iterations",
    "unit",
    "evaluations",
    "seconds",
    "seconds_total",
    "phases",
    "peak_memory_bytes",
    "parts",
];

/// The measures whose names are not `taken`.
fn free<'a>(measures: &'a [(String, f64)], taken: &'a [&str]) -> impl Iterator<Item = (&'a str, f64)> {
    measures.iter().map(|(name, value)| (name.as_str(), *value)).filter(|(name, _)| !taken.contains(name))
}

fn beside_row<S: Serializer>(measures: &[(String, f64)], to: S) -> Result<S::Ok, S::Error> {
    beside(measures, &ROW, to)
}

fn beside_outcome<S: Serializer>(measures: &[(String, f64)], to: S) -> Result<S::Ok, S::Error> {
    beside(measures, &OUTCOME, to)
}

fn beside<S: Serializer>(measures: &[(String, f64)], taken: &[&str], to: S) -> Result<S::Ok, S::Error> {
    let mut map = to.serialize_map(None)?;
    for (name, value) in free(measures, taken) {
        map.serialize_entry(name, &value)?;
    }
    map.end()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Map, Value};

    fn flat(prefix: &str, object: &Map<String, Value>, into: &mut Vec<(String, Value)>) {
        for (key, value) in object {
            match value {
                Value::Object(inner) => flat(&format!("{prefix}{key}."), inner, into),
                other => into.push((format!("{prefix}{key}"), other.clone())),
            }
        }
    }

    #[test]
    fn cells_are_the_keys_of_json_and_measures_hide_none() {
        let measures: Vec<_> = ["accuracy", "radius", "evaluations", "epoch", "status"]
            .map(|name| (name.to_owned(), 0.5))
            .into_iter()
            .collect();
        let row = Row { count: Count::Iteration(7), loss: 1e-300, measures, ..Row::default() };
        let Value::Object(object) = serde_json::to_value(&row).unwrap() else { panic!("an object") };
        let mut expected = Vec::new();
        flat("", &object, &mut expected);
        let mut cells: Vec<_> = row
            .cells()
            .map(|(key, cell)| {
                let shown = cell.to_string();
                let value =
                    if shown.is_empty() { Value::Null } else { serde_json::from_str(&shown).unwrap() };
                (key.to_owned(), value)
            })
            .collect();
        expected.sort_by(|a, b| a.0.cmp(&b.0));
        cells.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(cells, expected);
        assert!(object.contains_key("status") && object["radius"].is_null());
        // Every key of ours is among those that a measure may not take.
        assert!(object.keys().all(|key| ROW.contains(&key.as_str()) || key == "accuracy" || key == "status"));
    }

    #[test]
    fn measures_hide_no_key_of_an_outcome() {
        let part = Part { part: 1, gradient_equivalents: 2.0, tensors: vec!["0.weight".to_owned()] };
        let measures = OUTCOME.iter().chain(&["accuracy"]).map(|&name| (name.to_owned(), 0.5)).collect();
        let outcome = Outcome { measures, parts: vec![part], ..Outcome::default() };
        let Value::Object(object) = serde_json::to_value(&outcome).unwrap() else { panic!("an object") };
        assert_eq!(object.len(), OUTCOME.len() + 1);
        assert_eq!((&object["accuracy"], &object["status"]), (&0.5.into(), &"".into()));
    }
}
