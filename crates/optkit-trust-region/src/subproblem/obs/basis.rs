//! An orthonormal basis of range Ψ.
//!
//! Q = ΨW with W = DV Θ^-½, where D scales the columns to unit length and (ΨD)ᵀΨD = VΘVᵀ; R = Θ^½VᵀD⁻¹. That Q is
//! orthonormal to about ε·cond, cond = θ_max/θ_min. Up to a limit Q is left as Ψ and W. Beyond it, Q is formed and
//! the step repeated on it, with θ shifted by what rounding leaves uncertain of it, so that no direction is lost: each
//! step takes the condition from κ to about max(1, κ·shift) (shifted Cholesky QR: Fukaya, Kannan, Nakatsukasa,
//! Yamamoto & Yanagisawa 2020). What a step forms from nothing but rounding is dropped by its length.

use std::ops::Range;

use optkit_core::{Column, Compact};
use optkit_quasi_newton::compact::{Columns, Panels, Passes, Psi, form, gram, transform_in_place};
use optkit_quasi_newton::small::SymmetricEigen;

/// The largest θ_max/θ_min at which Ψ itself serves.
const CONDITION_OF_PSI: f64 = 1e3;
/// The same of a stored Q; a step of it is cheap and leaves about 1.
const CONDITION_OF_STORED: f64 = 10.0;
/// Each step divides the condition by about 10¹³: two suffice, unless rounding is dropped in between.
const STEPS: usize = 6;

/// Q, as columns times W, and what B − γI is in it.
#[derive(Debug, Default)]
pub(super) struct Basis {
    panels: Panels,
    /// Passes that formed Q and made it orthonormal; 0 where Ψ serves.
    passes: usize,
    /// W, by columns, k of them.
    whiten: Vec<f64>,
    /// Rᵀ, m×k.
    triangular: Vec<f64>,
    /// RMRᵀ, k×k.
    middle: Vec<f64>,
    /// k.
    rank: usize,
    gram: Vec<f64>,
    /// Squared lengths below which a column is nothing but rounding.
    floors: Vec<f64>,
    scales: Vec<f64>,
    kept: Vec<usize>,
    scaled: Vec<f64>,
    previous: Vec<f64>,
    eigen: SymmetricEigen,
}

/// The columns that W multiplies.
pub(super) enum Source<'a> {
    Psi(Psi<'a>),
    Stored(&'a Panels),
}

impl Columns for Source<'_> {
    fn rows(&self) -> usize {
        match self {
            Self::Psi(psi) => psi.rows(),
            Self::Stored(panels) => panels.rows(),
        }
    }
    fn count(&self) -> usize {
        match self {
            Self::Psi(psi) => psi.count(),
            Self::Stored(panels) => panels.count(),
        }
    }
    fn gamma(&self) -> f64 {
        match self {
            Self::Psi(psi) => psi.gamma(),
            Self::Stored(panels) => panels.gamma(),
        }
    }
    fn block(&self, j: usize, rows: Range<usize>) -> Column<'_> {
        match self {
            Self::Psi(psi) => psi.block(j, rows),
            Self::Stored(panels) => panels.block(j, rows),
        }
    }
}

impl Basis {
    /// k, the number of columns of Q.
    pub(super) fn rank(&self) -> usize {
        self.rank
    }

    /// W.
    pub(super) fn whiten(&self) -> &[f64] {
        &self.whiten
    }

    /// RMRᵀ.
    pub(super) fn middle(&self) -> &[f64] {
        &self.middle
    }

    /// True where Q had to be stored.
    pub(super) fn is_stored(&self) -> bool {
        self.passes > 0
    }

    /// Passes that formed Q and made it orthonormal.
    pub(super) fn passes(&self) -> usize {
        self.passes
    }

    /// What W multiplies, of the matrix last prepared.
    pub(super) fn source<'a>(&'a self, b: &'a dyn Compact) -> Source<'a> {
        if self.is_stored() { Source::Stored(&self.panels) } else { Source::Psi(Psi(b)) }
    }

    /// Room for the largest rank that B may come to have.
    fn make_room(&mut self, b: &dyn Compact, passes: &mut Passes) {
        let most = b.most_rank();
        passes.reserve(b.dim(), most * most + 1);
        self.panels.reserve(b.dim(), most);
        self.eigen.reserve(most);
        for numbers in [
            &mut self.whiten,
            &mut self.triangular,
            &mut self.middle,
            &mut self.gram,
            &mut self.floors,
            &mut self.scales,
            &mut self.scaled,
            &mut self.previous,
        ] {
            numbers.reserve((most * most).saturating_sub(numbers.len()));
        }
        self.kept.reserve(most.saturating_sub(self.kept.len()));
    }

