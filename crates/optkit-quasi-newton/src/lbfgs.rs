//! Limited-memory BFGS in compact form (Byrd, Nocedal & Schnabel 1994, Theorems 2.3 and 2.2):
//!
//! ```text
//! B = γI − [γS Y] [γSᵀS  L; Lᵀ  −D]⁻¹ [γS Y]ᵀ
//! H = B⁻¹ = I/γ + [S Y/γ] [R⁻ᵀ(D + YᵀY/γ)R⁻¹  −R⁻ᵀ; −R⁻¹  0] [S Y/γ]ᵀ
//! ```
//!
//! with SᵀY = L + R, L strictly lower, R upper triangular, D its diagonal. Both stay positive definite because a pair
//! is taken in only where sᵀy > 10⁻⁸‖s‖‖y‖; γ = yᵀy/sᵀy of the newest pair.

use optkit_core::{Archive, Column, Compact, LoadError, Operator};

use crate::compact::{Columns, Passes, apply, combine, multiply, project};
use crate::small::SymmetricEigen;
use crate::{Learned, Pairs, Reason, Skips};

/// Pairs of less curvature than this times ‖s‖‖y‖ are skipped.
const CURVATURE: f64 = 1e-8;

/// A limited-memory BFGS matrix, positive definite.
///
/// ```
/// use optkit_core::Operator;
/// use optkit_quasi_newton::{Lbfgs, Learned, Reason};
/// let mut b = Lbfgs::new(5);
/// b.clear(2);
/// assert_eq!(b.learn(&[1.0, 0.0], &[4.0, 0.0]), Learned::Stored);
/// // It is positive definite: negative curvature is not for it.
/// assert_eq!(b.learn(&[0.0, 1.0], &[0.0, -1.0]), Learned::Skipped(Reason::Degenerate));
/// let mut hg = [0.0; 2];
/// b.apply_inverse(&[4.0, 8.0], &mut hg);
/// assert!((hg[0] - 1.0).abs() < 1e-15 && (hg[1] - 2.0).abs() < 1e-15);
/// ```
#[derive(Debug)]
pub struct Lbfgs {
    pairs: Pairs,
    gamma: f64,
    middle: Vec<f64>,
    /// The same of H, whose columns are S and Y.
    inverse: Vec<f64>,
    skips: Skips,
    passes: Passes,
    space: Vec<f64>,
    work: Vec<f64>,
    eigen: SymmetricEigen,
}

/// The 2m columns S, then Y.
struct SAndY<'a>(&'a Pairs);

impl Columns for SAndY<'_> {
    fn rows(&self) -> usize {
        self.0.dim()
    }
    fn count(&self) -> usize {
        2 * self.0.len()
    }
    fn gamma(&self) -> f64 {
        0.0
    }
    fn block(&self, j: usize, rows: std::ops::Range<usize>) -> Column<'_> {
        Column::Vector(&column(self.0, j)[rows])
    }
}

fn column(pairs: &Pairs, j: usize) -> &[f64] {
    if j < pairs.len() { pairs.s(j) } else { pairs.y(j - pairs.len()) }
}

impl Lbfgs {
    /// The largest memory.
    pub const MOST_MEMORY: usize = 100;

    /// A matrix of at most `memory` pairs; of order 0 until [`clear`](Self::clear) is called.
    ///
    /// Panics where `memory` is above [`MOST_MEMORY`](Self::MOST_MEMORY).
    #[must_use]
    pub fn new(memory: usize) -> Self {
        assert!(memory <= Self::MOST_MEMORY, "at most {} pairs, not {memory}", Self::MOST_MEMORY);
        let square = || Vec::with_capacity(4 * memory * memory);
        let mut eigen = SymmetricEigen::default();
        eigen.reserve(2 * memory);
        Self {
            pairs: Pairs::new(memory),
            gamma: 1.0,
            middle: square(),
            inverse: square(),
            skips: Skips::default(),
            passes: Passes::default(),
            space: Vec::with_capacity(4 * memory),
            work: square(),
            eigen,
        }
    }

    /// Forget everything; vectors have n entries from now on. B becomes I.
    pub fn clear(&mut self, n: usize) {
        self.pairs.clear(n);
        self.skips = Skips::default();
        self.refresh();
    }

    /// True where there is no pair.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The pairs kept.
    #[must_use]
    pub fn pairs(&self) -> &Pairs {
        &self.pairs
    }

    /// How many pairs were skipped since [`clear`](Self::clear).
    #[must_use]
    pub fn skips(&self) -> Skips {
        self.skips
    }

    /// Take in the secant pair y ≈ ∇²f·s: one pass over the pairs. Panics where a length is not n.
    pub fn learn(&mut self, s: &[f64], y: &[f64]) -> Learned {
        let [ss, sy, yy] = self.pairs.measure(s, y, 0.0);
        let reason = if !(ss.is_finite() && yy.is_finite()) {
            Reason::NotFinite
        } else if ss == 0.0 {
            Reason::NoStep
        } else if sy <= CURVATURE * ss.sqrt() * yy.sqrt() {
            Reason::Degenerate
        } else {
            self.pairs.push(s, y);
            self.refresh();
            return Learned::Stored;
        };
        self.skips.count(reason);
        Learned::Skipped(reason)
    }

