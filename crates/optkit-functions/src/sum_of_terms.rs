//! Sums of terms that each see a few variables and are no squares.

use std::array;

use crate::blocks::{Blocks, Sum};
use crate::number::{Dual, Number};
use crate::tallied::counted;
use crate::{Minimum, Operands, Starts, TestFunction};

/// `terms` terms in W variables each.
pub(crate) trait Terms<const W: usize>: Clone + Send + 'static {
    fn dim(&self) -> usize {
        W
    }
    fn terms(&self) -> usize {
        1
    }
    /// The variables of a term, all different.
    fn variables(&self, _term: usize) -> [usize; W] {
        array::from_fn(|i| i)
    }
    fn term<T: Number>(&self, term: usize, x: [T; W]) -> T;
    fn starts(&self) -> Starts;
    fn minima(&self) -> Vec<Minimum>;
    /// Relative error of f near its minimum: larger than ε where terms cancel.
    fn noise(&self) -> f64 {
        f64::EPSILON
    }
}

/// The function of a row.
pub(crate) fn sum_of_terms<F: Terms<W>, const W: usize>(operands: &Operands, f: F) -> Box<dyn TestFunction> {
    counted(operands, Sum(Added(f)))
}

#[derive(Clone, Debug)]
struct Added<F, const W: usize>(F);

impl<F: Terms<W>, const W: usize> Blocks<W> for Added<F, W> {
    fn dim(&self) -> usize {
        self.0.dim()
    }
    fn blocks(&self) -> usize {
        self.0.terms()
    }
    #[inline]
    fn variables(&self, block: usize) -> [usize; W] {
        self.0.variables(block)
    }
    #[inline]
    fn value(&self, block: usize, x: [f64; W]) -> f64 {
        self.0.term(block, x)
    }
    #[inline]
    fn gradient(&self, block: usize, x: [f64; W]) -> (f64, [f64; W]) {
        let term = self.0.term(block, Dual::variables(x));
        (term.value, term.partials)
    }
    #[inline]
    fn product(&self, block: usize, x: [f64; W], v: [f64; W]) -> [f64; W] {
        let along = array::from_fn(|i| Dual::along(x[i], v[i]));
        self.0.term(block, Dual::variables(along)).partials.map(|p| p.partials[0])
    }
    fn noise(&self) -> f64 {
        self.0.noise()
    }
    fn starts(&self) -> Starts {
        self.0.starts()
    }
    fn minima(&self) -> Vec<Minimum> {
        self.0.minima()
    }
}
