//! Functions of outputs, f(x) = φ(F(x)) with φ convex, and what two-level methods ask of them.
//!
//! ```text
//! G(x) = F'(x)ᵀ φ''(F(x)) F'(x)                     the Gauss–Newton matrix (Schraudolph 2002)
//! K_i ≈ R_i G R_iᵀ                                   a model of part i that is cheap to solve with
//! M_ab = d_aᵀ G d_b,  β_a = ∇fᵀd_a                   the coarse model over a few directions
//! ```
//!
//! A network is such a function of its logits, a sum of squares of its residuals. Both offer the same three things: a
//! local model of every part, the exact Gauss–Newton matrix over a handful of directions, and trial points in their span
//! for less than an evaluation, because a direction's way through the expensive lowest layer is computed once.

use crate::{Archive, LoadError, Work};

/// f at a point that moves, with its local models, its coarse model and trial points. Made for the parts of a partition
/// by [`Objective::gauss_newton`](crate::Objective::gauss_newton); stands on its own and counts its own work.
///
/// The *head* is what makes an evaluation expensive: of a network the weights of its lowest layer. The *tail* is all
/// other variables. What a direction of the head costs is paid by [`keep`](Self::keep) and by nothing else.
pub trait GaussNewton: Send {
    /// Evaluate at x (length n) directly and stand there: f(x). What was kept is forgotten.
    fn go_to(&mut self, x: &[f64]) -> f64;

    /// ∇f where it stands, into `gradient` (length n).
    fn gradient(&mut self, gradient: &mut [f64]);

    /// ∇f where it stands, at the tail; zero at the head.
    fn tail_gradient(&mut self, gradient: &mut [f64]);

    /// True where part `part` (counted from 0) holds variables of the head. Where no part does, the tail is everything.
    fn holds_head(&self, part: usize) -> bool;

    /// What a trial point costs, as a share of a value at a point elsewhere: how cheap the tail is.
    fn tail_share(&self) -> f64 {
        1.0
    }

    /// Form the local models K_i where it stands. `sample` numbers the subset of the samples that enters where only
    /// some do; a run counts it up.
    fn factor(&mut self, sample: u64);

    /// D > 0 by variable (length n): the metric in which steps are damped and measured, ‖s‖² = Σ Dⱼsⱼ². It belongs to
    /// the scale of the local models, so that a damping of 1 is as large as their mean eigenvalue was at the start.
    fn metric(&self) -> &[f64];

    /// Prepare local steps for a gradient (length n), of the tail alone where `tail`.
    fn prepare_steps(&mut self, gradient: &[f64], tail: bool);

    /// ∇f where it stands at the variables of part `part` (counted from 0), into their places in `gradient` (length n).
    /// What else is written there has no meaning.
    fn part_gradient(&mut self, part: usize, gradient: &mut [f64]) {
        if self.holds_head(part) { self.gradient(gradient) } else { self.tail_gradient(gradient) }
    }

    /// Prepare the local step of part `part` alone, for a gradient (length n) of which its entries matter. What
    /// [`steps`](Self::steps) then writes at the variables of other parts has no meaning.
    fn prepare_part(&mut self, part: usize, gradient: &[f64]) {
        self.prepare_steps(gradient, !self.holds_head(part));
    }

    /// ‖s(μ)‖ of the steps prepared, in the metric. Falls as μ grows.
    fn step_length(&mut self, damping: f64) -> f64;

    /// The steps prepared, s_i(μ) = −(K_i + μD_i)⁻¹ g_i for every part, into `step` (length n).
    fn steps(&mut self, damping: f64, step: &mut [f64]);

    /// Keep how outputs change along `direction` (length n): it becomes [`Source::New`].
    fn keep(&mut self, direction: &[f64]);

