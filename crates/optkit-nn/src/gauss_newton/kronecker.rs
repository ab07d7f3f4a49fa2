//! Damped Kronecker-factored Gauss–Newton steps of one layer (Martens & Grosse 2015):
//!
//! ```text
//! s(μ) = −(G ⊗ A + μI)⁻¹ g = −U_G [ĝ / (σ_G σ_Aᵀ + μ)] U_Aᵀ,      ĝ = U_Gᵀ ḡ U_A
//! ```
//!
//! with ḡ the layer's gradient, \[out, in\], the bias in a column of its own. Variables are scaled by √D first, so that
//! lengths and damping are those of the metric. Where a factor is known by its leading eigenvectors only, G ⊗ A falls
//! into four blocks, on each of which one side or both are a multiple of the identity:
//!
//! ```text
//! s = −w₀₀ g − U_G[(w₁₀ − w₀₀) U_Gᵀg] − [gU_A (w₀₁ − w₀₀)]U_Aᵀ − U_G[(w₁₁ − w₁₀ − w₀₁ + w₀₀) ĝ]U_Aᵀ
//! ```

use rayon::prelude::*;

use crate::Scalar;
use crate::buffer::Buffer;
use crate::gauss_newton::spectrum::Spectrum;
use crate::kernels::{Kernels, Product, Start, padded};
use crate::plan::Dense;

/// Which tensors of a layer a block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    Both,
    Weight,
    Bias,
}

/// √D of a layer's weights and bias.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Roots {
    pub(crate) weight: f64,
    pub(crate) bias: f64,
}

/// The gradient of a layer in the eigenvectors of its factors.
#[derive(Debug)]
pub(crate) struct Kronecker<S> {
    holds: Holds,
    outputs: usize,
    /// Columns of ḡ.
    inputs: usize,
    /// D^(−½)ḡ, \[out, padded in\].
    gradient: Buffer<S>,
    /// ḡU_A, \[out, padded rank of A\].
    right: Buffer<S>,
    /// U_Gᵀḡ, \[rank of G, padded in\].
    left: Buffer<S>,
    /// ĝ, \[rank of G, padded rank of A\].
    hat: Buffer<S>,
    /// ĝ with its weights, and U_G times it.
    weighted: Buffer<S>,
    half: Buffer<S>,
    step: Buffer<S>,
}

/// The two factors, U and σ each.
#[derive(Clone, Copy)]
pub(crate) struct Factors<'a, S> {
    pub(crate) inputs: &'a Spectrum<S>,
    pub(crate) outputs: &'a Spectrum<S>,
}

impl<S: Scalar> Factors<'_, S> {
    fn are_whole(&self) -> bool {
        self.inputs.is_whole() && self.outputs.is_whole()
    }
}

impl<S: Scalar> Kronecker<S> {
    pub(crate) fn new(dense: &Dense, holds: Holds, ranks: [usize; 2]) -> Self {
        let inputs = match holds {
            Holds::Both => dense.inputs + 1,
            Holds::Weight => dense.inputs,
            Holds::Bias => 1,
        };
        let [of_inputs, of_outputs] = ranks;
        let plain = dense.outputs * padded(inputs);
        Self {
            holds,
            outputs: dense.outputs,
            inputs,
            gradient: Buffer::new(plain),
            right: Buffer::new(dense.outputs * padded(of_inputs)),
            left: Buffer::new(of_outputs * padded(inputs)),
            hat: Buffer::new(of_outputs * padded(of_inputs)),
            weighted: Buffer::new(of_outputs.max(dense.outputs) * padded(of_inputs).max(padded(inputs))),
            half: Buffer::new(of_outputs.max(dense.outputs) * padded(of_inputs)),
            step: Buffer::new(plain),
        }
    }

