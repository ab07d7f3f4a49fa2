//! The additive sweep as a nonlinear preconditioner from the right, as ASPQN has it (Kopaničáková, Kothari, Karniadakis
//! & Krause 2024): what APTS does before its global step, for methods with a step of their own.
//!
//! The radius of the parts is the sweep's own. It grows where f falls by as much as the parts expected with the others
//! frozen, which is all of it where they do not interact, and shrinks where it does not.

use optkit_core::{
    Archive, Evaluated, LoadError, Objective, Pass, Preconditioner, Proposal, RadiusDriven, Shape,
    StartError, Storage, Work,
};
use optkit_trust_region::{Options as Engine, RadiusRule, TrustRegion};

use crate::{AdditiveSweep, Frozen, MakeSolver, Partition, storage};

/// A part that went more than this share of Δ is said to have reached the boundary.
const BOUNDARY: f64 = 0.5;

/// Settings of [`SchwarzPreconditioner`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PreconditionerOptions {
    /// Initial radius Δ of the parts' solves.
    pub radius: f64,
    /// What becomes of it.
    pub rule: RadiusRule,
    /// ν, iterations of each local solve.
    pub local_iterations: u32,
}

impl Default for PreconditionerOptions {
    fn default() -> Self {
        Self { radius: 1.0, rule: RadiusRule::default(), local_iterations: 5 }
    }
}

impl PreconditionerOptions {
    /// The local solver's settings: the radius rule without its limits, for Δ itself caps every step.
    #[must_use]
    pub fn local(&self) -> Engine {
        let rule = RadiusRule { min_radius: 0.0, max_radius: f64::INFINITY, ..self.rule };
        Engine { radius: self.radius, rule, ..Engine::default() }
    }
}

/// The additive Schwarz sweep over a partition, proposing θ̃ = Σ Rᵢᵀθᵢ.
///
/// ```
/// use optkit_core::{Evaluated, Objective, Preconditioner, from_fn};
/// use optkit_schwarz::{Partition, PreconditionerOptions, SchwarzPreconditioner};
/// let mut f = from_fn(4, |x| x.iter().map(|v| v * v).sum(), |x, g| {
///     g.iter_mut().zip(x).for_each(|(g, x)| *g = 2.0 * x);
/// });
/// let halves = Partition::contiguous(4, 2).unwrap();
/// let mut sweep = SchwarzPreconditioner::new(halves, PreconditionerOptions::default());
/// sweep.start(&mut f)?;
/// let (x, mut gradient, mut better) = ([1.0, -2.0, 3.0, 0.5], [0.0; 4], [0.0; 4]);
/// let value = f.value_gradient(&x, &mut gradient);
/// sweep.propose(&mut f, &x, Evaluated { value, gradient: &gradient }, &mut better);
/// assert!(f.value(&better) < value);
/// # Ok::<(), optkit_core::StartError>(())
/// ```
pub struct SchwarzPreconditioner {
    partition: Partition,
    options: PreconditionerOptions,
    make_local: MakeSolver,
    sweep: Option<AdditiveSweep>,
    radius: f64,
}

impl SchwarzPreconditioner {
    /// A sweep whose parts are solved by trust regions that choose their model for the objective.
    #[must_use]
    pub fn new(partition: Partition, options: PreconditionerOptions) -> Self {
        let local = options.local();
        Self::with_solver(partition, options, Box::new(move |_| Box::new(TrustRegion::new(local))))
    }

    /// A sweep with other solvers of the parts.
    #[must_use]
    pub fn with_solver(partition: Partition, options: PreconditionerOptions, make_local: MakeSolver) -> Self {
        Self { partition, options, make_local, sweep: None, radius: options.radius }
    }

    /// Δ, of the next sweep.
    #[must_use]
    pub fn radius(&self) -> f64 {
        self.radius
    }
}

impl Preconditioner for SchwarzPreconditioner {
    fn start(&mut self, f: &mut dyn Objective) -> Result<(), StartError> {
        Engine { rule: self.options.rule, ..self.options.local() }.validate()?;
        let iterations = self.options.local_iterations;
        let make: &dyn Fn(&optkit_core::Subset) -> Box<dyn RadiusDriven> = &self.make_local;
        self.sweep = Some(AdditiveSweep::new(f, self.partition.clone(), iterations, make)?);
        self.radius = self.options.radius;
        Ok(())
    }

    fn propose(
        &mut self,
        f: &mut dyn Objective,
        x: &[f64],
        known: Evaluated<'_>,
        proposed: &mut [f64],
    ) -> Proposal {
        let frozen = Frozen { x, known, pass: Pass::default(), model: None };
        let sweep = self.sweep.as_mut().expect("`start` made the sweep");
        let report = sweep.sweep(f, frozen, self.radius, proposed);
        Proposal {
            local_iterations: report.local_iterations,
            trials_accepted: report.trials_accepted,
            trials_rejected: report.trials_rejected,
        }
    }

    fn judged(&mut self, share: f64, reduction: f64) {
        let Some(sweep) = &self.sweep else { return };
        let ratio = if share > 0.0 { reduction / sweep.local_reduction() } else { f64::NEG_INFINITY };
        let far = sweep.farthest() >= BOUNDARY * self.radius;
        self.radius = self.options.rule.next(self.radius, ratio, far);
    }

    fn work(&self) -> Work {
        self.sweep.as_ref().map_or_else(Work::default, AdditiveSweep::work)
    }

    fn storage(&self, of: Shape) -> Option<Storage> {
        storage::of_sweep(&self.partition, &self.make_local, of, 0)
    }

    fn save(&self, archive: &mut Archive) {
        if let Some(sweep) = &self.sweep {
            archive.scope("sweep", |a| sweep.save(a));
        }
        archive.put("radius", vec![self.radius]);
    }

    fn load(&mut self, archive: &Archive) -> Result<(), LoadError> {
        if let Some(sweep) = &mut self.sweep {
            sweep.load(&archive.scoped("sweep"))?;
        }
        self.radius = archive.number("radius")?;
        Ok(())
    }
}
