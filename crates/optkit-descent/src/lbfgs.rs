//! Limited-memory BFGS (Nocedal 1980; Liu & Nocedal 1989; Nocedal & Wright 2006, Alg. 7.5).
//!
//! ```text
//! d = −H∇f(x),   x ← x + td  with the strong Wolfe conditions,   s = td,  y = ∇f(x⁺) − ∇f(x)
//! ```
//!
//! One iteration is one line search. A search that fails clears the memory, so that the next goes along the gradient;
//! where that one fails too, the run ends. A preconditioner, where there is one, moves x before every search.

mod precondition;
mod setup;

use optkit_core::vector::{dot, norm_inf, norm2};
use optkit_core::{
    Archive, Evaluated, Flow, LoadError, Objective, Optimizer, Point, Preconditioner, Shape, StartError,
    Status, StepReport, Storage, Work,
};

use crate::iterate::Iterate;
use crate::pairs::Pairs;
use crate::rounding::within_rounding;
use crate::strong_wolfe::{Searched, StrongWolfe};

use self::precondition::{Half, HalfStep};
pub use self::setup::LbfgsOptions;

/// A pair of less curvature than this times ‖s‖‖y‖ is skipped: H stays positive definite and its condition bounded.
const CURVATURE: f64 = 1e-8;
/// The slope along a direction is at least this share of ‖∇f‖‖d‖, or the direction is that of the gradient.
const ANGLE: f64 = 1e-12;
/// ψ₀ of Hager & Zhang 2006 (I0): the first step along the gradient changes the largest variable by this share.
const FIRST_STEP: f64 = 0.01;

/// L-BFGS with Moré & Thuente's line search.
///
/// The value never rises by more than a few units of [`Objective::noise`].
///
/// ```
/// use optkit_core::{Flow, Optimizer, from_fn, vector::norm2};
/// use optkit_descent::{Lbfgs, LbfgsOptions};
/// let mut f = from_fn(2, |x| (1.0 - x[0]).powi(2) + 100.0 * (x[1] - x[0] * x[0]).powi(2), |x, g| {
///     g[1] = 200.0 * (x[1] - x[0] * x[0]);
///     g[0] = -2.0 * (1.0 - x[0]) - 2.0 * x[0] * g[1];
/// });
/// let mut lbfgs = Lbfgs::new(LbfgsOptions::default());
/// lbfgs.start(&mut f, &[-1.2, 1.0], None)?;
/// while lbfgs.prepare(&mut f).is_ok() && norm2(lbfgs.current().gradient.unwrap()) > 1e-8 {
///     assert!(matches!(lbfgs.step(&mut f), Flow::Continue(_)));
/// }
/// assert!((lbfgs.current().x[0] - 1.0).abs() < 1e-7);
/// # Ok::<(), optkit_core::StartError>(())
/// ```
pub struct Lbfgs {
    options: LbfgsOptions,
    now: Iterate,
    search: StrongWolfe,
    pairs: Pairs,
    direction: Vec<f64>,
    /// Gradient before the step; y afterwards.
    change: Vec<f64>,
    half_step: Option<HalfStep>,
    /// Gradient equivalents that may be spent yet.
    allowance: f64,
}

impl Default for Lbfgs {
    fn default() -> Self {
        Self::new(LbfgsOptions::default())
    }
}

impl Lbfgs {
    /// A method with these settings. They are checked when the run starts.
    #[must_use]
    pub fn new(options: LbfgsOptions) -> Self {
        Self {
            options,
            now: Iterate::default(),
            search: StrongWolfe::default(),
            pairs: Pairs::new(options.memory),
            direction: Vec::new(),
            change: Vec::new(),
            half_step: None,
            allowance: f64::INFINITY,
        }
    }

    /// With this preconditioner: its half step, then the line search, from where its pair is taken.
    #[must_use]
    pub fn with_preconditioner(mut self, preconditioner: Box<dyn Preconditioner>) -> Self {
        self.half_step = Some(HalfStep::new(preconditioner));
        self
    }

    /// The settings.
    #[must_use]
    pub fn options(&self) -> &LbfgsOptions {
        &self.options
    }

    /// A descent direction with its slope: −H∇f, or −∇f where rounding has spoilt that.
    fn choose_direction(&mut self) -> f64 {
        let gradient = &self.now.gradient;
        self.pairs.direction(gradient, &mut self.direction);
        let slope = dot(gradient, &self.direction);
        if slope <= -ANGLE * norm2(gradient) * norm2(&self.direction) && slope.is_finite() {
            return slope;
        }
        self.pairs.clear(gradient.len());
        self.pairs.direction(gradient, &mut self.direction);
        -dot(gradient, gradient)
    }

    /// The first trial: 1 is the quasi-Newton step; a gradient has no length of its own.
    fn first_trial(&self) -> f64 {
        if !self.pairs.is_empty() {
            return 1.0;
        }
        let (x, g) = (norm_inf(&self.now.x), norm_inf(&self.now.gradient));
        let step = if x > 0.0 {
            FIRST_STEP * x / g
        } else if self.now.value != 0.0 {
            FIRST_STEP * self.now.value.abs() / dot(&self.now.gradient, &self.now.gradient)
        } else {
            1.0
        };
        if step.is_finite() && step > 0.0 { step } else { 1.0 / g }
    }

    /// The half step of the preconditioner, unless it would cost more than is left.
    fn precondition(&mut self, f: &mut dyn Objective) -> Half {
        let Some(half_step) = &mut self.half_step else { return Half::default() };
        if self.allowance < half_step.cost + 1.0 {
            return Half::default();
        }
        let half = half_step.make(f, &mut self.now);
        self.allowance -= half_step.cost;
        half
    }

