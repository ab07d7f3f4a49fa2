//! APTS, the additively preconditioned trust-region strategy (Trotti, Cruz Alegría, Kopaničáková & Krause 2023,
//! Algorithm 1).
//!
//! ```text
//! 1  ℓᵏ, ∇ℓᵏ at θᵏ
//! 2  every part i, in parallel: at most ν trust-region iterations from Rᵢθᵏ inside ‖·‖∞ ≤ Δ
//! 3  θ̃ = Σ Rᵢᵀθᵢ,   s = θ̃ − θᵏ
//! 4  forced decreasing loss, where asked for
//! 5  one global trust-region iteration, whose radius rule updates Δ
//! ```
//!
//! The gradient at θᵏ is evaluated once and serves step 1, the first iteration of every part (its rows), and the
//! stopping test; the gradient that ends step 5 is the next iteration's first.
//!
//! On mini-batches it is SAPTS, one iteration a batch: ℓ is the loss of the batch at hand. From batch to batch Δ and the
//! secant pairs stay; values, gradients and what parts stand on are of the new batch. A pair is learnt only where both of
//! its gradients are of the same samples: those of one batch (θᵏ → θᵏ⁺½, not θᵏ⁺½ → θᵏ⁺¹, whose second gradient no batch
//! sees), or those that a batch shares with the next (θᵏ → θᵏ⁺¹), as [`PairsFrom`](crate::PairsFrom) says.

mod pairs;
mod resume;

use optkit_core::vector::norm_inf;
use optkit_core::{
    Archive, Begin, Evaluated, Flow, LoadError, Objective, Optimizer, Pass, Phase, Phases, Point,
    RadiusDriven, Shape, StartError, Status, StepReport, Storage, Work,
};
use optkit_trust_region::{Gradient, Ratio, TrustRegion};

use crate::fdl::{ForcedDecrease, rises};
use crate::{AdditiveSweep, Frozen, MakeSolver, Options, PairsFrom, Partition, SweepReport, storage};

use pairs::Overlap;

/// A point with value and gradient.
#[derive(Default)]
struct Known {
    x: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
}

impl Known {
    fn evaluated(&self) -> Evaluated<'_> {
        Evaluated { value: self.value, gradient: &self.gradient }
    }
}

/// The APTS method. See the module's documentation for the iteration.
pub struct Apts {
    partition: Partition,
    options: Options,
    make_local: MakeSolver,
    global: Box<dyn RadiusDriven>,
    sweep: Option<AdditiveSweep>,
    /// θᵏ.
    base: Known,
    /// θᵏ⁺½.
    half: Vec<f64>,
    /// s.
    correction: Vec<f64>,
    /// Change of the gradient over s.
    change: Vec<f64>,
    overlap: Overlap,
    radius: f64,
    iteration: u64,
    best: (Vec<f64>, f64),
    /// Whether iterations see one mini-batch after another. Then values of two iterations cannot be compared, and what one
    /// batch says is no reason to end.
    on_batches: bool,
    watcher: Option<Box<dyn Phases>>,
}

impl Apts {
    /// APTS with first-order trust regions as local and global solvers.
    #[must_use]
    pub fn new(partition: Partition, options: Options) -> Self {
        let engine = |options| Box::new(TrustRegion::new(options).with_model(Gradient));
        let local = options.local();
        Self::with_solvers(partition, options, Box::new(move |_| engine(local)), engine(options.global()))
    }

    /// APTS with other solvers of the parts and of the whole.
    #[must_use]
    pub fn with_solvers(
        partition: Partition,
        options: Options,
        make_local: MakeSolver,
        global: Box<dyn RadiusDriven>,
    ) -> Self {
        Self {
            partition,
            options,
            make_local,
            global,
            sweep: None,
            base: Known::default(),
            half: Vec::new(),
            correction: Vec::new(),
            change: Vec::new(),
            overlap: Overlap::default(),
            radius: options.radius,
            iteration: 0,
            best: (Vec::new(), f64::INFINITY),
            on_batches: false,
            watcher: None,
        }
    }

    fn enter(&mut self, phase: Phase) {
        if let Some(watcher) = &mut self.watcher {
            watcher.enter(phase);
        }
    }

    fn keep_base(&mut self) {
        let current = self.global.current();
        self.base.x.copy_from_slice(current.x);
        self.base.value = current.value;
        if let Some(gradient) = current.gradient {
            self.base.gradient.copy_from_slice(gradient);
        }
    }

    fn keep_best(&mut self) {
        let current = self.global.current();
        if !self.on_batches && current.value < self.best.1 {
            current.x.clone_into(&mut self.best.0); // on mini-batches there is none, nor room for it
            self.best.1 = current.value;
        }
    }

