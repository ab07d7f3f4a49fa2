//! Truncated conjugate gradients (Steihaug 1983; Toint 1981; Nocedal & Wright 2006, Alg. 7.2).
//!
//! Conjugate gradients on Bs = −g from s = 0, whose iterates grow in ‖·‖₂ and reduce the model, until
//!
//! ```text
//! ‖g + Bs‖ ≤ ‖g‖·min(τ, √‖g‖)    inexact Newton, superlinear near a minimiser
//! dᵀBd ≤ 0, or ‖s‖ would pass Δ   follow d to the boundary
//! ```
//!
//! The first iterate is the Cauchy point of the 2-norm ball, so the Cauchy decrease is attained.

use optkit_core::vector::{axpy, dot, norm2};
use optkit_core::vocabulary::{Entry, Slot, Support};
use optkit_core::{Operator, Shape};

use super::{Norm, Solved, Subproblem};
use crate::{Form, Model};

pub(super) const ENTRY: Entry = Entry {
    name: "steihaug",
    doc: "truncated conjugate gradients, in the 2-norm ball",
    operands: &[],
    settings: &[],
    slots: &[Slot::Subproblem],
    support: Support::Available,
};

/// τ: relative residual at which a model is solved well enough far from a minimiser.
const TOLERANCE: f64 = 0.1; // Nocedal & Wright 2006, §7.1, have ½; a tenth costs few products and saves iterations
/// Rounding delays the end: n iterations solve a system of n unknowns in exact arithmetic only.
const ITERATIONS_PER_VARIABLE: usize = 4;

/// A curvature smaller than this, relative to γ of a limited-memory matrix, is what γ and the pairs leave by rounding.
const ROUNDING: f64 = 32.0 * f64::EPSILON;

/// Truncated conjugate gradients.
#[derive(Clone, Debug, Default)]
pub struct Steihaug {
    residual: Vec<f64>,
    direction: Vec<f64>,
    product: Vec<f64>,
}

impl Steihaug {
    /// τ ≥ 0 with ‖s + τd‖ = Δ.
    fn to_boundary(&self, step: &[f64], radius: f64) -> f64 {
        let d = &self.direction;
        let (dd, sd, ss) = (dot(d, d), dot(step, d), dot(step, step));
        let room = (radius - ss.sqrt()).max(0.0) * (radius + ss.sqrt());
        let root = (sd * sd + dd * room).sqrt();
        // The form without cancellation of the larger root.
        if sd <= 0.0 { (root - sd) / dd } else { room / (root + sd) }
    }
}

impl Subproblem for Steihaug {
    fn needs(&self) -> Form {
        Form::Product
    }

    fn norm(&self) -> Norm {
        Norm::Two
    }

    fn storage(&self, of: Shape, _model: &dyn Model) -> usize {
        3 * of.dim
    }

    fn solve(&mut self, gradient: &[f64], b: &mut dyn Operator, radius: f64, step: &mut [f64]) -> Solved {
        let n = gradient.len();
        for buffer in [&mut self.residual, &mut self.direction, &mut self.product] {
            buffer.resize(n, 0.0);
        }
        step.fill(0.0);
        self.residual.copy_from_slice(gradient);
        for (d, g) in self.direction.iter_mut().zip(gradient) {
            *d = -g;
        }
        let size = norm2(gradient);
        let enough = size * TOLERANCE.min(size.sqrt());
        let mut squares = dot(&self.residual, &self.residual);
        let mut on_boundary = false;
        let rounding = b.compact().map_or(0.0, |b| ROUNDING * b.gamma().abs());
        for _ in 0..n.saturating_mul(ITERATIONS_PER_VARIABLE) {
            b.apply(&self.direction, &mut self.product);
            let mut curvature = dot(&self.direction, &self.product);
            if curvature.abs() <= rounding * dot(&self.direction, &self.direction) {
                curvature = 0.0; // flat: on a linear function no radius would ever grow otherwise
                self.product.fill(0.0);
            }
            // Not the negation: a curvature that is NaN ends on the boundary too.
            let newton = if curvature > 0.0 { squares / curvature } else { f64::INFINITY };
            let limit = self.to_boundary(step, radius);
            on_boundary = newton >= limit;
            let length = newton.min(limit);
            axpy(length, &self.direction, step);
            axpy(length, &self.product, &mut self.residual);
            let next = dot(&self.residual, &self.residual);
            if on_boundary || next.sqrt() <= enough {
                break;
            }
            let share = next / squares;
            for (d, r) in self.direction.iter_mut().zip(&self.residual) {
                *d = share * *d - r;
            }
            squares = next;
        }
        // m(s) = gᵀs + ½sᵀBs with Bs = r − g.
        let predicted = -0.5 * (dot(gradient, step) + dot(&self.residual, step));
        Solved { predicted_reduction: predicted, on_boundary, along_gradient: None }
    }
}
