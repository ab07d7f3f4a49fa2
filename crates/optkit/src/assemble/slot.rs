//! From the settings of a trust region in a file, its own or those of a slot, to an engine.

use optkit_core::Subset;
use optkit_lang::{Diagnostic, Method, Settings, Span};
use optkit_quasi_newton::{GammaRule, History, Lsr1, Settings as Lsr1Settings};
use optkit_trust_region::{
    Cauchy, Exact, Form, Gradient, Norm, Options as Engine, RadiusRule, Ratio, Scale, TrustRegion, subproblem,
};

/// A trust region, of its own or in a slot.
#[derive(Clone, Debug)]
pub struct Slot {
    /// The engine's settings.
    pub engine: Engine,
    /// The model; chosen for the objective where none is given.
    pub model: Option<ModelChoice>,
    /// The subproblem solver's word; the best that the model has where none is given.
    pub subproblem: Option<String>,
    /// The ball; the solver's own where none is given.
    pub ball: Option<Ball>,
}

/// A model with its settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ModelChoice {
    /// `gradient`.
    Gradient,
    /// `exact`.
    Exact,
    /// `lsr1`.
    Lsr1(Lsr1Settings),
}

impl ModelChoice {
    fn form(self) -> Form {
        match self {
            Self::Gradient => Form::Zero,
            Self::Exact => Form::Product,
            Self::Lsr1(_) => Form::Compact,
        }
    }
}

/// `lsr1` where `order = 2` stands for it: the paper's section 3.1.
pub(super) fn order_2() -> Lsr1Settings {
    Lsr1Settings { memory: 5, ..Lsr1Settings::default() }
}

/// The ball of a trust region, as the language names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ball {
    /// ‖s‖∞ ≤ Δ.
    Infinity,
    /// ‖s‖₂ ≤ Δ.
    Two,
    /// ‖s‖₂ ≤ √n Δ.
    TwoScaled,
    /// Σ ‖s_t‖₂²/n_t ≤ Δ² over the parameter tensors t.
    PerTensor,
}

impl Ball {
    fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "infinity" => Self::Infinity,
            "two" => Self::Two,
            "two_scaled" => Self::TwoScaled,
            "per_tensor" => Self::PerTensor,
            _ => return None,
        })
    }
}

impl Slot {
    /// `part`: the variables that it is for, all of them unless given. `sizes`: of the parameter tensors.
    pub(super) fn make(&self, part: Option<&Subset>, sizes: &[usize]) -> TrustRegion {
        let mut made = TrustRegion::new(self.engine);
        made = match self.model {
            None => made,
            Some(ModelChoice::Gradient) => made.with_model(Gradient),
            Some(ModelChoice::Exact) => made.with_model(Exact::default()),
            Some(ModelChoice::Lsr1(settings)) => {
                made.with_model(Lsr1::new(settings).expect("the vocabulary limits its settings"))
            }
        };
        if self.subproblem.as_deref() == Some("cauchy")
            || (self.subproblem.is_none() && self.model == Some(ModelChoice::Gradient))
        {
            let norm =
                if matches!(self.ball, None | Some(Ball::Infinity)) { Norm::Infinity } else { Norm::Two };
            made = made.with_subproblem(Box::new(Cauchy::in_ball(norm)));
        } else if let Some(name) = &self.subproblem {
            made = made.with_subproblem(
                subproblem(name).expect("the checker passes available subproblem solvers only"),
            );
        }
        match (self.ball, part) {
            (None | Some(Ball::Infinity | Ball::Two), _) => made,
            (Some(Ball::TwoScaled), _) => made.with_scale(Scale::Uniform),
            (Some(Ball::PerTensor), None) => made.with_scale(Scale::per_tensor(sizes)),
            (Some(Ball::PerTensor), Some(part)) => made.with_scale(Scale::per_tensor_of(sizes, part)),
        }
    }
}

/// The radius of a slot is that of its owner.
pub(super) fn refuse_radii(method: &Method, owner: &str, found: &mut Vec<Diagnostic>) {
    for radius in ["radius", "min_radius", "max_radius"] {
        if let Some(span) = method.settings.key_span(radius) {
            found.push(
                Diagnostic::error("E0803", format!("`{radius}` does not apply in a slot of `{owner}`"))
                    .label(span, "this setting")
                    .note("the owner's radius is the one of all its slots")
                    .help(format!("set `{radius}` on `{owner}` itself")),
            );
        }
    }
}

