//! What reduces an objective, one iteration at a time.

use crate::{Archive, Compact, LoadError, Objective, Pass, Restriction, Shape, Status, Storage, Work};

/// Object-safe, so that methods can be values in a file and rows in a table.
///
/// The loop around it: [`start`](Self::start) once; then [`prepare`](Self::prepare) (value and gradient are known:
/// test, report, stop) and [`step`](Self::step) in turn. A gradient that nobody looks at is never evaluated:
/// `step` calls `prepare` itself where the caller did not.
pub trait Optimizer: Send {
    /// The method's word in the language, by which a checkpoint knows what wrote it; a method that is not in the
    /// language gives itself a name.
    fn name(&self) -> &'static str {
        "unnamed"
    }

    /// Begin at `x0`. `known`: value and gradient there, where the caller has them already.
    fn start(
        &mut self,
        f: &mut dyn Objective,
        x0: &[f64],
        known: Option<Evaluated<'_>>,
    ) -> Result<(), StartError>;

    /// Make value and gradient known at the current point.
    fn prepare(&mut self, f: &mut dyn Objective) -> Result<(), Status>;

    /// One iteration.
    fn step(&mut self, f: &mut dyn Objective) -> Flow;

    /// The current point.
    fn current(&self) -> Point<'_>;

    /// The best point seen. Methods that never accept an increase return the current point.
    fn best(&self) -> Point<'_> {
        self.current()
    }

    /// True where an iteration may see other samples than the one before: the method keeps nothing that a change of
    /// samples would make wrong, or drops it in [`samples_changed`](Self::samples_changed).
    fn takes_batches(&self) -> bool {
        false
    }

    /// The objective shows other samples from now on, those of `pass`: values and gradients that are known belong to the
    /// past.
    fn samples_changed(&mut self, _pass: Pass) {}

    /// How many gradient equivalents the budget has left, told before a [`step`](Self::step). Methods whose iterations
    /// make many evaluations make no more than these, though one at the least.
    fn allow(&mut self, _gradient_equivalents: f64) {}

    /// Work done on objectives of the method's own making (the parts of a decomposition), which the counter of
    /// the whole objective does not see.
    fn work(&self) -> Work {
        Work::default()
    }

    /// Of [`work`](Self::work), what each part did, in the order of the partition. Empty for methods without parts.
    fn work_of_parts(&self) -> Vec<Work> {
        Vec::new()
    }

    /// Tell `watcher` which phase of an iteration begins. Methods without phases ignore it.
    fn watch(&mut self, _watcher: Box<dyn Phases>) {}

    /// The numbers that it will hold on an objective of this shape; none where it does not say.
    fn storage(&self, _of: Shape) -> Option<Storage> {
        None
    }

    /// Everything that a resume needs, nothing else.
    fn save(&self, archive: &mut Archive);

    /// The inverse of [`save`](Self::save), after [`start`](Self::start) on the same objective: the run goes on as the
    /// one that was saved, bit for bit.
    fn load(&mut self, archive: &Archive) -> Result<(), LoadError>;
}

/// What APTS asks of its local and global solvers: an optimizer whose step lengths come from a radius.
pub trait RadiusDriven: Optimizer {
    /// Begin anew, reusing all buffers. What a method has learnt of the curvature stays, unless `begin` brings a model
    /// that replaces it; [`start`](Optimizer::start) forgets it.
    fn begin(&mut self, f: &mut dyn Objective, begin: Begin<'_>) -> Result<(), StartError>;

    /// No step may be longer than this from now on (until the next `begin`).
    fn set_cap(&mut self, cap: f64);

    /// The current radius Δ.
    fn radius(&self) -> f64;

    /// A secant pair y ≈ ∇²f·s from elsewhere, with the relative error of the gradients that y is the difference of.
    /// First-order methods have no use for it.
    fn learn_pair(&mut self, _s: &[f64], _y: &[f64], _noise: f64) {}

    /// Whether it learns pairs of its own steps, as it does unless told otherwise, besides those that it is
    /// [told](Self::learn_pair).
    fn learn_own_pairs(&mut self, _own: bool) {}

    /// Exchange the vectors that it works in for those in `room`, so that solvers which take turns need the room of one.
    /// What was in them is lost to it: between [`start`](Optimizer::start) or the end of a solve and the next
    /// [`begin`](Self::begin), and not where it [learns](Self::learns). Whoever keeps its own does nothing.
    fn exchange(&mut self, _room: &mut Vec<Vec<f64>>) {}

    /// How many of the numbers that [`storage`](Optimizer::storage) counts are in vectors which it
    /// [exchanges](Self::exchange); 0 where it keeps its own, and saves them.
    fn exchanged(&self, _of: Shape) -> usize {
        0
    }

    /// True where [`learn_pair`](Self::learn_pair) is of use.
    fn learns(&self) -> bool {
        false
    }

    /// The quasi-Newton matrix that this method keeps, for its parts to begin with.
    fn model(&self) -> Option<&dyn Compact> {
        None
    }

    /// The most columns that [`model`](Self::model) comes to have on an objective of this shape.
    fn most_columns(&self, _of: Shape) -> usize {
        0
    }

    /// The distance between two points in the norm that the radius bounds; ‖·‖∞ unless the method has another.
    fn distance(&self, a: &[f64], b: &[f64]) -> f64 {
        crate::vector::distance_inf(a, b)
    }
}

/// Where a radius-driven method begins.
pub struct Begin<'a> {
    /// Starting point.
    pub x: &'a [f64],
    /// Value and gradient there, where known.
    pub known: Option<Evaluated<'a>>,
    /// Initial radius.
    pub radius: f64,
    /// Longest step allowed.
    pub cap: f64,
    /// Model Hessian to begin with, for methods that keep one.
    pub model: Option<Restriction<'a>>,
}

