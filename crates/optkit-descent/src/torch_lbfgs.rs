//! L-BFGS as `torch.optim.LBFGS` with `line_search_fn="strong_wolfe"` computes it, for reproduction.
//!
//! One iteration is one call of its `step`: up to 20 inner iterations, or 25 evaluations. What PyTorch evaluates again
//! when a step begins is known here from the step before; it counts as an evaluation all the same.

use optkit_core::vector::{dot, norm_inf};
use optkit_core::{
    Archive, Evaluated, Flow, LoadError, Objective, Optimizer, Point, Shape, StartError, Status, StepReport,
    Storage,
};

use crate::iterate::Iterate;
use crate::pairs::Pairs;
use crate::report::refuse;
use crate::rounding::within_rounding;
use crate::torch_search::{Line, TorchSearch};

/// A pair is stored where sᵀy is above.
const CURVATURE: f64 = 1e-10;

/// Settings of [`TorchLbfgs`], with PyTorch's meanings and, but for the memory, defaults.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TorchLbfgsOptions {
    /// Pairs kept (`history_size`); at least 1.
    pub memory: usize,
    /// The first step of every line search; positive.
    pub lr: f64,
    /// Inner iterations of a step (`max_iter`); at least 1.
    pub iterations: u32,
    /// Evaluations of a step (`max_eval`); five quarters of the inner iterations unless given. The last search of a
    /// step may make one more.
    pub max_evaluations: Option<u32>,
    /// ‖∇f‖∞ at which the run ends (`tolerance_grad`).
    pub tolerance_gradient: f64,
    /// Changes of f, of a variable and slopes at which a step ends.
    pub tolerance_change: f64,
}

impl Default for TorchLbfgsOptions {
    fn default() -> Self {
        Self {
            memory: 10,
            lr: 1.0,
            iterations: 20,
            max_evaluations: None,
            tolerance_gradient: 1e-7,
            tolerance_change: 1e-9,
        }
    }
}

impl TorchLbfgsOptions {
    /// Refuses settings outside their ranges.
    ///
    /// # Errors
    ///
    /// [`StartError::Setting`] names the first.
    pub fn validate(&self) -> Result<(), StartError> {
        if self.memory == 0 {
            return refuse("memory", 0.0, "at least 1");
        }
        if !(self.lr > 0.0 && self.lr.is_finite()) {
            return refuse("lr", self.lr, "positive and finite");
        }
        if self.iterations == 0 {
            return refuse("iterations", 0.0, "at least 1");
        }
        if self.max_evaluations == Some(0) {
            return refuse("max_evaluations", 0.0, "at least 1");
        }
        for (name, value) in
            [("tolerance_gradient", self.tolerance_gradient), ("tolerance_change", self.tolerance_change)]
        {
            if !(value >= 0.0 && value.is_finite()) {
                return refuse(name, value, "zero or positive");
            }
        }
        Ok(())
    }

    fn most_evaluations(&self) -> u32 {
        self.max_evaluations.unwrap_or_else(|| self.iterations.saturating_mul(5) / 4)
    }
}

/// PyTorch's L-BFGS with its strong Wolfe search.
///
/// Every iterate is PyTorch's to rounding. Where PyTorch would repeat a step without effect for ever, the run ends.
///
/// ```
/// use optkit_core::{Flow, Optimizer, from_fn};
/// use optkit_descent::{TorchLbfgs, TorchLbfgsOptions};
/// let mut f = from_fn(2, |x| x[0].powi(4) + 2.0 * x[1].powi(2), |x, g| {
///     g.copy_from_slice(&[4.0 * x[0].powi(3), 4.0 * x[1]]);
/// });
/// let mut lbfgs = TorchLbfgs::new(TorchLbfgsOptions::default());
/// lbfgs.start(&mut f, &[1.0, -3.0], None)?;
/// assert!(matches!(lbfgs.step(&mut f), Flow::Continue(step) if step.value < 1e-4));
/// # Ok::<(), optkit_core::StartError>(())
/// ```
#[derive(Clone, Debug)]
pub struct TorchLbfgs {
    options: TorchLbfgsOptions,
    now: Iterate,
    pairs: Pairs,
    search: TorchSearch,
    direction: Vec<f64>,
    /// ∇f where the last direction was chosen.
    before: Vec<f64>,
    /// y, the change of the gradient.
    change: Vec<f64>,
    /// Length of the last step along the last direction.
    t: f64,
    /// Inner iterations of all steps.
    inner: u64,
    /// Gradient equivalents that may be spent yet.
    allowance: f64,
}

