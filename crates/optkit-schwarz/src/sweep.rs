//! The nonlinear additive Schwarz sweep (Trotti et al. 2023, Algorithm 1, steps 7–10).
//!
//! Every part is improved from the same point θ with the others frozen, by at most ν trust-region iterations, none
//! of which leaves the ball of radius Δ around Rᵢθ in the norm of its solver. The parts are disjoint, so the sum of the
//! corrections is every part's own new values, θ̃ = Σ Rᵢᵀθᵢ; with solvers in the ∞-norm or the 2-norm, ‖θ̃ − θ‖∞ ≤ Δ.

use optkit_core::vector::norm_inf;
use optkit_core::{
    Archive, Begin, Compact, Decomposition, Evaluated, Flow, LoadError, Objective, Pass, RadiusDriven,
    Restriction, StartError, StepReport, Subset, Work,
};
use rayon::prelude::*;

use crate::Partition;
use crate::restricted::{Restricted, Surroundings};

/// A local solve stops where less than this share of Δ is left to it.
const NOTHING_LEFT: f64 = 1e-3;

/// The point at which a sweep starts.
#[derive(Clone, Copy)]
pub struct Frozen<'a> {
    /// θ.
    pub x: &'a [f64],
    /// f(θ) and ∇f(θ).
    pub known: Evaluated<'a>,
    /// The samples on which both were evaluated.
    pub pass: Pass,
    /// The quasi-Newton matrix of the whole there, which every part's solver begins with, restricted.
    pub model: Option<&'a dyn Compact>,
}

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Iterations of all local solvers.
    pub local_iterations: u32,
    /// Trial points accepted in them.
    pub trials_accepted: u32,
    /// Trial points rejected in them.
    pub trials_rejected: u32,
}

/// One part's solver.
struct Local {
    solver: Box<dyn RadiusDriven>,
    report: SweepReport,
    /// What f fell by in its solve.
    reduction: f64,
    /// How far its solve went, in the norm of its solver.
    length: f64,
    /// What evaluations of the part have cost since the start, where it is evaluated on its own.
    work: Work,
    /// Of that, what the part's own counter does not know of, for the run was taken up from a saved state.
    before: Work,
}

/// Where a part's solve begins, and what it works in.
#[derive(Default)]
struct Room {
    start: Vec<f64>,
    gradient: Vec<f64>,
    /// The vectors of a solver that keeps none of its own.
    vectors: Vec<Vec<f64>>,
}

/// Where the parts are evaluated.
enum Evaluators {
    /// Each on its own, cheaper than the whole, in parallel.
    Parts(Box<dyn Decomposition>),
    /// One after another on the whole objective.
    Whole(Surroundings),
}

/// Makes the solver of a part.
pub type MakeSolver = Box<dyn Fn(&Subset) -> Box<dyn RadiusDriven> + Send>;

/// The sweep, alone: also a nonlinear preconditioner for methods other than APTS.
pub struct AdditiveSweep {
    partition: Partition,
    iterations: u32,
    locals: Vec<Local>,
    evaluators: Evaluators,
    /// One a part where they are solved side by side, else one for all.
    rooms: Vec<Room>,
    /// Work before the run was taken up from a saved state, where the parts' own counters do not know of it.
    before: Work,
    work: Work,
}

impl AdditiveSweep {
    /// A sweep over `partition` with at most `iterations` (ν) iterations of the solver that `solver` makes for
    /// each part.
    pub fn new(
        f: &mut dyn Objective,
        partition: Partition,
        iterations: u32,
        solver: &dyn Fn(&Subset) -> Box<dyn RadiusDriven>,
    ) -> Result<Self, StartError> {
        if partition.dim() != f.dim() {
            return Err(StartError::PartitionLength { partition: partition.dim(), dim: f.dim() });
        }
        let mut locals: Vec<Local> = partition
            .parts()
            .iter()
            .map(|part| Local {
                solver: solver(part),
                report: SweepReport::default(),
                reduction: 0.0,
                length: 0.0,
                work: Work::default(),
                before: Work::default(),
            })
            .collect();
        let mut rooms = vec![Room::default()];
        let evaluators = match f.decompose(partition.parts()) {
            Ok(mut decomposition) => {
                check(decomposition.parts(), &partition)?;
                let concurrent = decomposition.concurrent();
                if concurrent {
                    rooms.resize_with(locals.len(), Room::default);
                }
                for (i, (local, part)) in locals.iter_mut().zip(decomposition.parts()).enumerate() {
                    let at = i % rooms.len();
                    local.start(part.as_mut(), &mut rooms[at])?;
                    if concurrent {
                        // Nobody takes turns: to each its own.
                        local.exchange(&mut rooms[at]);
                    }
                }
                Evaluators::Parts(decomposition)
            }
            Err(_) => {
                let mut surroundings = Surroundings::new(f.dim());
                for (local, subset) in locals.iter_mut().zip(partition.parts()) {
                    let mut part = Restricted { whole: &mut *f, subset, surroundings: &mut surroundings };
                    local.start(&mut part, &mut rooms[0])?;
                }
                Evaluators::Whole(surroundings)
            }
        };
        let (before, work) = (Work::default(), Work::default());
        Ok(Self { partition, iterations, locals, evaluators, rooms, before, work })
    }

