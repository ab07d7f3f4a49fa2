//! The eigenvectors of a layer's two factors, for all that parts hold of the layer.

use super::costs;
use super::kronecker::{Factors, Holds, Roots};
use super::moments::{RANK, Total, WIDE};
use super::spectrum::{Room, Spectrum};
use crate::Scalar;

/// A tensor's metric is at least this share of the largest: units that never fire have no curvature.
pub(crate) const LEAST_METRIC: f64 = 1e-6;

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Spectra<S> {
    /// Of the inputs with ones, without, and of the ones alone.
    with_ones: Option<Spectrum<S>>,
    without: Option<Spectrum<S>>,
    ones: Spectrum<S>,
    of_outputs: Spectrum<S>,
}

impl<S: Scalar> Spectra<S> {
    /// Of a layer of `inputs` and `outputs`, all eigenvectors of inputs up to `widest`. `both`, `weight`: whether parts hold
    /// weights and bias together, or weights alone.
    pub(crate) fn new([inputs, outputs]: [usize; 2], widest: usize, [both, weight]: [bool; 2]) -> Self {
        let spectrum = |width: usize| Spectrum::new(width, if inputs > widest { RANK } else { width });
        Self {
            with_ones: both.then(|| spectrum(inputs + 1)),
            without: weight.then(|| spectrum(inputs)),
            ones: Spectrum::one(1.0),
            of_outputs: Spectrum::new(outputs, if outputs > WIDE { RANK } else { outputs }),
        }
    }

    /// Whether parts hold weights and bias together.
    pub(crate) fn has_ones(&self) -> bool {
        self.with_ones.is_some()
    }

    pub(crate) fn factors(&self, holds: Holds) -> Factors<'_, S> {
        const MADE: &str = "made for the blocks that there are";
        let inputs = match holds {
            Holds::Both => self.with_ones.as_ref().expect(MADE),
            Holds::Weight => self.without.as_ref().expect(MADE),
            Holds::Bias => &self.ones,
        };
        Factors { inputs, outputs: &self.of_outputs }
    }

    /// Of `moment`, of `width` inputs and what is behind them, in the metric. Multiply-adds that it took.
    pub(crate) fn decompose_inputs(
        &mut self,
        (moment, width): (&Total, usize),
        test: Option<&[S]>,
        roots: Roots,
        room: &mut Room,
    ) -> f64 {
        let scale = |i: usize| 1.0 / if i < width { roots.weight } else { roots.bias };
        self.ones.values[0] = roots.bias.powi(-2);
        let mut cost = 0.0;
        for spectrum in [&mut self.with_ones, &mut self.without].into_iter().flatten() {
            spectrum.of(moment, test, scale, room);
            cost += costs::of_decomposition(spectrum.width, spectrum.rank);
        }
        cost
    }

    /// The same of the outputs' side.
    pub(crate) fn decompose_outputs(&mut self, moment: &Total, test: Option<&[S]>, room: &mut Room) -> f64 {
        self.of_outputs.of(moment, test, |_| 1.0, room);
        costs::of_decomposition(self.of_outputs.width, self.of_outputs.rank)
    }
}
