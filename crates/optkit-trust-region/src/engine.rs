//! The trust-region iteration (Conn, Gould & Toint 2000, Alg. 6.1.1; Nocedal & Wright 2006, Alg. 4.1).
//!
//! ```text
//! one gradient;  then trial points  x + s,  s = argmin m in the ball of radius Δ,
//! until one is accepted, the radius is at its minimum, or the trials are used up
//! ```
//!
//! A rejected trial leaves x where it is, so its gradient is never recomputed; the gradient at an accepted point
//! is evaluated when somebody needs it.

mod learning;
mod resume;
mod state;
mod storage;
mod trial;

use optkit_core::{
    Archive, Begin, Compact, Evaluated, Flow, LoadError, Objective, Optimizer, Pass, Point, RadiusDriven,
    Shape, StartError, Status, StepReport, Storage,
};

use self::state::State;
use self::trial::Trial;
use crate::passes::norm_inf;
use crate::setup::{Setup, Stepped};
use crate::{Model, Options, Ratio, Scale, Solved, Subproblem};

/// A value below this is no minimum of anything.
const UNBOUNDED: f64 = -1e100;
/// `Ratio::PaperCode` accepts from this ratio on.
const PAPER_CODE_ACCEPTANCE: f64 = 0.25;

/// The engine: a model of the objective minimised in a ball, step by step.
///
/// [`TrustRegion::new`] leaves model and solver to be chosen for the objective; [`model`](Self::with_model),
/// [`subproblem`](Self::with_subproblem) and [`scale`](Self::with_scale) settle them.
///
/// ```
/// use optkit_trust_region::{Gradient, Options, TrustRegion};
/// let steepest_descent = TrustRegion::new(Options::default()).with_model(Gradient);
/// # let _ = steepest_descent;
/// ```
///
/// Never accepts an increase beyond a few units of [`Objective::noise`], so the current point is the best one.
pub struct TrustRegion {
    options: Options,
    setup: Setup,
    /// The current point; its gradient is valid where `gradient_known`.
    now: State,
    /// The point before, to return to where the gradient at an accepted point is not finite.
    before: State,
    trial: State,
    step: Vec<f64>,
    /// Whether pairs of its own steps are learnt.
    own_pairs: bool,
    gradient_known: bool,
    can_undo: bool,
    /// The number of variables for which the setup was started.
    started: Option<usize>,
    radius: f64,
    cap: f64,
    iteration: u64,
}

impl Default for TrustRegion {
    fn default() -> Self {
        Self::new(Options::default())
    }
}

impl TrustRegion {
    /// An engine with these settings. They are checked when the run starts.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self {
            options,
            setup: Setup::default(),
            now: State::default(),
            before: State::default(),
            trial: State::default(),
            step: Vec::new(),
            own_pairs: true,
            gradient_known: false,
            can_undo: false,
            started: None,
            radius: options.radius,
            cap: f64::INFINITY,
            iteration: 0,
        }
    }

    /// With this model. The solver, unless given, is the best that it has.
    #[must_use]
    pub fn with_model(mut self, model: impl Model + 'static) -> Self {
        self.setup.set_model(Box::new(model));
        self
    }

    /// With this subproblem solver.
    #[must_use]
    pub fn with_subproblem(mut self, subproblem: Box<dyn Subproblem>) -> Self {
        self.setup.set_subproblem(subproblem);
        self
    }

    /// In the ball of these scaled variables.
    #[must_use]
    pub fn with_scale(mut self, scale: Scale) -> Self {
        self.setup.set_scale(scale);
        self
    }

    /// The settings.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The smallest radius that still moves x.
    fn radius_floor(&self) -> f64 {
        self.options.rule.min_radius.max(f64::EPSILON * self.now.size).max(f64::MIN_POSITIVE)
    }

    fn solve(&mut self, f: &mut dyn Objective, radius: f64, again: bool) -> Solved {
        let at = (self.now.x.as_slice(), self.now.gradient.as_slice());
        let Stepped { mut solved, first_order } = self.setup.solve(f, at, (radius, again), &mut self.step);
        if first_order && self.options.ratio == Ratio::PaperCode {
            solved.predicted_reduction = self.now.slope * radius;
        }
        solved
    }

    fn move_to_trial(&mut self, f: &mut dyn Objective, gradient_known: bool) {
        std::mem::swap(&mut self.before, &mut self.now);
        std::mem::swap(&mut self.now, &mut self.trial);
        self.gradient_known = gradient_known;
        self.can_undo = true;
        f.accept(&self.now.x);
        if gradient_known {
            self.learn_step(f.noise());
        }
    }

    /// Return to the point before, whose gradient was finite, with a radius shorter than the step that left it.
    fn undo(&mut self) -> Result<(), Status> {
        std::mem::swap(&mut self.now, &mut self.before);
        self.gradient_known = true;
        self.can_undo = false;
        let length = self.radius.min(self.setup.distance(&self.before.x, &self.now.x));
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
        let size = self.now.size;
        if let Some((predicted, noise)) = last.and_then(|t| t.comparison.lost_in_noise(size)) {
            return Some(Status::WithinRounding { predicted, noise });
        }
        let (radius, minimum) = (self.radius, self.options.rule.min_radius);
        let too_small = radius <= floor || last.is_some_and(|t| t.unmoved);
        too_small.then_some(Status::RadiusUnderflow { radius, minimum })
    }

    fn resize(&mut self, n: usize) {
        for state in [&mut self.now, &mut self.before, &mut self.trial] {
            state.resize(n);
        }
        self.step.resize(n, 0.0);
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
        self.resize(dim);
        self.now.x.copy_from_slice(x);
        self.now.size = norm_inf(x);
        self.gradient_known = known.is_some();
        if let Some(known) = known {
            self.now.value = known.value;
            self.now.gradient.copy_from_slice(known.gradient);
            self.now.slope = norm_inf(known.gradient);
        } else {
            self.now.value = f64::NAN;
        }
        self.can_undo = false;
        self.iteration = 0;
        Ok(())
    }
}

