//! A vocabulary like that of the program, kept here so that the language can be tested by itself.

#![allow(dead_code)] // every test file takes what it needs

use optkit_core::vocabulary::{Entry, Kind, Operand, Range, Setting, Slot, Support, Vocabulary};
use optkit_lang::{Checked, Override, Source, check, with_planned};

const fn setting(name: &'static str, kind: Kind, default: Option<&'static str>) -> Setting {
    Setting { name, kind, default, doc: "a setting", support: Support::Available }
}

const fn operand(name: &'static str, kind: Kind, default: Option<&'static str>) -> Operand {
    Operand { name, kind, default, doc: "an operand" }
}

const fn entry(name: &'static str, operands: &'static [Operand], settings: &'static [Setting]) -> Entry {
    Entry { name, doc: "a word", operands, settings, slots: &[], support: Support::Available }
}

const RADIUS: Kind = Kind::Real(Range::POSITIVE);
const FRACTION: Kind = Kind::Real(Range::between(0.0, 1.0));
const COUNT: Kind = Kind::Integer(1, 1_000_000);

const APTS: Entry = Entry {
    slots: &[Slot::Solver],
    ..entry(
        "apts",
        &[],
        &[
            setting("partition", Kind::Partition, None),
            setting("order", Kind::Integer(1, 2), Some("")),
            setting("fdl", Kind::Switch, Some("on")),
            setting("radius", RADIUS, Some("1")),
            setting("min_radius", Kind::Real(Range::NOT_NEGATIVE), Some("0")),
            setting("max_radius", RADIUS, Some("")),
            setting("shrink", FRACTION, Some("0.5")),
            setting("acceptance", Kind::Real(Range::between(0.0, 0.25)), Some("1e-4")),
            setting("ratio", Kind::Word(&["model", "paper_code"]), Some("model")),
            setting("preset", Kind::Word(&["paper", "ml_apts"]), Some("")),
            setting("local", Kind::Method(Slot::RadiusDriven), Some("trust_region { iterations = 5 }")),
            setting("global", Kind::Method(Slot::RadiusDriven), Some("trust_region")),
            setting("sweeps", Kind::Method(Slot::Sweeps), Some("")),
        ],
    )
};

const TRUST_REGION: Entry = Entry {
    slots: &[Slot::Solver, Slot::RadiusDriven],
    ..entry(
        "trust_region",
        &[],
        &[
            setting("order", Kind::Integer(1, 2), Some("")),
            setting("model", Kind::Method(Slot::Model), Some("gradient")),
            setting("subproblem", Kind::Method(Slot::Subproblem), Some("cauchy")),
            setting("iterations", COUNT, Some("1")),
            setting("radius", RADIUS, Some("1")),
            setting("min_radius", Kind::Real(Range::NOT_NEGATIVE), Some("0")),
            setting("max_radius", RADIUS, Some("")),
        ],
    )
};

const RUN: &[Setting] = &[
    setting("seed", Kind::Integer(0, u64::MAX), Some("0")),
    setting("threads", Kind::Integer(1, 4096), Some("")),
    setting("precision", Kind::Word(&["f32", "f64"]), Some("f32")),
    setting("backend", Kind::Word(&["native", "dfdx"]), Some("native")),
    setting("memory", Kind::Memory, Some("")),
    setting("log_every", Kind::Duration, Some("")),
    setting("note", Kind::Text, Some("")),
    Setting { support: Support::Planned, ..setting("checkpoint", Kind::Text, Some("")) },
];

const N: Operand = operand("n", Kind::Integer(1, 100_000_000), None);

