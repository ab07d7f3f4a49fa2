//! Box's function of three variables.
//!
//! ```text
//! f(x) = Σᵢ (e^{−tᵢx₁} − e^{−tᵢx₂} − x₃(e^{−tᵢ} − e^{−10tᵢ}))²,   tᵢ = i/10,  i = 1, …, m
//! ```
//!
//! Zero as well wherever x₁ = x₂ and x₃ = 0.

use crate::catalog::{function, mgh};
use crate::number::Number;
use crate::operands::count;
use crate::sum_of_squares::{Residuals, sum_of_squares};
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function(
        "box_3d",
        "Box's function of 3 variables: a line of minimisers beside two others",
        &[count("m", 3, 1000000, "10", "number of residuals")],
    ),
    build: |operands| Ok(sum_of_squares(operands, Box3D { m: operands.count("m") })),
    source: mgh!("function 12; after M. J. Box, The Computer Journal 9 (1966)"),
};

#[derive(Clone, Copy, Debug)]
struct Box3D {
    m: usize,
}

impl Residuals<3, 1> for Box3D {
    fn blocks(&self) -> usize {
        self.m
    }
    fn residuals<T: Number>(&self, block: usize, [x1, x2, x3]: [T; 3]) -> [T; 1] {
        let t = 0.1 * (block + 1) as f64;
        [(x1 * -t).exp() - (x2 * -t).exp() - x3 * ((-t).exp() - (-10.0 * t).exp())]
    }
    fn starts(&self) -> Starts {
        Starts::one(vec![0.0, 10.0, 20.0])
    }
    fn minima(&self) -> Vec<Minimum> {
        [[1.0, 10.0, 1.0], [10.0, 1.0, -1.0]].map(|point| Minimum::at(0.0, point.to_vec())).to_vec()
    }
}
