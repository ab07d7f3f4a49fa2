//! Exit codes.

use std::process::ExitCode;

use optkit::{Outcome, RunReport};

/// How the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Ended as asked.
    Success = 0,
    /// A budget ended a run that was to converge or reach a target.
    NotReached = 1,
    /// Usage or file error.
    Usage = 2,
    /// Numerical failure.
    Numerical = 3,
    /// Data missing.
    DataMissing = 4,
    /// Ctrl-C.
    Interrupted = 130,
}

impl Exit {
    pub(crate) fn of_run(report: &RunReport) -> Self {
        match report.status.outcome(report.goal_asked) {
            Outcome::AsAsked => Self::Success,
            Outcome::NotReached => Self::NotReached,
            Outcome::Failed => Self::Numerical,
            Outcome::Stopped => Self::Interrupted,
        }
    }

    pub(crate) fn of_data(error: &optkit::data::Error) -> Self {
        if error.is_interrupted() {
            Self::Interrupted
        } else if error.is_missing() {
            Self::DataMissing
        } else {
            Self::Usage
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