    /// Steps 2 and 3: θ̃ into `half`, s into `correction`.
    fn local_phase(&mut self, f: &mut dyn Objective) -> SweepReport {
        self.enter(Phase::Local);
        let (known, model) = (self.base.evaluated(), self.global.model());
        let frozen = Frozen { x: &self.base.x, known, pass: Pass::default(), model };
        let sweep = self.sweep.as_mut().expect("`start` made the sweep");
        let report = sweep.sweep(f, frozen, self.radius, &mut self.half);
        // Of no length where nobody asks for it.
        for ((s, new), old) in self.correction.iter_mut().zip(&self.half).zip(&self.base.x) {
            *s = new - old;
        }
        report
    }

    /// Step 4: f at θᵏ⁺½, which is θᵏ itself where nothing better was found.
    fn half_value(&mut self, f: &mut dyn Objective) -> f64 {
        self.enter(Phase::Fdl);
        let at_base = self.half == self.base.x;
        let mut value = if at_base { self.base.value } else { f.value(&self.half) };
        if self.options.fdl && rises(value, self.base.value) {
            let forced = ForcedDecrease {
                x: &self.base.x,
                value: self.base.value,
                gradient: &self.base.gradient,
                radius: self.radius,
                min_radius: self.options.rule.min_radius,
                shrink: self.options.rule.shrink,
            };
            value = forced.run(f, &self.correction, &mut self.half, value).value;
        }
        let keep_a_rise = !self.options.fdl || self.options.ratio == Ratio::PaperCode;
        if !value.is_finite() || (rises(value, self.base.value) && !keep_a_rise) {
            self.half.copy_from_slice(&self.base.x);
            value = self.base.value;
        }
        value
    }

    /// Step 5 begins at θᵏ⁺½; where the gradient there is not finite, at θᵏ with a smaller radius.
    fn begin_global(&mut self, f: &mut dyn Objective) -> Result<(), StartError> {
        self.enter(Phase::Global);
        let at_base = self.half == self.base.x;
        let known = at_base.then(|| self.base.evaluated());
        self.global.begin(f, uncapped(&self.half, known, self.radius))?;
        if at_base {
            return Ok(());
        }
        if matches!(self.global.prepare(f), Err(Status::NotFiniteAtStart { .. })) {
            self.radius = self.options.rule.next(self.radius, f64::NEG_INFINITY, true);
            self.half.copy_from_slice(&self.base.x);
            self.global.begin(f, uncapped(&self.base.x, Some(self.base.evaluated()), self.radius))?;
        } else {
            self.learn_correction(f.noise());
        }
        Ok(())
    }

    /// True where an iteration did not reduce f and the next one's steps are a few units in the last place of θ: local
    /// and global solver would take turns in rounding it there and back.
    fn lost_in_rounding(&self) -> bool {
        const UNITS: f64 = 4.0;
        if self.on_batches {
            return false;
        }
        let current = self.global.current();
        let reduced = current.value < self.base.value;
        !reduced && self.radius <= UNITS * f64::EPSILON * norm_inf(current.x)
    }
}

/// An iteration that moved nothing.
fn idle(iteration: u64, value: f64, radius: f64) -> StepReport {
    StepReport {
        iteration,
        value,
        radius,
        ratio: f64::NAN,
        accepted: false,
        trials_accepted: 0,
        trials_rejected: 0,
        local_iterations: 0,
    }
}

/// The global solver's start: its own radius rule is all that limits it.
fn uncapped<'a>(x: &'a [f64], known: Option<Evaluated<'a>>, radius: f64) -> Begin<'a> {
    Begin { x, known, radius, cap: f64::INFINITY, model: None }
}

