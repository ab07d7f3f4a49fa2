//! The exact solution, by a dense Hessian's eigenvalues (Moré & Sorensen 1983; Conn, Gould & Toint 2000, §7.3).
//!
//! H is formed by n products, taken apart as H = QΛQᵀ, and the problem solved in its eigenvectors, hard case included;
//! another radius at the same point costs no new decomposition. Where Moré and Sorensen factorise H + σI anew for every
//! σ, one decomposition serves all: dearer for large n, safer for few variables, which it is meant for.

use optkit_core::vocabulary::{Entry, Slot, Support};
use optkit_core::{Operator, Shape};
use optkit_quasi_newton::small::SymmetricEigen;

use super::secular::{Ball, Secular};
use super::{Norm, Solved, Subproblem};
use crate::{Form, Model};

pub(super) const ENTRY: Entry = Entry {
    name: "more_sorensen",
    doc: "exact minimiser by a dense eigendecomposition, in the 2-norm ball; for up to 2,000 variables",
    operands: &[],
    settings: &[],
    slots: &[Slot::Subproblem],
    support: Support::Available,
};

/// A dense matrix of this order takes 32 MB, its decomposition seconds.
const MOST_VARIABLES: usize = 2_000;

/// The exact minimiser. See the module's documentation.
#[derive(Debug, Default)]
pub struct MoreSorensen {
    /// H, by columns.
    hessian: Vec<f64>,
    eigen: SymmetricEigen,
    /// Qᵀg.
    components: Vec<f64>,
    /// Qᵀs.
    rotated: Vec<f64>,
    unit: Vec<f64>,
    secular: Secular,
}

impl MoreSorensen {
    fn decompose(&mut self, gradient: &[f64], b: &mut dyn Operator) {
        let n = gradient.len();
        self.hessian.resize(n * n, 0.0);
        for buffer in [&mut self.components, &mut self.rotated, &mut self.unit] {
            buffer.resize(n, 0.0);
        }
        self.unit.fill(0.0);
        for j in 0..n {
            self.unit[j] = 1.0;
            b.apply(&self.unit, &mut self.hessian[j * n..(j + 1) * n]);
            self.unit[j] = 0.0;
        }
        for j in 0..n {
            for i in j + 1..n {
                let mean = f64::midpoint(self.hessian[i + j * n], self.hessian[j + i * n]);
                (self.hessian[i + j * n], self.hessian[j + i * n]) = (mean, mean);
            }
        }
        if !self.eigen.decompose(n, &self.hessian) {
            // Not finite: what is left of the model is its gradient.
            self.hessian.fill(0.0);
            let _ = self.eigen.decompose(n, &self.hessian);
        }
        for (j, c) in self.components.iter_mut().enumerate() {
            *c = optkit_core::vector::dot(self.eigen.vector(j), gradient);
        }
    }
}

impl Subproblem for MoreSorensen {
    fn needs(&self) -> Form {
        Form::Product
    }

    fn norm(&self) -> Norm {
        Norm::Two
    }

    /// H, its eigenvectors, and two matrices that lead to them.
    fn storage(&self, of: Shape, _model: &dyn Model) -> usize {
        4 * of.dim * of.dim
    }

    fn solve(&mut self, gradient: &[f64], b: &mut dyn Operator, radius: f64, step: &mut [f64]) -> Solved {
        self.decompose(gradient, b);
        self.solve_again(gradient, b, radius, step)
    }

    fn solve_again(
        &mut self,
        _gradient: &[f64],
        _b: &mut dyn Operator,
        radius: f64,
        step: &mut [f64],
    ) -> Solved {
        let ball = Ball { eigenvalues: self.eigen.values(), components: &self.components, radius };
        let multiplier = self.secular.solve(ball, &mut self.rotated);
        step.fill(0.0);
        for (j, p) in self.rotated.iter().enumerate() {
            optkit_core::vector::axpy(*p, self.eigen.vector(j), step);
        }
        Solved {
            predicted_reduction: multiplier.predicted_reduction,
            on_boundary: multiplier.on_boundary,
            along_gradient: None,
        }
    }

    fn most_variables(&self) -> usize {
        MOST_VARIABLES
    }
}
