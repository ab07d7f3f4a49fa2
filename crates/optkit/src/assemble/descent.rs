//! `sgd`, `adam`, `adamw` and `lbfgs` of a file.

use optkit_core::Optimizer;
use optkit_descent::{
    Adam, AdamOptions, Lbfgs, LbfgsOptions, Sgd, SgdOptions, TorchLbfgs, TorchLbfgsOptions,
};
use optkit_lang::{Diagnostic, Method, Settings};

/// A descent method with its settings.
#[derive(Clone, Debug, PartialEq)]
pub enum Descent {
    /// `sgd`.
    Sgd(SgdOptions),
    /// `adam`.
    Adam(AdamOptions),
    /// `adamw`.
    AdamW(AdamOptions),
    /// `lbfgs` with a search of its own.
    Lbfgs(LbfgsOptions),
    /// `lbfgs { line_search = torch }`.
    TorchLbfgs(TorchLbfgsOptions),
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
                Self::TorchLbfgs(torch_lbfgs(settings))
            }
            "lbfgs" => {
                only_of_torch(settings, found);
                Self::Lbfgs(lbfgs(settings))
            }
            _ => return None,
        };
        let checked = match &made {
            Self::Sgd(options) => options.validate(),
            Self::Adam(options) | Self::AdamW(options) => options.validate(),
            Self::Lbfgs(options) => options.validate(),
            Self::TorchLbfgs(options) => options.validate(),
        };
        if let Err(error) = checked {
            let title = error.to_string();
            found.push(Diagnostic::error("E0802", title).label(method.name.span, "in this method"));
        }
        Some(made)
    }

    /// The optimizer.
    pub(super) fn make(&self) -> Box<dyn Optimizer> {
        match self {
            Self::Sgd(options) => Box::new(Sgd::new(*options)),
            Self::Adam(options) => Box::new(Adam::new(*options)),
            Self::AdamW(options) => Box::new(Adam::decoupled(*options)),
            Self::Lbfgs(options) => Box::new(Lbfgs::new(*options)),
            Self::TorchLbfgs(options) => Box::new(TorchLbfgs::new(*options)),
        }
    }
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
