//! The first-order model, B = 0.

use optkit_core::{Objective, Operator, StartError, Zero};

use super::{Form, Model};
use crate::Scale;

/// B = 0.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gradient;

impl Model for Gradient {
    fn form(&self) -> Form {
        Form::Zero
    }
    fn start(&mut self, _f: &mut dyn Objective) -> Result<(), StartError> {
        Ok(())
    }
    fn at(
        &mut self,
        _f: &mut dyn Objective,
        _x: &[f64],
        _scale: &Scale,
        solve: &mut dyn FnMut(&mut dyn Operator),
    ) {
        solve(&mut Zero);
    }
}
