//! The orthonormal-basis solver OBS (Brust, Erway & Marcia, *On solving L-SR1 trust-region subproblems*, Computational
//! Optimization and Applications 66, 2017), for any B = γI + ΨMΨᵀ.
//!
//! With Ψ = QR, Q = ΨW orthonormal, the eigenvectors of the k×k matrix RMRᵀ give those of B:
//!
//! ```text
//! B = P(Λ̂ + γI)Pᵀ + γ(I − PPᵀ),   P = QU,   RMRᵀ = UΛ̂Uᵀ
//! ```
//!
//! so that the subproblem is one in k + 1 numbers: Pᵀg, and the length of g⊥ = g − PPᵀg, which belongs to γ. They are
//! solved for by the secular equation. A solve costs three passes over Ψ, another radius one.
//!
//! How accuracy is kept:
//!
//! * P stands for Ψ(WU), never stored, and is orthonormal to about ε·cond(ΨᵀΨ). Columns are scaled to unit length, and
//!   where the condition is still above a limit, Q is formed and stored (see `basis`).
//! * g⊥ is formed as a vector and projected twice: ‖g‖² − ‖Pᵀg‖² would lose it where g lies nearly in range Ψ.
//! * Nothing decides whether this is the hard case: a component of g that is rounding is left out, which changes the
//!   residual (B + σI)p + g by no more than that, and the secular equation goes to the boundary along an eigenvector
//!   where the others do not reach it.

mod basis;

use optkit_core::vector::{axpy, dot, norm2};
use optkit_core::vocabulary::{Entry, Slot, Support};
use optkit_core::{Compact, Operator, Shape};
use optkit_quasi_newton::compact::{
    CHUNK, Columns, Passes, combine, entry, multiply, project, project_remainder,
};
use optkit_quasi_newton::small::SymmetricEigen;

use super::secular::{Ball, Secular};
use super::{Norm, Solved, Subproblem};
use crate::{Form, Model};
use basis::Basis;

pub(super) const ENTRY: Entry = Entry {
    name: "obs",
    doc: "orthonormal-basis solver of limited-memory models, in the 2-norm ball",
    operands: &[],
    settings: &[],
    slots: &[Slot::Subproblem],
    support: Support::Available,
};

/// A component of g that is shorter than this, relative to g, is rounding.
const ROUNDING: f64 = 8.0 * f64::EPSILON;

/// An eigenvalue that is smaller than this, relative to the numbers whose sum it is, is rounding.
const ROUNDING_OF_EIGENVALUES: f64 = 32.0 * f64::EPSILON;

/// The orthonormal-basis solver. See the module's documentation.
///
/// ```
/// use optkit_quasi_newton::{Lsr1, Settings};
/// use optkit_trust_region::{Obs, Subproblem};
///
/// let mut b = Lsr1::new(Settings::default())?;
/// b.clear(3);
/// b.learn(&[1.0, 0.0, 0.0], &[-2.0, 0.0, 0.0], 1e-16); // curvature −2 along the first axis, γ = 1 elsewhere
/// let mut step = [0.0; 3];
/// let solved = Obs::default().solve(&[1.0, 1.0, 0.0], &mut b, 1.0, &mut step);
/// assert!(solved.on_boundary && step[0] < -0.9 && solved.predicted_reduction > 1.9);
/// # Ok::<(), optkit_quasi_newton::SettingsError>(())
/// ```
#[derive(Debug, Default)]
pub struct Obs {
    passes: Passes,
    basis: Basis,
    eigen: SymmetricEigen,
    secular: Secular,
    /// WU: P in the basis' columns.
    vectors: Vec<f64>,
    /// The eigenvalues of B: k of P's, and γ where k < n; ascending.
    eigenvalues: Vec<f64>,
    /// Where γ stands among them.
    outside: Option<usize>,
    /// Pᵀg and ‖g⊥‖ in the order of `eigenvalues`.
    components: Vec<f64>,
    /// The step, likewise.
    rotated: Vec<f64>,
    /// The two projections: g⊥ = (g − Ψ·first) − Ψ·second.
    first: Vec<f64>,
    second: Vec<f64>,
    sums: Vec<f64>,
    /// The rank that there is room for.
    room: usize,
}

