//! Secant pairs of the global matrix: of one batch, or of what two batches share.
//!
//! ```text
//! batch     s = θᵏ⁺½ − θᵏ,   y = ∇ℓ_S(θᵏ⁺½) − ∇ℓ_S(θᵏ)      S the batch at hand; θᵏ⁺½ → θᵏ⁺¹ is the global solver's own
//! overlap   s = θᵏ⁺¹ − θᵏ,   y = ∇ℓ_O(θᵏ⁺¹) − ∇ℓ_O(θᵏ)      O = Sᵏ ∩ Sᵏ⁺¹  (Berahas, Nocedal & Takáč 2016)
//! ```
//!
//! Of an overlap both gradients are evaluated on O when Sᵏ⁺¹ is at hand, as Sᵏ⁺¹ has these samples: one function at two
//! points, whatever masks and crops do from epoch to epoch. The gradient of Sᵏ at θᵏ is past by then, and lends its room.

use optkit_core::{Archive, LoadError, Objective, Pass, Samples};

use super::Apts;
use crate::PairsFrom;

/// The mini-batches whose shared samples give the next pair.
#[derive(Debug, Default)]
pub(super) struct Overlap {
    /// What iterations see now.
    now: Pass,
    /// Epoch and number of the batch of the last iteration, whose pair is not learnt yet. That began at `base.x`.
    last: Option<(u64, usize)>,
}

impl Overlap {
    /// Iterations see `pass` from now on.
    pub(super) fn see(&mut self, pass: Pass) {
        self.now = pass;
    }

    /// An iteration begins at the base.
    pub(super) fn begin(&mut self) {
        self.last = match self.now.samples {
            Samples::Batch(batch) => Some((self.now.epoch, batch)),
            Samples::All | Samples::First(_) => None,
        };
    }
}

impl Apts {
    /// True where the pairs are of what batches share, and the global solver has a use for them.
    pub(super) fn learns_overlaps(&self) -> bool {
        self.options.pairs == PairsFrom::Overlap && self.global.learns()
    }

    /// The pair θᵏ → θᵏ⁺½ of one batch; θᵏ⁺½ → θᵏ⁺¹ is the global solver's own.
    pub(super) fn learn_correction(&mut self, noise: f64) {
        if self.options.pairs != PairsFrom::Batch || !self.global.learns() {
            return;
        }
        let half = self.global.current();
        let Some(gradient) = half.gradient else { return };
        difference(half.x, &self.base.x, &mut self.correction);
        difference(gradient, &self.base.gradient, &mut self.change);
        self.global.learn_pair(&self.correction, &self.change, noise);
    }

    /// The pair θᵏ → θᵏ⁺¹ of what the last batch and this one share, once.
    pub(super) fn learn_overlap(&mut self, f: &mut dyn Objective) {
        let Some((epoch, batch)) = self.overlap.last.take() else { return };
        let (now, last) = (self.overlap.now, Pass { epoch, samples: Samples::Batch(batch) });
        let x = self.global.current().x;
        if last == now || *x == *self.base.x || f.select_shared(now, last).is_none() {
            return;
        }
        f.value_gradient(&self.base.x, &mut self.base.gradient);
        f.value_gradient(x, &mut self.change);
        difference(x, &self.base.x, &mut self.correction);
        self.change.iter_mut().zip(&self.base.gradient).for_each(|(y, before)| *y -= before);
        self.global.learn_pair(&self.correction, &self.change, f.noise());
        f.select(now);
    }

    /// What the next pair needs of the last iteration.
    pub(super) fn save_overlap(&self, archive: &mut Archive) {
        if !self.learns_overlaps() {
            return;
        }
        archive.scope("overlap", |archive| {
            archive.put_integer("known", u64::from(self.overlap.last.is_some()));
            if let Some((epoch, batch)) = self.overlap.last {
                archive.put_integer("epoch", epoch);
                archive.put_integer("batch", batch as u64);
                archive.put("x", self.base.x.clone());
            }
        });
    }

    pub(super) fn load_overlap(&mut self, archive: &Archive) -> Result<(), LoadError> {
        if !self.learns_overlaps() {
            return Ok(());
        }
        let archive = archive.scoped("overlap");
        self.overlap.last = None;
        if archive.integer("known")? != 0 {
            archive.array_into("x", &mut self.base.x)?;
            self.overlap.last = Some((archive.integer("epoch")?, archive.integer("batch")? as usize));
        }
        Ok(())
    }
}

/// `c` ← a − b.
fn difference(a: &[f64], b: &[f64], c: &mut [f64]) {
    c.iter_mut().zip(a).zip(b).for_each(|((c, a), b)| *c = a - b);
}
