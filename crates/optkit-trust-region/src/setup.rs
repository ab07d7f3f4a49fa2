//! What an engine minimises in which ball, and by which solver: given, or chosen for the objective.
//!
//! Where nothing is said, a function that offers products with its Hessian is modelled by them (`exact`), any other by
//! limited-memory SR1 (`lsr1`); the solver is the best that the model has: dense and exact for few variables,
//! truncated conjugate gradients for many, OBS for `lsr1`, the Cauchy point for `gradient`.

use optkit_core::{Archive, Compact, LoadError, Objective, Restriction, Shape, StartError, Storage};
use optkit_quasi_newton::{Lsr1, Settings as Lsr1Settings};

use crate::{
    Cauchy, Exact, Form, Gradient, Model, MoreSorensen, Norm, Obs, Scale, Solved, Steihaug, Subproblem,
};

/// Up to this many variables a dense Hessian and its eigenvalues cost little beside what they save in iterations.
const FEW: usize = 32;

/// L-SR1 as `order = 2` has it. More pairs do not pay: on chained Rosenbrock functions and quadratics, 5 took fewer
/// iterations than 10 and 20.
fn secant() -> Lsr1 {
    Lsr1::new(Lsr1Settings { memory: 5, ..Lsr1Settings::default() })
        .expect("the defaults are in their ranges")
}

fn best_model(products: bool) -> Box<dyn Model> {
    if products { Box::new(Exact::default()) } else { Box::new(secant()) }
}

fn best_solver(of: Form, dim: usize) -> Box<dyn Subproblem> {
    match of {
        Form::Zero => Box::new(Cauchy::default()),
        Form::Product if dim <= FEW => Box::new(MoreSorensen::default()),
        Form::Product => Box::new(Steihaug::default()),
        Form::Compact => Box::new(Obs::default()),
    }
}

/// See the module's documentation.
pub(crate) struct Setup {
    model: Box<dyn Model>,
    subproblem: Box<dyn Subproblem>,
    scale: Scale,
    /// Whether the model, or the solver, is to be chosen at the start.
    open: (bool, bool),
    /// Takes the steps of a model that has learnt nothing yet.
    first: Cauchy,
    /// D⁻¹g, where variables are scaled one by one.
    scaled: Vec<f64>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            model: Box::new(Gradient),
            subproblem: Box::new(Cauchy::default()),
            scale: Scale::Unit,
            open: (true, true),
            first: Cauchy::default(),
            scaled: Vec::new(),
        }
    }
}

/// A step and what is known about it.
pub(crate) struct Stepped {
    pub(crate) solved: Solved,
    /// True where B = 0.
    pub(crate) first_order: bool,
}

impl Setup {
    pub(crate) fn set_model(&mut self, model: Box<dyn Model>) {
        self.model = model;
        self.open.0 = false;
    }

    pub(crate) fn set_subproblem(&mut self, subproblem: Box<dyn Subproblem>) {
        self.subproblem = subproblem;
        self.open.1 = false;
    }

    pub(crate) fn set_scale(&mut self, scale: Scale) {
        self.scale = scale;
    }

    /// Choose what is open, forget what was learnt, refuse what does not fit.
    pub(crate) fn start(&mut self, f: &mut dyn Objective) -> Result<(), StartError> {
        let dim = f.dim();
        if self.open.0 {
            self.model = best_model(f.hessian_product().is_some());
        }
        if self.open.1 {
            self.subproblem = best_solver(self.model.form(), dim);
        }
        self.fits(dim)?;
        self.first = Cauchy::in_ball(self.subproblem.norm());
        self.scaled.resize(if self.scale.is_diagonal() { dim } else { 0 }, 0.0);
        self.model.start(f)
    }

