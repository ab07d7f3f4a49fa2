//! What is minimised: f: ℝⁿ → ℝ with its gradient, and whatever else it offers.

use crate::{Archive, Decomposition, GaussNewton, LoadError, NoGaussNewton, Subset, Unsupported, Work};

/// A function f: ℝⁿ → ℝ. The first three methods are all that a user must write.
///
/// Methods take `&mut self` because an evaluation leaves things behind (activations, counters) that the next
/// one uses; the *values* returned depend on `x` and the selected [`Pass`] alone, but for differences below
/// [`noise`](Self::noise) where something was taken over from an earlier evaluation.
pub trait Objective: Send {
    /// n, the number of variables.
    fn dim(&self) -> usize;

    /// f(x). A non-finite value means "not defined here": the caller shortens its step.
    fn value(&mut self, x: &[f64]) -> f64;

    /// f(x), and ∇f(x) written into `gradient` (length n). At the point of the last evaluation the forward work
    /// is not repeated.
    fn value_gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64;

    /// Relative error of `value`: ε for f64 objectives, about 1e-7 for f32 networks. Differences below a small
    /// multiple of `noise()·max(1, |f|)` are not believed.
    fn noise(&self) -> f64 {
        f64::EPSILON
    }

    /// Which samples the next evaluations see. Forgets what earlier evaluations left behind: the next one takes
    /// nothing over from them.
    fn select(&mut self, _pass: Pass) {}

    /// Of the mini-batch `pass`, the next evaluations see the samples that `other` has too, each once, and as `pass` has
    /// them (its epoch seeds what changes). Their number; the mean over them is f until the next [`select`](Self::select).
    /// None, and the selection stays, where the two share nothing or there are no mini-batches.
    fn select_shared(&mut self, _pass: Pass, _other: Pass) -> Option<usize> {
        None
    }

    /// Number of mini-batches in an epoch; 1 where the objective is no sum over samples.
    fn batches(&self) -> usize {
        1
    }

    /// f(x + Σ cᵢdᵢ) for many c over fixed directions, where that is cheaper than whole evaluations (a line is
    /// one direction). Called again for every point: an objective recognises the base and directions it has.
    fn span(&mut self, _x: &[f64], _directions: &[&[f64]]) -> Option<&mut dyn Span> {
        None
    }

    /// Products with ∇²f, where this function offers them. What else a function may know of its curvature (residuals,
    /// layered factors) is a method like this one: a function offers as many as it has.
    fn hessian_product(&mut self) -> Option<&mut dyn HessianProduct> {
        None
    }

    /// f as a sum of squares, where it is one.
    fn residuals(&mut self) -> Option<&mut dyn Residuals> {
        None
    }

    /// Simple bounds on the variables, where the function has them.
    fn bounds(&self) -> Option<Bounds<'_>> {
        None
    }

    /// The optimizer has moved to x: running statistics may be updated here, and nowhere else.
    fn accept(&mut self, _x: &[f64]) {}

    /// f split over subsets of its variables, so that a part costs less than the whole.
    fn decompose(&self, _parts: &[Subset]) -> Result<Box<dyn Decomposition>, Unsupported> {
        Err(Unsupported)
    }

    /// f as a function of outputs, with local models of `parts` and a coarse model, evaluated on its own. Sums of
    /// squares need not offer this: two-level methods make it of [`residuals`](Self::residuals).
    fn gauss_newton(&self, _parts: &[Subset]) -> Result<Box<dyn GaussNewton>, NoGaussNewton> {
        Err(NoGaussNewton::Unsupported)
    }

    /// Work done so far. Plain functions are counted by [`Counted`](crate::Counted), which supplies this.
    fn work(&self) -> Work {
        Work::default()
    }

    /// Everything that a resumed run needs of this objective, and nothing else.
    fn save(&self, _archive: &mut Archive) {}

    /// The inverse of [`save`](Self::save).
    fn load(&mut self, _archive: &Archive) -> Result<(), LoadError> {
        Ok(())
    }
}

/// Evaluates f on an affine set x + span{dᵢ}, reusing what the directions already cost.
pub trait Span {
    /// f at `point`, where `point` = x + Σ `coefficients`ᵢ·dᵢ as the caller formed it.
    fn value(&mut self, coefficients: &[f64], point: &[f64]) -> f64;
}

/// Which samples an evaluation sees, and in which epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Pass {
    /// Counted from 0; seeds what changes from epoch to epoch (shuffles, dropout masks).
    pub epoch: u64,
    /// The samples.
    pub samples: Samples,
}

/// A selection of samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Samples {
    /// Every sample.
    #[default]
    All,
    /// Mini-batch i of [`Objective::batches`].
    Batch(usize),
    /// The first m samples of a fixed shuffle.
    First(usize),
}

/// Simple bounds l ≤ x ≤ u, each of length n; infinite where a side is open.
#[derive(Clone, Copy, Debug)]
pub struct Bounds<'a> {
    /// l.
    pub lower: &'a [f64],
    /// u.
    pub upper: &'a [f64],
}

/// Products with the Hessian of an objective.
pub trait HessianProduct {
    /// Writes ∇²f(x)·v into `product`; all of length n.
    fn apply(&mut self, x: &[f64], v: &[f64], product: &mut [f64]);
}

/// The residuals rᵢ of a sum of squares, f(x) = Σ rᵢ(x)², with their Jacobian Jᵢⱼ = ∂rᵢ/∂xⱼ.
pub trait Residuals {
    /// The number of residuals.
    fn count(&self) -> usize;

    /// Writes r(x) into `residuals`, of length [`count`](Self::count).
    fn residuals(&mut self, x: &[f64], residuals: &mut [f64]);

    /// Hands every structurally non-zero entry of J(x) to `entry` as (row, column, value), rows in order and columns
    /// in order within a row.
    fn jacobian(&mut self, x: &[f64], entry: &mut dyn FnMut(usize, usize, f64));
}
