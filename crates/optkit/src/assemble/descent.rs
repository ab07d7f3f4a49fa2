//! `sgd`, `adam`, `adamw` and `lbfgs` of a file.

use optkit_core::{Optimizer, RadiusDriven, Subset};
use optkit_descent::{
    Adam, AdamOptions, Lbfgs, LbfgsOptions, Sgd, SgdOptions, TorchLbfgs, TorchLbfgsOptions,
};
use optkit_lang::{Diagnostic, Method, Settings};
use optkit_schwarz::{Partition, PreconditionerOptions, SchwarzPreconditioner};

use super::slot::{ModelChoice, Slot, order_2, refuse_radii, rule, slot};

/// A descent method with its settings.
#[derive(Clone, Debug)]
pub enum Descent {
    /// `sgd`.
    Sgd(SgdOptions),
    /// `adam`.
    Adam(AdamOptions),
    /// `adamw`.
    AdamW(AdamOptions),
    /// `lbfgs` with a search of its own.
    Lbfgs {
        /// Its settings.
        options: LbfgsOptions,
        /// What moves the point before every line search.
        precondition: Option<Schwarz>,
    },
    /// `lbfgs { line_search = torch }`.
    TorchLbfgs(TorchLbfgsOptions),
}

/// `schwarz` with the solver of its parts.
#[derive(Clone, Debug)]
pub struct Schwarz {
    /// Its settings.
    pub options: PreconditionerOptions,
    /// The local solver's engine.
    pub local: Slot,
}

/// Settings of `lbfgs` that PyTorch's method has and ours has no use for.
const OF_TORCH: [&str; 4] = ["lr", "iterations", "tolerance_gradient", "tolerance_change"];

impl Descent {
    /// Reads a method, if it is one of these; what is wrong goes to `found`.
    pub(super) fn from_method(method: &Method, found: &mut Vec<Diagnostic>) -> Option<Self> {
        let settings = &method.settings;
        let made = match method.name.value.as_str() {
            "sgd" => Self::Sgd(sgd(settings)),
            "adam" => Self::Adam(adam(settings, AdamOptions::default())),
            "adamw" => Self::AdamW(adam(settings, AdamOptions::adamw())),
            "lbfgs" if settings.word("line_search") == Some("torch") => {
                only_of_ours(settings, found);
                Self::TorchLbfgs(torch_lbfgs(settings))
            }
            "lbfgs" => {
                only_of_torch(settings, found);
                let precondition = settings.method("precondition").map(|method| schwarz(method, found));
                Self::Lbfgs { options: lbfgs(settings), precondition }
            }
            _ => return None,
        };
        let checked = match &made {
            Self::Sgd(options) => options.validate(),
            Self::Adam(options) | Self::AdamW(options) => options.validate(),
            Self::Lbfgs { options, .. } => options.validate(),
            Self::TorchLbfgs(options) => options.validate(),
        };
        if let Err(error) = checked {
            let title = error.to_string();
            found.push(Diagnostic::error("E0802", title).label(method.name.span, "in this method"));
        }
        Some(made)
    }

    /// The optimizer; `partition` where it has parts, `sizes` of the network's parameter tensors.
    pub(super) fn make(&self, partition: Option<Partition>, sizes: &[usize]) -> Box<dyn Optimizer> {
        match self {
            Self::Sgd(options) => Box::new(Sgd::new(*options)),
            Self::Adam(options) => Box::new(Adam::new(*options)),
            Self::AdamW(options) => Box::new(Adam::decoupled(*options)),
            Self::Lbfgs { options, precondition: None } => Box::new(Lbfgs::new(*options)),
            Self::Lbfgs { options, precondition: Some(schwarz) } => {
                let partition = partition.expect("`schwarz` requires its partition");
                let (local, sizes) = (schwarz.local.clone(), sizes.to_vec());
                let make_local = move |part: &Subset| -> Box<dyn RadiusDriven> {
                    Box::new(local.make(Some(part), &sizes))
                };
                let sweep =
                    SchwarzPreconditioner::with_solver(partition, schwarz.options, Box::new(make_local));
                Box::new(Lbfgs::new(*options).with_preconditioner(Box::new(sweep)))
            }
            Self::TorchLbfgs(options) => Box::new(TorchLbfgs::new(*options)),
        }
    }

