//! How a valid run ended, with the evidence.
//!
//! An *error* is the caller's mistake, found before the first step; a *status* is how a valid run ended.

use std::fmt;

/// How a run ended. Says "converged" only where the stated test holds at the returned point.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Status {
    /// A convergence test held.
    Converged {
        /// The test as its author wrote it.
        term: String,
        /// Its left side at the returned point.
        measured: f64,
        /// Its right side.
        bound: f64,
    },
    /// A target (a loss, an accuracy) was reached.
    Target {
        /// The target as its author wrote it.
        term: String,
        /// The value reached.
        measured: f64,
        /// The value asked for.
        bound: f64,
    },
    /// A budget was used up.
    Budget {
        /// The budget as its author wrote it.
        term: String,
        /// What was used.
        used: f64,
        /// What was granted.
        limit: f64,
    },
    /// The method left the region where f is finite: its steps are too long (a smaller learning rate may help).
    Diverged {
        /// The iteration, counted from 1.
        iteration: u64,
        /// f there.
        value: f64,
    },
    /// The line search found no step that reduces f, and a restart along the gradient did not help.
    LineSearch {
        /// Longest step tried, ‖αp‖∞.
        longest: f64,
        /// ‖∇f‖∞ where it failed.
        gradient_norm: f64,
    },
    /// The gradient is exactly zero: a first-order point to the last bit.
    Stationary,
    /// No step changes f by more than its rounding error: nothing is left that this arithmetic can see.
    WithinRounding {
        /// The reduction that the model predicts for a step long enough to be seen.
        predicted: f64,
        /// The error of a value of f at this point.
        noise: f64,
    },
    /// The radius reached its minimum and no step inside it reduces f.
    RadiusUnderflow {
        /// The radius.
        radius: f64,
        /// Its minimum.
        minimum: f64,
    },
    /// f fell below every bound.
    UnboundedBelow {
        /// The last value.
        value: f64,
    },
    /// f or its gradient is not finite at the starting point.
    NotFiniteAtStart {
        /// f there.
        value: f64,
        /// ‖∇f‖∞ there.
        gradient_norm: f64,
    },
    /// What ended the run does not hold where f is evaluated anew at the same point: f gives different results at one
    /// point, by more than its [`noise`](crate::Objective::noise) allows.
    Inconsistent {
        /// What differs.
        what: &'static str,
        /// During the run.
        during: f64,
        /// Evaluated anew.
        anew: f64,
    },
    /// The caller stopped the run.
    Stopped,
}

/// What a status means for whoever asked for the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A test or target that was asked for holds, or the run was asked for a budget only and used it.
    AsAsked,
    /// A test or target was asked for and none holds.
    NotReached,
    /// The numbers broke down.
    Failed,
    /// The caller stopped the run.
    Stopped,
}

impl Status {
    /// `test_asked`: whether the caller asked for a convergence test or a target besides budgets.
    #[must_use]
    pub fn outcome(&self, test_asked: bool) -> Outcome {
        match self {
            Self::Converged { .. } | Self::Target { .. } | Self::Stationary => Outcome::AsAsked,
            Self::Budget { .. }
            | Self::WithinRounding { .. }
            | Self::RadiusUnderflow { .. }
            | Self::LineSearch { .. } => {
                if test_asked {
                    Outcome::NotReached
                } else {
                    Outcome::AsAsked
                }
            }
            Self::UnboundedBelow { .. }
            | Self::NotFiniteAtStart { .. }
            | Self::Inconsistent { .. }
            | Self::Diverged { .. } => Outcome::Failed,
            Self::Stopped => Outcome::Stopped,
        }
    }

    /// A stable word for logs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Converged { .. } => "converged",
            Self::Target { .. } => "target",
            Self::Budget { .. } => "budget",
            Self::Diverged { .. } => "diverged",
            Self::LineSearch { .. } => "line_search",
            Self::Stationary => "stationary",
            Self::WithinRounding { .. } => "within_rounding",
            Self::RadiusUnderflow { .. } => "radius_underflow",
            Self::UnboundedBelow { .. } => "unbounded_below",
            Self::NotFiniteAtStart { .. } => "not_finite_at_start",
            Self::Inconsistent { .. } => "inconsistent",
            Self::Stopped => "stopped",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Converged { term, measured, bound } => {
                write!(out, "converged: {term} ({} against {})", brief(*measured), brief(*bound))
            }
            Self::Target { term, measured, bound } => {
                write!(out, "target reached: {term} ({} against {})", brief(*measured), brief(*bound))
            }
            Self::Budget { term, used, limit } => {
                write!(out, "budget used: {term} ({} of {})", brief(*used), brief(*limit))
            }
            Self::Diverged { iteration, value } => {
                write!(out, "diverged: f = {value} after iteration {iteration}; shorter steps may help")
            }
            Self::LineSearch { longest, gradient_norm } => write!(
                out,
                "line search failed: no step of up to {longest:.1e} reduces f, though ‖∇f‖∞ = {gradient_norm:.1e}"
            ),
            Self::Stationary => write!(out, "stationary: the gradient is exactly zero"),
            Self::WithinRounding { predicted, noise } => write!(
                out,
                "within rounding: the model predicts a reduction of {predicted:.1e}, a value is exact to {noise:.1e}"
            ),
            Self::RadiusUnderflow { radius, minimum } => write!(
                out,
                "radius underflow: no step of length {radius:.1e} reduces f (minimum radius {minimum:.1e})"
            ),
            Self::UnboundedBelow { value } => write!(out, "unbounded below: f = {value:e}"),
            Self::NotFiniteAtStart { value, gradient_norm } => {
                write!(out, "not finite at the start: f = {value}, ‖∇f‖∞ = {gradient_norm}")
            }
            Self::Inconsistent { what, during, anew } => write!(
                out,
                "inconsistent: {what} was {during:.3e} during the run and is {anew:.3e} at the same point evaluated anew"
            ),
            Self::Stopped => write!(out, "stopped by the caller"),
        }
    }
}

/// A number as people write it: plain where short, with an exponent elsewhere.
fn brief(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-3..1e6).contains(&magnitude) {
        format!("{value:.3e}")
    } else {
        let text = format!("{value:.4}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_success_only_where_nothing_else_was_asked() {
        let spent = Status::Budget { term: "epochs >= 5".into(), used: 5.0, limit: 5.0 };
        assert_eq!(spent.outcome(false), Outcome::AsAsked);
        assert_eq!(spent.outcome(true), Outcome::NotReached);
        assert_eq!(spent.to_string(), "budget used: epochs >= 5 (5 of 5)");
    }
}
