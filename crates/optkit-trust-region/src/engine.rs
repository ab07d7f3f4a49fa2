//! The trust-region iteration (Conn, Gould & Toint 2000, Alg. 6.1.1; Nocedal & Wright 2006, Alg. 4.1).
//!
//! ```text
//! one gradient;  then trial points  x + s,  s = argmin m in the ball of radius Δ,
//! until one is accepted, the radius is at its minimum, or the trials are used up
//! ```
//!
//! A rejected trial leaves x where it is, so its gradient is never recomputed; the gradient at an accepted point
//! is evaluated when somebody needs it.

use optkit_core::vector::{add, all_finite, norm_inf};
use optkit_core::{
    Archive, Begin, Evaluated, Flow, LoadError, Objective, Optimizer, Point, RadiusDriven, StartError,
    Status, StepReport, Zero,
};

use crate::ratio::Comparison;
use crate::{Cauchy, RadiusRule, Ratio, Solved, Subproblem};

/// A value below this is no minimum of anything.
const UNBOUNDED: f64 = -1e100;
/// `Ratio::PaperCode` accepts from this ratio on.
const PAPER_CODE_ACCEPTANCE: f64 = 0.25;

/// Settings of [`TrustRegion`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Initial radius Δ.
    pub radius: f64,
    /// What becomes of it.
    pub rule: RadiusRule,
    /// Accept where the ratio exceeds this; in [0, ¼).
    pub acceptance: f64, // 1e-4: Conn, Gould & Toint, §6.1
    /// Trial points an iteration at the most.
    pub trials: u32,
    /// How the reduction is predicted.
    pub ratio: Ratio,
}

impl Default for Options {
    fn default() -> Self {
        Self { radius: 1.0, rule: RadiusRule::default(), acceptance: 1e-4, trials: 10, ratio: Ratio::Model }
    }
}

impl Options {
    /// Refuses settings outside their ranges.
    pub fn validate(&self) -> Result<(), StartError> {
        self.rule.validate()?;
        let refuse = |name, value, requirement| Err(StartError::Setting { name, value, requirement });
        if !(self.radius > 0.0 && self.radius.is_finite()) {
            return refuse("radius", self.radius, "positive and finite");
        }
        if self.radius > self.rule.max_radius || self.radius < self.rule.min_radius {
            return refuse("radius", self.radius, "between `min_radius` and `max_radius`");
        }
        if !(0.0..0.25).contains(&self.acceptance) {
            return refuse("acceptance", self.acceptance, "at least 0 and below ¼");
        }
        if self.trials == 0 {
            return refuse("trials", 0.0, "at least 1");
        }
        Ok(())
    }
}

/// x, f(x), ∇f(x).
#[derive(Clone, Debug, Default)]
struct State {
    x: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
}

impl State {
    fn resize(&mut self, n: usize) {
        self.x.resize(n, 0.0);
        self.gradient.resize(n, 0.0);
    }
}

/// The engine: a first-order model in the ball of its subproblem solver.
///
/// Never accepts an increase beyond a few units of [`Objective::noise`], so the current point is the best one.
pub struct TrustRegion {
    options: Options,
    subproblem: Box<dyn Subproblem>,
    /// The current point; its gradient is valid where `gradient_known`.
    now: State,
    /// The point before, to return to where the gradient at an accepted point is not finite.
    before: State,
    trial: State,
    step: Vec<f64>,
    gradient_known: bool,
    can_undo: bool,
    radius: f64,
    cap: f64,
    iteration: u64,
}

impl Default for TrustRegion {
    fn default() -> Self {
        Self::new(Options::default(), Box::new(Cauchy::default()))
    }
}

struct Trial {
    ratio: f64,
    accepted: bool,
    gradient_known: bool,
    comparison: Comparison,
    /// The step is lost in the rounding of x: x + s = x.
    unmoved: bool,
}

impl TrustRegion {
    /// An engine with these settings. They are checked when the run starts.
    #[must_use]
    pub fn new(options: Options, subproblem: Box<dyn Subproblem>) -> Self {
        Self {
            options,
            subproblem,
            now: State::default(),
            before: State::default(),
            trial: State::default(),
            step: Vec::new(),
            gradient_known: false,
            can_undo: false,
            radius: options.radius,
            cap: f64::INFINITY,
            iteration: 0,
        }
    }

    /// The settings.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The smallest radius that still moves x.
    fn radius_floor(&self) -> f64 {
        self.options.rule.min_radius.max(f64::EPSILON * norm_inf(&self.now.x)).max(f64::MIN_POSITIVE)
    }

    fn solve(&mut self, radius: f64) -> Solved {
        let mut solved = self.subproblem.solve(&self.now.gradient, &mut Zero, radius, &mut self.step);
        if self.options.ratio == Ratio::PaperCode {
            solved.predicted_reduction = norm_inf(&self.now.gradient) * radius;
        }
        solved
    }