    /// Improve every part from `frozen` inside the ball of `radius`; writes θ̃ into `combined` (length n).
    ///
    /// Inside a rayon pool, parts run in parallel where `f` decomposes and its parts are small. The result does not depend on threads.
    pub fn sweep(
        &mut self,
        f: &mut dyn Objective,
        frozen: Frozen<'_>,
        radius: f64,
        combined: &mut [f64],
    ) -> SweepReport {
        for local in &mut self.locals {
            local.report = SweepReport::default();
            (local.reduction, local.length) = (0.0, 0.0);
        }
        let solve = LocalSolve { frozen, radius, iterations: self.iterations };
        combined.copy_from_slice(frozen.x);
        let subsets = self.partition.parts();
        match &mut self.evaluators {
            Evaluators::Parts(decomposition) => {
                decomposition.freeze(frozen.x, frozen.pass);
                let (locals, concurrent) = (&mut self.locals, decomposition.concurrent());
                let parts = decomposition.parts();
                if concurrent {
                    let parts = locals.par_iter_mut().zip(parts.par_iter_mut()).zip(subsets);
                    parts.zip(&mut self.rooms).for_each(|(((local, part), subset), room)| {
                        local.improve(part.as_mut(), subset, solve, room);
                    });
                    for ((local, room), subset) in self.locals.iter().zip(&self.rooms).zip(subsets) {
                        subset.scatter(local.result(room), combined);
                    }
                } else {
                    for ((local, part), subset) in locals.iter_mut().zip(parts).zip(subsets) {
                        local.take_turn(part.as_mut(), subset, solve, (&mut self.rooms[0], combined));
                    }
                }
                decomposition.release();
                for (local, part) in self.locals.iter_mut().zip(decomposition.parts()) {
                    local.work = part.work() + local.before;
                }
                self.work = counted(decomposition.as_mut()) + self.before;
            }
            Evaluators::Whole(surroundings) => {
                for (local, subset) in self.locals.iter_mut().zip(subsets) {
                    surroundings.freeze(frozen.x);
                    let mut part = Restricted { whole: &mut *f, subset, surroundings };
                    local.take_turn(&mut part, subset, solve, (&mut self.rooms[0], combined));
                }
            }
        }
        self.locals.iter().fold(SweepReport::default(), |mut sum, local| {
            sum.add(&local.report);
            sum
        })
    }

    /// What f fell by in the local solves of the last sweep, each with the others frozen, in all: the reduction of the
    /// whole, were the parts independent of each other.
    #[must_use]
    pub fn local_reduction(&self) -> f64 {
        self.locals.iter().map(|local| local.reduction).sum()
    }

    /// How far the part that went farthest in the last sweep went, in the norm of its solver.
    #[must_use]
    pub fn farthest(&self) -> f64 {
        self.locals.iter().fold(0.0, |farthest, local| local.length.max(farthest))
    }

    /// Work on the parts that the whole objective's own counter does not see.
    #[must_use]
    pub fn work(&self) -> Work {
        self.work
    }

    /// Of that, what each part did, in the order of the partition; what all of them share is not in it. Empty where
    /// parts are evaluated on the whole objective, whose own counter has it.
    #[must_use]
    pub fn work_of_parts(&self) -> Vec<Work> {
        match self.evaluators {
            Evaluators::Parts(_) => self.locals.iter().map(|local| local.work).collect(),
            Evaluators::Whole(_) => Vec::new(),
        }
    }

    /// What outlasts a sweep: the work, and what the parts' solvers have learnt of the curvature.
    pub fn save(&self, archive: &mut Archive) {
        archive.put_work("work", self.work);
        for (i, local) in self.locals.iter().enumerate() {
            archive.put_work(&format!("work{i}"), local.work);
        }
        if let Evaluators::Parts(decomposition) = &self.evaluators {
            archive.scope("decomposition", |archive| decomposition.save(archive));
        }
        for (i, local) in self.locals.iter().enumerate().filter(|(_, local)| local.solver.learns()) {
            archive.scope(&format!("local{i}"), |archive| local.solver.save(archive));
        }
    }

    /// The inverse of [`save`](Self::save).
    pub fn load(&mut self, archive: &Archive) -> Result<(), LoadError> {
        for (i, local) in self.locals.iter_mut().enumerate().filter(|(_, local)| local.solver.learns()) {
            local.solver.load(&archive.scoped(&format!("local{i}")))?;
        }
        self.work = archive.work("work")?;
        self.before = self.work;
        for (i, local) in self.locals.iter_mut().enumerate() {
            local.work = archive.work(&format!("work{i}"))?;
            local.before = local.work;
        }
        if let Evaluators::Parts(decomposition) = &mut self.evaluators {
            decomposition.load(&archive.scoped("decomposition"))?;
            if counted(decomposition.as_mut()) == self.work {
                self.before = Work::default();
                self.locals.iter_mut().for_each(|local| local.before = Work::default());
            }
        }
        Ok(())
    }
}

