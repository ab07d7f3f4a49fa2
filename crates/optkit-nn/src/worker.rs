//! What a walk through a chunk of samples writes besides the outputs that are kept.

use crate::Scalar;
use crate::buffer::{Buffer, Make};
use crate::kernels::{TILE, grouped, padded};
use crate::model::Model;
use crate::plan::{Kind, Plan, Scope};
use crate::walk::BLOCK;

/// What a chunk writes while it is walked. Owned by an evaluator, one a chunk.
#[derive(Debug)]
pub(crate) struct Worker<S> {
    /// Outputs of steps for the block, where they are not kept.
    pub(crate) outs: Vec<Buffer<S>>,
    /// The block's samples, where products are dense.
    pub(crate) input: Buffer<S>,
    /// The tile's first outputs, where products are sparse and they are not kept.
    pub(crate) tile_out: Buffer<S>,
    /// Gradient with respect to the tile's first outputs, where products are sparse.
    pub(crate) tile_gradient: Buffer<S>,
    pub(crate) gradient: Buffer<S>,
    pub(crate) gradient_below: Buffer<S>,
    /// Sums of the gradient, by dense layer.
    pub(crate) sums: Vec<Sums<S>>,
    /// Sum of what the head gave.
    pub(crate) total: f64,
}

/// Gradient of a dense layer's tensors over a chunk, or empty.
#[derive(Debug)]
pub(crate) struct Sums<S> {
    /// \[out, padded in\]; of sparse products \[grouped in, padded out\].
    pub(crate) weight: Buffer<S>,
    /// \[padded out\].
    pub(crate) bias: Buffer<S>,
}

impl<S: Scalar> Worker<S> {
    /// `gradients`: whether it will ever walk back.
    pub(crate) fn new(model: &Model<S>, scope: &Scope, gradients: bool) -> Self {
        Self::made(&model.plan, (scope, model.sparse()), gradients, &mut Buffer::new)
    }

    /// The same, of buffers from elsewhere; on sparse samples or others.
    pub(crate) fn made(
        plan: &Plan,
        (scope, sparse): (&Scope, bool),
        gradients: bool,
        make: Make<'_, S>,
    ) -> Self {
        let first = &plan.dense[scope.first];
        let mut room = |needed: bool, len: usize| make(if needed { len } else { 0 });
        let outs = plan.steps.iter().enumerate();
        let outs = outs.map(|(i, step)| {
            let kept = matches!(step.kind, Kind::Dense(k) if scope.keep[k]);
            room(i >= scope.from && !kept, BLOCK * padded(step.width))
        });
        let outs = outs.collect();
        let sparse = sparse && scope.from == 0 && !scope.shifts();
        let sums = plan.dense.iter().zip(&scope.uses).enumerate().map(|(k, (d, uses))| {
            let grouped = grouped(d.inputs) * padded(d.outputs);
            let plain = d.outputs * padded(d.inputs);
            let weight = if sparse && k == 0 { grouped } else { plain };
            Sums {
                weight: room(gradients && uses.weight, weight),
                bias: room(gradients && uses.bias, padded(d.outputs)),
            }
        });
        let sums = sums.collect();
        let dense_input = !sparse && scope.from == 0 && !scope.shifts();
        let tile = TILE * padded(first.outputs);
        Self {
            outs,
            input: room(dense_input, BLOCK * padded(plan.inputs)),
            tile_out: room(sparse && !scope.keep[0], tile),
            tile_gradient: room(sparse && gradients, tile),
            gradient: room(gradients, BLOCK * plan.widest()),
            gradient_below: room(gradients, BLOCK * plan.widest()),
            sums,
            total: 0.0,
        }
    }

    /// Before the first sample of a chunk.
    pub(crate) fn clear_sums(&mut self) {
        for sums in &mut self.sums {
            sums.weight.fill(S::ZERO);
            sums.bias.fill(S::ZERO);
        }
    }
}
