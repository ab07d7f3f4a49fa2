//! The words that this crate gives the language.

use optkit_core::vocabulary::{Entry, Kind, Operand, Range, Setting, Slot, Support};
use optkit_trust_region::{BALL, GROW, GROW_ABOVE, ORDER, SHRINK, SHRINK_BELOW};

use crate::Options;

/// A named set of defaults for [`Apts`](crate::Apts).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// The settings of the paper's section 3.1, with the ratio of its equation (3).
    Paper,
    /// The authors' code: the paper's settings with their ratio and acceptance.
    MlApts,
}

/// The word of the preset that [`TwoLevel`](crate::TwoLevel) stands for.
pub const TWO_LEVEL: &str = "two_level";

impl Preset {
    /// The preset of that name.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "paper" => Some(Self::Paper),
            "ml_apts" => Some(Self::MlApts),
            _ => None,
        }
    }

    /// Its settings.
    #[must_use]
    pub fn options(self) -> Options {
        match self {
            Self::Paper => Options::paper(),
            Self::MlApts => Options::ml_apts(),
        }
    }
}

macro_rules! setting {
    ($name:literal, $kind:expr, $default:expr, $doc:literal) => {
        Setting { name: $name, kind: $kind, default: $default, doc: $doc, support: Support::Available }
    };
}

/// `apts` and `schwarz`, and what fills their slots. Defaults that a preset changes are not written here: the preset, then the file, then these.
pub static METHODS: &[Entry] =
    &[APTS, SCHWARZ, GAUSS_NEWTON, ADDITIVE, COARSE, TAIL, MULTIPLICATIVE, GROWING];

const APTS: Entry = Entry {
    name: "apts",
    doc: "additively preconditioned trust region: local solves on the parts, then a global iteration",
    operands: &[],
    settings: &[
        setting!("partition", Kind::Partition, None, "the subdomains"),
        ORDER,
        BALL,
        setting!("fdl", Kind::Switch, Some("on"), "forced decreasing loss (Algorithm 1, steps 13-16)"),
        setting!(
            "pairs",
            Kind::Word(&["batch", "overlap"]),
            Some("batch"),
            "with `order = 2` on mini-batches: whether secant pairs are of steps within an iteration, on its batch, or of whole iterations, on the samples that a batch shares with the next"
        ),
        setting!("radius", Kind::Real(Range::POSITIVE), Some(""), "initial radius Δ (1; presets 0.01)"),
        setting!(
            "min_radius",
            Kind::Real(Range::NOT_NEGATIVE),
            Some(""),
            "smallest radius (0; presets 1e-4)"
        ),
        setting!(
            "max_radius",
            Kind::Real(Range::POSITIVE),
            Some(""),
            "largest radius (unlimited; presets 0.1)"
        ),
        SHRINK,
        GROW,
        SHRINK_BELOW,
        GROW_ABOVE,
        setting!(
            "ratio",
            Kind::Word(&["model", "paper_code"]),
            Some(""),
            "predicted reduction: the model's (default), or ‖g‖∞·Δ as the authors' code has it"
        ),
        setting!(
            "preset",
            Kind::Word(&["paper", "ml_apts", "two_level"]),
            Some(""),
            "defaults of section 3.1 (`paper`), of the authors' code (`ml_apts`), or of the two-level Gauss-Newton method, which needs no setting (`two_level`)"
        ),
        setting!("local", Kind::Method(Slot::Local), Some("trust_region"), "solver of a part"),
        setting!(
            "combine",
            Kind::Method(Slot::Combine),
            Some(""),
            "what is made of the steps of `local = gauss_newton`: their sum (default), or a coarse model's minimiser over them"
        ),
        setting!(
            "sweeps",
            Kind::Method(Slot::Sweeps),
            Some(""),
            "with `local = gauss_newton`: what is solved anew after the combined step, the tail or chosen parts; nothing unless given"
        ),
        setting!(
            "control",
            Kind::Word(&["damping", "radius"]),
            Some(""),
            "with `local = gauss_newton`: what keeps steps short, the damping of the models (default) or a radius in their metric"
        ),
        setting!(
            "samples",
            Kind::Method(Slot::Samples),
            Some(""),
            "with `local = gauss_newton` on networks: the samples that iterations see; all unless given"
        ),
        setting!("global", Kind::Method(Slot::RadiusDriven), Some("trust_region"), "solver of the whole"),
    ],
    slots: &[Slot::Solver],
    support: Support::Available,
};

const SCHWARZ: Entry = Entry {
    name: "schwarz",
    doc: "an additive sweep of local solves on the parts, before every step of another method",
    operands: &[],
    settings: &[
        setting!("partition", Kind::Partition, None, "the subdomains"),
        setting!(
            "local",
            Kind::Method(Slot::RadiusDriven),
            Some("trust_region"),
            "solver of a part; its model is lsr1 unless it says otherwise"
        ),
        setting!("radius", Kind::Real(Range::POSITIVE), Some("1"), "initial radius Δ of the local solves"),
        setting!("min_radius", Kind::Real(Range::NOT_NEGATIVE), Some("0"), "smallest radius"),
        setting!(
            "max_radius",
            Kind::Real(Range::POSITIVE),
            Some(""),
            "largest radius; unlimited unless given"
        ),
        SHRINK,
        GROW,
        SHRINK_BELOW,
        GROW_ABOVE,
    ],
    slots: &[Slot::Preconditioner],
    support: Support::Available,
};

