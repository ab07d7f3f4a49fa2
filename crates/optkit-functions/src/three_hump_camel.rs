//! The three-hump camel function.
//!
//! ```text
//! f(x) = 2x₁² − 1.05x₁⁴ + x₁⁶/6 + x₁x₂ + x₂²
//! ```

use crate::catalog::function;
use crate::number::Number;
use crate::operands::START;
use crate::sum_of_terms::{Terms, sum_of_terms};
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function("three_hump_camel", "three-hump camel function of 2 variables: three minima", &[START]),
    build: |operands| Ok(sum_of_terms(operands, ThreeHumpCamel)),
    source: "M. Jamil, X.-S. Yang, A literature survey of benchmark functions for global optimisation problems, \
             International Journal of Mathematical Modelling and Numerical Optimisation 4 (2013); after F. H. Branin (1972)",
};

#[derive(Clone, Copy, Debug)]
struct ThreeHumpCamel;

impl Terms<2> for ThreeHumpCamel {
    fn term<T: Number>(&self, _term: usize, [x1, x2]: [T; 2]) -> T {
        let square = x1 * x1;
        ((square / 6.0 - 1.05) * square + 2.0) * square + (x1 + x2) * x2
    }
    fn starts(&self) -> Starts {
        Starts::cube(2, -5.0, 5.0)
    }
    fn minima(&self) -> Vec<Minimum> {
        vec![
            Minimum::at(0.0, vec![0.0, 0.0]),
            Minimum::at(0.298_638_442_236_859_8, vec![-1.747_552_345_830_288_8, 0.873_776_172_915_144_4]),
            Minimum::at(0.298_638_442_236_859_8, vec![1.747_552_345_830_288_8, -0.873_776_172_915_144_4]),
        ]
    }
}
