//! The six-hump camel function.
//!
//! ```text
//! f(x) = (4 − 2.1x₁² + x₁⁴/3)x₁² + x₁x₂ + (4x₂² − 4)x₂²
//! ```

use crate::catalog::function;
use crate::number::Number;
use crate::operands::START;
use crate::sum_of_terms::{Terms, sum_of_terms};
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function(
        "six_hump_camel",
        "six-hump camel function of 2 variables: six minima, two of them global",
        &[START],
    ),
    build: |operands| Ok(sum_of_terms(operands, SixHumpCamel)),
    source: "L. C. W. Dixon, G. P. Szegö, The global optimization problem: an introduction, \
             Towards Global Optimisation 2 (1978)",
};

#[derive(Clone, Copy, Debug)]
struct SixHumpCamel;

impl Terms<2> for SixHumpCamel {
    fn term<T: Number>(&self, _term: usize, [x1, x2]: [T; 2]) -> T {
        let (first, second) = (x1 * x1, x2 * x2);
        ((first / 3.0 - 2.1) * first + 4.0) * first + x1 * x2 + (second * 4.0 - 4.0) * second
    }
    fn starts(&self) -> Starts {
        Starts::Drawn { lower: vec![-3.0, -2.0], upper: vec![3.0, 2.0] }
    }
    fn minima(&self) -> Vec<Minimum> {
        let pair = |value, x1, x2| [Minimum::at(value, vec![x1, x2]), Minimum::at(value, vec![-x1, -x2])];
        [
            pair(-1.031_628_453_489_877_4, 0.089_842_013_100_318_06, -0.712_656_403_020_739_6),
            pair(-0.215_463_824_383_717_64, -1.703_606_714_969_981, 0.796_083_568_672_625_1),
            pair(2.104_250_310_311_258_4, 1.607_104_752_920_197_2, 0.568_651_454_884_131_4),
        ]
        .concat()
    }
}
