//! What a solution must satisfy (Moré & Sorensen 1983), evaluated in twice the precision.

use nalgebra::{DMatrix, DVector, SymmetricEigen};
use optkit_core::{Column, Compact, Operator};
use optkit_trust_region::{Obs, Solved, Subproblem};

/// B = γI + ΨMΨᵀ with everything given.
#[derive(Clone, Debug)]
pub struct Matrix {
    pub gamma: f64,
    pub psi: DMatrix<f64>,
    pub middle: DMatrix<f64>,
    /// S, where columns are handed out as pairs: y = ψ + γs.
    pub pairs: Option<(DMatrix<f64>, DMatrix<f64>)>,
}

impl Matrix {
    pub fn new(gamma: f64, psi: DMatrix<f64>, middle: DMatrix<f64>) -> Self {
        Self { gamma, psi, middle, pairs: None }
    }

    /// The same columns as pairs with this S; Ψ becomes Y − γS as rounded.
    pub fn with_pairs(mut self, s: DMatrix<f64>) -> Self {
        let y = &self.psi + self.gamma * &s;
        self.psi = y.zip_map(&s, |y, s| y - self.gamma * s);
        self.pairs = Some((s, y));
        self
    }

    /// A copy of any matrix in compact form.
    pub fn of(b: &dyn Compact) -> Self {
        let psi = DMatrix::from_fn(b.dim(), b.rank(), |i, j| match b.column(j) {
            Column::Pair { s, y } => y[i] - b.gamma() * s[i],
            Column::Vector(v) => v[i],
        });
        Self::new(b.gamma(), psi, DMatrix::from_column_slice(b.rank(), b.rank(), b.middle()))
    }
}

fn column(a: &DMatrix<f64>, j: usize) -> &[f64] {
    &a.as_slice()[j * a.nrows()..(j + 1) * a.nrows()]
}

impl Compact for Matrix {
    fn dim(&self) -> usize {
        self.psi.nrows()
    }
    fn rank(&self) -> usize {
        self.psi.ncols()
    }
    fn gamma(&self) -> f64 {
        self.gamma
    }
    fn column(&self, j: usize) -> Column<'_> {
        match &self.pairs {
            Some((s, y)) => Column::Pair { s: column(s, j), y: column(y, j) },
            None => Column::Vector(column(&self.psi, j)),
        }
    }
    fn middle(&self) -> &[f64] {
        self.middle.as_slice()
    }
}

impl Operator for Matrix {
    fn apply(&mut self, v: &[f64], bv: &mut [f64]) {
        let v = DVector::from_column_slice(v);
        let product = self.gamma * &v + &self.psi * (&self.middle * self.psi.tr_mul(&v));
        bv.copy_from_slice(product.as_slice());
    }
    fn compact(&self) -> Option<&dyn Compact> {
        Some(self)
    }
}

/// A number as an unevaluated sum of two (Dekker 1971; Knuth).
#[derive(Clone, Copy, Debug, Default)]
pub struct Double(f64, f64);

impl Double {
    pub fn value(self) -> f64 {
        self.0 + self.1
    }
    pub fn of(a: f64) -> Self {
        Self(a, 0.0)
    }
    pub fn plus(self, b: Self) -> Self {
        let sum = self.0 + b.0;
        let back = sum - self.0;
        let error = (self.0 - (sum - back)) + (b.0 - back) + self.1 + b.1;
        let high = sum + error;
        Self(high, error - (high - sum))
    }
    pub fn times(self, b: Self) -> Self {
        let product = self.0 * b.0;
        let error = self.0.mul_add(b.0, -product) + self.0 * b.1 + self.1 * b.0;
        let high = product + error;
        Self(high, error - (high - product))
    }
}

/// Bp + g, in twice the precision.
fn residual(b: &Matrix, p: &[f64], g: &[f64]) -> Vec<Double> {
    let (n, m) = b.psi.shape();
    let mut projected = vec![Double::default(); m];
    for (j, sum) in projected.iter_mut().enumerate() {
        for (psi, p) in column(&b.psi, j).iter().zip(p) {
            *sum = sum.plus(Double::of(*psi).times(Double::of(*p)));
        }
    }
    let weights: Vec<Double> = (0..m)
        .map(|i| {
            let row = projected.iter().enumerate();
            row.fold(Double::default(), |sum, (j, v)| sum.plus(Double::of(b.middle[(i, j)]).times(*v)))
        })
        .collect();
    (0..n)
        .map(|i| {
            let start = Double::of(g[i]).plus(Double::of(b.gamma).times(Double::of(p[i])));
            let row = weights.iter().enumerate();
            row.fold(start, |sum, (j, w)| sum.plus(Double::of(b.psi[(i, j)]).times(*w)))
        })
        .collect()
}