/// What one step has done so far.
#[derive(Default)]
struct Step {
    /// Evaluations beyond the one that PyTorch begins with.
    evaluations: u32,
    searches: u32,
    moved: bool,
    /// The slope, where it was too flat for a search.
    flat: Option<f64>,
    longest: f64,
}

impl TorchLbfgs {
    /// A method with these settings. They are checked when the run starts.
    #[must_use]
    pub fn new(options: TorchLbfgsOptions) -> Self {
        Self {
            options,
            now: Iterate::default(),
            pairs: Pairs::new(options.memory),
            search: TorchSearch::default(),
            direction: Vec::new(),
            before: Vec::new(),
            change: Vec::new(),
            t: 0.0,
            inner: 0,
            allowance: f64::INFINITY,
        }
    }

    /// The settings.
    #[must_use]
    pub fn options(&self) -> &TorchLbfgsOptions {
        &self.options
    }

    /// The pair of the last step, and the next direction.
    fn choose_direction(&mut self) {
        if self.inner > 1 {
            for ((y, g), before) in self.change.iter_mut().zip(&self.now.gradient).zip(&self.before) {
                *y = g - before;
            }
            self.direction.iter_mut().for_each(|d| *d *= self.t); // s
            let sy = dot(&self.change, &self.direction);
            if sy > CURVATURE {
                self.pairs.push(&self.direction, &self.change, sy);
            }
        }
        self.pairs.direction(&self.now.gradient, &mut self.direction);
    }

    /// Evaluations that a search may make after its first, `made` of the step's having been made.
    fn left(&self, made: u32) -> Option<u32> {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturates, and is at least 1
        let allowed = (self.allowance.max(1.0) as u32).checked_sub(made).filter(|left| *left > 0)?;
        let own = self.options.most_evaluations().saturating_sub(1 + made);
        Some(own.min(allowed - 1))
    }

    /// One inner iteration; false where the step ends with it.
    fn iterate(&mut self, f: &mut dyn Objective, step: &mut Step) -> bool {
        let TorchLbfgsOptions { lr, tolerance_gradient, tolerance_change, .. } = self.options;
        let Some(left) = self.left(step.evaluations) else { return false };
        self.inner += 1;
        self.choose_direction();
        self.before.copy_from_slice(&self.now.gradient);
        let sum: f64 = self.now.gradient.iter().map(|g| g.abs()).sum();
        self.t = if self.inner == 1 { (1.0 / sum).min(1.0) * lr } else { lr };
        let slope = dot(&self.now.gradient, &self.direction);
        if slope > -tolerance_change {
            step.flat = Some(slope);
            return false;
        }
        let Iterate { x, value, gradient, .. } = &mut self.now;
        let line = Line { x, d: &self.direction, value: *value, gradient, slope };
        let found = self.search.search(f, line, self.t, left, tolerance_change);
        let value_before = *value;
        self.search.take_gradient(&found, gradient);
        (*value, self.t) = (found.value, found.t);
        let mut longest = 0.0_f64;
        for (x, d) in x.iter_mut().zip(&self.direction) {
            let new = *x + found.t * d;
            step.moved |= new != *x;
            *x = new;
            longest = longest.max((found.t * d).abs());
        }
        step.longest = step.longest.max(longest);
        step.evaluations += found.evaluations;
        step.searches += 1;
        let optimal = norm_inf(gradient) <= tolerance_gradient;
        let lacks_progress =
            longest <= tolerance_change || (found.value - value_before).abs() < tolerance_change;
        1 + step.evaluations < self.options.most_evaluations() && !optimal && !lacks_progress
    }