    /// ĝ of `gradient` (of all parameters).
    pub(crate) fn prepare(
        &mut self,
        kernels: &Kernels<S>,
        dense: &Dense,
        roots: Roots,
        gradient: &[f64],
        factors: Factors<'_, S>,
    ) {
        let stride = padded(self.inputs);
        if self.holds != Holds::Bias {
            let rows = gradient[dense.weight.clone()].chunks_exact(dense.inputs);
            for (to, from) in self.gradient.chunks_exact_mut(stride).zip(rows) {
                to.iter_mut().zip(from).for_each(|(to, g)| *to = S::from_f64(g / roots.weight));
            }
        }
        if self.holds != Holds::Weight {
            let rows = self.gradient.chunks_exact_mut(stride);
            for (row, g) in rows.zip(&gradient[dense.bias.clone()]) {
                row[self.inputs - 1] = S::from_f64(g / roots.bias);
            }
        }
        let (a, g) = (factors.inputs, factors.outputs);
        multiply(
            kernels,
            (&self.gradient, [stride, 1]),
            &a.vectors,
            &mut self.right,
            [self.outputs, self.inputs, padded(a.rank)],
        );
        let left = (&g.vectors[..], [1, padded(g.rank)]);
        multiply(kernels, left, &self.right, &mut self.hat, [g.rank, self.outputs, padded(a.rank)]);
        if !factors.are_whole() {
            multiply(kernels, left, &self.gradient, &mut self.left, [g.rank, self.outputs, stride]);
        }
    }

    /// ‖s(μ)‖² in the metric.
    pub(crate) fn squared_length(&self, damping: f64, factors: Factors<'_, S>) -> f64 {
        let (a, g) = (factors.inputs, factors.outputs);
        let columns = padded(a.rank);
        let weight = |sg: f64, sa: f64| (sg * sa + damping).powi(-2);
        let square = |v: &S| v.to_f64() * v.to_f64();
        let mut sum = 0.0;
        for (row, &sg) in self.hat.chunks_exact(columns).zip(&g.values) {
            sum += row.iter().zip(&a.values).map(|(v, &sa)| square(v) * weight(sg, sa)).sum::<f64>();
        }
        if factors.are_whole() {
            return sum;
        }
        // What of ḡ lies outside the leading eigenvectors, by the Pythagorean theorem.
        let of_row = |i: usize| self.hat[i * columns..i * columns + a.rank].iter().map(square).sum::<f64>();
        let of_column = |j: usize| (0..g.rank).map(|i| square(&self.hat[i * columns + j])).sum::<f64>();
        let stride = padded(self.inputs);
        let mut inside = 0.0;
        for (i, &sg) in g.values.iter().enumerate() {
            let row = &self.left[i * stride..i * stride + self.inputs];
            let outside = (row.iter().map(square).sum::<f64>() - of_row(i)).max(0.0);
            inside += outside + of_row(i);
            sum += outside * weight(sg, a.rest);
        }
        for (j, &sa) in a.values.iter().enumerate() {
            let column = (0..self.outputs).map(|r| square(&self.right[r * columns + j])).sum::<f64>();
            let outside = (column - of_column(j)).max(0.0);
            inside += outside;
            sum += outside * weight(g.rest, sa);
        }
        let all: f64 = self.gradient.iter().map(square).sum();
        sum + (all - inside).max(0.0) * weight(g.rest, a.rest)
    }

    /// s(μ) into `step` (of all parameters), at the tensors that the block holds.
    pub(crate) fn step(
        &mut self,
        kernels: &Kernels<S>,
        dense: &Dense,
        roots: Roots,
        damping: f64,
        factors: Factors<'_, S>,
        step: &mut [f64],
    ) {
        let (a, g) = (factors.inputs, factors.outputs);
        let (columns, stride) = (padded(a.rank), padded(self.inputs));
        let weight = |sg: f64, sa: f64| 1.0 / (sg * sa + damping);
        let whole = factors.are_whole();
        let w00 = if whole { 0.0 } else { weight(g.rest, a.rest) };
        let rows = self.weighted.chunks_exact_mut(columns).zip(self.hat.chunks_exact(columns));
        for ((to, from), &sg) in rows.zip(&g.values) {
            let w10 = if whole { 0.0 } else { weight(sg, a.rest) };
            for ((to, &v), &sa) in to.iter_mut().zip(from).zip(&a.values) {
                let w01 = if whole { 0.0 } else { weight(g.rest, sa) };
                *to = S::from_f64((weight(sg, sa) - w10 - w01 + w00) * v.to_f64());
            }
            to[a.rank..].fill(S::ZERO);
        }
        let up = (&g.vectors[..], [padded(g.rank), 1]);
        multiply(kernels, up, &self.weighted, &mut self.half, [self.outputs, g.rank, columns]);
        if !whole {
            // [gU_A (w₀₁ − w₀₀)] joins what is multiplied with U_Aᵀ.
            let rows = self.half.chunks_exact_mut(columns).zip(self.right.chunks_exact(columns));
            for (to, from) in rows.take(self.outputs) {
                for ((to, &v), &sa) in to.iter_mut().zip(from).zip(&a.values) {
                    *to += S::from_f64((weight(g.rest, sa) - w00) * v.to_f64());
                }
            }
        }
        let sum = (&self.half[..], [columns, 1]);
        multiply(kernels, sum, &a.transposed, &mut self.step, [self.outputs, a.rank, stride]);
        if !whole {
            self.add_rest(kernels, factors, w00, &weight);
        }
        self.scatter(dense, roots, step);
    }

