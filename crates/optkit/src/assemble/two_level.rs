//! `apts` with Gauss–Newton solves on the parts: the two-level method.

use std::ops::Range;

use optkit_core::{NoGaussNewton, Objective, StartError, Subset};
use optkit_lang::{Diagnostic, Method};
use optkit_schwarz::{Combine, Control, Growing, Partition, TWO_LEVEL, TwoLevelOptions};
use optkit_trust_region::RadiusRule;

use super::slot::rule;
use super::solver::{Swept, TwoLevelSolver};
use super::{Backend, Subject};

/// Settings of `apts` that only trust regions on the parts have a use for.
const OF_TRUST_REGIONS: [&str; 7] = ["order", "ball", "fdl", "ratio", "global", "radius", "pairs"];
/// Settings of `apts` that only `local = gauss_newton` has a use for.
const OF_GAUSS_NEWTON: [&str; 4] = ["combine", "sweeps", "control", "samples"];

/// True where the parts are solved by Gauss–Newton models.
pub(super) fn is_meant(method: &Method) -> bool {
    let settings = &method.settings;
    match settings.given("local").then(|| settings.method("local")).flatten() {
        Some(local) => local.name.value == "gauss_newton",
        None => settings.word("preset") == Some(TWO_LEVEL),
    }
}

/// Refuses what has no effect on trust regions.
pub(super) fn refuse_without(method: &Method, found: &mut Vec<Diagnostic>) {
    let settings = &method.settings;
    for key in OF_GAUSS_NEWTON {
        if let Some(span) = settings.key_span(key) {
            found.push(
                Diagnostic::error("E0819", format!("`{key}` needs `local = gauss_newton`"))
                    .label(span, "this setting")
                    .help(format!("add `local = gauss_newton`, or remove `{key}`")),
            );
        }
    }
    if settings.word("preset") == Some(TWO_LEVEL) {
        let span = settings.span("preset").unwrap_or(method.name.span);
        found.push(
            Diagnostic::error("E0819", "`preset = two_level` needs `local = gauss_newton`")
                .label(span, "this preset")
                .help("remove `local`: the preset brings its own"),
        );
    }
}

/// Reads the settings; what is wrong goes to `found`. The damping's defaults are those of networks until
/// [`settle`] knows better.
pub(super) fn read(method: &Method, found: &mut Vec<Diagnostic>) -> TwoLevelSolver {
    let settings = &method.settings;
    for key in OF_TRUST_REGIONS {
        if let Some(span) = settings.key_span(key) {
            let title = format!("`{key}` has no effect with `local = gauss_newton`");
            let help = if key == "radius" {
                "remove it: the first step's length is the first radius".to_owned()
            } else {
                "remove it, or use `local = trust_region`".to_owned()
            };
            found.push(Diagnostic::error("E0819", title).label(span, "this setting").help(help));
        }
    }
    let preset = settings.word("preset");
    if let (Some(word), Some(span)) = (preset.filter(|&word| word != TWO_LEVEL), settings.span("preset")) {
        found.push(
            Diagnostic::error("E0819", format!("`preset = {word}` is for trust regions on the parts"))
                .label(span, "this preset")
                .help("use `preset = two_level`, or remove it"),
        );
    }
    let base = TwoLevelOptions::default();
    let alone = TwoLevelOptions { combine: Combine::Additive, sweeps: 0, ..base };
    let mut options = if preset == Some(TWO_LEVEL) { base } else { alone };
    let combine = settings.given("combine").then(|| settings.method("combine")).flatten();
    if let Some(combine) = combine {
        options.combine = match combine.name.value.as_str() {
            "coarse" => Combine::Coarse { previous: combine.settings.integer("previous") != Some(0) },
            _ => Combine::Additive,
        };
    }
    let mut swept = Swept::Tail;
    if let Some(sweeps) = settings.given("sweeps").then(|| settings.method("sweeps")).flatten() {
        let repeat = sweeps.settings.integer("repeat").expect("both sweeps have a default");
        options.sweeps = u32::try_from(repeat).expect("the vocabulary limits sweeps");
        options.sweep_below = f64::INFINITY;
        if sweeps.name.value == "multiplicative" {
            let from_zero = |&part: &u64| usize::try_from(part - 1).unwrap_or(usize::MAX);
            swept = sweeps
                .settings
                .indices("parts")
                .map_or(Swept::AllParts, |parts| Swept::Parts(parts.iter().map(from_zero).collect()));
        }
    }
    if settings.given("control") {
        options.control = match settings.word("control") {
            Some("radius") => Control::Radius,
            _ => Control::Damping,
        };
    }
    if let Some(growing) = settings.given("samples").then(|| settings.method("samples")).flatten() {
        let base = Growing::default();
        let first = growing.settings.integer("first").and_then(|n| usize::try_from(n).ok());
        options.samples = Some(Growing {
            first: first.unwrap_or(base.first),
            factor: growing.settings.real("factor").unwrap_or(base.factor),
            ..base
        });
    }
    options.rule = rule(settings, RadiusRule::default());
    TwoLevelSolver { options, swept }
}