    fn trial_value(&mut self, f: &mut dyn Objective, solved: &Solved) -> f64 {
        if let Some(t) = solved.along_gradient
            && let Some(line) = f.span(&self.now.x, &[&self.now.gradient])
        {
            return line.value(&[-t], &self.trial.x);
        }
        f.value(&self.trial.x)
    }

    /// Evaluate x + s and judge it. Everything that may be NaN or infinite is decided here.
    fn attempt(&mut self, f: &mut dyn Objective, solved: &Solved) -> Trial {
        add(&self.now.x, &self.step, &mut self.trial.x);
        let unmoved = self.trial.x == self.now.x;
        let value = if unmoved { self.now.value } else { self.trial_value(f, solved) };
        self.trial.value = value;
        let comparison = Comparison {
            value: self.now.value,
            trial: value,
            predicted: solved.predicted_reduction,
            radius: self.radius,
            noise: f.noise(),
        };
        let mut gradient_known = false;
        let ratio = if unmoved {
            f64::NAN // neither a success, whatever the gradient says, nor worth an evaluation
        } else if comparison.is_doubtful() {
            f.value_gradient(&self.trial.x, &mut self.trial.gradient);
            gradient_known = all_finite(&self.trial.gradient);
            comparison.ratio_from_gradients(&self.now.gradient, &self.trial.gradient, &self.step)
        } else {
            comparison.ratio()
        };
        let accepted = match self.options.ratio {
            Ratio::Model => ratio > self.options.acceptance,
            Ratio::PaperCode => ratio >= PAPER_CODE_ACCEPTANCE && value < self.now.value,
        };
        Trial { ratio, accepted, gradient_known, comparison, unmoved }
    }

    fn move_to_trial(&mut self, f: &mut dyn Objective, gradient_known: bool) {
        std::mem::swap(&mut self.before, &mut self.now);
        std::mem::swap(&mut self.now, &mut self.trial);
        self.gradient_known = gradient_known;
        self.can_undo = true;
        f.accept(&self.now.x);
    }

    /// Return to the point before, whose gradient was finite, with a radius shorter than the step that left it.
    fn undo(&mut self) -> Result<(), Status> {
        std::mem::swap(&mut self.now, &mut self.before);
        self.gradient_known = true;
        self.can_undo = false;
        for ((step, to), from) in self.step.iter_mut().zip(&self.before.x).zip(&self.now.x) {
            *step = to - from;
        }
        let length = self.radius.min(self.subproblem.norm().of(&self.step));
        self.radius = self.options.rule.next(length, f64::NEG_INFINITY, true);
        let minimum = self.options.rule.min_radius;
        // The length is that of a rounded difference: a step of the minimum may look a little longer.
        if length > minimum * (1.0 + 1e-6) {
            return Ok(());
        }
        Err(Status::RadiusUnderflow { radius: length, minimum })
    }

    /// Trials are over and none was accepted: can another iteration do better?
    fn stuck(&self, last: Option<&Trial>, floor: f64) -> Option<Status> {
        let size = norm_inf(&self.now.x);
        if let Some((predicted, noise)) = last.and_then(|t| t.comparison.lost_in_noise(size)) {
            return Some(Status::WithinRounding { predicted, noise });
        }
        let (radius, minimum) = (self.radius, self.options.rule.min_radius);
        let too_small = radius <= floor || last.is_some_and(|t| t.unmoved);
        too_small.then_some(Status::RadiusUnderflow { radius, minimum })
    }

    fn begin_at(
        &mut self,
        f: &mut dyn Objective,
        x: &[f64],
        known: Option<Evaluated<'_>>,
    ) -> Result<(), StartError> {
        let dim = f.dim();
        if x.len() != dim {
            return Err(StartError::WrongLength { got: x.len(), dim });
        }
        if f.bounds().is_some() {
            return Err(StartError::Bounds);
        }
        for state in [&mut self.now, &mut self.before, &mut self.trial] {
            state.resize(dim);
        }
        self.step.resize(dim, 0.0);
        self.now.x.copy_from_slice(x);
        self.gradient_known = known.is_some();
        if let Some(known) = known {
            self.now.value = known.value;
            self.now.gradient.copy_from_slice(known.gradient);
        } else {
            self.now.value = f64::NAN;
        }
        self.can_undo = false;
        self.iteration = 0;
        Ok(())
    }
}

impl Optimizer for TrustRegion {
    fn start(
        &mut self,
        f: &mut dyn Objective,
        x0: &[f64],
        known: Option<Evaluated<'_>>,
    ) -> Result<(), StartError> {
        self.options.validate()?;
        self.radius = self.options.radius;
        self.cap = f64::INFINITY;
        self.begin_at(f, x0, known)
    }