    /// `hg` ← Hg = B⁻¹g: two passes over the pairs, the second with the sums of the first.
    pub fn apply_inverse(&mut self, g: &[f64], hg: &mut [f64]) {
        let k = 2 * self.pairs.len();
        self.space.resize(2 * k, 0.0);
        let (products, weights) = self.space.split_at_mut(k);
        project(&SAndY(&self.pairs), g, &mut self.passes, products);
        multiply(&self.inverse, products, weights);
        combine(&SAndY(&self.pairs), (1.0 / self.gamma, g, &[]), weights, &mut self.passes, hg);
    }

    fn refresh(&mut self) {
        let m = self.pairs.len();
        self.gamma = if m == 0 { 1.0 } else { self.pairs.yy(m - 1, m - 1) / self.pairs.sy(m - 1, m - 1) };
        self.set_middle();
        self.set_inverse();
    }

    /// M for the columns S and Y: that of [γS Y] with γ taken into it.
    fn set_middle(&mut self) {
        let (m, k) = (self.pairs.len(), 2 * self.pairs.len());
        // With rows scaled to a unit diagonal, so that neither block drowns in the other.
        let scale = |i: usize| {
            let at = i % m;
            let squared = if i < m { self.gamma * self.pairs.ss(at, at) } else { self.pairs.sy(at, at) };
            1.0 / squared.sqrt()
        };
        let entry = |i: usize, j: usize| match (i < m, j < m) {
            (true, true) => self.gamma * self.pairs.ss(i, j),
            (true, false) if i > j - m => self.pairs.sy(i, j - m),
            (false, true) if j > i - m => self.pairs.sy(j, i - m),
            (false, false) if i == j => -self.pairs.sy(i - m, i - m),
            _ => 0.0,
        };
        self.work.clear();
        for j in 0..k {
            self.work.extend((0..k).map(|i| entry(i.min(j), i.max(j)) * scale(i) * scale(j)));
        }
        self.middle.clear();
        self.middle.resize(k * k, 0.0);
        if !self.eigen.decompose(k, &self.work) {
            return; // sums that are not finite: B is γI
        }
        let factor = |i: usize| scale(i) * if i < m { self.gamma } else { 1.0 };
        for (e, value) in self.eigen.values().iter().enumerate().filter(|(_, value)| **value != 0.0) {
            let v = self.eigen.vector(e);
            for j in 0..k {
                for i in 0..k {
                    self.middle[j * k + i] -= factor(i) * v[i] * (v[j] * factor(j)) / value;
                }
            }
        }
    }

    /// The same of H, likewise for the columns S and Y.
    fn set_inverse(&mut self) {
        let (m, k) = (self.pairs.len(), 2 * self.pairs.len());
        self.work.clear();
        self.work.resize(m * m, 0.0);
        // R⁻¹ by columns: back substitution on unit vectors.
        for j in 0..m {
            for i in (0..=j).rev() {
                let known: f64 = (i + 1..=j).map(|l| self.pairs.sy(i, l) * self.work[j * m + l]).sum();
                self.work[j * m + i] = (f64::from(u8::from(i == j)) - known) / self.pairs.sy(i, i);
            }
        }
        let r = |i: usize, j: usize| self.work[j * m + i];
        let inner = |i: usize, j: usize| {
            let diagonal = if i == j { self.pairs.sy(i, i) } else { 0.0 };
            diagonal + self.pairs.yy(i.min(j), i.max(j)) / self.gamma
        };
        self.inverse.clear();
        self.inverse.resize(k * k, 0.0);
        for j in 0..m {
            for i in 0..=j {
                let row = |a: usize| (0..=j).map(|b| inner(a, b) * r(b, j)).sum::<f64>();
                let value = (0..=i).map(|a| r(a, i) * row(a)).sum();
                (self.inverse[j * k + i], self.inverse[i * k + j]) = (value, value);
            }
            for i in 0..=j {
                let value = -r(i, j) / self.gamma; // −R⁻¹/γ, rows Y, columns S
                (self.inverse[j * k + m + i], self.inverse[(m + i) * k + j]) = (value, value);
            }
        }
    }

    /// What was learnt, to the bit.
    pub fn save(&self, archive: &mut Archive) {
        archive.scope("pairs", |a| self.pairs.save(a));
        self.skips.save(archive);
    }

    /// The inverse of [`save`](Self::save), into a matrix of the same memory that was cleared to the same n.
    ///
    /// # Errors
    ///
    /// Where an entry is missing or has another length.
    pub fn load(&mut self, archive: &Archive) -> Result<(), LoadError> {
        self.pairs.load(&archive.scoped("pairs"))?;
        self.skips.load(archive)?;
        self.refresh(); // all else is a function of the Gram matrices
        Ok(())
    }
}

/// Columns are S, then Y: M has γ in it.
impl Compact for Lbfgs {
    fn dim(&self) -> usize {
        self.pairs.dim()
    }
    fn rank(&self) -> usize {
        2 * self.pairs.len()
    }
    fn gamma(&self) -> f64 {
        self.gamma
    }
    fn column(&self, j: usize) -> Column<'_> {
        Column::Vector(column(&self.pairs, j))
    }
    fn middle(&self) -> &[f64] {
        &self.middle
    }
}

impl Operator for Lbfgs {
    fn apply(&mut self, v: &[f64], bv: &mut [f64]) {
        let (mut passes, mut space) = (std::mem::take(&mut self.passes), std::mem::take(&mut self.space));
        apply(self, v, &mut passes, &mut space, bv);
        (self.passes, self.space) = (passes, space);
    }
    fn compact(&self) -> Option<&dyn Compact> {
        Some(self)
    }
}
