//! Settings of a limited-memory SR1 matrix, and what it says of a pair.

use optkit_core::{Archive, LoadError};

use super::{GammaRule, Lsr1};

/// Settings of an [`Lsr1`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// m, the most pairs; 1 to 100.
    pub memory: usize,
    /// How γ is chosen.
    pub gamma: GammaRule,
    /// Skip a pair where |sᵀr| is below this times ‖s‖‖r‖; in (0, 1).
    pub skip: f64, // 1e-8, Nocedal & Wright (2006), (6.26)
    /// Leave pairs out of B until no eigenvalue of the scaled M⁻¹ is below this; in (0, 1). B magnifies the rounding of
    /// M by the inverse: with 10⁻⁸, steps of OBS had backward errors up to 2·10⁷ε on steepest-descent trajectories,
    /// with 3·10⁻⁴ up to 400ε, for as many iterations on the classic functions.
    pub conditioning: f64, // 3e-4
    /// What becomes of the whole's pairs in the matrix of a part.
    pub history: History,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            memory: 10,
            gamma: GammaRule::default(),
            skip: 1e-8,
            conditioning: 3e-4,
            history: History::Exact,
        }
    }
}

/// What the matrix of a part makes of the whole's, see [`Lsr1::begin_from`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum History {
    /// The whole's matrix restricted, RBRᵀ, with the whole's own M.
    #[default]
    Exact,
    /// Rows of the whole's S and Y as if they were pairs of the part, with an M of their own. No secant model of
    /// anything (Ry is not what Rs alone would have caused); the authors' code has it, and a reproduction needs it.
    Rows,
}

impl Settings {
    pub(super) fn check(&self) -> Result<(), SettingsError> {
        let inside = |value: f64| value > 0.0 && value < 1.0;
        if self.memory == 0 || self.memory > Lsr1::MOST_MEMORY {
            return Err(SettingsError::Memory(self.memory));
        }
        if !inside(self.skip) {
            return Err(SettingsError::Skip(self.skip));
        }
        if !inside(self.conditioning) {
            return Err(SettingsError::Conditioning(self.conditioning));
        }
        match self.gamma {
            GammaRule::Fixed(gamma) if !gamma.is_finite() || gamma == 0.0 => Err(SettingsError::Gamma(gamma)),
            _ => Ok(()),
        }
    }
}

/// Why settings cannot be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SettingsError {
    /// m.
    #[error("`memory` is {0}, and must be from 1 to {most}", most = Lsr1::MOST_MEMORY)]
    Memory(usize),
    /// The skip tolerance.
    #[error("`skip` is {0}, and must lie between 0 and 1")]
    Skip(f64),
    /// The conditioning tolerance.
    #[error("`conditioning` is {0}, and must lie between 0 and 1")]
    Conditioning(f64),
    /// A fixed γ.
    #[error("the fixed `gamma` is {0}, and must be a finite number other than 0")]
    Gamma(f64),
}

/// What became of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learned {
    /// B has it.
    Stored,
    /// B stays as it was.
    Skipped(Reason),
}

/// Why a pair was skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// An entry of s or y, or a sum of them, is not finite.
    NotFinite,
    /// s = 0.
    NoStep,
    /// r is within the error of the gradients: B has this already.
    Known,
    /// sᵀr is too near zero.
    Degenerate,
    /// `memory` pairs of a part's own were appended to its matrix already.
    Full,
}

/// How many pairs were skipped, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skips([u64; 5]);

impl Skips {
    const NAMES: [&'static str; 5] = ["not_finite", "no_step", "known", "degenerate", "full"];

    /// For this reason.
    #[must_use]
    pub fn of(&self, reason: Reason) -> u64 {
        self.0[reason as usize]
    }

    pub(crate) fn count(&mut self, reason: Reason) {
        self.0[reason as usize] += 1;
    }

    pub(crate) fn save(&self, archive: &mut Archive) {
        for (name, count) in Self::NAMES.iter().zip(self.0) {
            archive.put_integer(&format!("skipped_{name}"), count);
        }
    }

    pub(crate) fn load(&mut self, archive: &Archive) -> Result<(), LoadError> {
        for (name, count) in Self::NAMES.iter().zip(&mut self.0) {
            *count = archive.integer(&format!("skipped_{name}"))?;
        }
        Ok(())
    }

    /// For any reason.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}
