//! Where local and coarse models come from: the objective itself, its residuals, or products with its Hessian.

use optkit_core::{Archive, GaussNewton, LoadError, NoGaussNewton, Objective, Subset, Work};

use super::products::{OnProducts, ProductLevels};
use super::residuals::{OnResiduals, ResidualLevels};

/// Models of an objective.
pub(crate) enum Levels {
    /// The objective's own, which stand on their own.
    Own(Box<dyn GaussNewton>),
    /// Made of its residuals, which only it can evaluate.
    Residuals(Box<ResidualLevels>),
    /// Made of products with its Hessian, which only it can form.
    Products(Box<ProductLevels>),
}

impl Levels {
    pub(crate) fn new(f: &mut dyn Objective, parts: &[Subset]) -> Result<Self, NoGaussNewton> {
        match f.gauss_newton(parts) {
            Ok(own) => Ok(Self::Own(own)),
            Err(NoGaussNewton::Unsupported) => {
                let Some(residuals) = f.residuals().map(|residuals| residuals.count()) else {
                    return Ok(Self::Products(Box::new(ProductLevels::new(f, parts)?)));
                };
                Ok(Self::Residuals(Box::new(ResidualLevels::new(f.dim(), residuals, f.noise(), parts)?)))
            }
            Err(error) => Err(error),
        }
    }

    /// Let `run` work on the models, evaluated by `f` where they do not stand on their own.
    pub(crate) fn on<R>(&mut self, f: &mut dyn Objective, run: impl FnOnce(&mut dyn GaussNewton) -> R) -> R {
        match self {
            Self::Own(own) => run(own.as_mut()),
            Self::Residuals(state) => run(&mut OnResiduals { state, f }),
            Self::Products(state) => run(&mut OnProducts { state, f }),
        }
    }

    /// Work that the objective's own counter does not see.
    pub(crate) fn work(&self) -> Work {
        match self {
            Self::Own(own) => own.work(),
            Self::Residuals(_) => Work::default(),
            Self::Products(state) => state.work(),
        }
    }

    pub(crate) fn save(&self, archive: &mut Archive) {
        match self {
            Self::Own(own) => own.save(archive),
            Self::Residuals(state) => state.write(archive),
            Self::Products(state) => state.write(archive),
        }
    }

    pub(crate) fn load(&mut self, archive: &Archive, x: &[f64]) -> Result<(), LoadError> {
        match self {
            Self::Own(own) => own.load(archive, x),
            Self::Residuals(state) => state.read(archive, x),
            Self::Products(state) => state.read(archive, x),
        }
    }
}
