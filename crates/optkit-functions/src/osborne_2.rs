//! Osborne's second function.
//!
//! ```text
//! f(x) = Σᵢ (yᵢ − x₁e^{−tᵢx₅} − x₂e^{−(tᵢ−x₉)²x₆} − x₃e^{−(tᵢ−x₁₀)²x₇} − x₄e^{−(tᵢ−x₁₁)²x₈})²
//! tᵢ = (i − 1)/10,  i = 1, …, 65
//! ```

use crate::catalog::{function, mgh};
use crate::number::Number;
use crate::sum_of_squares::{Residuals, sum_of_squares};
use crate::{Minimum, Row, Starts};

pub(crate) const ROW: Row = Row {
    entry: function(
        "osborne_2",
        "Osborne's second function, of 11 variables: a decay and three peaks fitted to 65 values",
        &[],
    ),
    build: |operands| Ok(sum_of_squares(operands, Osborne2)),
    source: mgh!("function 19; after M. R. Osborne (1972)"),
};

const Y: [f64; 65] = [
    1.366, 1.191, 1.112, 1.013, 0.991, 0.885, 0.831, 0.847, 0.786, 0.725, 0.746, 0.679, 0.608, 0.655, 0.616,
    0.606, 0.602, 0.626, 0.651, 0.724, 0.649, 0.649, 0.694, 0.644, 0.624, 0.661, 0.612, 0.558, 0.533, 0.495,
    0.500, 0.423, 0.395, 0.375, 0.372, 0.391, 0.396, 0.405, 0.428, 0.429, 0.523, 0.562, 0.607, 0.653, 0.672,
    0.708, 0.633, 0.668, 0.645, 0.632, 0.591, 0.559, 0.597, 0.625, 0.739, 0.710, 0.729, 0.720, 0.636, 0.581,
    0.428, 0.292, 0.162, 0.098, 0.054,
];

#[derive(Clone, Copy, Debug)]
struct Osborne2;

impl Residuals<11, 1> for Osborne2 {
    fn blocks(&self) -> usize {
        Y.len()
    }
    fn residuals<T: Number>(&self, block: usize, x: [T; 11]) -> [T; 1] {
        let t = 0.1 * block as f64;
        let peak = |height: T, width: T, centre: T| height * (-((centre - t).squared() * width)).exp();
        let decay = x[0] * (x[4] * -t).exp();
        let peaks = peak(x[1], x[5], x[8]) + peak(x[2], x[6], x[9]) + peak(x[3], x[7], x[10]);
        [-(decay + peaks) + Y[block]]
    }
    fn starts(&self) -> Starts {
        Starts::one(vec![1.3, 0.65, 0.65, 0.7, 0.6, 3.0, 5.0, 7.0, 2.0, 4.5, 5.5])
    }
    fn minima(&self) -> Vec<Minimum> {
        let point = [
            1.309_977_154_627_300_5,
            0.431_553_794_602_988_9,
            0.633_661_698_960_724,
            0.599_430_534_785_916_3,
            0.754_183_226_328_011_3,
            0.904_288_579_859_633_6,
            1.365_811_835_237_028_5,
            4.823_698_817_227_155_5,
            2.398_684_866_131_754_6,
            4.568_874_597_667_672,
            5.675_341_470_580_641_5,
        ];
        vec![Minimum::at(0.040_137_736_293_547_735, point.to_vec())]
    }
}