impl Optimizer for Apts {
    fn name(&self) -> &'static str {
        "apts"
    }

    fn start(
        &mut self,
        f: &mut dyn Objective,
        x0: &[f64],
        known: Option<Evaluated<'_>>,
    ) -> Result<(), StartError> {
        self.options.global().validate()?;
        let of_batch = self.options.pairs == PairsFrom::Batch;
        if !of_batch && f.batches() <= 1 {
            return Err(StartError::NoOverlap { method: self.name() });
        }
        self.global.learn_own_pairs(of_batch);
        self.overlap = Overlap::default();
        let n = f.dim();
        self.sweep = Some(AdditiveSweep::new(
            f,
            self.partition.clone(),
            self.options.local_iterations,
            &self.make_local,
        )?);
        self.radius = self.options.radius;
        (self.iteration, self.on_batches) = (0, false);
        self.global.start(f, x0, known)?;
        let learns = self.global.learns();
        let Known { x, gradient, .. } = &mut self.base;
        for buffer in [x, gradient, &mut self.half] {
            buffer.resize(n, 0.0);
        }
        self.correction.resize(if self.options.fdl || learns { n } else { 0 }, 0.0);
        self.change.resize(if learns { n } else { 0 }, 0.0);
        self.best.1 = f64::INFINITY;
        self.global.begin(f, uncapped(x0, known, self.radius))
    }

    fn prepare(&mut self, f: &mut dyn Objective) -> Result<(), Status> {
        self.enter(Phase::Global);
        self.learn_overlap(f);
        let ready = self.global.prepare(f);
        self.enter(Phase::Outside);
        // Smaller than after the step where that led to a point without a finite gradient.
        self.radius = self.global.radius();
        if ready.is_ok() {
            self.keep_best();
        }
        ready
    }

    fn step(&mut self, f: &mut dyn Objective) -> Flow {
        if let Err(status) = self.prepare(f) {
            return Flow::Done(status);
        }
        self.keep_base();
        if self.learns_overlaps() {
            self.overlap.begin();
        }
        if norm_inf(&self.base.gradient) == 0.0 {
            if !self.on_batches {
                return Flow::Done(Status::Stationary);
            }
            self.iteration += 1;
            return Flow::Continue(idle(self.iteration, self.base.value, self.radius));
        }
        let radius_before = self.radius;
        let local = self.local_phase(f);
        self.half_value(f);
        if self.begin_global(f).is_err() {
            unreachable!("the same objective was accepted at the start");
        }
        let mut report = StepReport {
            trials_accepted: local.trials_accepted,
            trials_rejected: local.trials_rejected,
            local_iterations: local.local_iterations,
            ..idle(self.iteration + 1, f64::NAN, f64::NAN)
        };
        let mut ended = None;
        for _ in 0..self.options.global_iterations {
            match self.global.step(f) {
                Flow::Continue(step) => {
                    report.ratio = step.ratio;
                    report.accepted |= step.accepted;
                    report.trials_accepted += step.trials_accepted;
                    report.trials_rejected += step.trials_rejected;
                }
                Flow::Done(status) => {
                    ended = Some(status);
                    break;
                }
            }
        }
        self.radius = self.global.radius();
        self.enter(Phase::Outside);
        let moved = self.global.current().x != self.base.x;
        if moved && !report.accepted {
            // To where the parts led, which the global solver was not told of as a move.
            f.accept(self.global.current().x);
        }
        let stuck = !self.on_batches && !moved && self.radius >= radius_before;
        let at_rest = |status: &Status| !self.on_batches && *status == Status::Stationary;
        if let Some(status) = ended.take_if(|status| stuck || at_rest(status)) {
            return Flow::Done(status);
        }
        if self.lost_in_rounding() {
            let (radius, minimum) = (self.radius, self.options.rule.min_radius);
            return Flow::Done(ended.unwrap_or(Status::RadiusUnderflow { radius, minimum }));
        }
        self.iteration += 1;
        report.value = self.global.current().value;
        report.radius = self.radius;
        report.accepted |= moved;
        Flow::Continue(report)
    }

    fn current(&self) -> Point<'_> {
        self.global.current()
    }

    fn best(&self) -> Point<'_> {
        let current = self.global.current();
        if self.best.1 == f64::INFINITY || current.value <= self.best.1 {
            current
        } else {
            Point { x: &self.best.0, value: self.best.1, gradient: None }
        }
    }

    fn takes_batches(&self) -> bool {
        true
    }

    fn samples_changed(&mut self, pass: Pass) {
        self.on_batches = true;
        self.overlap.see(pass);
        self.global.samples_changed(pass);
    }

    fn work(&self) -> Work {
        self.sweep.as_ref().map_or_else(Work::default, AdditiveSweep::work)
    }

    fn work_of_parts(&self) -> Vec<Work> {
        self.sweep.as_ref().map_or_else(Vec::new, AdditiveSweep::work_of_parts)
    }

    fn watch(&mut self, watcher: Box<dyn Phases>) {
        self.watcher = Some(watcher);
    }

    fn storage(&self, of: Shape) -> Option<Storage> {
        storage::of_apts((self.global.as_ref(), &self.options), (&self.partition, &self.make_local), of)
    }

    fn save(&self, archive: &mut Archive) {
        self.save_to(archive);
    }

    /// After [`start`](Optimizer::start) on the same objective.
    fn load(&mut self, archive: &Archive) -> Result<(), LoadError> {
        self.load_from(archive)
    }
}
