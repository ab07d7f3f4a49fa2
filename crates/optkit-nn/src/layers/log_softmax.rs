//! Log-softmax over a sample's values: yᵢ = xᵢ − log Σⱼ exp xⱼ.

use optkit_core::vocabulary::Entry;

use crate::{LayerError, Scalar};

pub(crate) const ENTRY: Entry = super::plain("log_softmax", "x - log(sum(exp(x))) over a sample's values");

pub(crate) fn output(input: &[usize]) -> Result<Vec<usize>, LayerError> {
    if input.len() == 1 {
        Ok(input.to_vec())
    } else {
        Err(LayerError::NotFlat { layer: ENTRY.name, shape: input.to_vec() })
    }
}

/// Rows of `width` values, `stride` apart.
pub(crate) fn forward<S: Scalar>(x: &[S], y: &mut [S], width: usize, stride: usize) {
    for (y, x) in y.chunks_exact_mut(stride).zip(x.chunks_exact(stride)) {
        let x = &x[..width];
        let largest = x.iter().fold(x[0], |a, &b| if b > a { b } else { a });
        let sum: f64 = x.iter().map(|&x| (x - largest).exp().to_f64()).sum();
        let log = S::from_f64(sum.ln());
        for (y, &x) in y.iter_mut().zip(x) {
            *y = x - largest - log;
        }
    }
}

/// ∂ℓ/∂x = ∂ℓ/∂y − eʸ Σ ∂ℓ/∂y.
pub(crate) fn backward<S: Scalar>(y: &[S], gradient: &mut [S], width: usize, stride: usize) {
    for (g, y) in gradient.chunks_exact_mut(stride).zip(y.chunks_exact(stride)) {
        let sum = S::from_f64(g[..width].iter().map(|g| g.to_f64()).sum());
        for (g, &y) in g[..width].iter_mut().zip(y) {
            *g = *g - y.exp() * sum;
        }
    }
}

/// R{y} = R{x} − Σ eʸ R{x}, in place of R{x}.
pub(crate) fn tangent<S: Scalar>(y: &[S], rx: &mut [S], width: usize, stride: usize) {
    for (rx, y) in rx.chunks_exact_mut(stride).zip(y.chunks_exact(stride)) {
        let mean = S::from_f64(rx[..width].iter().zip(y).map(|(&rx, &y)| (y.exp() * rx).to_f64()).sum());
        rx[..width].iter_mut().for_each(|rx| *rx = *rx - mean);
    }
}

/// R{∂ℓ/∂x} = R{∂ℓ/∂y} − eʸ (R{y} Σ ∂ℓ/∂y + Σ R{∂ℓ/∂y}), beside ∂ℓ/∂x.
pub(crate) fn backward_tangent<S: Scalar>(
    [y, ry]: [&[S]; 2],
    [g, rg]: [&mut [S]; 2],
    width: usize,
    stride: usize,
) {
    let outputs = y.chunks_exact(stride).zip(ry.chunks_exact(stride));
    for ((g, rg), (y, ry)) in g.chunks_exact_mut(stride).zip(rg.chunks_exact_mut(stride)).zip(outputs) {
        let total = |row: &[S]| S::from_f64(row[..width].iter().map(|v| v.to_f64()).sum());
        let (sum, tangent) = (total(g), total(rg));
        for c in 0..width {
            let softmax = y[c].exp();
            rg[c] = rg[c] - softmax * (ry[c] * sum + tangent);
            g[c] = g[c] - softmax * sum;
        }
    }
}