    /// Evaluations that this iteration may make: at least one, or nothing would ever end.
    fn most_evaluations(&self) -> u32 {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturates, and is at least 1
        let allowed = self.allowance.max(1.0) as u32;
        self.options.max_evaluations.min(allowed)
    }

    /// A line search, and the pair of its step. `cut_short` where the budget ended it, which is no failure.
    fn quasi_newton_step(&mut self, f: &mut dyn Objective) -> Searched {
        let slope = self.choose_direction();
        self.change.copy_from_slice(&self.now.gradient);
        let (first, most) = (self.first_trial(), self.most_evaluations());
        let line = (self.direction.as_slice(), slope);
        let mut searched = self.search.search(f, &mut self.now, line, first, most);
        searched.cut_short &= most < self.options.max_evaluations;
        if let Some(t) = searched.step {
            self.learn(t);
        }
        searched
    }

    /// The pair of the step td that was made.
    fn learn(&mut self, t: f64) {
        let s = &mut self.direction;
        s.iter_mut().for_each(|d| *d *= t);
        for (y, g) in self.change.iter_mut().zip(&self.now.gradient) {
            *y = g - *y;
        }
        let sy = dot(s, &self.change);
        if sy > CURVATURE * norm2(s) * norm2(&self.change) && sy.is_finite() {
            self.pairs.push(s, &self.change, sy);
        }
    }

    /// No step along the gradient: what is the matter?
    fn stuck(&self, f: &dyn Objective, longest: f64) -> Status {
        within_rounding(f, &self.now).unwrap_or(Status::LineSearch {
            longest: longest * norm_inf(&self.direction),
            gradient_norm: norm_inf(&self.now.gradient),
        })
    }
}

impl Optimizer for Lbfgs {
    fn name(&self) -> &'static str {
        "lbfgs"
    }

    fn start(
        &mut self,
        f: &mut dyn Objective,
        x0: &[f64],
        known: Option<Evaluated<'_>>,
    ) -> Result<(), StartError> {
        self.options.validate()?;
        let n = f.dim();
        self.now.start(f, x0, known)?;
        self.search.resize(n);
        self.pairs.clear(n);
        self.direction.resize(n, 0.0);
        self.change.resize(n, 0.0);
        self.allowance = f64::INFINITY;
        if let Some(half_step) = &mut self.half_step {
            half_step.resize(n);
            half_step.preconditioner.start(f)?;
        }
        Ok(())
    }

    fn prepare(&mut self, f: &mut dyn Objective) -> Result<(), Status> {
        self.now.prepare(f)
    }

    fn step(&mut self, f: &mut dyn Objective) -> Flow {
        if let Err(status) = self.now.prepare(f) {
            return Flow::Done(status);
        }
        if norm_inf(&self.now.gradient) == 0.0 {
            return Flow::Done(Status::Stationary);
        }
        let half = self.precondition(f);
        let searched = if norm_inf(&self.now.gradient) == 0.0 {
            Searched::default() // the half step led to a first-order point
        } else {
            self.quasi_newton_step(f)
        };
        let accepted = searched.step.is_some();
        if !accepted && !half.moved && !searched.cut_short && self.pairs.is_empty() {
            return Flow::Done(self.stuck(f, searched.longest));
        }
        if !accepted && !searched.cut_short {
            self.pairs.clear(self.now.x.len());
        }
        if accepted || half.moved {
            f.accept(&self.now.x);
        }
        self.now.iteration += 1;
        Flow::Continue(StepReport {
            iteration: self.now.iteration,
            value: self.now.value,
            radius: f64::NAN,
            ratio: f64::NAN,
            accepted: accepted || half.moved,
            trials_accepted: u32::from(accepted) + half.proposal.trials_accepted,
            trials_rejected: searched.evaluations - u32::from(accepted) + half.proposal.trials_rejected,
            local_iterations: half.proposal.local_iterations,
        })
    }

    fn current(&self) -> Point<'_> {
        self.now.current()
    }

    fn best(&self) -> Point<'_> {
        self.now.best()
    }

    fn work(&self) -> Work {
        self.half_step.as_ref().map_or_else(Work::default, |half| half.preconditioner.work())
    }

    fn allow(&mut self, gradient_equivalents: f64) {
        self.allowance = gradient_equivalents;
    }

    fn storage(&self, of: Shape) -> Option<Storage> {
        let half_step = match &self.half_step {
            Some(half_step) => {
                Storage::held(HalfStep::VECTORS * of.dim) + half_step.preconditioner.storage(of)?
            }
            None => Storage::default(),
        };
        // The direction and the change of gradients.
        let own = Storage::held((2 + StrongWolfe::VECTORS) * of.dim);
        Some(Iterate::storage(of) + self.pairs.storage(of) + own + half_step)
    }

    fn save(&self, archive: &mut Archive) {
        self.now.save(archive);
        archive.scope("pairs", |a| self.pairs.save(a));
        if let Some(half_step) = &self.half_step {
            archive.scope("precondition", |a| half_step.preconditioner.save(a));
            archive.put("half_step_cost", vec![half_step.cost]);
        }
    }

    fn load(&mut self, archive: &Archive) -> Result<(), LoadError> {
        self.now.load(archive)?;
        self.pairs.load(&archive.scoped("pairs"))?;
        if let Some(half_step) = &mut self.half_step {
            half_step.preconditioner.load(&archive.scoped("precondition"))?;
            half_step.cost = archive.number("half_step_cost")?;
        }
        Ok(())
    }
}
