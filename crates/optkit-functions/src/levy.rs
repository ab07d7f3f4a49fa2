//! Levy's function.
//!
//! ```text
//! f(x) = sin²πw₁ + Σᵢ₌₁ⁿ⁻¹ (wᵢ − 1)²(1 + 10sin²(πwᵢ + 1)) + (wₙ − 1)²(1 + sin²2πwₙ),   wᵢ = 1 + (xᵢ − 1)/4
//! ```
//!
//! A sum of squares, the residuals of the form (w − 1)√(1 + …). Every variable is on its own.

use std::f64::consts::PI;

use crate::catalog::function;
use crate::number::Number;
use crate::operands::{START, variables};
use crate::sum_of_squares::{Residuals, sum_of_squares};
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function("levy", "Levy's function: many local minima", &[variables(1, "2"), START]),
    build: |operands| Ok(sum_of_squares(operands, Levy { n: operands.count("n") })),
    source: "A. V. Levy, A. Montalvo, The tunneling algorithm for the global minimization of functions, \
             SIAM Journal on Scientific and Statistical Computing 6 (1985); in the form of the \
             Virtual Library of Simulation Experiments (S. Surjanovic, D. Bingham, 2013)",
};

#[derive(Clone, Copy, Debug)]
struct Levy {
    n: usize,
}

impl Residuals<1, 1> for Levy {
    fn dim(&self) -> usize {
        self.n
    }
    fn blocks(&self) -> usize {
        self.n + 1
    }
    #[inline]
    fn variables(&self, block: usize) -> [usize; 1] {
        [block.max(1) - 1]
    }
    /// Block 0 is sin πw₁, block i the i-th of the others.
    #[inline(always)] // through memory, the derivatives would take several times as long
    fn residuals<T: Number>(&self, block: usize, [x]: [T; 1]) -> [T; 1] {
        let from_minimiser = (x - 1.0) / 4.0; // w − 1
        let wave = |times: f64, shift: f64| (from_minimiser * (times * PI) + shift).sin().squared();
        if block == 0 {
            [(from_minimiser * PI).sin()] // but for the sign, sin πw
        } else if block < self.n {
            [from_minimiser * (wave(1.0, PI + 1.0) * 10.0 + 1.0).sqrt()]
        } else {
            [from_minimiser * (wave(2.0, 0.0) + 1.0).sqrt()]
        }
    }
    fn starts(&self) -> Starts {
        Starts::cube(self.n, -10.0, 10.0)
    }
    fn minima(&self) -> Vec<Minimum> {
        vec![Minimum::at(0.0, vec![1.0; self.n])]
    }
}
