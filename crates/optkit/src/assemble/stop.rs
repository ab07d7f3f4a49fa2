//! From `stop when …` to terms that are tested.

use std::time::Duration;

use optkit_lang::{Budget, Norm, Quantity, Stop, TermKind};

use crate::stop::{StopWhen, Test};

/// The file's terms; where it has none, a default that suits the objective.
pub(super) fn stop_when(stop: &Stop, network: bool) -> StopWhen {
    if stop.terms.is_empty() {
        let default = StopWhen::new();
        return if network {
            default.or("epochs >= 100 (default)", Test::Epochs(100))
        } else {
            default.gradient_norm_inf(1e-6).iterations(10_000)
        };
    }
    stop.terms.iter().fold(StopWhen::new(), |when, term| when.or(term.text.clone(), test(&term.kind)))
}

fn test(kind: &TermKind) -> Test {
    match kind {
        TermKind::Gradient { norm, bound } => {
            let bound = bound.clone();
            let bound = Box::new(move |value| bound.at(value));
            match norm {
                Norm::Two => Test::GradientNorm(bound),
                Norm::Infinity => Test::GradientNormInf(bound),
            }
        }
        TermKind::Target { quantity: Quantity::Objective, at_least, bound } => {
            Test::Value { at_least: *at_least, bound: bound.at(f64::NAN) }
        }
        TermKind::Target { quantity: Quantity::Measure(name), at_least, bound } => {
            Test::Measure { name: name.clone(), at_least: *at_least, bound: bound.at(f64::NAN) }
        }
        TermKind::Budget { what, limit } => budget(*what, *limit),
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // the checker passes positive counts only
fn budget(what: Budget, limit: f64) -> Test {
    match what {
        Budget::Epochs => Test::Epochs(limit.ceil() as u64),
        Budget::Iterations => Test::Iterations(limit.ceil() as u64),
        Budget::Gradients => Test::Gradients(limit),
        Budget::Time => Test::Time(Duration::try_from_secs_f64(limit).unwrap_or(Duration::MAX)),
    }
}
