//! What methods without trial points report, and how settings are refused.

use optkit_core::{StartError, StepReport};

pub(crate) fn refuse<T>(name: &'static str, value: f64, requirement: &'static str) -> Result<T, StartError> {
    Err(StartError::Setting { name, value, requirement })
}

/// An iteration of a method without trial points. Its value is not known before the next gradient is.
pub(crate) fn moved(iteration: u64, changed: bool) -> StepReport {
    StepReport {
        iteration,
        value: f64::NAN,
        radius: f64::NAN,
        ratio: f64::NAN,
        accepted: changed,
        trials_accepted: u32::from(changed),
        trials_rejected: 0,
        local_iterations: 0,
    }
}
