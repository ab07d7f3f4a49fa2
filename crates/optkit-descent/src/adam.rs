//! Adam (Kingma & Ba 2015), AMSGrad (Reddi, Kale & Kumar 2018) and AdamW (Loshchilov & Hutter 2019), with PyTorch's
//! definitions.
//!
//! ```text
//! g ← ∇f(x) + λx            (Adam)      x ← (1 − lr·λ)x         (AdamW)
//! m ← β₁m + (1 − β₁)g                   v ← β₂v + (1 − β₂)g²    w ← v, or max(w, v) with AMSGrad
//! x ← x − lr/(1 − β₁ᵗ) · m / (√w/√(1 − β₂ᵗ) + ε)
//! ```

use optkit_core::vector::norm_inf;
use optkit_core::{
    Archive, Evaluated, Flow, LoadError, Objective, Optimizer, Pass, Point, Shape, StartError, Status,
    Storage,
};

use crate::iterate::Iterate;
use crate::report::{moved, refuse};

/// Settings of [`Adam`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamOptions {
    /// The learning rate, about the largest change of a variable in one step; positive.
    pub lr: f64, // 1e-3: Kingma & Ba, Alg. 1, as all of these
    /// β₁, decay of the mean of gradients; in [0, 1).
    pub beta1: f64,
    /// β₂, decay of the mean of squares; in [0, 1).
    pub beta2: f64,
    /// ε, added to the root of the mean of squares; not negative.
    pub epsilon: f64,
    /// λ; not negative. Of Adam an L2 penalty, of AdamW a decay of its own.
    pub weight_decay: f64,
    /// Divide by the largest mean of squares so far.
    pub amsgrad: bool,
}

impl Default for AdamOptions {
    fn default() -> Self {
        Self { lr: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0, amsgrad: false }
    }
}

impl AdamOptions {
    /// The defaults of AdamW.
    #[must_use]
    pub fn adamw() -> Self {
        Self { weight_decay: 0.01, ..Self::default() }
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
        for (name, beta) in [("beta1", self.beta1), ("beta2", self.beta2)] {
            if !(0.0..1.0).contains(&beta) {
                return refuse(name, beta, "at least 0 and below 1");
            }
        }
        for (name, value) in [("epsilon", self.epsilon), ("weight_decay", self.weight_decay)] {
            if !(value >= 0.0 && value.is_finite()) {
                return refuse(name, value, "zero or positive");
            }
        }
        Ok(())
    }
}

/// Adam, and AdamW where made by [`Adam::decoupled`]. One gradient an iteration.
///
/// ```
/// use optkit_core::{Optimizer, from_fn};
/// use optkit_descent::{Adam, AdamOptions};
/// let mut f = from_fn(2, |x| x[0] + 100.0 * x[1], |_, g| g.copy_from_slice(&[1.0, 100.0]));
/// let mut adam = Adam::new(AdamOptions { lr: 0.5, epsilon: 0.0, ..AdamOptions::default() });
/// adam.start(&mut f, &[0.0, 0.0], None)?;
/// adam.step(&mut f); // the first step has length lr in every variable
/// assert!(adam.current().x.iter().all(|x| (x + 0.5).abs() < 1e-12));
/// # Ok::<(), optkit_core::StartError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Adam {
    options: AdamOptions,
    decoupled: bool,
    now: Iterate,
    mean: Vec<f64>,
    squares: Vec<f64>,
    /// Of [`squares`](Self::squares), entry by entry; empty without AMSGrad.
    largest: Vec<f64>,
}

impl Adam {
    /// Adam with these settings. They are checked when the run starts.
    #[must_use]
    pub fn new(options: AdamOptions) -> Self {
        Self {
            options,
            decoupled: false,
            now: Iterate::default(),
            mean: Vec::new(),
            squares: Vec::new(),
            largest: Vec::new(),
        }
    }

    /// AdamW with these settings: its weight decay does not pass through the means.
    #[must_use]
    pub fn decoupled(options: AdamOptions) -> Self {
        Self { decoupled: true, ..Self::new(options) }
    }

    /// The settings.
    #[must_use]
    pub fn options(&self) -> &AdamOptions {
        &self.options
    }

    /// x and the means after the iteration; whether x changed.
    fn update(&mut self) -> bool {
        let AdamOptions { lr, beta1, beta2, epsilon, weight_decay, amsgrad } = self.options;
        #[allow(clippy::cast_precision_loss)] // iterations stay far below 2⁵³
        let t = (self.now.iteration + 1) as f64;
        let step = lr / (1.0 - beta1.powf(t));
        let root = (1.0 - beta2.powf(t)).sqrt();
        let (keep, penalty) =
            if self.decoupled { (1.0 - lr * weight_decay, 0.0) } else { (1.0, weight_decay) };
        let Iterate { x, gradient, .. } = &mut self.now;
        let mut changed = false;
        let means = self.mean.iter_mut().zip(&mut self.squares);
        let mut largest = self.largest.iter_mut();
        for ((x, g), (m, v)) in x.iter_mut().zip(gradient).zip(means) {
            let g = *g + penalty * *x;
            *m += (1.0 - beta1) * (g - *m);
            *v = beta2 * *v + (1.0 - beta2) * g * g;
            let mut w = *v;
            if amsgrad && let Some(largest) = largest.next() {
                *largest = largest.max(w);
                w = *largest;
            }
            // 0/0 of a variable that f has never depended on, with ε = 0: it stays.
            let shift = if *m == 0.0 { 0.0 } else { step * *m / (w.sqrt() / root + epsilon) };
            let new = *x * keep - shift;
            changed |= new != *x;
            *x = new;
        }
        changed
    }
}

impl Optimizer for Adam {
    fn name(&self) -> &'static str {
        if self.decoupled { "adamw" } else { "adam" }
    }

    fn start(
        &mut self,
        f: &mut dyn Objective,
        x0: &[f64],
        known: Option<Evaluated<'_>>,
    ) -> Result<(), StartError> {
        self.options.validate()?;
        self.now.start(f, x0, known)?;
        let largest = if self.options.amsgrad { x0.len() } else { 0 };
        for (means, n) in
            [(&mut self.mean, x0.len()), (&mut self.squares, x0.len()), (&mut self.largest, largest)]
        {
            means.clear();
            means.resize(n, 0.0);
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
        // A zero gradient of one batch says nothing of the next, and the mean may lead away from one of the whole.
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
        let means = (2 + usize::from(self.options.amsgrad)) * of.dim;
        Some(Iterate::storage(of) + Storage { held: means, saved: means })
    }

    fn save(&self, archive: &mut Archive) {
        self.now.save(archive);
        archive.put("mean", self.mean.clone());
        archive.put("squares", self.squares.clone());
        archive.put("largest", self.largest.clone());
    }

    fn load(&mut self, archive: &Archive) -> Result<(), LoadError> {
        self.now.load(archive)?;
        archive.array_into("mean", &mut self.mean)?;
        archive.array_into("squares", &mut self.squares)?;
        archive.array_into("largest", &mut self.largest)
    }
}