impl Obs {
    /// True where the last solve had to store an orthonormal basis, Ψ being too ill conditioned to serve as one.
    #[must_use]
    pub fn stored_a_basis(&self) -> bool {
        self.basis.is_stored()
    }

    /// How many passes the last solve took to form an orthonormal basis; 0 where Ψ could serve as one.
    #[must_use]
    pub fn basis_passes(&self) -> usize {
        self.basis.passes()
    }

    /// Room for the largest rank that B may come to have, once.
    fn make_room(&mut self, most: usize) {
        if most <= self.room {
            return;
        }
        self.room = most;
        self.eigen.reserve(most);
        self.vectors.reserve(most * most);
        for numbers in [
            &mut self.eigenvalues,
            &mut self.components,
            &mut self.rotated,
            &mut self.first,
            &mut self.second,
            &mut self.sums,
        ] {
            numbers.reserve(most + 1);
        }
    }

    /// The eigenvalues of B and its eigenvectors P.
    fn diagonalise(&mut self, gamma: f64, n: usize) {
        let k = self.basis.rank();
        let done = self.eigen.decompose(k, self.basis.middle());
        let k = if done { k } else { 0 }; // not finite: what is left of B is γI
        let height = self.basis.whiten().len().checked_div(self.basis.rank()).unwrap_or(0);
        self.vectors.clear();
        self.vectors.resize(height * k, 0.0);
        self.eigenvalues.clear();
        for (i, column) in self.vectors.chunks_exact_mut(height.max(1)).enumerate() {
            multiply(self.basis.whiten(), self.eigen.vector(i), column);
            self.eigenvalues.push(sum(self.eigen.values()[i], gamma));
        }
        self.outside = (k < n).then(|| self.eigenvalues.partition_point(|value| *value <= gamma));
        if let Some(at) = self.outside {
            self.eigenvalues.insert(at, gamma);
        }
    }

    /// Pᵀg, ‖g⊥‖ and what g⊥ is made of: two passes over Ψ.
    fn project(&mut self, b: &dyn Compact, gradient: &[f64]) {
        let source = self.basis.source(b);
        let p = source.count();
        let k = self.eigenvalues.len() - usize::from(self.outside.is_some());
        self.sums.resize(p + 1, 0.0);
        self.components.clear();
        self.components.resize(k, 0.0);
        for weights in [&mut self.first, &mut self.second] {
            weights.clear();
            weights.resize(p, 0.0);
        }
        if k == 0 {
            self.components.extend(self.outside.map(|_| norm2(gradient)));
            return;
        }
        project(&source, gradient, &mut self.passes, &mut self.sums[..p]);
        add_projection(&self.vectors, &self.sums[..p], &mut self.components, &mut self.first);
        project_remainder(&source, gradient, &self.first, &mut self.passes, &mut self.sums);
        let squares = self.sums[p];
        let again = add_projection(&self.vectors, &self.sums[..p], &mut self.components, &mut self.second);
        // A remainder that the second projection halves was nothing but rounding.
        let rest = if again > 0.5 * squares { 0.0 } else { (squares - again).max(0.0).sqrt() };
        if let Some(at) = self.outside {
            self.components.insert(at, rest);
        }
        let rounding = ROUNDING * norm2(&self.components);
        for c in &mut self.components {
            *c = if c.abs() <= rounding { 0.0 } else { *c };
        }
    }

    /// The step in this radius: one pass over Ψ.
    fn place(&mut self, b: &dyn Compact, gradient: &[f64], radius: f64, step: &mut [f64]) -> Solved {
        self.rotated.resize(self.eigenvalues.len(), 0.0);
        let (eigenvalues, components) = (&self.eigenvalues, &self.components);
        let multiplier = self.secular.solve(Ball { eigenvalues, components, radius }, &mut self.rotated);
        let source = self.basis.source(b);
        // The step is a·g⊥ + Ψ·weights, and `along` times a unit vector outside where g⊥ = 0.
        let (a, along) = match self.outside {
            None => (0.0, 0.0),
            Some(at) if self.components[at] == 0.0 => (0.0, self.rotated.remove(at)),
            Some(at) => (self.rotated.remove(at) / self.components[at], 0.0),
        };
        let weights = &mut self.sums[..source.count()];
        multiply(&self.vectors, &self.rotated, weights);
        axpy(-a, &self.second, weights);
        let unit = (along != 0.0).then(|| outside_unit(&source, &self.vectors, along, weights));
        let squares = combine(&source, (a, gradient, &self.first), weights, &mut self.passes, step);
        if let Some((row, value)) = unit {
            step[row] += value;
        }
        if multiplier.on_boundary {
            let length = if unit.is_some() { norm2(step) } else { squares.sqrt() };
            to_boundary(step, length, radius);
        }
        Solved {
            predicted_reduction: multiplier.predicted_reduction,
            on_boundary: multiplier.on_boundary,
            along_gradient: None,
        }
    }
}

