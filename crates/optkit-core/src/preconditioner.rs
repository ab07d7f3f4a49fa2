//! What improves a point before a method takes a step from there.

use crate::{Archive, Evaluated, LoadError, Objective, Shape, StartError, Storage, Work};

/// A nonlinear preconditioner from the right (Brune, Knepley, Smith & Tu 2015): a method that uses one takes its steps
/// from the points that it proposes.
///
/// Its parts may do their work on objectives of their own, which [`work`](Self::work) counts.
pub trait Preconditioner: Send {
    /// Begin on this objective; forgets what was learnt on another.
    ///
    /// # Errors
    ///
    /// What does not fit the objective.
    fn start(&mut self, f: &mut dyn Objective) -> Result<(), StartError>;

    /// Write the point that it proposes in the place of `x` into `proposed`; both of length n. It promises nothing of
    /// f there.
    fn propose(
        &mut self,
        f: &mut dyn Objective,
        x: &[f64],
        known: Evaluated<'_>,
        proposed: &mut [f64],
    ) -> Proposal;

    /// What became of the last proposal: f fell by `reduction` when `share` of the way to it was gone, 1 for all of it
    /// and 0 for none.
    fn judged(&mut self, share: f64, reduction: f64);

    /// Work on objectives of its own.
    fn work(&self) -> Work;

    /// The numbers that it will hold on an objective of this shape; none where it does not say.
    fn storage(&self, _of: Shape) -> Option<Storage> {
        None
    }

    /// Everything that a resume needs, nothing else.
    fn save(&self, archive: &mut Archive);

    /// The inverse of [`save`](Self::save), after [`start`](Self::start) on the same objective.
    ///
    /// # Errors
    ///
    /// Where an entry is missing or has another length.
    fn load(&mut self, archive: &Archive) -> Result<(), LoadError>;
}

/// What was done for a proposal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Proposal {
    /// Iterations of all local solvers.
    pub local_iterations: u32,
    /// Trial points accepted in them.
    pub trials_accepted: u32,
    /// Trial points rejected in them.
    pub trials_rejected: u32,
}
