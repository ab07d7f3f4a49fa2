//! Limited-memory SR1 in compact form (Byrd, Nocedal & Schnabel 1994, Theorem 5.1):
//!
//! ```text
//! B = γI + ΨMΨᵀ,   Ψ = Y − γS,   M⁻¹ = D + L + Lᵀ − γSᵀS,   SᵀY = L + D + (upper part)
//! ```
//!
//! B satisfies the secant equation Bs = y of the newest pair, is symmetric but not necessarily positive definite, and
//! on a quadratic equals the Hessian after n independent pairs. What SR1 needs of care:
//!
//! * a pair is skipped where |sᵀr| < 10⁻⁸‖s‖‖r‖, r = y − Bs (the update would blow up), and where r is within the
//!   gradients' error (B knows the pair already);
//! * γ changes with every pair and old pairs leave, which makes earlier skip decisions void. M⁻¹ is therefore filtered
//!   each time: with its rows scaled by (‖ψ‖‖s‖)^-½, which puts cosines on the diagonal, pairs are left out of the
//!   model until no eigenvalue is below a tolerance. A pair that is left out stays in the ring and is tried again
//!   with the next γ.
//!
//! The matrix of a part begins as the whole's restricted, γI + (RΨ)M(RΨ)ᵀ with RΨ stored; pairs of its own are
//! appended to it one by one: column r = y − Bs, and M becomes [M 0; 0 1/rᵀs].

mod gamma;
mod middle;
mod part;
mod settings;

use optkit_core::vector::dot;
use optkit_core::{Archive, Column, Compact, LoadError, Operator, Restriction, Shape, Storage};

use crate::Pairs;
use crate::compact::{Passes, Psi, apply, multiply, project, residual};

use part::Part;

pub use gamma::GammaRule;
pub use settings::{History, Learned, Reason, Settings, SettingsError, Skips};

/// Sums that a pass over a pair makes beside those with the columns.
const PAIR_SUMS: usize = 8;

/// A limited-memory SR1 matrix.
///
/// ```
/// use optkit_core::Compact;
/// use optkit_quasi_newton::{Learned, Lsr1, Reason, Settings};
/// let mut b = Lsr1::new(Settings::default())?;
/// b.clear(3);
/// assert_eq!(b.learn(&[1.0, 0.0, 0.0], &[5.0, 1.0, 0.0], 1e-16), Learned::Stored);
/// // The pair that it has just learnt holds no news.
/// assert_eq!(b.learn(&[1.0, 0.0, 0.0], &[5.0, 1.0, 0.0], 1e-16), Learned::Skipped(Reason::Known));
/// assert_eq!((b.rank(), b.skips().total()), (1, 1));
/// # Ok::<(), optkit_quasi_newton::SettingsError>(())
/// ```
#[derive(Debug)]
pub struct Lsr1 {
    settings: Settings,
    pairs: Pairs,
    /// The pairs of the model, by age.
    active: Vec<usize>,
    /// What takes the pairs' place in the matrix of a part.
    part: Part,
    gamma: f64,
    middle: Vec<f64>,
    gram: Vec<f64>,
    /// True where Y − γS cancels too little to spoil `gram`.
    gram_is_accurate: bool,
    skips: Skips,
    passes: Passes,
    coefficients: Vec<f64>,
    /// y − Bs of the pair last judged.
    residual: Vec<f64>,
    /// Rows of the whole's s.
    gathered: Vec<f64>,
    small: middle::Workspace,
}

impl Lsr1 {
    /// The largest `memory`.
    pub const MOST_MEMORY: usize = 100;

