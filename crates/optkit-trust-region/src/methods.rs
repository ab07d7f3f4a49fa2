//! The words that this crate gives the language.

use optkit_core::vocabulary::{Entry, Kind, Range, Setting, Slot, Support};

/// A setting that works.
macro_rules! setting {
    ($name:literal, $kind:expr, $default:expr, $doc:literal) => {
        Setting { name: $name, kind: $kind, default: $default, doc: $doc, support: Support::Available }
    };
}

/// `order`, of every method that has a model.
pub const ORDER: Setting =
    setting!("order", Kind::Integer(1, 2), Some(""), "1: gradient model; 2: L-SR1 model solved by OBS");
/// `ball`, of every method with a radius.
pub const BALL: Setting = setting!(
    "ball",
    Kind::Word(&["infinity", "two", "two_scaled", "per_tensor"]),
    Some(""),
    "the ball of radius Δ: ‖s‖∞, ‖s‖₂, ‖s‖₂/√n, or the root of Σ ‖s_t‖₂²/n_t over tensors; unless given the subproblem solver's own (∞ or two), and for second-order models of networks without a preset per_tensor"
);
/// α of a [`RadiusRule`](crate::RadiusRule).
pub const SHRINK: Setting =
    setting!("shrink", Kind::Real(Range::between(0.0, 1.0)), Some("0.5"), "α, factor of a shrink");
/// β of a [`RadiusRule`](crate::RadiusRule).
pub const GROW: Setting = setting!(
    "grow",
    Kind::Real(Range { least: 1.0, open_below: false, most: 1e6, open_above: false }),
    Some("2"),
    "β, factor of a growth"
);
/// η₁ of a [`RadiusRule`](crate::RadiusRule).
pub const SHRINK_BELOW: Setting = setting!(
    "shrink_below",
    Kind::Real(Range::between(0.0, 1.0)),
    Some("0.25"),
    "η₁, shrink where the ratio is below"
);
/// η₂ of a [`RadiusRule`](crate::RadiusRule).
pub const GROW_ABOVE: Setting = setting!(
    "grow_above",
    Kind::Real(Range::between(0.0, 1.0)),
    Some("0.75"),
    "η₂, grow where the ratio is above and the step reached the boundary"
);

/// `trust_region` and the models that fill its `model` slot.
pub static METHODS: &[Entry] = &[
    Entry {
        name: "trust_region",
        doc: "one trust region on the whole objective (or, in a slot of `apts`, on a part)",
        operands: &[],
        settings: &[
            ORDER,
            setting!(
                "model",
                Kind::Method(Slot::Model),
                Some(""),
                "model of the objective inside the ball; chosen for the objective unless given (in a slot of `apts`: gradient)"
            ),
            setting!(
                "subproblem",
                Kind::Method(Slot::Subproblem),
                Some(""),
                "solver of the model's minimisation in the ball; the best that the model has unless given"
            ),
            BALL,
            setting!(
                "iterations",
                Kind::Integer(1, 1_000_000),
                Some(""),
                "in a slot of `apts`: iterations each time it is called (local 5, global 1)"
            ),
            setting!("radius", Kind::Real(Range::POSITIVE), Some("1"), "initial radius Δ"),
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
            setting!(
                "acceptance",
                Kind::Real(Range { least: 0.0, open_below: false, most: 0.25, open_above: true }),
                Some("1e-4"),
                "η, accept where the ratio is above"
            ),
            setting!("trials", Kind::Integer(1, 1000), Some("10"), "trial points an iteration at the most"),
            setting!(
                "ratio",
                Kind::Word(&["model", "paper_code"]),
                Some("model"),
                "predicted reduction: the model's, or ‖g‖∞·Δ as the authors' code has it"
            ),
        ],
        slots: &[Slot::Solver, Slot::RadiusDriven, Slot::Local],
        support: Support::Available,
    },
    Entry {
        name: "gradient",
        doc: "first-order model, B = 0",
        operands: &[],
        settings: &[],
        slots: &[Slot::Model],
        support: Support::Available,
    },
    Entry {
        name: "lsr1",
        doc: "limited-memory SR1 model, B from the last pairs of steps and gradient changes; the gradient's before the first",
        operands: &[],
        settings: &[
            setting!("memory", Kind::Integer(1, 100), Some("5"), "pairs kept"),
            setting!(
                "gamma",
                Kind::Word(&["newest", "below_eigenvalue", "one"]),
                Some("newest"),
                "γ, curvature outside the pairs: yᵀy/sᵀy of the newest pair, below the smallest eigenvalue of the pairs' own, or 1"
            ),
            setting!(
                "history",
                Kind::Word(&["exact", "rows"]),
                Some("exact"),
                "in `local` of `apts`: the global matrix restricted exactly, or rows of its pairs made into another, as the authors' code does"
            ),
        ],
        slots: &[Slot::Model],
        support: Support::Available,
    },
    Entry {
        name: "exact",
        doc: "second-order Taylor model, B = ∇²f(x), by the objective's own Hessian products",
        operands: &[],
        settings: &[],
        slots: &[Slot::Model],
        support: Support::Available,
    },
    planned_model("gauss_newton", "JᵀJ of a residual function"),
];

const fn planned_model(name: &'static str, doc: &'static str) -> Entry {
    Entry { name, doc, operands: &[], settings: &[], slots: &[Slot::Model], support: Support::Planned }
}

pub(crate) const fn planned_subproblem(name: &'static str, doc: &'static str) -> Entry {
    Entry { name, doc, operands: &[], settings: &[], slots: &[Slot::Subproblem], support: Support::Planned }
}