pub(super) fn slot(settings: &Settings, base: Slot, at: Span, found: &mut Vec<Diagnostic>) -> Slot {
    let mut engine = base.engine;
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
    if base.engine.validate().is_ok() {
        check(&engine, settings.span("radius").unwrap_or(at), found);
    }
    let model = order(settings).or_else(|| settings.method("model").map(model)).or(base.model);
    let subproblem = settings.method("subproblem").map(|m| m.name.value.clone()).or(base.subproblem);
    let ball = ball(settings).or(base.ball);
    let slot = Slot { engine, model, subproblem, ball };
    check_together(&slot, settings, at, found);
    slot
}

/// The model that `order` is short for.
pub(super) fn order(settings: &Settings) -> Option<ModelChoice> {
    settings.given("order").then(|| settings.integer("order")).flatten().map(|order| match order {
        1 => ModelChoice::Gradient,
        _ => ModelChoice::Lsr1(order_2()),
    })
}

fn model(method: &Method) -> ModelChoice {
    match method.name.value.as_str() {
        "gradient" => ModelChoice::Gradient,
        "exact" => ModelChoice::Exact,
        "lsr1" => ModelChoice::Lsr1(lsr1(&method.settings)),
        other => unreachable!("the vocabulary has no model `{other}`"),
    }
}

fn lsr1(settings: &Settings) -> Lsr1Settings {
    let memory = settings.integer("memory").and_then(|m| usize::try_from(m).ok());
    Lsr1Settings {
        memory: memory.unwrap_or(order_2().memory),
        gamma: match settings.word("gamma") {
            Some("below_eigenvalue") => GammaRule::BelowEigenvalue,
            Some("one") => GammaRule::Fixed(1.0),
            _ => GammaRule::Newest,
        },
        history: match settings.word("history") {
            Some("rows") => History::Rows,
            _ => History::Exact,
        },
        ..order_2()
    }
}

pub(super) fn ball(settings: &Settings) -> Option<Ball> {
    settings.given("ball").then(|| settings.word("ball")).flatten().and_then(Ball::from_word)
}

/// A model, a subproblem solver and a ball that do not go together.
fn check_together(slot: &Slot, settings: &Settings, at: Span, found: &mut Vec<Diagnostic>) {
    let place = settings.span("subproblem").unwrap_or(at);
    let solver = slot.subproblem.as_deref();
    if let (Some(solver), Some(model)) = (solver, slot.model)
        && let Some(made) = subproblem(solver)
        && !model.form().offers(made.needs())
    {
        let (needs, remedy) = if made.needs() == Form::Compact {
            ("a compact form of the model's Hessian", "use `model = lsr1`, or `subproblem = steihaug`")
        } else {
            (
                "products with the model's Hessian",
                "use `model = exact` or `model = lsr1`, or `subproblem = cauchy`",
            )
        };
        found.push(
            Diagnostic::error("E0814", format!("`{solver}` needs {needs}, which this model does not have"))
                .label(place, "this solver")
                .help(remedy),
        );
    }
    let cauchy = solver == Some("cauchy") || (solver.is_none() && slot.model == Some(ModelChoice::Gradient));
    if slot.ball == Some(Ball::Infinity) && !cauchy {
        let title = match solver {
            Some(solver) => format!("`{solver}` works in 2-norm balls only"),
            None => "second-order models are solved in 2-norm balls only".to_owned(),
        };
        found.push(
            Diagnostic::error("E0815", title)
                .label(settings.span("ball").unwrap_or(place), "asks for the ∞-norm")
                .help("use `ball = two`, `two_scaled` or `per_tensor`, or `subproblem = cauchy`"),
        );
    }
}

/// The given settings of a radius rule over `base`.
pub(super) fn rule(settings: &Settings, base: RadiusRule) -> RadiusRule {
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

pub(super) fn ratio(settings: &Settings) -> Option<Ratio> {
    if !settings.given("ratio") {
        return None;
    }
    match settings.word("ratio")? {
        "paper_code" => Some(Ratio::PaperCode),
        _ => Some(Ratio::Model),
    }
}

/// What single ranges cannot say: `radius` between its limits, thresholds in order.
pub(super) fn check(engine: &Engine, at: Span, found: &mut Vec<Diagnostic>) {
    if let Err(error) = engine.validate() {
        found.push(Diagnostic::error("E0802", error.to_string()).label(at, "in this method"));
    }
}