    /// A matrix without pairs, of order 0 until [`clear`](Self::clear) is called.
    ///
    /// # Errors
    ///
    /// Where a setting is out of its range.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        settings.check()?;
        let m = settings.memory;
        Ok(Self {
            settings,
            pairs: Pairs::new(m),
            active: Vec::with_capacity(m),
            part: Part::default(),
            gamma: 1.0,
            middle: Vec::with_capacity(m * m),
            gram: Vec::with_capacity(m * m),
            gram_is_accurate: false,
            skips: Skips::default(),
            passes: Passes::default(),
            coefficients: Vec::with_capacity(2 * m),
            residual: Vec::new(),
            gathered: Vec::new(),
            small: middle::Workspace::new(m),
        })
    }

    /// Forget everything; vectors have n entries from now on. B becomes γI with γ = 1, or the fixed one.
    pub fn clear(&mut self, n: usize) {
        self.pairs.clear(n);
        self.part.close();
        self.residual.resize(n, 0.0);
        self.skips = Skips::default();
        self.refresh();
    }

    /// The numbers that it will hold, and save, for n variables; as the matrix of a part where it begins with columns.
    #[must_use]
    pub fn storage(&self, of: Shape) -> Storage {
        let (n, m) = (of.dim, self.settings.memory);
        let (ring, residual) = (2 * m * n, n);
        let (of_part, rows) = match self.settings.history {
            _ if of.columns == 0 => (0, 0),
            History::Exact => (self.most_columns(of) * n, 0),
            History::Rows => (0, n),
        };
        Storage { held: ring + residual + of_part + rows, saved: ring.max(of_part) }
    }

    /// The most columns that it comes to have.
    #[must_use]
    pub fn most_columns(&self, of: Shape) -> usize {
        let from_whole = if self.settings.history == History::Exact { of.columns } else { 0 };
        from_whole + self.settings.memory
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// How many pairs were skipped since [`clear`](Self::clear).
    #[must_use]
    pub fn skips(&self) -> Skips {
        self.skips
    }

    /// True where B comes from no pair: it is a γI that nobody has measured.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty() && !self.part.is_open()
    }

    /// Pairs of the ring that the conditioning filter leaves out of B at present.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.pairs.len() - self.active.len()
    }

    /// The pairs kept.
    #[must_use]
    pub fn pairs(&self) -> &Pairs {
        &self.pairs
    }

    /// Forget everything and begin with the matrix of the whole restricted to a part, as `history` says; vectors have
    /// the part's length from now on. With `history` exact, pairs learnt from now on are appended, at most `memory`.
    pub fn begin_from(&mut self, from: Restriction<'_>) {
        self.clear(from.part.len());
        match self.settings.history {
            History::Exact => {
                self.part.open(from, self.settings.memory);
                self.gamma = from.whole.gamma();
                self.middle.clear();
                self.middle.extend_from_slice(from.whole.middle());
                self.gram_is_accurate = false;
                let most = self.part.most();
                self.middle.reserve(most * most);
                self.coefficients.reserve(2 * most);
                self.passes.reserve(from.part.len(), most + PAIR_SUMS);
            }
            History::Rows => self.take_rows(from),
        }
    }

    /// Rows of the whole's pairs as pairs. Columns that are no pairs stand for curvature that has no rows to take.
    fn take_rows(&mut self, from: Restriction<'_>) {
        let n = from.part.len();
        self.gathered.resize(n, 0.0);
        for j in 0..from.whole.rank() {
            if let Column::Pair { s, y } = from.whole.column(j) {
                from.part.gather(s, &mut self.gathered);
                from.part.gather(y, &mut self.residual);
                let [ss, _, _] = self.pairs.measure(&self.gathered, &self.residual, 0.0);
                if ss > 0.0 {
                    self.pairs.push(&self.gathered, &self.residual);
                }
            }
        }
        self.refresh();
    }

    /// Take in the secant pair y ≈ ∇²f·s; `noise` is the relative error of y.
    ///
    /// Two passes over the pairs. Panics where a length is not n.
    pub fn learn(&mut self, s: &[f64], y: &[f64], noise: f64) -> Learned {
        let n = self.dim();
        assert!(s.len() == n && y.len() == n, "learn: a pair of another length than n = {n}");
        match self.judge(s, y, noise) {
            Some(reason) => {
                self.skips.count(reason);
                Learned::Skipped(reason)
            }
            None if self.part.is_open() => {
                self.part.append(&self.residual, dot(s, &self.residual), &mut self.middle);
                Learned::Stored
            }
            None => {
                self.pairs.push(s, y);
                self.refresh();
                Learned::Stored
            }
        }
    }

    /// The reason to skip a pair, if there is one.
    fn judge(&mut self, s: &[f64], y: &[f64], noise: f64) -> Option<Reason> {
        let [ss, _, yy] = self.measure(s, y);
        if !(ss.is_finite() && yy.is_finite()) {
            return Some(Reason::NotFinite);
        }
        if ss == 0.0 {
            return Some(Reason::NoStep);
        }
        if self.is_empty() {
            return None; // what the γ of no pair makes of it says nothing: γ will be this pair's
        }
        if self.part.is_full() {
            return Some(Reason::Full);
        }
        let [sr, rr, bb] = self.residual(s, y);
        if !(sr.is_finite() && rr.is_finite()) {
            return Some(Reason::NotFinite);
        }
        let rounding = noise.max(8.0 * f64::EPSILON); // r itself is a difference
        if rr.sqrt() <= rounding * (yy.sqrt() + bb.sqrt()) {
            return Some(Reason::Known);
        }
        if sr.abs() < self.settings.skip * (ss.sqrt() * rr.sqrt()) {
            return Some(Reason::Degenerate);
        }
        None
    }

    /// sᵀs, sᵀy, yᵀy; and MΨᵀs into `coefficients`.
    fn measure(&mut self, s: &[f64], y: &[f64]) -> [f64; 3] {
        let rank = self.rank();
        let mut space = std::mem::take(&mut self.coefficients);
        space.resize(2 * rank, 0.0);
        let (coefficients, projected) = space.split_at_mut(rank);
        let sums = if self.part.is_open() {
            let mut passes = std::mem::take(&mut self.passes);
            project(&Psi(self), s, &mut passes, projected);
            self.passes = passes;
            [dot(s, s), dot(s, y), dot(y, y)]
        } else {
            self.pairs.measure(s, y, self.gamma)
        };
        for (out, &age) in projected.iter_mut().zip(&self.active) {
            *out = self.pairs.cross(age)[4];
        }
        multiply(&self.middle, projected, coefficients);
        self.coefficients = space;
        sums
    }

    /// sᵀr, rᵀr, (Bs)ᵀBs with r = y − Bs formed as a vector, which is kept.
    fn residual(&mut self, s: &[f64], y: &[f64]) -> [f64; 3] {
        let (mut r, mut passes) = (std::mem::take(&mut self.residual), std::mem::take(&mut self.passes));
        let sums = residual(&Psi(self), (s, y), &self.coefficients[..self.rank()], &mut passes, &mut r);
        (self.residual, self.passes) = (r, passes);
        sums
    }

    /// γ, the pairs of the model, M and ΨᵀΨ from the Gram matrices of the ring.
    fn refresh(&mut self) {
        self.gamma = self.settings.gamma.choose(&self.pairs, &mut self.small);
        self.active.clear();
        self.active.extend(0..self.pairs.len());
        middle::filter(
            &self.pairs,
            self.gamma,
            self.settings.conditioning,
            &mut self.active,
            &mut self.small,
        );
        self.small.inverse(&mut self.middle);
        self.gram_is_accurate = middle::gram(&self.pairs, self.gamma, &self.active, &mut self.gram);
    }

    /// What was learnt, to the bit.
    pub fn save(&self, archive: &mut Archive) {
        archive.scope("pairs", |a| self.pairs.save(a));
        self.part.save(self.gamma, &self.middle, archive);
        self.skips.save(archive);
    }

    /// The inverse of [`save`](Self::save), into a matrix of the same settings that was cleared to the same n.
    ///
    /// # Errors
    ///
    /// Where an entry is missing or has another length.
    pub fn load(&mut self, archive: &Archive) -> Result<(), LoadError> {
        self.pairs.load(&archive.scoped("pairs"))?;
        self.skips.load(archive)?;
        self.refresh(); // all else of a whole is a function of the Gram matrices
        if let Some(gamma) = self.part.load(self.dim(), &mut self.middle, archive)? {
            self.gamma = gamma;
        }
        Ok(())
    }
}

