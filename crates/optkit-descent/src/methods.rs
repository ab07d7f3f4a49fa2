//! The words that this crate gives the language.

use optkit_core::vocabulary::{Entry, Kind, Range, Setting, Slot, Support};

/// A setting that works.
macro_rules! setting {
    ($name:literal, $kind:expr, $default:expr, $doc:literal) => {
        Setting { name: $name, kind: $kind, default: $default, doc: $doc, support: Support::Available }
    };
}

/// At least 0 and below 1.
const SHARE: Range = Range { least: 0.0, open_below: false, most: 1.0, open_above: true };

const BETA1: Setting =
    setting!("beta1", Kind::Real(SHARE), Some("0.9"), "β₁, decay of the mean of gradients");
const BETA2: Setting =
    setting!("beta2", Kind::Real(SHARE), Some("0.999"), "β₂, decay of the mean of squares");
const EPSILON: Setting = setting!(
    "epsilon",
    Kind::Real(Range::NOT_NEGATIVE),
    Some("1e-8"),
    "ε, added to the root of the mean of squares"
);
const AMSGRAD: Setting =
    setting!("amsgrad", Kind::Switch, Some("off"), "divide by the largest mean of squares so far");
const ADAM_LR: Setting = setting!("lr", Kind::Real(Range::POSITIVE), Some("1e-3"), "learning rate");

/// `sgd`, `adam`, `adamw` and `lbfgs`.
pub static METHODS: &[Entry] = &[
    Entry {
        name: "sgd",
        doc: "stochastic gradient descent, as PyTorch defines it; on all samples at once, gradient descent",
        operands: &[],
        settings: &[
            setting!("lr", Kind::Real(Range::POSITIVE), None, "learning rate: x changes by lr·∇f"),
            setting!("momentum", Kind::Real(SHARE), Some("0"), "μ, share of the velocity that a step keeps"),
            setting!("nesterov", Kind::Switch, Some("off"), "Nesterov's momentum"),
            setting!(
                "dampening",
                Kind::Real(SHARE),
                Some("0"),
                "share of the gradient that the velocity does not take up"
            ),
            setting!(
                "weight_decay",
                Kind::Real(Range::NOT_NEGATIVE),
                Some("0"),
                "λ of a penalty ½λ‖x‖² whose gradient is added"
            ),
        ],
        slots: &[Slot::Solver],
        support: Support::Available,
    },
    Entry {
        name: "adam",
        doc: "Adam, as PyTorch defines it",
        operands: &[],
        settings: &[
            ADAM_LR,
            BETA1,
            BETA2,
            EPSILON,
            setting!(
                "weight_decay",
                Kind::Real(Range::NOT_NEGATIVE),
                Some("0"),
                "λ of a penalty ½λ‖x‖² whose gradient is added"
            ),
            AMSGRAD,
        ],
        slots: &[Slot::Solver],
        support: Support::Available,
    },
    Entry {
        name: "adamw",
        doc: "Adam with decoupled weight decay, as PyTorch defines it",
        operands: &[],
        settings: &[
            ADAM_LR,
            BETA1,
            BETA2,
            EPSILON,
            setting!(
                "weight_decay",
                Kind::Real(Range::NOT_NEGATIVE),
                Some("0.01"),
                "λ: x shrinks by lr·λ of itself every step"
            ),
            AMSGRAD,
        ],
        slots: &[Slot::Solver],
        support: Support::Available,
    },
    Entry {
        name: "lbfgs",
        doc: "limited-memory BFGS with a line search",
        operands: &[],
        settings: &[
            setting!(
                "memory",
                Kind::Integer(1, 1000),
                Some("10"),
                "pairs of steps and gradient changes kept"
            ),
            setting!(
                "line_search",
                Kind::Word(&["strong_wolfe", "torch"]),
                Some("strong_wolfe"),
                "Moré and Thuente's; or PyTorch's, of which an iteration is one call of its `step`"
            ),
            setting!(
                "max_evaluations",
                Kind::Integer(2, 1_000_000),
                Some(""),
                "evaluations of a line search at the most (20); with `torch` of a step (five quarters of `iterations`)"
            ),
            setting!(
                "precondition",
                Kind::Method(Slot::Preconditioner),
                Some(""),
                "with `strong_wolfe`: what moves the point before every line search"
            ),
            setting!("lr", Kind::Real(Range::POSITIVE), Some(""), "with `torch`: first step of a search (1)"),
            setting!(
                "iterations",
                Kind::Integer(1, 1_000_000),
                Some(""),
                "with `torch`: inner iterations of a step (20)"
            ),
            setting!(
                "tolerance_gradient",
                Kind::Real(Range::NOT_NEGATIVE),
                Some(""),
                "with `torch`: ‖∇f‖∞ at which the run ends (1e-7)"
            ),
            setting!(
                "tolerance_change",
                Kind::Real(Range::NOT_NEGATIVE),
                Some(""),
                "with `torch`: changes and slopes at which a step ends (1e-9)"
            ),
        ],
        slots: &[Slot::Solver],
        support: Support::Available,
    },
];
