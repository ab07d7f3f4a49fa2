//! From a method in a file to an optimizer.

use optkit_core::{Optimizer, RadiusDriven};
use optkit_lang::{Diagnostic, Method, Settings, Span};
use optkit_schwarz::{Apts, Options, Partition, Preset};
use optkit_trust_region::{Options as Engine, RadiusRule, Ratio, TrustRegion, subproblem};

/// A solver as the file describes it, checked, not yet bound to an objective.
#[derive(Clone, Debug)]
pub enum Solver {
    /// `apts`.
    Apts {
        /// Its settings.
        options: Options,
        /// The local solver's engine.
        local: Slot,
        /// The global solver's engine.
        global: Slot,
    },
    /// `trust_region`.
    TrustRegion(Slot),
}

/// A trust region in a slot.
#[derive(Clone, Debug)]
pub struct Slot {
    /// The engine's settings.
    pub engine: Engine,
    /// The subproblem solver's word.
    pub subproblem: String,
}

impl Slot {
    fn make(&self) -> Box<dyn RadiusDriven> {
        let solver =
            subproblem(&self.subproblem).expect("the checker passes available subproblem solvers only");
        Box::new(TrustRegion::new(self.engine, solver))
    }
}

impl Solver {
    /// Reads a method; what is wrong goes to `found`.
    pub(super) fn from_method(method: &Method, found: &mut Vec<Diagnostic>) -> Self {
        match method.name.value.as_str() {
            "apts" => apts(method, found),
            "trust_region" => {
                if let Some(span) = method.settings.key_span("iterations") {
                    found.push(
                        Diagnostic::error("E0804", "`iterations` does not apply to a solver of its own")
                            .label(span, "this setting")
                            .help("say `stop when iterations >= …`; `iterations` is for the slots of `apts`"),
                    );
                }
                let base = Engine::default();
                Self::TrustRegion(slot(&method.settings, base, method.name.span, found))
            }
            other => unreachable!("the vocabulary has no solver `{other}`"),
        }
    }

    /// The optimizer; `partition` where the method takes one.
    pub(super) fn make(&self, partition: Option<Partition>) -> Box<dyn Optimizer> {
        match self {
            Self::TrustRegion(slot) => {
                let solver = subproblem(&slot.subproblem).expect("as in `Slot::make`");
                Box::new(TrustRegion::new(slot.engine, solver))
            }
            Self::Apts { options, local, global } => {
                let partition = partition.expect("`apts` requires its partition");
                let local = local.clone();
                Box::new(Apts::with_solvers(
                    partition,
                    *options,
                    Box::new(move || local.make()),
                    global.make(),
                ))
            }
        }
    }
}

fn apts(method: &Method, found: &mut Vec<Diagnostic>) -> Solver {
    let settings = &method.settings;
    let preset = settings.word("preset").and_then(Preset::from_word);
    let mut options = preset.map_or_else(Options::default, Preset::options);
    let given = |key: &str| settings.given(key).then(|| settings.real(key)).flatten();
    if let Some(radius) = given("radius") {
        options.radius = radius;
    }
    options.rule = rule(settings, options.rule);
    if settings.given("fdl") {
        options.fdl = settings.switch("fdl").unwrap_or(options.fdl);
    }
    options.ratio = ratio(settings).unwrap_or(options.ratio);
    for (key, iterations) in
        [("local", &mut options.local_iterations), ("global", &mut options.global_iterations)]
    {
        if let Some(n) = settings.method(key).and_then(|m| m.settings.integer("iterations")) {
            *iterations = u32::try_from(n).expect("the vocabulary limits iterations");
        }
    }
    let at = if settings.given("radius") { settings.span("radius") } else { None };
    check(&options.global(), at.unwrap_or(method.name.span), found);
    let mut engine = |key: &str, base: Engine| match settings.method(key) {
        Some(method) => {
            for radius in ["radius", "min_radius", "max_radius"] {
                if let Some(span) = method.settings.key_span(radius) {
                    found.push(
                        Diagnostic::error("E0803", format!("`{radius}` does not apply in a slot of `apts`"))
                            .label(span, "this setting")
                            .note("the radius of APTS is the one of its parts and of its global step")
                            .help(format!("set `{radius}` on `apts` itself")),
                    );
                }
            }
            slot(&method.settings, base, method.name.span, found)
        }
        None => Slot { engine: base, subproblem: "cauchy".to_owned() },
    };
    let local = engine("local", options.local());
    let global = engine("global", options.global());
    Solver::Apts { options, local, global }
}

fn slot(settings: &Settings, base: Engine, at: Span, found: &mut Vec<Diagnostic>) -> Slot {
    let mut engine = base;
    if let Some(radius) = settings.given("radius").then(|| settings.real("radius")).flatten() {
        engine.radius = radius;
    }
    engine.rule = rule(settings, engine.rule);
    if let Some(acceptance) = settings.given("acceptance").then(|| settings.real("acceptance")).flatten() {
        engine.acceptance = acceptance;
    }
    if let Some(trials) = settings.given("trials").then(|| settings.integer("trials")).flatten() {
        engine.trials = u32::try_from(trials).expect("the vocabulary limits trials");
    }
    engine.ratio = ratio(settings).unwrap_or(engine.ratio);
    // What is wrong with the settings that a slot takes over is said where they are set.
    if base.validate().is_ok() {
        check(&engine, settings.span("radius").unwrap_or(at), found);
    }
    let subproblem =
        settings.method("subproblem").map_or_else(|| "cauchy".to_owned(), |m| m.name.value.clone());
    Slot { engine, subproblem }
}

/// The given settings of a radius rule over `base`.
fn rule(settings: &Settings, base: RadiusRule) -> RadiusRule {
    let over = |key: &str, base: f64| {
        if settings.given(key) { settings.real(key).unwrap_or(base) } else { base }
    };
    RadiusRule {
        shrink: over("shrink", base.shrink),
        grow: over("grow", base.grow),
        shrink_below: over("shrink_below", base.shrink_below),
        grow_above: over("grow_above", base.grow_above),
        min_radius: over("min_radius", base.min_radius),
        max_radius: over("max_radius", base.max_radius),
    }
}

fn ratio(settings: &Settings) -> Option<Ratio> {
    if !settings.given("ratio") {
        return None;
    }
    match settings.word("ratio")? {
        "paper_code" => Some(Ratio::PaperCode),
        _ => Some(Ratio::Model),
    }
}

/// What single ranges cannot say: `radius` between its limits, thresholds in order.
fn check(engine: &Engine, at: Span, found: &mut Vec<Diagnostic>) {
    if let Err(error) = engine.validate() {
        found.push(Diagnostic::error("E0802", error.to_string()).label(at, "in this method"));
    }
}
