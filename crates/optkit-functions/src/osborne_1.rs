//! Osborne's first function.
//!
//! ```text
//! f(x) = Σᵢ (yᵢ − x₁ − x₂e^{−tᵢx₄} − x₃e^{−tᵢx₅})²,   tᵢ = 10(i − 1),  i = 1, …, 33
//! ```
//!
//! Data as NIST’s MGH17.

use crate::catalog::{function, mgh};
use crate::number::Number;
use crate::sum_of_squares::{Residuals, sum_of_squares};
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function(
        "osborne_1",
        "Osborne's first function, of 5 variables: two exponentials fitted to 33 values",
        &[],
    ),
    build: |operands| Ok(sum_of_squares(operands, Osborne1)),
    source: mgh!("function 17; after M. R. Osborne (1972)"),
};

const Y: [f64; 33] = [
    0.844, 0.908, 0.932, 0.936, 0.925, 0.908, 0.881, 0.850, 0.818, 0.784, 0.751, 0.718, 0.685, 0.658, 0.628,
    0.603, 0.580, 0.558, 0.538, 0.522, 0.506, 0.490, 0.478, 0.467, 0.457, 0.448, 0.438, 0.431, 0.424, 0.420,
    0.414, 0.411, 0.406,
];

#[derive(Clone, Copy, Debug)]
struct Osborne1;

impl Residuals<5, 1> for Osborne1 {
    fn blocks(&self) -> usize {
        Y.len()
    }
    fn residuals<T: Number>(&self, block: usize, [x1, x2, x3, x4, x5]: [T; 5]) -> [T; 1] {
        let t = 10.0 * block as f64;
        [-(x1 + x2 * (x4 * -t).exp() + x3 * (x5 * -t).exp()) + Y[block]]
    }
    fn starts(&self) -> Starts {
        Starts::one(vec![0.5, 1.5, -1.0, 0.01, 0.02])
    }
    fn minima(&self) -> Vec<Minimum> {
        vec![Minimum::at(
            5.464_894_697_482_907e-5,
            vec![
                0.375_410_052_106_952_05,
                1.935_846_912_712_367_4,
                -1.464_687_136_613_423,
                0.012_867_534_640_057_288,
                0.022_122_699_661_672_61,
            ],
        )]
    }
}