    /// The solver of parts, where there are parts.
    pub(super) fn local_mut(&mut self) -> Option<&mut Slot> {
        match self {
            Self::Lbfgs { precondition: Some(schwarz), .. } => Some(&mut schwarz.local),
            _ => None,
        }
    }
}

/// The name of the partition that a solver stands on, wherever in it that is said.
pub(super) fn partition_name(method: &Method) -> Option<&str> {
    let settings = &method.settings;
    settings
        .partition("partition")
        .or_else(|| settings.method("precondition")?.settings.partition("partition"))
}

fn schwarz(method: &Method, found: &mut Vec<Diagnostic>) -> Schwarz {
    let settings = &method.settings;
    let base = PreconditionerOptions::default();
    let local = settings.method("local");
    let options = PreconditionerOptions {
        radius: settings.real("radius").unwrap_or(base.radius),
        rule: rule(settings, base.rule),
        local_iterations: local
            .and_then(|m| whole(&m.settings, "iterations"))
            .unwrap_or(base.local_iterations),
    };
    let engine = options.local();
    let limits = optkit_trust_region::Options { rule: options.rule, ..engine };
    if let Err(error) = limits.validate() {
        let title = error.to_string();
        found.push(Diagnostic::error("E0802", title).label(method.name.span, "in this method"));
    }
    let base = Slot { engine, model: Some(ModelChoice::Lsr1(order_2())), subproblem: None, ball: None };
    let local = match local {
        Some(local) => {
            refuse_radii(local, "schwarz", found);
            slot(&local.settings, base, method.name.span, found)
        }
        None => base,
    };
    Schwarz { options, local }
}

fn sgd(settings: &Settings) -> SgdOptions {
    let real = |key: &str| settings.real(key).unwrap_or(0.0);
    SgdOptions {
        lr: real("lr"),
        momentum: real("momentum"),
        nesterov: settings.switch("nesterov").unwrap_or(false),
        dampening: real("dampening"),
        weight_decay: real("weight_decay"),
    }
}

fn adam(settings: &Settings, base: AdamOptions) -> AdamOptions {
    let real = |key: &str, base: f64| settings.real(key).unwrap_or(base);
    AdamOptions {
        lr: real("lr", base.lr),
        beta1: real("beta1", base.beta1),
        beta2: real("beta2", base.beta2),
        epsilon: real("epsilon", base.epsilon),
        weight_decay: real("weight_decay", base.weight_decay),
        amsgrad: settings.switch("amsgrad").unwrap_or(base.amsgrad),
    }
}

fn whole(settings: &Settings, key: &str) -> Option<u32> {
    settings.integer(key).map(|n| u32::try_from(n).expect("the vocabulary limits whole numbers"))
}

fn lbfgs(settings: &Settings) -> LbfgsOptions {
    let base = LbfgsOptions::default();
    LbfgsOptions {
        memory: whole(settings, "memory").map_or(base.memory, |m| m as usize),
        max_evaluations: whole(settings, "max_evaluations").unwrap_or(base.max_evaluations),
    }
}

fn torch_lbfgs(settings: &Settings) -> TorchLbfgsOptions {
    let base = TorchLbfgsOptions::default();
    let real = |key: &str, base: f64| settings.real(key).unwrap_or(base);
    TorchLbfgsOptions {
        memory: whole(settings, "memory").map_or(base.memory, |m| m as usize),
        lr: real("lr", base.lr),
        iterations: whole(settings, "iterations").unwrap_or(base.iterations),
        max_evaluations: whole(settings, "max_evaluations"),
        tolerance_gradient: real("tolerance_gradient", base.tolerance_gradient),
        tolerance_change: real("tolerance_change", base.tolerance_change),
    }
}

/// Settings that would have no effect.
fn only_of_torch(settings: &Settings, found: &mut Vec<Diagnostic>) {
    for key in OF_TORCH {
        if let Some(span) = settings.key_span(key) {
            let title = format!("`{key}` is for `line_search = torch` only");
            found.push(
                Diagnostic::error("E0820", title)
                    .label(span, "this setting")
                    .help("remove it, or add `line_search = torch`"),
            );
        }
    }
}

/// PyTorch's method has no half steps.
fn only_of_ours(settings: &Settings, found: &mut Vec<Diagnostic>) {
    if let Some(span) = settings.key_span("precondition") {
        found.push(
            Diagnostic::error("E0820", "`precondition` is for `line_search = strong_wolfe` only")
                .label(span, "this setting")
                .help("remove it, or remove `line_search = torch`"),
        );
    }
}
