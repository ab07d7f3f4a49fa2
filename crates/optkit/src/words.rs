//! The vocabulary: every crate's table, put together, and the settings of the `run` block.

use optkit_core::vocabulary::{Kind, Setting, Support, Vocabulary};

/// The settings of `run { … }`.
pub static RUN: &[Setting] = &[
    available("seed", Kind::Integer(0, u64::MAX), Some("0"), "seeds initial parameters, deals and splits"),
    available(
        "weights",
        Kind::Text,
        Some(""),
        "safetensors file of the weights that a network begins with; drawn by the seed unless given",
    ),
    available(
        "threads",
        Kind::Integer(1, 1024),
        Some(""),
        "threads; all cores unless given (results do not depend on it)",
    ),
    available(
        "precision",
        Kind::Word(&["f32", "f64"]),
        Some("f32"),
        "arithmetic of a network; f64 is for checks and slow",
    ),
    available(
        "backend",
        Kind::Word(&["native", "dfdx"]),
        Some("native"),
        "what computes a network; dfdx needs a build with that feature",
    ),
    available(
        "checkpoint",
        Kind::Duration,
        Some(""),
        "time between checkpoints of a run that is kept in a folder; 1 min unless given",
    ),
    available("keep", Kind::Integer(1, 1000), Some(""), "checkpoints that are kept; 2 unless given"),
    available(
        "memory",
        Kind::Memory,
        Some(""),
        "most memory that a run is to take; image networks are evaluated in micro-batches where they need more",
    ),
];

const fn available(
    name: &'static str,
    kind: Kind,
    default: Option<&'static str>,
    doc: &'static str,
) -> Setting {
    Setting { name, kind, default, doc, support: Support::Available }
}

/// All words of the language, from the tables of all crates.
#[must_use]
pub fn vocabulary() -> Vocabulary {
    let subproblems = optkit_trust_region::SUBPROBLEMS.iter().map(|row| row.entry);
    optkit_lang::with_planned(Vocabulary {
        methods: optkit_schwarz::METHODS
            .iter()
            .chain(optkit_descent::METHODS)
            .chain(optkit_trust_region::METHODS)
            .copied()
            .chain(subproblems)
            .chain(optkit_nn::DEALINGS)
            .collect(),
        functions: optkit_functions::entries(),
        layers: optkit_nn::LAYERS.to_vec(),
        datasets: optkit_data::DATASETS.to_vec(),
        losses: optkit_nn::LOSSES.to_vec(),
        measures: optkit_nn::MEASURES.to_vec(),
        partitions: optkit_schwarz::PARTITIONS.to_vec(),
        run: RUN.to_vec(),
    })
}
