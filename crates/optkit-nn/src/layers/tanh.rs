//! Hyperbolic tangent: y = tanh x, computed by [`kernels`](crate::kernels); y' = 1 − y².

use optkit_core::vocabulary::Entry;

use crate::Scalar;

pub(crate) const ENTRY: Entry = super::plain("tanh", "tanh x");

pub(crate) fn backward<S: Scalar>(y: &[S], gradient: &mut [S]) {
    for (g, &y) in gradient.iter_mut().zip(y) {
        *g = *g * (S::ONE - y * y);
    }
}

/// R{g y'} = R{g} y' − 2 g y R{y}, beside g y'.
pub(crate) fn backward_tangent<S: Scalar>([y, ry]: [&[S]; 2], [g, rg]: [&mut [S]; 2]) {
    for ((g, rg), (&y, &ry)) in g.iter_mut().zip(rg).zip(y.iter().zip(ry)) {
        let slope = S::ONE - y * y;
        *rg = *rg * slope - (*g + *g) * y * ry;
        *g = *g * slope;
    }
}
