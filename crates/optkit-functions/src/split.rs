//! A decomposition whose parts stand on sums that one pass over the whole supplies to all of them.

use optkit_core::{Archive, Cost, Decomposition, LoadError, Objective, Pass, Work};

use crate::tallied::{Evaluate, Shared, Tallied};

/// What the parts stand on.
pub(crate) trait Ground: Send + 'static {
    type Part: Evaluate + 'static;
    /// Compute at x (length n) what every part needs of its surroundings.
    fn survey(&mut self, x: &[f64]);
    /// Put `part` on what the last survey, at the same x, found.
    fn place(&self, index: usize, part: &mut Self::Part, x: &[f64]);
}

/// Parts on a ground.
pub(crate) struct Split<G: Ground> {
    ground: G,
    parts: Vec<Shared<G::Part>>,
    handles: Vec<Box<dyn Objective>>,
    costs: Vec<Cost>,
    work: Work,
}

impl<G: Ground> Split<G> {
    /// The parts with the share of the whole that each costs.
    pub(crate) fn new(ground: G, parts: Vec<Tallied<G::Part>>) -> Self {
        let costs = parts.iter().map(Tallied::cost).collect();
        let parts: Vec<_> = parts.into_iter().map(Shared::new).collect();
        let handles = parts.iter().map(|part| Box::new(part.clone()) as Box<dyn Objective>).collect();
        Self { ground, parts, handles, costs, work: Work::default() }
    }

    fn survey(&mut self, x: &[f64]) {
        self.ground.survey(x);
        self.work.gradient_equivalents += 0.5; // each term once, as a value costs
    }

    fn place(&self, index: usize, x: &[f64]) {
        let mut part = self.parts[index].lock();
        part.forget();
        self.ground.place(index, &mut part.inner, x);
    }
}

impl<G: Ground> Decomposition for Split<G> {
    fn freeze(&mut self, x: &[f64], _pass: Pass) {
        self.survey(x);
        for index in 0..self.parts.len() {
            self.place(index, x);
        }
    }
    fn update(&mut self, part: usize, x: &[f64]) {
        self.survey(x);
        self.place(part, x);
    }
    fn parts(&mut self) -> &mut [Box<dyn Objective>] {
        &mut self.handles
    }
    fn cost(&self, part: usize) -> Cost {
        self.costs[part]
    }
    fn shared_work(&self) -> Work {
        self.work
    }
    fn save(&self, archive: &mut Archive) {
        archive.put_work("shared", self.work);
        for (i, part) in self.parts.iter().enumerate() {
            archive.scope(&format!("part{i}"), |archive| part.save(archive));
        }
    }
    fn load(&mut self, archive: &Archive) -> Result<(), LoadError> {
        self.work = archive.work("shared")?;
        for (i, part) in self.parts.iter_mut().enumerate() {
            part.load(&archive.scoped(&format!("part{i}")))?;
        }
        Ok(())
    }
}