impl Optimizer for TrustRegion {
    fn name(&self) -> &'static str {
        "trust_region"
    }

    fn start(
        &mut self,
        f: &mut dyn Objective,
        x0: &[f64],
        known: Option<Evaluated<'_>>,
    ) -> Result<(), StartError> {
        self.options.validate()?;
        self.radius = self.options.radius;
        self.cap = f64::INFINITY;
        self.setup.start(f)?;
        self.started = Some(f.dim());
        self.begin_at(f, x0, known)
    }

    fn prepare(&mut self, f: &mut dyn Objective) -> Result<(), Status> {
        let evaluate = !self.gradient_known;
        if evaluate {
            self.now.value = f.value_gradient(&self.now.x, &mut self.now.gradient);
            self.now.slope = norm_inf(&self.now.gradient);
            self.gradient_known = true;
        }
        if self.now.value.is_finite() && self.now.slope.is_finite() {
            if evaluate && self.can_undo {
                self.learn_step(f.noise());
            }
            return if self.now.value < UNBOUNDED {
                Err(Status::UnboundedBelow { value: self.now.value })
            } else {
                Ok(())
            };
        }
        if self.can_undo {
            return self.undo();
        }
        Err(Status::NotFiniteAtStart { value: self.now.value, gradient_norm: self.now.slope })
    }

    fn step(&mut self, f: &mut dyn Objective) -> Flow {
        if let Err(status) = self.prepare(f) {
            return Flow::Done(status);
        }
        if self.now.slope == 0.0 {
            return Flow::Done(Status::Stationary);
        }
        self.radius = self.radius.min(self.cap);
        let floor = self.radius_floor();
        let mut last = None;
        let (mut rejected, mut accepted, mut same_model) = (0, false, true);
        while rejected < self.options.trials && !accepted {
            let radius = self.radius;
            let solved = self.solve(f, radius, rejected > 0 && same_model);
            let trial = self.attempt(f, &solved);
            // A rejected trial shrinks, whatever its ratio: gradients may praise a step that values do not bear out.
            let judged = if trial.accepted { trial.ratio } else { f64::NEG_INFINITY };
            let tried = self.tried(radius, judged, &solved);
            self.radius = self.options.rule.next(tried, judged, solved.on_boundary);
            accepted = trial.accepted;
            let over = radius <= floor || trial.unmoved;
            if accepted {
                self.move_to_trial(f, trial.gradient_known);
            } else {
                rejected += 1;
                same_model = over || !self.learn_rejected(f, &trial);
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

    /// Radius and what was learnt of the curvature stay. The pair of the last step is not learnt: its second gradient
    /// would be of other samples.
    fn samples_changed(&mut self, _pass: Pass) {
        self.gradient_known = false;
        self.can_undo = false;
        self.now.value = f64::NAN;
    }

    fn storage(&self, of: Shape) -> Option<Storage> {
        Some(self.storage_on(of))
    }

    fn save(&self, archive: &mut Archive) {
        self.save_to(archive);
    }

    fn load(&mut self, archive: &Archive) -> Result<(), LoadError> {
        self.load_from(archive)
    }
}

impl RadiusDriven for TrustRegion {
    fn begin(&mut self, f: &mut dyn Objective, begin: Begin<'_>) -> Result<(), StartError> {
        self.radius = begin.radius;
        self.cap = begin.cap;
        if self.started != Some(f.dim()) {
            self.setup.start(f)?;
            self.started = Some(f.dim());
        }
        if let Some(model) = begin.model {
            self.setup.restrict(model);
        }
        self.begin_at(f, begin.x, begin.known)
    }

    fn set_cap(&mut self, cap: f64) {
        self.cap = cap;
    }

    fn radius(&self) -> f64 {
        self.radius
    }

    fn learn_pair(&mut self, s: &[f64], y: &[f64], noise: f64) {
        self.learn(s, y, noise);
    }

    fn learn_own_pairs(&mut self, own: bool) {
        self.own_pairs = own;
    }

    fn exchange(&mut self, room: &mut Vec<Vec<f64>>) {
        let Self { now, before, trial, step, .. } = self;
        let states = [now, before, trial].into_iter().flat_map(|state| [&mut state.x, &mut state.gradient]);
        let own = states.chain([step]);
        for (k, own) in own.enumerate() {
            if room.len() == k {
                room.push(Vec::new());
            }
            std::mem::swap(own, &mut room[k]);
        }
    }

    fn exchanged(&self, of: Shape) -> usize {
        if self.setup.learns_on(of) { 0 } else { storage::VECTORS * of.dim }
    }

    fn most_columns(&self, of: Shape) -> usize {
        self.setup.most_columns(of)
    }

    fn learns(&self) -> bool {
        self.setup.learns()
    }

    fn model(&self) -> Option<&dyn Compact> {
        self.setup.compact()
    }

    fn distance(&self, a: &[f64], b: &[f64]) -> f64 {
        self.setup.distance(a, b)
    }
}
