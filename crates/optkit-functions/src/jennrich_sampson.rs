//! Jennrich and Sampson's function.
//!
//! ```text
//! f(x) = Σᵢ (2 + 2i − e^{ix₁} − e^{ix₂})²,   i = 1, …, m
//! ```
//!
//! For m = 10 both coordinates of the minimiser are 0.2578.

use crate::catalog::{function, mgh};
use crate::number::Number;
use crate::operands::count;
use crate::sum_of_squares::{Residuals, sum_of_squares};
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function(
        "jennrich_sampson",
        "Jennrich and Sampson's function of 2 variables",
        &[count("m", 2, 100, "10", "number of residuals")],
    ),
    build: |operands| Ok(sum_of_squares(operands, JennrichSampson { m: operands.count("m") })),
    source: mgh!("function 6; after R. I. Jennrich, P. F. Sampson, Technometrics 10 (1968)"),
};

#[derive(Clone, Copy, Debug)]
struct JennrichSampson {
    m: usize,
}

impl Residuals<2, 1> for JennrichSampson {
    fn blocks(&self) -> usize {
        self.m
    }
    fn residuals<T: Number>(&self, block: usize, [x1, x2]: [T; 2]) -> [T; 1] {
        let i = (block + 1) as f64;
        [-((x1 * i).exp() + (x2 * i).exp()) + (2.0 + 2.0 * i)]
    }
    fn starts(&self) -> Starts {
        Starts::one(vec![0.3, 0.4])
    }
    fn minima(&self) -> Vec<Minimum> {
        if self.m == 10 {
            return vec![Minimum::at(124.362_182_355_614_85, vec![0.257_825_213_670_364_1; 2])];
        }
        Vec::new()
    }
}
