//! From a method in a file to an optimizer.

use optkit_core::{Optimizer, RadiusDriven, Subset};
use optkit_lang::{Diagnostic, Method, Span};
use optkit_schwarz::{Apts, Options, Partition, Preset, TwoLevel, TwoLevelOptions};
use optkit_trust_region::Options as Engine;

use super::memory::Evaluates;
use super::slot::{Ball, ModelChoice, Slot, ball, check, order, ratio, refuse_radii, rule, slot};
use super::{descent::Descent, pairs, two_level};

/// A solver as the file describes it, checked, not yet bound to an objective.
#[derive(Clone, Debug)]
pub enum Solver {
    /// `apts`.
    Apts(Box<AptsSolver>),
    /// `apts { local = gauss_newton … }`.
    TwoLevel(Box<TwoLevelSolver>),
    /// `trust_region`.
    TrustRegion(Slot),
    /// `sgd`, `adam`, `adamw`, `lbfgs`.
    Descent(Descent),
}

/// `apts` with Gauss–Newton models of its parts.
#[derive(Clone, Debug)]
pub struct TwoLevelSolver {
    /// Its settings.
    pub options: TwoLevelOptions,
    /// What sweeps visit.
    pub swept: Swept,
}

/// What sweeps of the two-level method visit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Swept {
    /// The tail at once.
    Tail,
    /// All parts of the partition in turn.
    AllParts,
    /// These parts in turn, counted from 0.
    Parts(Vec<usize>),
}

/// `apts` with its solvers.
#[derive(Clone, Debug)]
pub struct AptsSolver {
    /// Its settings.
    pub options: Options,
    /// The local solver's engine.
    pub local: Slot,
    /// The global solver's engine.
    pub global: Slot,
    /// Where the file says where secant pairs come from.
    pub(super) pairs_at: Option<Span>,
}

impl Solver {
    /// Reads a method; what is wrong goes to `found`.
    pub(super) fn from_method(method: &Method, found: &mut Vec<Diagnostic>) -> Self {
        match method.name.value.as_str() {
            "apts" if two_level::is_meant(method) => Self::TwoLevel(Box::new(two_level::read(method, found))),
            "apts" => {
                two_level::refuse_without(method, found);
                apts(method, found)
            }
            "trust_region" => {
                if let Some(span) = method.settings.key_span("iterations") {
                    found.push(
                        Diagnostic::error("E0804", "`iterations` does not apply to a solver of its own")
                            .label(span, "this setting")
                            .help("say `stop when iterations >= …`; `iterations` is for the slots of `apts`"),
                    );
                }
                let base = Engine::default();
                let open = Slot { engine: base, model: None, subproblem: None, ball: None };
                Self::TrustRegion(slot(&method.settings, open, method.name.span, found))
            }
            other => Self::Descent(
                Descent::from_method(method, found)
                    .unwrap_or_else(|| unreachable!("the vocabulary has no solver `{other}`")),
            ),
        }
    }

    /// The optimizer; `partition` where the method takes one, `sizes` of the network's parameter tensors.
    pub(super) fn make(&self, partition: Option<Partition>, sizes: &[usize]) -> Box<dyn Optimizer> {
        match self {
            Self::TrustRegion(slot) => Box::new(slot.make(None, sizes)),
            Self::Descent(descent) => descent.make(partition, sizes),
            Self::TwoLevel(solver) => {
                let partition = partition.expect("`apts` requires its partition");
                let parts = partition.parts().len();
                let method = TwoLevel::new(partition, solver.options);
                Box::new(match &solver.swept {
                    Swept::Tail => method,
                    Swept::AllParts => method.with_swept_parts((0..parts).collect()),
                    Swept::Parts(order) => method.with_swept_parts(order.clone()),
                })
            }
            Self::Apts(apts) => {
                let AptsSolver { options, local, global, .. } = apts.as_ref();
                let partition = partition.expect("`apts` requires its partition");
                let (local, global) = (local.clone(), global.make(None, sizes));
                let sizes = sizes.to_vec();
                let make_local = move |part: &Subset| -> Box<dyn RadiusDriven> {
                    Box::new(local.make(Some(part), &sizes))
                };
                Box::new(Apts::with_solvers(partition, *options, Box::new(make_local), Box::new(global)))
            }
        }
    }

