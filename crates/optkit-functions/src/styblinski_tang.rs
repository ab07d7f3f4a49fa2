//! The Styblinski–Tang function.
//!
//! ```text
//! f(x) = ½ Σᵢ xᵢ⁴ − 16xᵢ² + 5xᵢ
//! ```
//!
//! Every coordinate of a local minimiser is one of two numbers.

use crate::catalog::function;
use crate::number::Number;
use crate::operands::{START, variables};
use crate::sum_of_terms::{Terms, sum_of_terms};
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function(
        "styblinski_tang",
        "Styblinski-Tang function: 2^n local minima",
        &[variables(1, "2"), START],
    ),
    build: |operands| Ok(sum_of_terms(operands, StyblinskiTang { n: operands.count("n") })),
    source: "M. A. Styblinski, T.-S. Tang, Experiments in nonconvex optimization: stochastic approximation with \
             function smoothing and simulated annealing, Neural Networks 3 (1990)",
};

#[derive(Clone, Copy, Debug)]
struct StyblinskiTang {
    n: usize,
}

impl Terms<1> for StyblinskiTang {
    fn dim(&self) -> usize {
        self.n
    }
    fn terms(&self) -> usize {
        self.n
    }
    #[inline]
    fn variables(&self, term: usize) -> [usize; 1] {
        [term]
    }
    #[inline(always)] // through memory, the derivatives would take several times as long
    fn term<T: Number>(&self, _term: usize, [x]: [T; 1]) -> T {
        (((x * x - 16.0) * x + 5.0) * x) * 0.5
    }
    fn starts(&self) -> Starts {
        Starts::cube(self.n, -5.0, 5.0)
    }
    fn minima(&self) -> Vec<Minimum> {
        let (global, local) = (-39.166_165_703_771_41, -25.029_446_655_283_94);
        let mut point = vec![-2.903_534_027_771_177; self.n];
        let best = Minimum::at(global * self.n as f64, point.clone());
        point[self.n - 1] = 2.746_802_770_990_837;
        vec![best, Minimum::at(global * (self.n - 1) as f64 + local, point)]
    }
}
