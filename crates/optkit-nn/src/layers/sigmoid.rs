//! Logistic function: y = 1/(1 + e⁻ˣ), computed by [`kernels`](crate::kernels); y' = y(1 − y).

use optkit_core::vocabulary::Entry;

use crate::Scalar;

pub(crate) const ENTRY: Entry = super::plain("sigmoid", "1/(1 + exp(-x))");

pub(crate) fn backward<S: Scalar>(y: &[S], gradient: &mut [S]) {
    for (g, &y) in gradient.iter_mut().zip(y) {
        *g = *g * y * (S::ONE - y);
    }
}

/// R{g y'} = R{g} y' + g (1 − 2y) R{y}, beside g y'.
pub(crate) fn backward_tangent<S: Scalar>([y, ry]: [&[S]; 2], [g, rg]: [&mut [S]; 2]) {
    for ((g, rg), (&y, &ry)) in g.iter_mut().zip(rg).zip(y.iter().zip(ry)) {
        let slope = y * (S::ONE - y);
        *rg = *rg * slope + *g * (S::ONE - y - y) * ry;
        *g = *g * slope;
    }
}