/// All eigenvalues of B but the multiplicity of γ, ascending.
pub fn eigenvalues(b: &Matrix) -> Vec<f64> {
    let (n, m) = b.psi.shape();
    let mut values = if n <= 60 {
        let dense = b.gamma * DMatrix::identity(n, n) + &b.psi * &b.middle * b.psi.transpose();
        SymmetricEigen::new(dense).eigenvalues.as_slice().to_vec()
    } else {
        let r = b.psi.clone().qr().r();
        let small = &r * &b.middle * r.transpose();
        let mut values = SymmetricEigen::new(small).eigenvalues.as_slice().to_vec();
        values.iter_mut().for_each(|v| *v += b.gamma);
        if m < n {
            values.push(b.gamma);
        }
        values
    };
    values.sort_by(f64::total_cmp);
    values
}

/// How far a step is from a solution, each relative to its bar.
#[derive(Clone, Copy, Debug)]
pub struct Errors {
    /// ‖(B + σI)p + g‖ over ε((‖B‖ + σ)‖p‖ + ‖g‖).
    pub backward: f64,
    /// |‖p‖ − Δ| over Δ where σ > 0.
    pub boundary: f64,
    /// −(λ₁ + σ) over ε(‖B‖ + σ), where positive.
    pub indefinite: f64,
    /// Error of the predicted reduction over ε times the sizes of its terms.
    pub reduction: f64,
}

pub fn errors(b: &Matrix, g: &[f64], radius: f64, p: &[f64], solved: Solved) -> Errors {
    let dot = |x: &[Double], y: &[f64]| {
        x.iter().zip(y).fold(Double::default(), |sum, (x, y)| sum.plus(x.times(Double::of(*y))))
    };
    let doubled = |x: &[f64]| x.iter().map(|v| Double::of(*v)).collect::<Vec<_>>();
    let length = dot(&doubled(p), p).value().sqrt();
    let g_length = dot(&doubled(g), g).value().sqrt();
    let r = residual(b, p, g);
    let values = eigenvalues(b);
    let norm = values[0].abs().max(values[values.len() - 1].abs());
    // σ is what minimises the residual; inside the ball it is 0.
    let sigma = if solved.on_boundary { (-dot(&r, p).value() / (length * length)).max(0.0) } else { 0.0 };
    let residual = r.iter().zip(p).map(|(r, p)| r.plus(Double::of(sigma).times(Double::of(*p))).value());
    let residual = residual.map(|v| v * v).sum::<f64>().sqrt();
    // −gᵀp − ½pᵀBp = −½(gᵀp + pᵀ(Bp + g))
    let reduction = -0.5 * dot(&doubled(g), p).plus(dot(&r, p)).value();
    let sizes = g_length * length + norm * length * length;
    Errors {
        backward: residual / (f64::EPSILON * ((norm + sigma) * length + g_length)),
        boundary: if solved.on_boundary { (length - radius).abs() / radius } else { 0.0 },
        indefinite: (-(values[0] + sigma) / (f64::EPSILON * (norm + sigma))).max(0.0),
        reduction: (solved.predicted_reduction - reduction).abs() / (f64::EPSILON * sizes),
    }
}

/// Solves, and checks the bar.
pub fn solve(b: &mut Matrix, g: &[f64], radius: f64, what: &str) -> (Vec<f64>, Solved, Errors) {
    let mut p = vec![f64::NAN; g.len()];
    let mut solver = Obs::default();
    let solved = solver.solve(g, b, radius, &mut p);
    let errors = errors(b, g, radius, &p, solved);
    if std::env::var_os("OBS_ERRORS").is_some() {
        eprintln!("{what}: stored {} {errors:?}", solver.stored_a_basis());
    }
    assert!(errors.backward <= 1e3, "{what}: {errors:?}");
    assert!(errors.boundary <= 1e-10, "{what}: {errors:?}");
    assert!(errors.indefinite <= 1e3, "{what}: {errors:?}");
    assert!(errors.reduction <= 1e3, "{what}: {errors:?}");
    let length = optkit_core::vector::norm2(&p);
    assert!(length <= radius * (1.0 + 1e-10), "{what}: {length} in {radius}");
    assert!(solved.predicted_reduction > 0.0, "{what}");
    (p, solved, errors)
}