/// What a decomposition's own counters say.
pub(crate) fn counted(decomposition: &mut dyn Decomposition) -> Work {
    let parts = decomposition.parts().iter().fold(Work::default(), |work, part| work + part.work());
    parts + decomposition.shared_work()
}

/// Parts that are not those asked for would be improved in the place of others.
fn check(parts: &[Box<dyn Objective>], partition: &Partition) -> Result<(), StartError> {
    let refuse = |what, got, expected| Err(StartError::Decomposition { what, got, expected });
    let subsets = partition.parts();
    if parts.len() != subsets.len() {
        return refuse("parts", parts.len(), subsets.len());
    }
    for (part, subset) in parts.iter().zip(subsets) {
        if part.dim() != subset.len() {
            return refuse("variables in a part", part.dim(), subset.len());
        }
        if part.bounds().is_some() {
            return Err(StartError::Bounds);
        }
    }
    Ok(())
}

/// What all parts have in common.
#[derive(Clone, Copy)]
struct LocalSolve<'a> {
    frozen: Frozen<'a>,
    radius: f64,
    iterations: u32,
}

impl Local {
    /// Let the solver see its part; what it works in is left in `room`.
    fn start(&mut self, part: &mut dyn Objective, room: &mut Room) -> Result<(), StartError> {
        room.start.clear();
        room.start.resize(part.dim(), 0.0);
        self.exchange(room);
        let started = self.solver.start(part, &room.start, None);
        self.exchange(room);
        started
    }

    /// What is learnt stays with its solver; so do the vectors of those that learn.
    fn exchange(&mut self, room: &mut Room) {
        if !self.solver.learns() {
            self.solver.exchange(&mut room.vectors);
        }
    }

    /// One part after another in the same room; what came out is in `combined`.
    fn take_turn(
        &mut self,
        part: &mut dyn Objective,
        subset: &Subset,
        solve: LocalSolve<'_>,
        (room, combined): (&mut Room, &mut [f64]),
    ) {
        self.exchange(room);
        self.improve(part, subset, solve, room);
        subset.scatter(self.result(room), combined);
        self.exchange(room);
    }

    /// At most ν iterations from `frozen`, where value and gradient are known.
    fn improve(&mut self, part: &mut dyn Objective, subset: &Subset, solve: LocalSolve<'_>, room: &mut Room) {
        let LocalSolve { frozen, radius, iterations } = solve;
        let Room { start, gradient, .. } = room;
        for (own, whole) in [(&mut *start, frozen.x), (&mut *gradient, frozen.known.gradient)] {
            own.resize(subset.len(), 0.0);
            subset.gather(whole, own);
        }
        if norm_inf(gradient) == 0.0 {
            return; // a part at rest stays where it is
        }
        let value = frozen.known.value;
        let model = frozen.model.map(|whole| Restriction { whole, part: subset });
        let known = Some(Evaluated { value, gradient });
        let begin = Begin { x: start, known, radius, cap: radius, model };
        if self.solver.begin(part, begin).is_err() {
            unreachable!("the solver took this part when the sweep was made");
        }
        for _ in 0..iterations {
            let left = radius - self.solver.distance(self.solver.current().x, start);
            if left <= NOTHING_LEFT * radius {
                break;
            }
            self.solver.set_cap(left);
            match self.solver.step(part) {
                Flow::Continue(step) => self.report.count(&step),
                Flow::Done(_) => break,
            }
        }
        if self.report.trials_accepted > 0 {
            let reached = self.solver.current();
            self.reduction = value - reached.value;
            self.length = self.solver.distance(reached.x, start);
        }
        debug_assert!(
            self.report == SweepReport::default()
                || self.solver.distance(self.solver.current().x, start)
                    <= radius * (1.0 + 1e-12) + 4.0 * f64::EPSILON * norm_inf(start),
            "the local steps left the ball"
        );
    }

    /// Where its last solve, which began in `room`, has led.
    fn result<'a>(&'a self, room: &'a Room) -> &'a [f64] {
        if self.report == SweepReport::default() { &room.start } else { self.solver.current().x }
    }
}

impl SweepReport {
    fn add(&mut self, other: &Self) {
        self.local_iterations += other.local_iterations;
        self.trials_accepted += other.trials_accepted;
        self.trials_rejected += other.trials_rejected;
    }

    fn count(&mut self, step: &StepReport) {
        self.local_iterations += 1;
        self.trials_accepted += step.trials_accepted;
        self.trials_rejected += step.trials_rejected;
    }
}
