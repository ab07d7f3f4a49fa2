//! Solvers of the trust-region subproblem: minimise gᵀs + ½ sᵀBs subject to ‖s‖ ≤ Δ.

mod cauchy;
mod more_sorensen;
mod obs;
mod secular;
mod steihaug;

use optkit_core::vocabulary::Entry;
use optkit_core::{Operator, Shape};

use crate::{Form, Model};

pub use cauchy::Cauchy;
pub use more_sorensen::MoreSorensen;
pub use obs::Obs;
pub use steihaug::Steihaug;

/// A solver of the subproblem. Contract: the step lies inside the ball (to rounding) and attains at least the
/// Cauchy decrease.
pub trait Subproblem: Send {
    /// What it needs of B.
    fn needs(&self) -> Form;

    /// Which ball.
    fn norm(&self) -> Norm;

    /// Writes the step into `step` (length n, as `gradient`). `gradient` is finite and not zero.
    fn solve(&mut self, gradient: &[f64], b: &mut dyn Operator, radius: f64, step: &mut [f64]) -> Solved;

    /// As [`solve`](Self::solve), for the gradient and B of the last call in another radius: what only they determine
    /// need not be computed again.
    fn solve_again(
        &mut self,
        gradient: &[f64],
        b: &mut dyn Operator,
        radius: f64,
        step: &mut [f64],
    ) -> Solved {
        self.solve(gradient, b, radius, step)
    }

    /// The numbers that it will hold on an objective of this shape, with this model.
    fn storage(&self, _of: Shape, _model: &dyn Model) -> usize {
        0
    }

    /// The largest number of variables that it takes.
    fn most_variables(&self) -> usize {
        usize::MAX
    }
}

/// The norm whose ball is the trust region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Norm {
    /// ‖s‖₂.
    Two,
    /// ‖s‖∞.
    Infinity,
}

impl Norm {
    /// ‖x‖ in this norm.
    #[must_use]
    pub fn of(self, x: &[f64]) -> f64 {
        match self {
            Self::Two => optkit_core::vector::norm2(x),
            Self::Infinity => optkit_core::vector::norm_inf(x),
        }
    }
}

/// What is known about a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Solved {
    /// m(0) − m(s).
    pub predicted_reduction: f64,
    /// True where the step reached the boundary of the solver's own ball.
    pub on_boundary: bool,
    /// t where the step is exactly −t·g: an objective that is cheap along a line can then be asked to use it.
    pub along_gradient: Option<f64>,
}

/// A row of the table of subproblem solvers.
pub struct SubproblemRow {
    /// Its word in the language.
    pub entry: Entry,
    /// Makes one; `None` for those that a later version brings.
    pub make: Option<fn() -> Box<dyn Subproblem>>,
}

/// The subproblem solvers: one row each.
pub static SUBPROBLEMS: &[SubproblemRow] = &[
    SubproblemRow { entry: cauchy::ENTRY, make: Some(|| Box::new(Cauchy::default())) },
    SubproblemRow { entry: obs::ENTRY, make: Some(|| Box::new(Obs::default())) },
    SubproblemRow { entry: steihaug::ENTRY, make: Some(|| Box::new(Steihaug::default())) },
    SubproblemRow { entry: crate::methods::planned_subproblem("dogleg", "Powell's dogleg"), make: None },
    SubproblemRow { entry: more_sorensen::ENTRY, make: Some(|| Box::new(MoreSorensen::default())) },
];

/// A new solver called `name`, where there is one.
#[must_use]
pub fn subproblem(name: &str) -> Option<Box<dyn Subproblem>> {
    SUBPROBLEMS.iter().find(|row| row.entry.name == name)?.make.map(|make| make())
}