    /// w₀₀ g + U_G[(w₁₀ − w₀₀) U_Gᵀg], added to the step.
    fn add_rest(
        &mut self,
        kernels: &Kernels<S>,
        factors: Factors<'_, S>,
        w00: f64,
        weight: &dyn Fn(f64, f64) -> f64,
    ) {
        let (a, g) = (factors.inputs, factors.outputs);
        let stride = padded(self.inputs);
        let rows = self.weighted.chunks_exact_mut(stride).zip(self.left.chunks_exact(stride));
        for ((to, from), &sg) in rows.zip(&g.values) {
            let w = weight(sg, a.rest) - w00;
            to.iter_mut().zip(from).for_each(|(to, v)| *to = S::from_f64(w * v.to_f64()));
        }
        let up = (&g.vectors[..], [padded(g.rank), 1]);
        let sizes = [self.outputs, g.rank, stride];
        product(kernels, up, &self.weighted, (&mut self.step, Start::Accumulate), sizes);
        let w00 = S::from_f64(w00);
        self.step.iter_mut().zip(self.gradient.iter()).for_each(|(to, &g)| *to += w00 * g);
    }

    /// −D^(−½) times the scaled step, to its tensors' places.
    fn scatter(&self, dense: &Dense, roots: Roots, step: &mut [f64]) {
        let stride = padded(self.inputs);
        if self.holds != Holds::Bias {
            let rows = step[dense.weight.clone()].chunks_exact_mut(dense.inputs);
            for (to, from) in rows.zip(self.step.chunks_exact(stride)) {
                to.iter_mut().zip(from).for_each(|(to, s)| *to = -s.to_f64() / roots.weight);
            }
        }
        if self.holds != Holds::Weight {
            for (to, row) in step[dense.bias.clone()].iter_mut().zip(self.step.chunks_exact(stride)) {
                *to = -row[self.inputs - 1].to_f64() / roots.bias;
            }
        }
    }
}

/// Multiply-adds from which on a product's rows are shared out to threads, and rows of a share: results do not depend on
/// who computes them.
const PARALLEL: usize = 1 << 22;
const SHARE: usize = 64;

/// C ← A·B, A by its strides, \[rows, inner, columns\].
fn multiply<S: Scalar>(
    kernels: &Kernels<S>,
    (a, [a_row, a_inner]): (&[S], [usize; 2]),
    b: &[S],
    c: &mut [S],
    sizes: [usize; 3],
) {
    product(kernels, (a, [a_row, a_inner]), b, (c, Start::Zero), sizes);
}

/// The same from any start.
fn product<S: Scalar>(
    kernels: &Kernels<S>,
    (a, [a_row, a_inner]): (&[S], [usize; 2]),
    b: &[S],
    (c, start): (&mut [S], Start<'_, S>),
    [rows, inner, columns]: [usize; 3],
) {
    let of = |(share, c): (usize, &mut [S])| {
        let rows = c.len() / columns;
        let a = &a[share * SHARE * a_row..];
        (kernels.product)(Product { a, a_row, a_inner, b, c, rows, inner, columns, start });
    };
    let c = &mut c[..rows * columns];
    if rows * inner * columns < PARALLEL {
        c.chunks_mut(SHARE * columns).enumerate().for_each(of);
    } else {
        c.par_chunks_mut(SHARE * columns).enumerate().with_max_len(1).for_each(of);
    }
}