impl Compact for Lsr1 {
    fn dim(&self) -> usize {
        self.pairs.dim()
    }
    fn rank(&self) -> usize {
        if self.part.is_open() { self.part.count() } else { self.active.len() }
    }
    fn most_rank(&self) -> usize {
        if self.part.is_open() { self.part.most() } else { self.settings.memory }
    }
    fn gamma(&self) -> f64 {
        self.gamma
    }
    fn column(&self, j: usize) -> Column<'_> {
        if self.part.is_open() {
            return Column::Vector(self.part.column(j));
        }
        Column::Pair { s: self.pairs.s(self.active[j]), y: self.pairs.y(self.active[j]) }
    }
    fn middle(&self) -> &[f64] {
        &self.middle
    }
    fn gram(&self) -> Option<&[f64]> {
        self.gram_is_accurate.then_some(self.gram.as_slice())
    }
}

impl Operator for Lsr1 {
    fn apply(&mut self, v: &[f64], bv: &mut [f64]) {
        let mut passes = std::mem::take(&mut self.passes);
        let mut space = std::mem::take(&mut self.coefficients);
        apply(self, v, &mut passes, &mut space, bv);
        (self.passes, self.coefficients) = (passes, space);
    }
    fn compact(&self) -> Option<&dyn Compact> {
        Some(self)
    }
}
