//! Gradient descent with momentum (Polyak 1964; Nesterov 1983 in the form of Sutskever et al. 2013), with PyTorch's
//! definitions.
//!
//! ```text
//! g ← ∇f(x) + λx
//! v ← g at the first step,  μv + (1 − τ)g afterwards
//! x ← x − lr·(g + μv)  (Nesterov),  x − lr·v  (momentum),  x − lr·g  (μ = 0)
//! ```

use optkit_core::vector::norm_inf;
use optkit_core::{
    Archive, Evaluated, Flow, LoadError, Objective, Optimizer, Pass, Point, Shape, StartError, Status,
    Storage,
};

use crate::iterate::Iterate;
use crate::report::{moved, refuse};

/// Settings of [`Sgd`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdOptions {
    /// The learning rate, the length of a step over that of the gradient; positive.
    pub lr: f64,
    /// μ, share of the velocity that a step keeps; in [0, 1).
    pub momentum: f64,
    /// Nesterov's momentum; asks for a momentum and no dampening.
    pub nesterov: bool,
    /// τ, share of the gradient that the velocity does not take up; in [0, 1).
    pub dampening: f64,
    /// λ, an L2 penalty ½λ‖x‖² whose gradient is added; not negative.
    pub weight_decay: f64,
}

impl SgdOptions {
    /// Plain gradient descent.
    #[must_use]
    pub fn new(lr: f64) -> Self {
        Self { lr, momentum: 0.0, nesterov: false, dampening: 0.0, weight_decay: 0.0 }
    }

    /// Refuses settings outside their ranges.
    ///
    /// # Errors
    ///
    /// [`StartError::Setting`] names the first.
    pub fn validate(&self) -> Result<(), StartError> {
        if !(self.lr > 0.0 && self.lr.is_finite()) {
            return refuse("lr", self.lr, "positive and finite");
        }
        if !(0.0..1.0).contains(&self.momentum) {
            return refuse("momentum", self.momentum, "at least 0 and below 1");
        }
        if !(0.0..1.0).contains(&self.dampening) {
            return refuse("dampening", self.dampening, "at least 0 and below 1");
        }
        if self.nesterov && self.momentum == 0.0 {
            return refuse("momentum", self.momentum, "positive where `nesterov = on`");
        }
        if self.nesterov && self.dampening != 0.0 {
            return refuse("dampening", self.dampening, "0 where `nesterov = on`");
        }
        if !(self.weight_decay >= 0.0 && self.weight_decay.is_finite()) {
            return refuse("weight_decay", self.weight_decay, "zero or positive");
        }
        Ok(())
    }
}

/// Stochastic gradient descent; on all samples at once, gradient descent. One gradient an iteration.
///
/// ```
/// use optkit_core::{Optimizer, from_fn};
/// use optkit_descent::{Sgd, SgdOptions};
/// let mut f = from_fn(1, |x| x[0] * x[0], |x, g| g[0] = 2.0 * x[0]);
/// let mut sgd = Sgd::new(SgdOptions { momentum: 0.5, ..SgdOptions::new(0.25) });
/// sgd.start(&mut f, &[4.0], None)?;
/// sgd.step(&mut f); // v = 8
/// assert_eq!(sgd.current().x, [2.0]);
/// sgd.step(&mut f); // v = ½·8 + 4
/// assert_eq!(sgd.current().x, [0.0]);
/// # Ok::<(), optkit_core::StartError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sgd {
    options: SgdOptions,
    now: Iterate,
    velocity: Vec<f64>,
}

impl Sgd {
    /// A method with these settings. They are checked when the run starts.
    #[must_use]
    pub fn new(options: SgdOptions) -> Self {
        Self { options, now: Iterate::default(), velocity: Vec::new() }
    }

    /// The settings.
    #[must_use]
    pub fn options(&self) -> &SgdOptions {
        &self.options
    }

    /// x and v after the iteration; whether x changed.
    fn update(&mut self) -> bool {
        let SgdOptions { lr, momentum, nesterov, dampening, weight_decay } = self.options;
        let Iterate { x, gradient, iteration, .. } = &mut self.now;
        let mut changed = false;
        let mut shift = |x: &mut f64, step: f64| {
            let new = *x - lr * step;
            changed |= new != *x;
            *x = new;
        };
        if momentum == 0.0 {
            for (x, g) in x.iter_mut().zip(gradient) {
                let g = *g + weight_decay * *x;
                shift(x, g);
            }
            return changed;
        }
        // The first velocity is the gradient itself, undampened.
        let (keep, take) = if *iteration == 0 { (0.0, 1.0) } else { (momentum, 1.0 - dampening) };
        for ((x, g), v) in x.iter_mut().zip(gradient).zip(&mut self.velocity) {
            let g = *g + weight_decay * *x;
            *v = keep * *v + take * g;
            shift(x, if nesterov { g + momentum * *v } else { *v });
        }
        changed
    }
}

impl Optimizer for Sgd {
    fn name(&self) -> &'static str {
        "sgd"
    }

    fn start(
        &mut self,
        f: &mut dyn Objective,
        x0: &[f64],
        known: Option<Evaluated<'_>>,
    ) -> Result<(), StartError> {
        self.options.validate()?;
        self.now.start(f, x0, known)?;
        self.velocity.clear();
        if self.options.momentum != 0.0 {
            self.velocity.resize(x0.len(), 0.0);
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
        let changed = self.update();
        // A zero gradient of one batch says nothing of the next, and a velocity may lead away from one of the whole.
        if !changed && f.batches() == 1 && norm_inf(&self.now.gradient) == 0.0 {
            return Flow::Done(Status::Stationary);
        }
        self.now.forget();
        self.now.iteration += 1;
        f.accept(&self.now.x);
        Flow::Continue(moved(self.now.iteration, changed))
    }

    fn current(&self) -> Point<'_> {
        self.now.current()
    }

    fn best(&self) -> Point<'_> {
        self.now.best()
    }

    fn takes_batches(&self) -> bool {
        true
    }

    fn samples_changed(&mut self, _pass: Pass) {
        self.now.samples_changed();
    }

    fn storage(&self, of: Shape) -> Option<Storage> {
        let velocity = if self.options.momentum == 0.0 { 0 } else { of.dim };
        Some(Iterate::storage(of) + Storage { held: velocity, saved: velocity })
    }

    fn save(&self, archive: &mut Archive) {
        self.now.save(archive);
        archive.put("velocity", self.velocity.clone());
    }

    fn load(&mut self, archive: &Archive) -> Result<(), LoadError> {
        self.now.load(archive)?;
        archive.array_into("velocity", &mut self.velocity)
    }
}
