//! The limited-memory SR1 model: B from secant pairs of the run itself.

use optkit_core::{
    Archive, Compact, LoadError, Objective, Operator, Restriction, Shape, StartError, Storage, Zero,
};
use optkit_quasi_newton::Lsr1;

use super::{Form, Model};
use crate::Scale;

impl Model for Lsr1 {
    fn form(&self) -> Form {
        Form::Compact
    }

    fn start(&mut self, f: &mut dyn Objective) -> Result<(), StartError> {
        self.clear(f.dim());
        Ok(())
    }

    fn restrict(&mut self, from: Restriction<'_>) {
        self.begin_from(from);
    }

    fn learns(&self) -> bool {
        true
    }

    fn learn(&mut self, s: &[f64], y: &[f64], noise: f64) {
        Lsr1::learn(self, s, y, noise); // what was skipped is counted by the matrix
    }

    /// Before the first pair, B = 0: an identity would stand for a curvature that nobody has seen.
    fn at(
        &mut self,
        _f: &mut dyn Objective,
        _x: &[f64],
        _scale: &Scale,
        solve: &mut dyn FnMut(&mut dyn Operator),
    ) {
        if self.is_empty() { solve(&mut Zero) } else { solve(self) }
    }

    fn compact(&self) -> Option<&dyn Compact> {
        (!self.is_empty()).then_some(self)
    }

    fn most_columns(&self, of: Shape) -> usize {
        Lsr1::most_columns(self, of)
    }

    fn storage(&self, of: Shape) -> Storage {
        Lsr1::storage(self, of)
    }

    fn save(&self, archive: &mut Archive) {
        Lsr1::save(self, archive);
    }

    fn load(&mut self, archive: &Archive) -> Result<(), LoadError> {
        Lsr1::load(self, archive)
    }
}
