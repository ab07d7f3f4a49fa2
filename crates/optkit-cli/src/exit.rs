//! Exit codes.

use std::process::ExitCode;

use optkit::{Outcome, RunReport, Status};

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
        Self::of_status(&report.status, report.goal_asked)
    }

    fn of_status(status: &Status, goal_asked: bool) -> Self {
        match status.outcome(goal_asked) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_code() {
        let budget = Status::Budget { term: "epochs >= 1".into(), used: 1.0, limit: 1.0 };
        assert_eq!(Exit::of_status(&budget, false), Exit::Success);
        assert_eq!(Exit::of_status(&budget, true), Exit::NotReached);
        assert_eq!(Exit::of_status(&Status::Stationary, true), Exit::Success);
        let undefined = Status::NotFiniteAtStart { value: f64::NAN, gradient_norm: f64::NAN };
        let unbounded = Status::UnboundedBelow { value: -1e300 };
        for failure in [undefined, unbounded] {
            assert_eq!(Exit::of_status(&failure, false) as u8, 3, "{failure}");
            assert_eq!(Exit::of_status(&failure, true) as u8, 3, "{failure}");
        }
        assert_eq!(Exit::of_status(&Status::Stopped, true) as u8, 130);
    }
}