const GAUSS_NEWTON: Entry = Entry {
    name: "gauss_newton",
    doc: "damped Gauss-Newton step on a part: Kronecker factors of a network's layers, JᵀJ of a sum of squares, Krylov spaces of a Hessian",
    operands: &[],
    settings: &[
        setting!(
            "damping",
            Kind::Real(Range::POSITIVE),
            Some(""),
            "μ at the start, relative to the mean eigenvalue of the models there (networks 3, sums of squares 1e-3)"
        ),
        setting!(
            "min_damping",
            Kind::Real(Range::POSITIVE),
            Some(""),
            "μ is never smaller (networks 3, sums of squares 1e-10)"
        ),
    ],
    slots: &[Slot::Local],
    support: Support::Available,
};

const ADDITIVE: Entry = Entry {
    name: "additive",
    doc: "the sum of the parts' steps, halved until the objective falls",
    operands: &[],
    settings: &[],
    slots: &[Slot::Combine],
    support: Support::Available,
};

const COARSE: Entry = Entry {
    name: "coarse",
    doc: "the minimiser of the Gauss-Newton model of the whole over the span of the parts' steps",
    operands: &[],
    settings: &[setting!(
        "previous",
        Kind::Integer(0, 1),
        Some("1"),
        "total steps of earlier iterations in the span, part by part; more than one did not help"
    )],
    slots: &[Slot::Combine],
    support: Support::Available,
};

const TAIL: Entry = Entry {
    name: "tail",
    doc: "all but the lowest layer's weights solved anew with the old factors, and recombined: no product with the input",
    operands: &[],
    settings: &[setting!("repeat", Kind::Integer(1, 1000), Some("2"), "ν, how often an iteration")],
    slots: &[Slot::Sweeps],
    support: Support::Available,
};

const MULTIPLICATIVE: Entry = Entry {
    name: "multiplicative",
    doc: "chosen parts solved anew one after the other with the old factors, each at the point that the one before left: block Gauss-Seidel",
    operands: &[],
    settings: &[
        setting!(
            "parts",
            Kind::Indices(1, 1_000_000),
            Some(""),
            "parts of the partition, counted from 1, in the order in which they are visited, once or more often; all of them unless given"
        ),
        setting!("repeat", Kind::Integer(1, 1000), Some("1"), "ν, how often an iteration"),
    ],
    slots: &[Slot::Sweeps],
    support: Support::Available,
};

const GROWING: Entry = Entry {
    name: "growing",
    doc: "few samples first, more in every iteration: the first ones of a shuffle by the run's seed, in blocks of 128",
    operands: &[],
    settings: &[
        setting!("first", Kind::Integer(1, 4_000_000_000), Some("2000"), "samples of the first iteration"),
        setting!(
            "factor",
            Kind::Real(Range { least: 1.0, open_below: true, most: 1e6, open_above: false }),
            Some("1.5"),
            "how many times as many the next iteration sees"
        ),
    ],
    slots: &[Slot::Samples],
    support: Support::Available,
};

const PARTS: Setting = setting!("parts", Kind::Integer(1, 1_000_000), None, "number of parts");

/// `weights`, `contiguous`, `random`, `explicit`.
pub static PARTITIONS: &[Entry] = &[
    Entry {
        name: "weights",
        doc: "whole parameter tensors of a network, dealt to the parts",
        operands: &[Operand { name: "network", kind: Kind::Network, default: None, doc: "the network" }],
        settings: &[
            setting!(
                "parts",
                Kind::Integer(1, 1_000_000),
                Some(""),
                "number of parts; unless given, each tensor or layer is one"
            ),
            setting!(
                "by",
                Kind::Word(&["tensor", "layer"]),
                Some("tensor"),
                "what is dealt: single tensors, or a layer's weights and biases together"
            ),
            setting!(
                "deal",
                Kind::Word(&["random", "in_order"]),
                Some("random"),
                "by a permutation drawn from the run's seed, or in the network's order"
            ),
        ],
        slots: &[],
        support: Support::Available,
    },
    Entry {
        name: "contiguous",
        doc: "runs of neighbouring variables",
        operands: &[],
        settings: &[PARTS],
        slots: &[],
        support: Support::Available,
    },
    Entry {
        name: "random",
        doc: "variables dealt at random from the run's seed",
        operands: &[],
        settings: &[PARTS],
        slots: &[],
        support: Support::Available,
    },
    Entry {
        name: "explicit",
        doc: "parts as lists of variables, counted from 1",
        operands: &[Operand {
            name: "parts",
            kind: Kind::IndexLists,
            default: None,
            doc: "the parts: [[1, 2], [3, 4]]",
        }],
        settings: &[],
        slots: &[],
        support: Support::Available,
    },
];
