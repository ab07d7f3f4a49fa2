//! An objective split over subsets of its variables.
//!
//! Domain decomposition pays only where a subdomain's evaluation costs less than the whole. That is the promise
//! of this trait: part i is f as a function of its own variables, everything else frozen, evaluated for
//! [`cost(i)`](Decomposition::cost) of a whole evaluation.

use crate::{Archive, LoadError, Objective, Pass, Work};

/// One evaluator per part, all standing on one frozen point; parts may run in parallel.
pub trait Decomposition: Send {
    /// Freeze every part's other coordinates at x (length n) on `pass`. What a whole evaluation at (x, pass)
    /// left behind is taken over, not recomputed.
    fn freeze(&mut self, x: &[f64], pass: Pass);

    /// Move the frozen surroundings of one part to x, leaving the other parts as they are.
    fn update(&mut self, part: usize, x: &[f64]);

    /// The parts, in the order of the subsets; part i has `subset[i].len()` variables.
    fn parts(&mut self) -> &mut [Box<dyn Objective>];

    /// The parts are not evaluated again before the next [`freeze`](Self::freeze): memory that they stand on may be used
    /// for something else.
    fn release(&mut self) {}

    /// Whether parts should be evaluated side by side. Where a part's evaluation needs much memory and takes all threads by
    /// itself, they should not; they may all the same.
    fn concurrent(&self) -> bool {
        true
    }

    /// What part `part` costs.
    fn cost(&self, part: usize) -> Cost;

    /// Work that belongs to no part: the forward passes which `freeze` had to repeat.
    fn shared_work(&self) -> Work {
        Work::default()
    }

    /// What outlasts a [`freeze`](Self::freeze), and nothing else: counters of work, as a rule.
    fn save(&self, _archive: &mut Archive) {}

    /// The inverse of [`save`](Self::save).
    fn load(&mut self, _archive: &Archive) -> Result<(), LoadError> {
        Ok(())
    }
}

/// Share of a whole evaluation that a part costs; 1 is the whole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Of a forward pass (a value).
    pub forward: f64,
    /// Of a backward pass (a gradient, its value known).
    pub backward: f64,
}

impl Cost {
    /// A part that costs as much as the whole.
    pub const WHOLE: Self = Self { forward: 1.0, backward: 1.0 };

    /// Share of a value with gradient: both passes weigh ½, as in [`Work`].
    #[must_use]
    pub fn value_gradient(&self) -> f64 {
        0.5 * self.forward + 0.5 * self.backward
    }
}

/// This objective does not split: its parts are evaluated on the whole, one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this objective offers no decomposition")]
pub struct Unsupported;