    /// M (k×k, by rows, symmetric) and β (length k) over the directions of `space` where it stands, over all samples.
    fn coarse(&mut self, space: &CoarseSpace<'_>, matrix: &mut [f64], slopes: &mut [f64]);

    /// f at `point` = x + Σ `coefficients`ₐ dₐ, as the caller formed it.
    fn trial(&mut self, space: &CoarseSpace<'_>, coefficients: &[f64], point: &[f64]) -> f64;

    /// Move to the last trial point; its step is added to that of [`Source::Total`].
    fn accept(&mut self);

    /// An iteration is over: the total step becomes that of [`Source::Previous`], and the next one begins at zero. f where it stands,
    /// which may be evaluated directly again lest rounding build up.
    fn end_iteration(&mut self) -> f64;

    /// The samples that f is the mean over, where there are some to choose from.
    fn sampled(&mut self) -> Option<&mut dyn Sampled> {
        None
    }

    /// Relative error of values, as [`Objective::noise`](crate::Objective::noise).
    fn noise(&self) -> f64;

    /// Work done so far.
    fn work(&self) -> Work;

    /// What a resumed run needs, and nothing else.
    fn save(&self, archive: &mut Archive);

    /// The inverse of [`save`](Self::save); it stands at x then.
    fn load(&mut self, archive: &Archive, x: &[f64]) -> Result<(), LoadError>;
}

/// Samples of which f, its models and its work see some: the first of a shuffle, more and more of them.
pub trait Sampled {
    /// Before [`go_to`](GaussNewton::go_to): see only the first `first` samples of the shuffle that `seed` fixes, or a few
    /// more where whole blocks are cheaper.
    fn grow_from(&mut self, seed: u64, first: usize);

    /// See the first `count` samples from now on, or a few more, and never fewer than before; f there on them. It stands
    /// where it stood, between two iterations; `previous` is the vector of [`Source::Previous`] (length n).
    fn see(&mut self, count: usize, previous: &[f64]) -> f64;

    /// How many f is the mean over.
    fn seen(&self) -> Seen;
}

/// How many samples f is the mean over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Now.
    pub seen: usize,
    /// In all.
    pub all: usize,
}

/// Directions, and the vectors (each of length n) that they are taken from.
#[derive(Clone, Copy, Debug)]
pub struct CoarseSpace<'a> {
    /// The directions.
    pub directions: &'a [Direction],
    /// Of [`Source::New`].
    pub new: &'a [f64],
    /// Of [`Source::Tail`]; zero at the head.
    pub tail: &'a [f64],
    /// Of [`Source::Total`].
    pub total: &'a [f64],
    /// Of [`Source::Previous`].
    pub previous: &'a [f64],
}

impl<'a> CoarseSpace<'a> {
    /// The vector of a source.
    #[must_use]
    pub fn vector(&self, source: Source) -> &'a [f64] {
        match source {
            Source::New => self.new,
            Source::Tail => self.tail,
            Source::Total => self.total,
            Source::Previous => self.previous,
        }
    }
}

/// A direction of the coarse space: a vector's entries at the variables of a part, zero elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Direction {
    /// The part, counted from 0.
    pub part: usize,
    /// The vector.
    pub source: Source,
}

/// Vectors that directions are taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The one that was [kept](GaussNewton::keep) last.
    New,
    /// One that is zero at the head; nothing need be kept of it.
    Tail,
    /// The sum of the steps accepted in this iteration.
    Total,
    /// The sum of the steps accepted in the iteration before.
    Previous,
}

/// Why there are no local Gauss–Newton models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoGaussNewton {
    /// The objective is no known function of outputs.
    #[error(
        "this objective offers no Gauss–Newton model; use `local = trust_region`, or a network on the native backend, a sum of squares, or a function with Hessian products"
    )]
    Unsupported,
    /// A part cuts through a parameter tensor.
    #[error(
        "part {part} holds some entries of a parameter tensor and leaves others: local Gauss–Newton models need whole tensors; split by layer"
    )]
    CutsTensor {
        /// The part, counted from 1.
        part: usize,
    },
    /// A part's model would need too much memory.
    #[error(
        "the local Gauss–Newton model of part {part} would need {entries} numbers, more than {most}; use more parts, of neighbouring variables"
    )]
    TooLarge {
        /// The part, counted from 1.
        part: usize,
        /// What its factor would need.
        entries: usize,
        /// What is allowed.
        most: usize,
    },
}
