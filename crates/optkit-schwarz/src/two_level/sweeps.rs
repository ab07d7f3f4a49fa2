//! Step 3: what follows the combined step, over the tail or over chosen parts.
//!
//! ```text
//! tail    all of it solved anew from one point, then recombined with what was done           additive within a sweep
//! parts   each in its turn solved anew at the point that the one before left, its step scaled
//!         by the model of the whole along it (and along what the part has done)               multiplicative
//! ```
//!
//! The second is a block Gauss–Seidel sweep (Ortega & Rheinboldt 1970, §7.4) with the Kᵢ of the iteration: where f is
//! quadratic, Kᵢ exact and μ → 0, to the digit. No sweep ever raises f.

use optkit_core::vector::all_finite;
use optkit_core::{GaussNewton, Subset};

use super::TwoLevel;
use super::combine::{Combined, Stage};

/// What came of all sweeps of an iteration.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Swept {
    pub(super) accepted: u32,
    pub(super) rejected: u32,
    /// Parts that were solved anew one by one.
    pub(super) solved: u32,
}

impl Swept {
    fn add(&mut self, combined: Combined) -> bool {
        self.accepted += u32::from(combined.moved);
        self.rejected += combined.trials - u32::from(combined.moved);
        combined.moved
    }
}

impl TwoLevel {
    /// Step 3, until a sweep moves nothing.
    pub(super) fn sweeps(&mut self, levels: &mut dyn GaussNewton, damping: f64) -> Swept {
        let mut swept = Swept::default();
        let Some(order) = self.order.take() else {
            let cheap = levels.tail_share() <= self.options.sweep_below;
            for _ in 0..if cheap { self.options.sweeps } else { 0 } {
                if !swept.add(self.sweep_tail(levels, damping)) {
                    break;
                }
            }
            return swept;
        };
        for _ in 0..self.options.sweeps {
            let mut moved = false;
            for &part in &order {
                swept.solved += 1;
                moved |= swept.add(self.solve_anew(levels, damping, part));
            }
            if !moved {
                break;
            }
        }
        self.order = Some(order);
        swept
    }

    fn sweep_tail(&mut self, levels: &mut dyn GaussNewton, damping: f64) -> Combined {
        levels.tail_gradient(&mut self.tail_gradient);
        levels.prepare_steps(&self.tail_gradient, true);
        levels.steps(damping, &mut self.tail);
        if !all_finite(&self.tail) {
            return Combined::default();
        }
        self.combine(levels, damping, Stage::Tail)
    }

    /// One part where the method stands now.
    fn solve_anew(&mut self, levels: &mut dyn GaussNewton, damping: f64, part: usize) -> Combined {
        levels.part_gradient(part, &mut self.tail_gradient);
        levels.prepare_part(part, &self.tail_gradient);
        let of_head = levels.holds_head(part);
        let step = if of_head { &mut self.new } else { &mut self.tail };
        levels.steps(damping, step);
        if !finite_on(&self.partition.parts()[part], step) {
            return Combined::default();
        }
        if of_head {
            levels.keep(step);
        }
        self.combine(levels, damping, Stage::Part { part, of_head })
    }
}

fn finite_on(part: &Subset, vector: &[f64]) -> bool {
    part.ranges().iter().all(|range| all_finite(&vector[range.clone()]))
}