    /// What it holds for its evaluations; `split`: whether there is a partition.
    pub(super) fn evaluates(&self, split: bool) -> Evaluates {
        match self {
            Self::TwoLevel(_) => Evaluates::Levels,
            _ if split => Evaluates::Parts,
            _ => Evaluates::Whole,
        }
    }

    /// What only the subject can settle: the ball of a second-order model where none is given, and whether one that
    /// is given fits. On networks it is `per_tensor`, the measured best; a preset keeps to the paper's `two`. `seed`: the run's.
    pub(super) fn settle<'a>(
        &mut self,
        method: &'a Method,
        (network, seed): (bool, u64),
        found: &mut Vec<Diagnostic>,
    ) {
        let preset = method.settings.word("preset").is_some();
        let within = |method: &'a Method, key: &str| method.settings.method(key);
        let at = |key: &str| within(method, key).unwrap_or(method);
        let slots = match self {
            Self::TrustRegion(slot) => vec![(slot, method)],
            Self::TwoLevel(solver) => {
                two_level::settle(&mut solver.options, method, (network, seed), found);
                return;
            }
            Self::Apts(apts) => {
                let AptsSolver { local, global, .. } = apts.as_mut();
                vec![(local, at("local")), (global, at("global"))]
            }
            Self::Descent(descent) => {
                let outer = at("precondition");
                let inner = within(outer, "local").unwrap_or(outer);
                descent.local_mut().map(|slot| (slot, inner)).into_iter().collect()
            }
        };
        for (slot, at) in slots {
            let first_order =
                slot.model == Some(ModelChoice::Gradient) || slot.subproblem.as_deref() == Some("cauchy");
            match slot.ball {
                None if network && !first_order && !preset => slot.ball = Some(Ball::PerTensor),
                Some(Ball::PerTensor) if !network => {
                    let ball = at.settings.span("ball").or_else(|| method.settings.span("ball"));
                    let title = "`ball = per_tensor` is for networks, but none is minimised here";
                    found.push(
                        Diagnostic::error("E0816", title)
                            .label(ball.unwrap_or(method.name.span), "this setting")
                            .help("use `ball = two` or `ball = two_scaled`"),
                    );
                    return;
                }
                _ => {}
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
    options.pairs = pairs::read(settings);
    for (key, iterations) in
        [("local", &mut options.local_iterations), ("global", &mut options.global_iterations)]
    {
        if let Some(n) = settings.method(key).and_then(|m| m.settings.integer("iterations")) {
            *iterations = u32::try_from(n).expect("the vocabulary limits iterations");
        }
    }
    let at = if settings.given("radius") { settings.span("radius") } else { None };
    check(&options.global(), at.unwrap_or(method.name.span), found);
    // Order 1 unless the file says otherwise: the paper's own comparison begins there.
    let model = order(settings).unwrap_or(ModelChoice::Gradient);
    let base = |engine| Slot { engine, model: Some(model), subproblem: None, ball: ball(settings) };
    let mut engine = |key: &str, base: Slot| match settings.method(key) {
        Some(method) => {
            refuse_radii(method, "apts", found);
            slot(&method.settings, base, method.name.span, found)
        }
        None => base,
    };
    let local = engine("local", base(options.local()));
    let global = engine("global", base(options.global()));
    let made = AptsSolver { options, local, global, pairs_at: settings.span("pairs") };
    pairs::refuse_without_model(method, &made, found);
    Solver::Apts(Box::new(made))
}