/// Value and gradient at a point that the context names.
#[derive(Clone, Copy, Debug)]
pub struct Evaluated<'a> {
    /// f.
    pub value: f64,
    /// ∇f.
    pub gradient: &'a [f64],
}

/// A point with what is known about it.
#[derive(Clone, Copy, Debug)]
pub struct Point<'a> {
    /// x.
    pub x: &'a [f64],
    /// f(x).
    pub value: f64,
    /// ∇f(x), where it has been evaluated.
    pub gradient: Option<&'a [f64]>,
}

/// What [`Optimizer::step`] says.
#[derive(Clone, Debug, PartialEq)]
pub enum Flow {
    /// An iteration was made.
    Continue(StepReport),
    /// No further iteration can be made.
    Done(Status),
}

/// One iteration, as logs show it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepReport {
    /// Counted from 1.
    pub iteration: u64,
    /// f after the iteration; NaN where it is known only once the next gradient is.
    pub value: f64,
    /// Trust-region radius after the iteration; NaN for methods without one.
    pub radius: f64,
    /// Actual over predicted reduction at the last trial; NaN where no trial was made.
    pub ratio: f64,
    /// True where the iteration moved.
    pub accepted: bool,
    /// Trial points accepted, in all solvers of the iteration.
    pub trials_accepted: u32,
    /// Trial points rejected, in all solvers of the iteration.
    pub trials_rejected: u32,
    /// Iterations of local solvers.
    pub local_iterations: u32,
}

/// Told when a phase of an iteration begins; whoever watches may read a clock.
pub trait Phases: Send {
    /// `phase` begins, and with it the one before ends.
    fn enter(&mut self, phase: Phase);
}

/// The phases of an iteration of a decomposition method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Local solves on the parts.
    Local,
    /// Value of the combined step, and the forced decrease of the loss.
    Fdl,
    /// The global iteration and the gradient at the new point.
    Global,
    /// Outside the method.
    Outside,
}

/// Why a run cannot begin: the caller's mistake.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The starting point has the wrong length.
    #[error("the starting point has {got} entries, but the objective has {dim} variables")]
    WrongLength {
        /// Its length.
        got: usize,
        /// n.
        dim: usize,
    },
    /// A method that needs no bounds met an objective that has them.
    #[error("this method handles no bounds; remove them or choose a method that does")]
    Bounds,
    /// A setting outside its range.
    #[error("`{name}` is {value}, but must be {requirement}")]
    Setting {
        /// The setting's name in the language.
        name: &'static str,
        /// What it was.
        value: f64,
        /// What it may be.
        requirement: &'static str,
    },
    /// A method needs what the objective does not offer.
    #[error("{method} needs {what}, which this objective does not offer; choose another model")]
    Needs {
        /// Who needs it.
        method: &'static str,
        /// What is needed.
        what: &'static str,
    },
    /// A subproblem solver and a model that do not go together.
    #[error("the subproblem solver needs {needs}, which the model does not offer; change one of them")]
    Incompatible {
        /// What the solver needs of the model's Hessian.
        needs: &'static str,
    },
    /// A method that forms dense matrices met an objective too large for them.
    #[error("this subproblem solver takes at most {most} variables, but the objective has {dim}")]
    TooLarge {
        /// Its limit.
        most: usize,
        /// n.
        dim: usize,
    },
    /// Variables are scaled one by one, and their number is not that of the scaling.
    #[error("the scaling is for {scaling} variables, but the objective has {dim}")]
    ScalingLength {
        /// Entries of the scaling.
        scaling: usize,
        /// n.
        dim: usize,
    },
    /// A decomposition does not have the parts that it was asked for.
    #[error(
        "the decomposition has {got} {what} where its subsets have {expected}; `decompose` must follow the subsets"
    )]
    Decomposition {
        /// What was counted: `parts`, or `variables in a part`.
        what: &'static str,
        /// Counted in the decomposition.
        got: usize,
        /// Counted in the subsets.
        expected: usize,
    },
    /// A method that needs the whole function at every step met mini-batches.
    #[error(
        "{method} needs all samples at every step; remove `batch` from the data, or choose sgd, adam or apts"
    )]
    Batches {
        /// Who needs it.
        method: &'static str,
    },
    /// Secant pairs are to come from what mini-batches share, and there are none.
    #[error(
        "{method} is to learn secant pairs from samples that mini-batches share, but the objective has no mini-batches; \
         deal its samples to overlapping ones, or use `pairs = batch`"
    )]
    NoOverlap {
        /// Who learns them.
        method: &'static str,
    },
    /// A method needs local Gauss–Newton models, and there are none.
    #[error("{0}")]
    GaussNewton(crate::NoGaussNewton),
    /// A sweep is to visit a part that there is not.
    #[error("sweeps visit part {part}, but the partition has {parts}; number them from 1 to {parts}")]
    SweptPart {
        /// The part, counted from 1.
        part: usize,
        /// How many there are.
        parts: usize,
    },
    /// The partition is for another number of variables.
    #[error("the partition splits {partition} variables, but the objective has {dim}")]
    PartitionLength {
        /// Variables of the partition.
        partition: usize,
        /// n.
        dim: usize,
    },
}
