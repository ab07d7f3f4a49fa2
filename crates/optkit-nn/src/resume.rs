//! What a checkpoint holds of an evaluator: where its outputs were computed and how, not the outputs.
//!
//! Outputs computed directly are the same whenever they are computed again. Outputs derived along a line are not
//! those that a direct evaluation gives, to the last bit; so the line's base, its first trial point and the ratios are
//! saved, and derived again on loading.

use optkit_core::{Archive, LoadError};

use crate::Scalar;
use crate::evaluator::{At, Evaluator};

impl<S: Scalar> Evaluator<S> {
    /// Points, derivations and the line of a whole objective.
    pub(crate) fn save(&self, archive: &mut Archive) {
        archive.put_work("work", self.work);
        archive.put_integer("slots", self.slots.len() as u64);
        archive.put_integer("clock", self.clock);
        archive.put_integer("anchor", place(self.anchor));
        for (i, slot) in self.slots.iter().enumerate() {
            archive.scope(&format!("slot{i}"), |archive| {
                archive.put_integer("used", slot.used);
                let Some(a) = slot.live() else { return archive.put("point", Vec::new()) };
                archive.put("point", a.point.clone());
                archive.put("ratios", a.derived.ratios.clone());
                if !a.is_direct() {
                    archive.put("base", a.derived.base.clone());
                    archive.put("first", a.derived.first.clone());
                }
            });
        }
        archive.put_integer("line.base", place(self.line.base));
        archive.put("line.direction", self.line.direction.clone());
        let (slot, t) = self.line.trial.unzip();
        archive.put_integer("line.trial", place(slot.map(At::Slot)));
        archive.put("line.coefficient", vec![t.unwrap_or(0.0)]);
    }

    pub(crate) fn load(&mut self, archive: &Archive) -> Result<(), LoadError> {
        self.forget();
        let slots = archive.integer("slots")? as usize;
        for i in 0..slots {
            self.load_slot(i, &archive.scoped(&format!("slot{i}")))?;
        }
        self.clock = archive.integer("clock")?;
        self.anchor = from_place(archive.integer("anchor")?, slots);
        self.line.base = from_place(archive.integer("line.base")?, slots);
        self.line.direction = archive.array("line.direction")?.to_vec();
        let t = archive.number("line.coefficient")?;
        self.line.trial = match from_place(archive.integer("line.trial")?, slots) {
            Some(At::Slot(slot)) => Some((slot, t)),
            _ => None,
        };
        self.work = archive.work("work")?;
        self.keep_slots(slots);
        Ok(())
    }

    /// What outlasts forgetting: the work, and the slots in the order of their use, which says how long a point that is
    /// evaluated will be remembered.
    pub(crate) fn save_forgotten(&self, archive: &mut Archive) {
        archive.put_work("work", self.work);
        archive.put_integer("clock", self.clock);
        archive.put_integer("slots", self.slots.len() as u64);
        for (i, slot) in self.slots.iter().enumerate() {
            archive.put_integer(&format!("used{i}"), slot.used);
        }
    }

    pub(crate) fn load_forgotten(&mut self, archive: &Archive) -> Result<(), LoadError> {
        self.forget();
        let slots = archive.integer("slots")? as usize;
        for i in 0..slots {
            let used = archive.integer(&format!("used{i}"))?;
            if self.slots.len() <= i {
                self.add_slot_without_room();
            }
            self.slots[i].used = used;
        }
        self.keep_slots(slots);
        self.clock = archive.integer("clock")?;
        self.work = archive.work("work")?;
        Ok(())
    }

    /// Fill slot `i` as it was filled.
    fn load_slot(&mut self, i: usize, archive: &Archive) -> Result<(), LoadError> {
        if self.slots.len() <= i {
            self.add_slot();
        }
        self.slots[i].used = archive.integer("used")?;
        let n = self.model.plan.dim;
        let point = archive.array("point")?;
        if point.is_empty() {
            return Ok(());
        }
        let mut theta = vec![0.0; n];
        archive.array_into("point", &mut theta)?;
        let ratios = archive.array("ratios")?;
        if ratios.is_empty() {
            self.direct(i, &theta, &theta, false);
            return Ok(());
        }
        let (mut base, mut first) = (vec![0.0; n], vec![0.0; n]);
        archive.array_into("base", &mut base)?;
        archive.array_into("first", &mut first)?;
        // The base may have left its slot since; a slot behind all others holds it meanwhile.
        let spare = self.spare_slot(i);
        self.direct(spare, &base, &base, false);
        self.direct(i, &first, &first, false);
        for &ratio in ratios {
            self.derive(i, At::Slot(spare), ratio, &theta, &theta);
        }
        self.empty(spare);
        Ok(())
    }
}

/// A place as a number: 0 is none.
fn place(at: Option<At>) -> u64 {
    match at {
        Some(At::Slot(i)) => 1 + i as u64,
        Some(At::Snapshot) | None => 0,
    }
}

fn from_place(place: u64, slots: usize) -> Option<At> {
    let slot = usize::try_from(place.checked_sub(1)?).ok()?;
    (slot < slots).then_some(At::Slot(slot))
}