impl Subproblem for Obs {
    fn needs(&self) -> Form {
        Form::Compact
    }

    fn norm(&self) -> Norm {
        Norm::Two
    }

    /// The columns of a basis, and by chunks of their rows the sums that make their products.
    fn storage(&self, of: Shape, model: &dyn Model) -> usize {
        let columns = model.most_columns(of);
        of.dim * columns + of.dim.div_ceil(CHUNK) * columns * columns
    }

    fn solve(&mut self, gradient: &[f64], b: &mut dyn Operator, radius: f64, step: &mut [f64]) -> Solved {
        let b = compact(b);
        self.make_room(b.most_rank());
        self.basis.prepare(b, &mut self.passes);
        self.diagonalise(b.gamma(), b.dim());
        self.project(b, gradient);
        self.place(b, gradient, radius, step)
    }

    fn solve_again(
        &mut self,
        gradient: &[f64],
        b: &mut dyn Operator,
        radius: f64,
        step: &mut [f64],
    ) -> Solved {
        self.place(compact(b), gradient, radius, step)
    }
}

/// An eigenvalue of B as λ̂ + γ; zero where that is rounding. A flat direction would seem to have a minimum otherwise, at
/// the end of the world: on a linear function no radius would ever grow beyond it.
fn sum(own: f64, gamma: f64) -> f64 {
    let value = own + gamma;
    if value.abs() <= ROUNDING_OF_EIGENVALUES * own.abs().max(gamma.abs()) { 0.0 } else { value }
}

/// Takes from the step what the basis' last digits add to its length, or leave out.
fn to_boundary(step: &mut [f64], length: f64, radius: f64) {
    let excess = (length / radius - 1.0).abs();
    if excess > 2.0 * f64::EPSILON && excess < 1e-6 {
        step.iter_mut().for_each(|s| *s *= radius / length);
    }
}

fn compact(b: &mut dyn Operator) -> &dyn Compact {
    b.compact().expect("a model of this form was asked for by `needs`")
}

/// Adds Pᵀv to `components` and PPᵀv, in the basis' columns, to `weights`; v is given by what its columns make of it.
/// Returns ‖Pᵀv‖².
fn add_projection(vectors: &[f64], products: &[f64], components: &mut [f64], weights: &mut [f64]) -> f64 {
    let mut squares = 0.0;
    for (vector, component) in vectors.chunks_exact(products.len()).zip(components) {
        let new = dot(vector, products);
        axpy(new, vector, weights);
        *component += new;
        squares += new * new;
    }
    squares
}

/// A vector of length `along` that is orthogonal to P: what P leaves of a unit vector, of the k + 1 first the one of
/// which it leaves most (at least 1/(k + 1) in squares). Returns the unit vector's row and factor, and takes the rest
/// from `weights`.
fn outside_unit(source: &impl Columns, vectors: &[f64], along: f64, weights: &mut [f64]) -> (usize, f64) {
    let p = source.count();
    let component = |row: usize, vector: &[f64]| -> f64 {
        vector.iter().enumerate().map(|(j, w)| w * entry(source, j, row)).sum()
    };
    let vectors = || vectors.chunks_exact(p.max(1));
    let left = |row: usize| 1.0 - vectors().map(|v| component(row, v).powi(2)).sum::<f64>();
    let rows = 0..source.rows().min(vectors().len() + 1);
    let (row, left) = rows
        .map(|row| (row, left(row)))
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .expect("a vector outside is asked for only where there is one");
    let factor = along / left.sqrt();
    for vector in vectors() {
        axpy(-factor * component(row, vector), vector, weights);
    }
    (row, factor)
}