    /// Become the basis of this matrix.
    pub(super) fn prepare(&mut self, b: &dyn Compact, passes: &mut Passes) {
        let m = b.rank();
        self.make_room(b, passes);
        self.passes = 0;
        self.gram.resize(m * m, 0.0);
        match b.gram() {
            Some(known) => self.gram.copy_from_slice(known),
            None => gram(&Psi(b), passes, &mut self.gram),
        }
        self.floors.clear();
        self.floors.resize(m, 0.0);
        self.previous.clear(); // R of before, I at first
        self.previous.extend((0..m * m).map(|at| f64::from(u8::from(at % (m + 1) == 0))));
        for step in 0..STEPS {
            let limit = if self.is_stored() { CONDITION_OF_STORED } else { CONDITION_OF_PSI };
            let condition = self.decompose();
            let done = condition <= limit || step + 1 == STEPS;
            self.set_factors(if done { 0.0 } else { shift(self.kept.len()) });
            if done {
                break;
            }
            self.form(b, passes);
        }
        self.set_middle(b.middle());
    }

    /// VΘVᵀ of the columns that are more than rounding; returns θ_max/θ_min.
    fn decompose(&mut self) -> f64 {
        let p = self.floors.len();
        self.kept.clear();
        self.kept.extend((0..p).filter(|&j| self.gram[j * p + j] > self.floors[j]));
        self.scales.clear();
        self.scales.extend(self.kept.iter().map(|&j| 1.0 / self.gram[j * p + j].sqrt()));
        let k = self.kept.len();
        self.scaled.clear();
        for (&j, right) in self.kept.iter().zip(&self.scales) {
            let column = self.kept.iter().zip(&self.scales);
            self.scaled.extend(column.map(|(&i, left)| self.gram[j * p + i] * left * right));
        }
        if !self.eigen.decompose(k, &self.scaled) {
            self.kept.clear(); // not finite: what is left of B is γI
            return 1.0;
        }
        if k == 0 { 1.0 } else { self.eigen.values()[k - 1] / self.eigen.values()[0].max(0.0) }
    }

    /// W and Rᵀ of the decomposition, θ being raised by `shift`.
    fn set_factors(&mut self, shift: f64) {
        let p = self.floors.len();
        let m = self.previous.len().checked_div(p).unwrap_or(0);
        self.rank = self.kept.len();
        self.whiten.clear();
        self.whiten.resize(p * self.rank, 0.0);
        self.triangular.clear();
        self.triangular.resize(m * self.rank, 0.0);
        let least = f64::EPSILON * self.rank as f64; // the last step takes any θ; the root must exist
        for i in 0..self.rank {
            let theta = (self.eigen.values()[i].max(0.0) + shift).max(least);
            let (root, vector) = (theta.sqrt(), self.eigen.vector(i));
            for ((&j, scale), v) in self.kept.iter().zip(&self.scales).zip(vector) {
                self.whiten[i * p + j] = v * scale / root;
                let before = &self.previous[j * m..(j + 1) * m];
                let after = &mut self.triangular[i * m..(i + 1) * m];
                optkit_core::vector::axpy(root * v / scale, before, after);
            }
        }
    }

    /// Q ← QW, with its Gram matrix, and the lengths below which its columns are rounding.
    fn form(&mut self, b: &dyn Compact, passes: &mut Passes) {
        let p = self.floors.len();
        if self.is_stored() {
            // The number of stored columns stays; those without a direction become zero.
            self.whiten.resize(p * p, 0.0);
            self.triangular.resize(self.previous.len(), 0.0);
            transform_in_place(&mut self.panels, &self.whiten, passes, &mut self.gram);
        } else {
            self.gram.resize(self.rank * self.rank, 0.0);
            form(&Psi(b), &self.whiten, passes, &mut self.panels, &mut self.gram);
        }
        self.passes += 1;
        // An entry of ΨW is off by ε·|Ψ||W|, and the columns of ΨD have unit length.
        let uncertain = |theta: f64| 64.0 * p as f64 * f64::EPSILON * f64::EPSILON / theta;
        let shift = shift(self.rank);
        let stored = self.gram.len().isqrt();
        self.floors.clear();
        self.floors.extend(self.eigen.values().iter().map(|theta| uncertain(theta.max(0.0) + shift)));
        self.floors.resize(stored, 0.0);
        std::mem::swap(&mut self.previous, &mut self.triangular);
    }

    fn set_middle(&mut self, middle: &[f64]) {
        let (k, m) = (self.rank, middle.len().isqrt());
        self.middle.clear();
        self.middle.resize(k * k, 0.0);
        self.scaled.resize(m, 0.0);
        for j in 0..k {
            optkit_quasi_newton::compact::multiply(
                middle,
                &self.triangular[j * m..(j + 1) * m],
                &mut self.scaled[..m],
            );
            for i in 0..=j {
                let value = optkit_core::vector::dot(&self.triangular[i * m..(i + 1) * m], &self.scaled[..m]);
                (self.middle[j * k + i], self.middle[i * k + j]) = (value, value);
            }
        }
    }
}

/// What rounding leaves uncertain of θ for m unit columns.
fn shift(m: usize) -> f64 {
    32.0 * m as f64 * f64::EPSILON
}