/// The vocabulary.
pub(crate) fn vocabulary() -> Vocabulary {
    with_planned(Vocabulary {
        methods: vec![
            APTS,
            TRUST_REGION,
            Entry { slots: &[Slot::Model], ..entry("gradient", &[], &[]) },
            Entry {
                slots: &[Slot::Batches],
                ..entry("overlapping", &[], const { &[setting("parts", COUNT, None)] })
            },
            Entry { slots: &[Slot::Subproblem], ..entry("cauchy", &[], &[]) },
            Entry {
                slots: &[Slot::Sweeps],
                ..entry(
                    "multiplicative",
                    &[],
                    const { &[setting("parts", Kind::Indices(1, 1_000_000), Some(""))] },
                )
            },
        ],
        functions: vec![
            entry(
                "quadratic",
                const { &[N, operand("condition", Kind::Real(Range::POSITIVE), Some("100"))] },
                &[],
            ),
            entry("rosenbrock", const { &[operand("n", COUNT, Some("2"))] }, &[]),
        ],
        layers: vec![
            entry("input", const { &[operand("shape", Kind::Shape, None)] }, &[]),
            entry("flatten", &[], &[]),
            entry(
                "dense",
                const { &[operand("width", COUNT, None)] },
                const { &[setting("bias", Kind::Switch, Some("on"))] },
            ),
            entry("relu", &[], &[]),
            entry("tanh", &[], &[]),
            entry(
                "conv",
                const { &[operand("kernel", Kind::Pair(1), None), operand("outputs", COUNT, None)] },
                const {
                    &[
                        setting("stride", Kind::Pair(1), Some("1")),
                        setting("pad", Kind::Pair(0), Some("0")),
                        setting("bias", Kind::Switch, Some("on")),
                    ]
                },
            ),
            entry("pool_avg", const { &[operand("window", Kind::Window, None)] }, &[]),
        ],
        datasets: vec![
            entry(
                "mnist",
                &[],
                const {
                    &[
                        setting("images", Kind::Word(&["unit"]), Some("unit")),
                        setting("batch", Kind::CountOrMethod(1, 1_000_000, Slot::Batches), Some("")),
                    ]
                },
            ),
            entry("digits", &[], const { &[setting("images", Kind::Word(&["unit"]), Some("unit"))] }),
            entry("idx", const { &[operand("dir", Kind::Text, None)] }, &[]),
        ],
        losses: vec![entry("cross_entropy", &[], &[]), entry("mean_squared", &[], &[])],
        measures: vec![entry("accuracy", &[], &[])],
        partitions: vec![
            entry(
                "weights",
                const { &[operand("network", Kind::Network, None)] },
                const {
                    &[
                        setting("parts", COUNT, None),
                        setting("by", Kind::Word(&["tensor"]), Some("tensor")),
                        setting("deal", Kind::Word(&["random", "in_order"]), Some("random")),
                    ]
                },
            ),
            entry(
                "contiguous",
                const { &[operand("variables", Kind::Variables, Some(""))] },
                const { &[setting("parts", COUNT, None)] },
            ),
            entry(
                "explicit",
                const {
                    &[
                        operand("variables", Kind::Variables, Some("")),
                        operand("subsets", Kind::IndexLists, None),
                    ]
                },
                &[],
            ),
        ],
        run: RUN.to_vec(),
    })
}

/// Check `text` as `name`, with the files in `tests/files` to use.
pub(crate) fn check_named(name: &str, text: &str, sets: &[&str]) -> Checked {
    let sets: Vec<_> = sets.iter().map(|s| Override::parse(s).expect("a `--set` has an `=`")).collect();
    let mut load = |path: &str| read(path).ok_or_else(|| "no such file".to_owned());
    check(Source::new(name, text), &mut load, &sets, &vocabulary())
}

/// A file of `tests/files` or, in the repository, of `problems`.
pub(crate) fn read(name: &str) -> Option<String> {
    let here = env!("CARGO_MANIFEST_DIR");
    let places = [
        format!("{here}/tests/files/{name}"),
        format!("{here}/tests/snapshots/{name}"),
        format!("{here}/../../problems/{name}"),
    ];
    places.iter().find_map(|path| std::fs::read_to_string(path).ok())
}