    fn fits(&self, dim: usize) -> Result<(), StartError> {
        let needed = self.subproblem.needs();
        if !self.model.form().offers(needed) {
            let needs = if needed == Form::Compact { "a compact form of B" } else { "products with B" };
            return Err(StartError::Incompatible { needs });
        }
        let most = self.subproblem.most_variables();
        if dim > most {
            return Err(StartError::TooLarge { most, dim });
        }
        match self.scale.dim() {
            Some(scaling) if scaling != dim => Err(StartError::ScalingLength { scaling, dim }),
            _ => Ok(()),
        }
    }

    /// The step of the model at `x` in the ball of `radius`; `again` where only the radius is new.
    pub(crate) fn solve(
        &mut self,
        f: &mut dyn Objective,
        (x, gradient): (&[f64], &[f64]),
        (radius, again): (f64, bool),
        step: &mut [f64],
    ) -> Stepped {
        let Self { model, subproblem, scale, first, scaled, .. } = self;
        let diagonal = scale.is_diagonal();
        if diagonal {
            scaled.copy_from_slice(gradient);
            scale.divide(scaled);
        }
        let gradient = if diagonal { scaled.as_slice() } else { gradient };
        let radius = scale.stretched(radius, x.len());
        let mut stepped = None;
        model.at(f, x, scale, &mut |b| {
            let first_order = b.is_zero();
            let solver: &mut dyn Subproblem = if first_order { &mut *first } else { subproblem.as_mut() };
            let solved = if again {
                solver.solve_again(gradient, b, radius, step)
            } else {
                solver.solve(gradient, b, radius, step)
            };
            stepped = Some(Stepped { solved, first_order });
        });
        let mut stepped = stepped.expect("a model hands out its B");
        if diagonal {
            scale.divide(step);
            stepped.solved.along_gradient = None;
        }
        stepped
    }

    /// ‖a − b‖ in the norm that the radius bounds.
    pub(crate) fn distance(&self, a: &[f64], b: &[f64]) -> f64 {
        match self.subproblem.norm() {
            Norm::Infinity => optkit_core::vector::distance_inf(a, b),
            Norm::Two => self.scale.distance(a, b),
        }
    }

    pub(crate) fn learns(&self) -> bool {
        self.model.learns()
    }

    /// The pair (s, y), both of which are overwritten.
    pub(crate) fn learn(&mut self, s: &mut [f64], y: &mut [f64], noise: f64) {
        self.scale.multiply(s);
        self.scale.divide(y);
        self.model.learn(s, y, noise);
    }

    pub(crate) fn restrict(&mut self, from: Restriction<'_>) {
        self.model.restrict(from);
    }

    pub(crate) fn compact(&self) -> Option<&dyn Compact> {
        self.model.compact()
    }

    /// The model that an objective of this shape is given, to `look` at.
    fn with_model_of<R>(&self, of: Shape, look: impl FnOnce(&dyn Model) -> R) -> R {
        if self.open.0 { look(best_model(of.products).as_ref()) } else { look(self.model.as_ref()) }
    }

    pub(crate) fn learns_on(&self, of: Shape) -> bool {
        self.with_model_of(of, |model| model.learns())
    }

    pub(crate) fn most_columns(&self, of: Shape) -> usize {
        self.with_model_of(of, |model| model.most_columns(of))
    }

    /// What the model, the solver and the scaling hold.
    pub(crate) fn storage(&self, of: Shape) -> Storage {
        self.with_model_of(of, |model| {
            let solver = if self.open.1 {
                best_solver(model.form(), of.dim).storage(of, model)
            } else {
                self.subproblem.storage(of, model)
            };
            // D, the scaled gradient, and a scaled vector before its product.
            let of_scale = match model.form() {
                _ if !self.scale.is_diagonal() => 0,
                Form::Product => 3,
                Form::Zero | Form::Compact => 2,
            };
            model.storage(of) + Storage::held(solver + of_scale * of.dim)
        })
    }

    pub(crate) fn save(&self, archive: &mut Archive) {
        archive.scope("model", |a| self.model.save(a));
    }

    pub(crate) fn load(&mut self, archive: &Archive) -> Result<(), LoadError> {
        self.model.load(&archive.scoped("model"))
    }
}
