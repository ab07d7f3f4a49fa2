//! Parameters in the order and precision in which products read them.

use crate::Scalar;
use crate::buffer::{Buffer, Make};
use crate::kernels::{grouped, padded};
use crate::plan::{Dense, Plan, Scope};

/// The tensors of all dense layers that an evaluator computes.
#[derive(Debug)]
pub(crate) struct Weights<S> {
    pub(crate) dense: Vec<Packed<S>>,
}

/// The tensors of a dense layer; those that nothing reads are empty.
#[derive(Debug)]
pub(crate) struct Packed<S> {
    /// Wᵀ, \[grouped in, padded out\]: rows that the forward product adds up.
    pub(crate) forward: Buffer<S>,
    /// W, \[out, padded in\]: rows that the gradient of the input adds up.
    pub(crate) backward: Buffer<S>,
    /// b, padded. Where the layer only shifts frozen outputs: b minus the frozen b.
    pub(crate) bias: Buffer<S>,
}

impl<S: Scalar> Weights<S> {
    pub(crate) fn new(plan: &Plan, scope: &Scope) -> Self {
        Self::made(plan, scope, &mut Buffer::new)
    }

    /// The same, of buffers from elsewhere.
    pub(crate) fn made(plan: &Plan, scope: &Scope, make: Make<'_, S>) -> Self {
        let pack = |(k, d): (usize, &Dense)| {
            let (ins, outs) = (padded(d.inputs), padded(d.outputs));
            let computed = k > scope.first || (k == scope.first && !scope.shifts());
            Packed {
                forward: make(if computed { grouped(d.inputs) * outs } else { 0 }),
                backward: make(if k > scope.first { d.outputs * ins } else { 0 }),
                bias: make(if k >= scope.first { outs } else { 0 }),
            }
        };
        Self { dense: plan.dense.iter().enumerate().map(pack).collect() }
    }

    /// Take over the parameters `theta`; `frozen` is where frozen outputs were computed.
    pub(crate) fn pack(&mut self, plan: &Plan, scope: &Scope, theta: &[f64], frozen: Option<&[f64]>) {
        for (k, (packed, d)) in self.dense.iter_mut().zip(&plan.dense).enumerate() {
            let w = &theta[d.weight.clone()];
            if !packed.forward.is_empty() {
                transpose(w, d.inputs, &mut packed.forward, padded(d.outputs));
            }
            if !packed.backward.is_empty() {
                let rows = packed.backward.chunks_exact_mut(padded(d.inputs));
                for (to, from) in rows.zip(w.chunks_exact(d.inputs)) {
                    to.iter_mut().zip(from).for_each(|(to, &from)| *to = S::from_f64(from));
                }
            }
            let b = &theta[d.bias.clone()];
            match frozen {
                Some(frozen) if k == scope.first && scope.shifts() => {
                    for ((to, &b), &f) in packed.bias.iter_mut().zip(b).zip(&frozen[d.bias.clone()]) {
                        *to = S::from_f64(b - f);
                    }
                }
                _ => packed.bias.iter_mut().zip(b).for_each(|(to, &b)| *to = S::from_f64(b)),
            }
        }
    }
}

/// `to`\[in, stride\] ← `from`\[out, in\]ᵀ, in blocks that stay in cache.
pub(crate) fn transpose<S: Scalar>(from: &[f64], inputs: usize, to: &mut [S], stride: usize) {
    const BLOCK: usize = 16;
    for (block, rows) in from.chunks(BLOCK * inputs).enumerate() {
        let columns = block * BLOCK..block * BLOCK + rows.len() / inputs;
        for (i, to) in to.chunks_exact_mut(stride).take(inputs).enumerate() {
            for (to, from) in to[columns.clone()].iter_mut().zip(rows.iter().skip(i).step_by(inputs)) {
                *to = S::from_f64(*from);
            }
        }
    }
}
