//! When a run ends: convergence tests, targets and budgets.

use std::time::Duration;

use optkit_core::Status;

/// Terms of which the first that holds ends the run, tested where value and gradient are known.
#[derive(Default)]
pub struct StopWhen {
    terms: Vec<Term>,
}

/// One term with the words that report it.
struct Term {
    text: String,
    test: Test,
}

/// A bound that may depend on the value of the objective.
pub type Bound = Box<dyn Fn(f64) -> f64 + Send + Sync>;

/// What a term tests.
pub enum Test {
    /// ‖∇f‖₂ ≤ bound.
    GradientNorm(Bound),
    /// ‖∇f‖∞ ≤ bound.
    GradientNormInf(Bound),
    /// f ≤ bound, or f ≥ bound.
    Value {
        /// True for ≥.
        at_least: bool,
        /// The target.
        bound: f64,
    },
    /// A measure reaches its target.
    Measure {
        /// Its name.
        name: String,
        /// True for ≥.
        at_least: bool,
        /// The target.
        bound: f64,
    },
    /// Passes over the data; an iteration, where there are no mini-batches.
    Epochs(u64),
    /// Iterations of the method.
    Iterations(u64),
    /// Gradient equivalents.
    Gradients(f64),
    /// Wall time in training.
    Time(Duration),
}

impl Test {
    /// True for convergence tests and targets, false for budgets.
    #[must_use]
    pub fn is_goal(&self) -> bool {
        !matches!(self, Self::Epochs(_) | Self::Iterations(_) | Self::Gradients(_) | Self::Time(_))
    }

    fn same_budget(&self, other: &Self) -> bool {
        !self.is_goal() && std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

/// What terms are tested on.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// f at the current point.
    pub value: f64,
    /// ‖∇f‖₂ there.
    pub gradient_norm: f64,
    /// ‖∇f‖∞ there.
    pub gradient_norm_inf: f64,
    /// The measures there, by name.
    pub measures: &'a [(String, f64)],
    /// Epochs made.
    pub epochs: u64,
    /// Iterations made.
    pub iterations: u64,
    /// Gradient equivalents used.
    pub gradients: f64,
    /// Wall time in training.
    pub time: Duration,
}

impl StopWhen {
    /// No term yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Add a term; `text` is how its author wrote it.
    #[must_use]
    pub fn or(mut self, text: impl Into<String>, test: Test) -> Self {
        self.terms.push(Term { text: text.into(), test });
        self
    }

    /// Replace the budgets of this kind, or add one.
    pub fn limit(&mut self, text: impl Into<String>, budget: Test) {
        self.terms.retain(|term| !term.test.same_budget(&budget));
        self.terms.push(Term { text: text.into(), test: budget });
    }

    /// ‖∇f‖∞ ≤ `bound`.
    #[must_use]
    pub fn gradient_norm_inf(self, bound: f64) -> Self {
        self.or(format!("norm_inf(grad) <= {bound:e}"), Test::GradientNormInf(Box::new(move |_| bound)))
    }

    /// At most `limit` iterations.
    #[must_use]
    pub fn iterations(self, limit: u64) -> Self {
        self.or(format!("iterations >= {limit}"), Test::Iterations(limit))
    }

    /// True where a convergence test or a target is among the terms.
    #[must_use]
    pub fn has_goal(&self) -> bool {
        self.terms.iter().any(|term| term.test.is_goal())
    }

    /// True where there is no term at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// The terms' tests.
    pub fn tests(&self) -> impl Iterator<Item = &Test> {
        self.terms.iter().map(|term| &term.test)
    }

    /// The budget of gradient equivalents, where there is one.
    #[must_use]
    pub fn gradients(&self) -> Option<f64> {
        let limits = self.tests().filter_map(|test| match test {
            Test::Gradients(limit) => Some(*limit),
            _ => None,
        });
        limits.reduce(f64::min)
    }

    /// The terms as their authors wrote them, joined by `or`.
    #[must_use]
    pub fn text(&self) -> String {
        self.terms.iter().map(|term| term.text.as_str()).collect::<Vec<_>>().join(" or ")
    }

    /// The status of the first term that holds.
    #[must_use]
    pub fn holds(&self, at: &Progress<'_>) -> Option<Status> {
        self.terms.iter().find_map(|term| term.holds(at))
    }

    /// The status of the first budget that is used up; other terms are not looked at.
    #[must_use]
    pub fn exhausted(&self, at: &Progress<'_>) -> Option<Status> {
        self.terms.iter().filter(|term| !term.test.is_goal()).find_map(|term| term.holds(at))
    }
}

impl Term {
    #[allow(clippy::cast_precision_loss)] // counts of iterations stay far below 2⁵³
    fn holds(&self, at: &Progress<'_>) -> Option<Status> {
        let term = || self.text.clone();
        let converged = |measured: f64, bound: f64| {
            (measured <= bound).then(|| Status::Converged { term: term(), measured, bound })
        };
        let target = |measured: f64, at_least: bool, bound: f64| {
            let reached = if at_least { measured >= bound } else { measured <= bound };
            reached.then(|| Status::Target { term: term(), measured, bound })
        };
        let budget =
            |used: f64, limit: f64| (used >= limit).then(|| Status::Budget { term: term(), used, limit });
        match &self.test {
            Test::GradientNorm(bound) => converged(at.gradient_norm, bound(at.value)),
            Test::GradientNormInf(bound) => converged(at.gradient_norm_inf, bound(at.value)),
            Test::Value { at_least, bound } => target(at.value, *at_least, *bound),
            Test::Measure { name, at_least, bound } => {
                let (_, measured) = at.measures.iter().find(|(n, _)| n == name)?;
                target(*measured, *at_least, *bound)
            }
            Test::Epochs(limit) => budget(at.epochs as f64, *limit as f64),
            Test::Iterations(limit) => budget(at.iterations as f64, *limit as f64),
            Test::Gradients(limit) => budget(at.gradients, *limit),
            Test::Time(limit) => budget(at.time.as_secs_f64(), limit.as_secs_f64()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(iterations: u64) -> Progress<'static> {
        Progress {
            value: 1.0,
            gradient_norm: 2.0,
            gradient_norm_inf: f64::NAN,
            measures: &[],
            epochs: iterations,
            iterations,
            gradients: 0.0,
            time: Duration::ZERO,
        }
    }

    #[test]
    fn a_limit_replaces_those_of_its_kind_and_joins_the_others() {
        let mut stop = StopWhen::new().iterations(100).or("epochs >= 7", Test::Epochs(7));
        stop.limit("--iterations 3", Test::Iterations(3));
        assert_eq!(stop.text(), "epochs >= 7 or --iterations 3");
        assert!(matches!(stop.holds(&at(3)), Some(Status::Budget { term, .. }) if term == "--iterations 3"));
        assert_eq!(stop.holds(&at(2)), None);
    }

    #[test]
    fn a_nan_norm_is_no_convergence() {
        assert_eq!(StopWhen::new().gradient_norm_inf(1e300).holds(&at(0)), None);
    }
}
