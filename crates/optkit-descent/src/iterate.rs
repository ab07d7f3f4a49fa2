//! The point that a descent method stands on, with the best one that it has seen.

use optkit_core::vector::{all_finite, norm_inf};
use optkit_core::{Archive, Evaluated, LoadError, Objective, Point, Shape, StartError, Status, Storage};

/// A value below this is no minimum of anything.
const UNBOUNDED: f64 = -1e100;

/// x with f(x) and ∇f(x) where they are known, and the best point with finite value and gradient.
#[derive(Clone, Debug, Default)]
pub(crate) struct Iterate {
    pub(crate) x: Vec<f64>,
    pub(crate) value: f64,
    pub(crate) gradient: Vec<f64>,
    /// Whether value and gradient belong to x.
    pub(crate) known: bool,
    /// Iterations made.
    pub(crate) iteration: u64,
    best: Vec<f64>,
    best_value: f64,
    /// Whether samples change: values of different iterations compare nothing then, and the best point is the last.
    batches: bool,
}

impl Iterate {
    pub(crate) fn start(
        &mut self,
        f: &dyn Objective,
        x0: &[f64],
        known: Option<Evaluated<'_>>,
    ) -> Result<(), StartError> {
        let dim = f.dim();
        if x0.len() != dim {
            return Err(StartError::WrongLength { got: x0.len(), dim });
        }
        if f.bounds().is_some() {
            return Err(StartError::Bounds);
        }
        self.gradient.resize(dim, 0.0);
        for x in [&mut self.x, &mut self.best] {
            x.clear();
            x.extend_from_slice(x0);
        }
        self.known = known.is_some();
        self.value = f64::NAN;
        if let Some(known) = known {
            self.value = known.value;
            self.gradient.copy_from_slice(known.gradient);
        }
        self.best_value = f64::INFINITY;
        self.batches = false;
        self.iteration = 0;
        Ok(())
    }

    /// Makes value and gradient known; the one place where a number that is not finite ends a run.
    pub(crate) fn prepare(&mut self, f: &mut dyn Objective) -> Result<(), Status> {
        if !self.known {
            self.value = f.value_gradient(&self.x, &mut self.gradient);
            self.known = true;
        }
        let value = self.value;
        if !(value.is_finite() && all_finite(&self.gradient)) {
            return Err(match self.iteration {
                0 => Status::NotFiniteAtStart { value, gradient_norm: norm_inf(&self.gradient) },
                iteration => Status::Diverged { iteration, value },
            });
        }
        if self.batches || value < self.best_value {
            self.best.copy_from_slice(&self.x);
            self.best_value = value;
        }
        if value < UNBOUNDED { Err(Status::UnboundedBelow { value }) } else { Ok(()) }
    }

    pub(crate) fn samples_changed(&mut self) {
        self.batches = true;
        self.forget();
    }

    /// Value and gradient are no longer those of x.
    pub(crate) fn forget(&mut self) {
        self.known = false;
        self.value = f64::NAN;
    }

    pub(crate) fn current(&self) -> Point<'_> {
        let gradient = self.known.then_some(self.gradient.as_slice());
        Point { x: &self.x, value: self.value, gradient }
    }

    /// The lowest of the finite points; on mini-batches the last of them.
    pub(crate) fn best(&self) -> Point<'_> {
        let finite = self.known && self.value.is_finite() && all_finite(&self.gradient);
        let unseen = self.best_value == f64::INFINITY || (self.batches && !self.known);
        if unseen || (finite && (self.batches || self.value <= self.best_value)) {
            self.current()
        } else {
            Point { x: &self.best, value: self.best_value, gradient: None }
        }
    }

    /// The point, its gradient and the best point; saved behind a step, which forgets the gradient of a batch.
    pub(crate) fn storage(of: Shape) -> Storage {
        let saved = if of.batches { 2 } else { 3 };
        Storage { held: 3 * of.dim, saved: saved * of.dim }
    }

    pub(crate) fn save(&self, archive: &mut Archive) {
        archive.put("x", self.x.clone());
        if self.known {
            archive.put("gradient", self.gradient.clone());
        }
        archive.put("best.x", self.best.clone());
        archive.put("values", vec![self.value, self.best_value]);
        archive.put_integer("known", u64::from(self.known));
        archive.put_integer("batches", u64::from(self.batches));
        archive.put_integer("iteration", self.iteration);
    }

    pub(crate) fn load(&mut self, archive: &Archive) -> Result<(), LoadError> {
        archive.array_into("x", &mut self.x)?;
        self.known = archive.integer("known")? != 0;
        if self.known {
            archive.array_into("gradient", &mut self.gradient)?;
        }
        archive.array_into("best.x", &mut self.best)?;
        let mut values = [0.0; 2];
        archive.array_into("values", &mut values)?;
        [self.value, self.best_value] = values;
        self.batches = archive.integer("batches")? != 0;
        self.iteration = archive.integer("iteration")?;
        Ok(())
    }
}
