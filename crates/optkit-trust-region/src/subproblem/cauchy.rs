//! The Cauchy point: the minimiser of the model along −g inside the ball (Conn, Gould & Toint 2000, §6.3.2).
//!
//! ```text
//! s = −t g,   t = min(Δ/‖g‖, gᵀg / gᵀBg)   where gᵀBg > 0,   t = Δ/‖g‖ elsewhere
//! ```
//!
//! With B = 0 this is the first-order step of Trotti et al. 2023, −g·Δ/‖g‖∞.

use optkit_core::vector::dot;
use optkit_core::vocabulary::{Entry, Slot, Support};
use optkit_core::{Operator, Shape};

use super::{Norm, Solved, Subproblem};
use crate::{Form, Model};

pub(super) const ENTRY: Entry = Entry {
    name: "cauchy",
    doc: "minimiser of the model along the negative gradient, in the ∞-norm ball",
    operands: &[],
    settings: &[],
    slots: &[Slot::Subproblem],
    support: Support::Available,
};

/// The Cauchy point in the ball of a norm, ‖·‖∞ unless said otherwise.
#[derive(Clone, Debug)]
pub struct Cauchy {
    norm: Norm,
    product: Vec<f64>,
}

impl Default for Cauchy {
    fn default() -> Self {
        Self::in_ball(Norm::Infinity)
    }
}

impl Cauchy {
    /// The Cauchy point in the ball of `norm`.
    #[must_use]
    pub fn in_ball(norm: Norm) -> Self {
        Self { norm, product: Vec::new() }
    }

    /// gᵀBg.
    fn curvature(&mut self, gradient: &[f64], b: &mut dyn Operator) -> f64 {
        if b.is_zero() {
            return 0.0;
        }
        self.product.resize(gradient.len(), 0.0);
        b.apply(gradient, &mut self.product);
        dot(gradient, &self.product)
    }
}

impl Subproblem for Cauchy {
    fn needs(&self) -> Form {
        Form::Zero
    }

    fn norm(&self) -> Norm {
        self.norm
    }

    fn storage(&self, of: Shape, model: &dyn Model) -> usize {
        if model.form() == Form::Zero { 0 } else { of.dim }
    }

    fn solve(&mut self, gradient: &[f64], b: &mut dyn Operator, radius: f64, step: &mut [f64]) -> Solved {
        let slope = dot(gradient, gradient);
        let curvature = self.curvature(gradient, b);
        let to_boundary = radius / self.norm.of(gradient);
        let interior = if curvature > 0.0 { slope / curvature } else { f64::INFINITY };
        let t = to_boundary.min(interior);
        for (s, g) in step.iter_mut().zip(gradient) {
            *s = -t * g;
        }
        // gᵀg leaves the range of f64 where gᵀs does not.
        let linear = if slope.is_normal() { t * slope } else { -dot(gradient, step) };
        Solved {
            predicted_reduction: linear - 0.5 * t * (t * curvature),
            on_boundary: to_boundary <= interior,
            along_gradient: Some(t),
        }
    }
}
