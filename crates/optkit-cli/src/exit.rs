//! Exit codes.

use std::process::ExitCode;

use optkit::assemble::LoadPlanError;
use optkit::experiment::End;
use optkit::run_folder::{RunError, Verdict};
use optkit::{Outcome, RunReport, Status};

/// How the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Ended as asked.
    Success = 0,
    /// A budget ended a run that was to converge or reach a target.
    NotReached = 1,
    /// Usage, a file, or the system.
    Usage = 2,
    /// Numerical failure.
    Numerical = 3,
    /// Data missing.
    DataMissing = 4,
    /// By Ctrl-C, SIGTERM or SIGUSR1.
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

    /// Of several runs the gravest: interrupted, then what could not be run, then how runs ended.
    pub(crate) fn of_ends<'a>(ends: impl IntoIterator<Item = &'a End>) -> Self {
        let order = [
            Self::Success,
            Self::NotReached,
            Self::Numerical,
            Self::DataMissing,
            Self::Usage,
            Self::Interrupted,
        ];
        let grave = |exit: &Self| order.iter().position(|other| other == exit);
        ends.into_iter().map(Self::of_end).max_by_key(grave).unwrap_or(Self::Success)
    }

    fn of_end(end: &End) -> Self {
        match (end, end.verdict()) {
            (_, Some(Verdict::AsAsked)) => Self::Success,
            (_, Some(Verdict::NotReached)) => Self::NotReached,
            (_, Some(Verdict::Failed)) => Self::Numerical,
            (End::NotBegun, _) | (_, Some(Verdict::Stopped)) => Self::Interrupted,
            (End::Failed(RunError::Load(LoadPlanError::Data(error))), _) => Self::of_data(error),
            (_, None) => Self::Usage,
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