/// The defaults of the damping, which depend on what is minimised: networks over-fit without, exact models need little.
/// `seed`: the run's, which shuffles samples.
pub(super) fn settle(
    options: &mut TwoLevelOptions,
    method: &Method,
    (network, seed): (bool, u64),
    found: &mut Vec<Diagnostic>,
) {
    if let Some(growing) = &mut options.samples {
        growing.seed = seed;
        if let (false, Some(span)) = (network, method.settings.key_span("samples")) {
            found.push(
                Diagnostic::error("E0819", "`samples` needs a network: a function has none to choose from")
                    .label(span, "this setting")
                    .help("remove it"),
            );
        }
    }
    let base = if network { TwoLevelOptions::default() } else { TwoLevelOptions::least_squares() };
    let local = method.settings.method("local").filter(|local| local.name.value == "gauss_newton");
    let given = |key: &str| {
        let settings = &local?.settings;
        settings.given(key).then(|| settings.real(key)).flatten()
    };
    options.damping = given("damping").unwrap_or(base.damping);
    options.min_damping = given("min_damping").unwrap_or(base.min_damping.min(options.damping));
    if !network && !method.settings.given("sweeps") {
        options.sweeps = 0;
    }
    if let Err(error) = options.validate() {
        let at = local.map_or(method.name.span, |local| local.name.span);
        found.push(Diagnostic::error("E0802", error.to_string()).label(at, "in this method"));
    }
}

/// Refuses sweeps over a part that the partition does not have.
fn visits(method: &Method, swept: &Swept, partition: &Partition) -> Result<(), Diagnostic> {
    let parts = partition.parts().len();
    let Swept::Parts(order) = swept else { return Ok(()) };
    let Some(&part) = order.iter().find(|&&part| part >= parts) else { return Ok(()) };
    let error = StartError::SweptPart { part: part.saturating_add(1), parts };
    let at = method.settings.method("sweeps").and_then(|sweeps| sweeps.settings.span("parts"));
    Err(Diagnostic::error("E0819", error.to_string())
        .label(at.unwrap_or(method.name.span), "these parts")
        .help("leave `parts` out to visit all of them"))
}

/// Refuses a subject without local models, a partition that cuts through tensors, and sweeps over parts that there are not.
pub(super) fn suits(
    (method, solver): (&Method, &TwoLevelSolver),
    subject: &Subject,
    partition: &Partition,
) -> Result<(), Diagnostic> {
    visits(method, &solver.swept, partition)?;
    if let Subject::Network(network) = subject
        && network.weight_decay > 0.0
    {
        let at = method.settings.span("local").or_else(|| method.settings.span("preset"));
        return Err(Diagnostic::error("E0821", "local Gauss-Newton models know nothing of `weight_decay`")
            .label(at.unwrap_or(method.name.span), "needs local Gauss-Newton models")
            .help("remove `weight_decay` from the loss, or use `local = trust_region`"));
    }
    let refused = match subject {
        Subject::Function { name, operands, .. } => {
            let made = super::test_function(name, operands);
            let offers = made.is_ok_and(|mut f| {
                let f: &mut dyn Objective = f.as_mut();
                f.residuals().is_some() || f.hessian_product().is_some()
            });
            (!offers).then_some(NoGaussNewton::Unsupported)
        }
        Subject::Network(network) if network.backend != Backend::Native => Some(NoGaussNewton::Unsupported),
        Subject::Network(network) => {
            let cuts = |part: &&Subset| {
                network.network.tensors().iter().any(|tensor| {
                    let of = |r: &Range<usize>| {
                        r.end.min(tensor.range.end).saturating_sub(r.start.max(tensor.range.start))
                    };
                    let inside: usize = part.ranges().iter().map(of).sum();
                    inside != 0 && inside != tensor.range.len()
                })
            };
            let cut = partition.parts().iter().position(|part| cuts(&part));
            cut.map(|part| NoGaussNewton::CutsTensor { part: part + 1 })
        }
    };
    refused.map_or(Ok(()), |error| Err(refusal(method, &error)))
}

/// The diagnostic of an objective without local models.
fn refusal(method: &Method, error: &NoGaussNewton) -> Diagnostic {
    let at = method.settings.span("local").or_else(|| method.settings.span("preset"));
    let help = match error {
        NoGaussNewton::CutsTensor { .. } => "write `partition layers = weights(net) { by = layer }`",
        NoGaussNewton::TooLarge { .. } => "raise `parts` of the partition",
        _ => "use `local = trust_region`, which needs gradients only",
    };
    Diagnostic::error("E0821", error.to_string())
        .label(at.unwrap_or(method.name.span), "needs local Gauss-Newton models")
        .help(help)
}
