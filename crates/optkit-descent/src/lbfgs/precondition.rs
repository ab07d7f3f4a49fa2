//! The half step of a preconditioned iteration, x → x + α(x̃ − x), as in ASPQN (Kopaničáková, Kothari, Karniadakis &
//! Krause 2024, Alg. 2): α from backtracking, 1 first.

use optkit_core::vector::{all_finite, dot};
use optkit_core::{Evaluated, Objective, Preconditioner, Proposal};

use crate::iterate::Iterate;
use crate::more_thuente::DECREASE;

/// Shares of the way that are tried: 1, ½, …
const TRIALS: u32 = 5;

/// A preconditioner with room for what it proposes.
pub(super) struct HalfStep {
    pub(super) preconditioner: Box<dyn Preconditioner>,
    proposed: Vec<f64>,
    trial: Vec<f64>,
    gradient: Vec<f64>,
    /// Gradient equivalents of the last half step.
    pub(super) cost: f64,
}

/// What a half step did.
#[derive(Clone, Copy, Default)]
pub(super) struct Half {
    pub(super) moved: bool,
    pub(super) proposal: Proposal,
}

impl HalfStep {
    /// Vectors of n numbers, beside the preconditioner's.
    pub(super) const VECTORS: usize = 3;

    pub(super) fn new(preconditioner: Box<dyn Preconditioner>) -> Self {
        let (proposed, trial, gradient) = (Vec::new(), Vec::new(), Vec::new());
        Self { preconditioner, proposed, trial, gradient, cost: 0.0 }
    }

    pub(super) fn resize(&mut self, n: usize) {
        for buffer in [&mut self.proposed, &mut self.trial, &mut self.gradient] {
            buffer.resize(n, 0.0);
        }
        self.cost = 0.0;
    }

    /// Moves `now`, whose gradient is known, to a lower point between it and the proposed one, where there is one.
    pub(super) fn make(&mut self, f: &mut dyn Objective, now: &mut Iterate) -> Half {
        let spent =
            |f: &dyn Objective, own: &dyn Preconditioner| (f.work() + own.work()).gradient_equivalents;
        let before = spent(f, self.preconditioner.as_ref());
        let known = Evaluated { value: now.value, gradient: &now.gradient };
        let proposal = self.preconditioner.propose(f, &now.x, known, &mut self.proposed);
        let value = now.value;
        let share = self.backtrack(f, now);
        self.preconditioner.judged(share, value - now.value);
        self.cost = spent(f, self.preconditioner.as_ref()) - before;
        Half { moved: share > 0.0, proposal }
    }

    /// The share of the way that was gone.
    fn backtrack(&mut self, f: &mut dyn Objective, now: &mut Iterate) -> f64 {
        for (p, x) in self.proposed.iter_mut().zip(&now.x) {
            *p -= x;
        }
        let correction = &self.proposed;
        // Parts that go far may end where the sum of their ways is no descent to first order, and yet lower.
        let slope = dot(&now.gradient, correction).min(0.0);
        let mut share = 1.0;
        for _ in 0..TRIALS {
            for ((trial, x), s) in self.trial.iter_mut().zip(&now.x).zip(correction) {
                *trial = x + share * s;
            }
            if self.trial == now.x {
                return 0.0;
            }
            let value = f.value(&self.trial);
            if value < now.value && value <= now.value + DECREASE * share * slope {
                f.value_gradient(&self.trial, &mut self.gradient);
                if all_finite(&self.gradient) {
                    std::mem::swap(&mut now.x, &mut self.trial);
                    std::mem::swap(&mut now.gradient, &mut self.gradient);
                    now.value = value;
                    return share;
                }
            }
            share *= 0.5;
        }
        0.0
    }
}