    fn prepare(&mut self, f: &mut dyn Objective) -> Result<(), Status> {
        if !self.gradient_known {
            self.now.value = f.value_gradient(&self.now.x, &mut self.now.gradient);
            self.gradient_known = true;
        }
        if self.now.value.is_finite() && all_finite(&self.now.gradient) {
            return if self.now.value < UNBOUNDED {
                Err(Status::UnboundedBelow { value: self.now.value })
            } else {
                Ok(())
            };
        }
        if self.can_undo {
            return self.undo();
        }
        let gradient_norm = norm_inf(&self.now.gradient);
        Err(Status::NotFiniteAtStart { value: self.now.value, gradient_norm })
    }

    fn step(&mut self, f: &mut dyn Objective) -> Flow {
        if let Err(status) = self.prepare(f) {
            return Flow::Done(status);
        }
        if norm_inf(&self.now.gradient) == 0.0 {
            return Flow::Done(Status::Stationary);
        }
        self.radius = self.radius.min(self.cap);
        let floor = self.radius_floor();
        let mut last = None;
        let (mut rejected, mut accepted) = (0, false);
        while rejected < self.options.trials && !accepted {
            let radius = self.radius;
            let solved = self.solve(radius);
            let trial = self.attempt(f, &solved);
            // A rejected trial shrinks, whatever its ratio: gradients may praise a step that values do not bear out.
            let judged = if trial.accepted { trial.ratio } else { f64::NEG_INFINITY };
            self.radius = self.options.rule.next(radius, judged, solved.on_boundary);
            accepted = trial.accepted;
            let over = radius <= floor || trial.unmoved;
            if accepted {
                self.move_to_trial(f, trial.gradient_known);
            } else {
                rejected += 1;
            }
            last = Some(trial);
            if over {
                break;
            }
        }
        // The authors' code keeps its last trial where that descends at all.
        if !accepted && self.options.ratio == Ratio::PaperCode && self.trial.value < self.now.value {
            self.move_to_trial(f, last.as_ref().is_some_and(|t| t.gradient_known));
            (accepted, rejected) = (true, rejected - 1);
        }
        if !accepted && let Some(status) = self.stuck(last.as_ref(), floor) {
            return Flow::Done(status);
        }
        self.iteration += 1;
        Flow::Continue(StepReport {
            iteration: self.iteration,
            value: self.now.value,
            radius: self.radius,
            ratio: last.map_or(f64::NAN, |t| t.ratio),
            accepted,
            trials_accepted: u32::from(accepted),
            trials_rejected: rejected,
            local_iterations: 0,
        })
    }

    fn current(&self) -> Point<'_> {
        Point {
            x: &self.now.x,
            value: self.now.value,
            gradient: self.gradient_known.then_some(self.now.gradient.as_slice()),
        }
    }

    fn save(&self, archive: &mut Archive) {
        archive.put("x", self.now.x.clone());
        archive.put("gradient", self.now.gradient.clone());
        archive.put("before.x", self.before.x.clone());
        archive.put("before.gradient", self.before.gradient.clone());
        archive.put("scalars", vec![self.now.value, self.before.value, self.radius, self.cap]);
        archive.put_integer("iteration", self.iteration);
        archive.put_integer("gradient_known", u64::from(self.gradient_known));
        archive.put_integer("can_undo", u64::from(self.can_undo));
    }

    fn load(&mut self, archive: &Archive) -> Result<(), LoadError> {
        let (n, expected) = (archive.array("x")?.len(), self.now.x.len());
        if expected != 0 && n != expected {
            return Err(LoadError::Length { name: "x".to_owned(), got: n, expected });
        }
        for state in [&mut self.now, &mut self.before, &mut self.trial] {
            state.resize(n);
        }
        self.step.resize(n, 0.0);
        archive.array_into("x", &mut self.now.x)?;
        archive.array_into("gradient", &mut self.now.gradient)?;
        archive.array_into("before.x", &mut self.before.x)?;
        archive.array_into("before.gradient", &mut self.before.gradient)?;
        let mut scalars = [0.0; 4];
        archive.array_into("scalars", &mut scalars)?;
        [self.now.value, self.before.value, self.radius, self.cap] = scalars;
        self.iteration = archive.integer("iteration")?;
        self.gradient_known = archive.integer("gradient_known")? != 0;
        self.can_undo = archive.integer("can_undo")? != 0;
        Ok(())
    }
}

impl RadiusDriven for TrustRegion {
    fn begin(&mut self, f: &mut dyn Objective, begin: Begin<'_>) -> Result<(), StartError> {
        self.radius = begin.radius;
        self.cap = begin.cap;
        self.begin_at(f, begin.x, begin.known)
    }

    fn set_cap(&mut self, cap: f64) {
        self.cap = cap;
    }

    fn radius(&self) -> f64 {
        self.radius
    }
}