    /// A step that went nowhere would be repeated for ever: why?
    fn stuck(&self, f: &dyn Objective, step: &Step) -> Status {
        if let Some(status) = within_rounding(f, &self.now) {
            return status;
        }
        match step.flat {
            Some(slope) => Status::Converged {
                term: "line_search = torch: slope <= tolerance_change".to_owned(),
                measured: -slope,
                bound: self.options.tolerance_change,
            },
            None => Status::LineSearch {
                longest: self.options.lr * norm_inf(&self.direction),
                gradient_norm: norm_inf(&self.now.gradient),
            },
        }
    }
}

impl Optimizer for TorchLbfgs {
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
        self.pairs.clear(n);
        self.search.resize(n);
        for vector in [&mut self.direction, &mut self.before, &mut self.change] {
            vector.clear();
            vector.resize(n, 0.0);
        }
        (self.t, self.inner, self.allowance) = (0.0, 0, f64::INFINITY);
        Ok(())
    }

    fn prepare(&mut self, f: &mut dyn Objective) -> Result<(), Status> {
        self.now.prepare(f)
    }

    fn step(&mut self, f: &mut dyn Objective) -> Flow {
        if let Err(status) = self.now.prepare(f) {
            return Flow::Done(status);
        }
        let measured = norm_inf(&self.now.gradient);
        if measured == 0.0 {
            return Flow::Done(Status::Stationary);
        }
        let bound = self.options.tolerance_gradient;
        if measured <= bound {
            let term = "line_search = torch: norm_inf(grad) <= tolerance_gradient".to_owned();
            return Flow::Done(Status::Converged { term, measured, bound });
        }
        let mut step = Step::default();
        let (mut inner, very_first) = (0, self.inner == 0);
        while inner < self.options.iterations && self.iterate(f, &mut step) {
            inner += 1;
        }
        let cut_short = self.allowance < f64::from(self.options.most_evaluations());
        // The very first search begins with another length than those that follow.
        if !step.moved && (step.flat.is_some() || !cut_short) && !very_first {
            return Flow::Done(self.stuck(f, &step));
        }
        f.accept(&self.now.x);
        self.now.iteration += 1;
        Flow::Continue(StepReport {
            iteration: self.now.iteration,
            value: self.now.value,
            radius: f64::NAN,
            ratio: f64::NAN,
            accepted: step.moved,
            trials_accepted: step.searches,
            trials_rejected: step.evaluations - step.searches,
            local_iterations: 0,
        })
    }

    fn current(&self) -> Point<'_> {
        self.now.current()
    }

    fn best(&self) -> Point<'_> {
        self.now.best()
    }

    fn allow(&mut self, gradient_equivalents: f64) {
        self.allowance = gradient_equivalents;
    }

    fn storage(&self, of: Shape) -> Option<Storage> {
        // The direction and the gradient before, which are saved, and the change of gradients.
        let own = Storage { held: (3 + TorchSearch::VECTORS) * of.dim, saved: 2 * of.dim };
        Some(Iterate::storage(of) + self.pairs.storage(of) + own)
    }

    fn save(&self, archive: &mut Archive) {
        self.now.save(archive);
        archive.scope("pairs", |a| self.pairs.save(a));
        archive.put("direction", self.direction.clone());
        archive.put("before", self.before.clone());
        archive.put("t", vec![self.t]);
        archive.put_integer("inner", self.inner);
    }

    fn load(&mut self, archive: &Archive) -> Result<(), LoadError> {
        self.now.load(archive)?;
        self.pairs.load(&archive.scoped("pairs"))?;
        archive.array_into("direction", &mut self.direction)?;
        archive.array_into("before", &mut self.before)?;
        self.t = archive.number("t")?;
        self.inner = archive.integer("inner")?;
        Ok(())
    }
}
