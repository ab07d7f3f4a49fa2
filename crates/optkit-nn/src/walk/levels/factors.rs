//! The Kronecker factors of all layers: second moments of their inputs, and of rows √φ'' walked back to their outputs.

use super::{FACTOR_ROWS, LevelWorker, Levels, Sample};
use crate::Scalar;
use crate::gauss_newton::moments::Moment;
use crate::head::FactorRow;
use crate::kernels::{Product, Start, padded};
use crate::layers::{log_softmax, sigmoid, tanh};
use crate::model::Kept;
use crate::plan::Kind;
use crate::walk::{Block, Keep};
use crate::worker::Worker;

impl<S: Scalar> Levels<'_, S> {
    /// A and G of all layers into `levels`; A of the lowest layer is not among them.
    pub(crate) fn factors(
        &self,
        chunk: usize,
        sample: Sample,
        kept: &Kept<S>,
        (worker, levels): (&mut Worker<S>, &mut LevelWorker<S>),
    ) {
        let plan = &self.model().plan;
        levels.inputs.iter_mut().chain(&mut levels.outputs).for_each(Moment::clear);
        levels.sampled = 0;
        let mut kept = Keep::Read(kept);
        for (_, block) in self.blocks(chunk) {
            self.walk.forward_block(&block, worker, &mut kept);
            self.walk.head(&block, worker, &kept);
            for (k, d) in plan.dense.iter().enumerate().skip(1) {
                let x = self.walk.before(d.step, &block, worker, &kept);
                levels.inputs[k].add(self.model().kernels, x, block.len());
            }
            let first = (sample.offset + sample.stride - block.rows.start % sample.stride) % sample.stride;
            let mut chosen = (first..block.len()).step_by(sample.stride);
            let at_once = (FACTOR_ROWS / plan.outputs).max(1);
            loop {
                let mut some = [0; FACTOR_ROWS];
                let some = &mut some[..at_once.min(FACTOR_ROWS)];
                let count = some.iter_mut().zip(&mut chosen).map(|(to, row)| *to = row).count();
                if count == 0 {
                    break;
                }
                self.outputs_factors(&some[..count], &block, (worker, &kept), levels);
                levels.sampled += count;
            }
        }
    }

    /// G of all layers from the samples `chosen` of a block: rows √φ'' walked back.
    fn outputs_factors(
        &self,
        chosen: &[usize],
        block: &Block<'_, S>,
        (worker, kept): (&Worker<S>, &Keep<'_, S>),
        levels: &mut LevelWorker<S>,
    ) {
        let (model, plan) = (self.model(), &self.model().plan);
        let classes = plan.outputs;
        let many = chosen.len() * classes;
        let stride = padded(classes);
        let outputs = self.walk.after(plan.steps.len() - 1, block, worker, kept);
        for (&row, to) in chosen.iter().zip(levels.factor.chunks_exact_mut(classes * stride)) {
            model.head.factor_rows(
                &model.targets,
                FactorRow {
                    gradient: &worker.gradient[row * stride..(row + 1) * stride],
                    outputs: &outputs[row * stride..(row + 1) * stride],
                    row: block.rows.start + row,
                    width: classes,
                    count: model.count(),
                    to,
                },
            );
        }
        for (i, step) in plan.steps.iter().enumerate().rev() {
            let stride = padded(step.width);
            let g = &mut levels.factor[..many * stride];
            if let Kind::Dense(k) = step.kind {
                levels.outputs[k].add(model.kernels, g, many);
                if k == 0 {
                    return;
                }
                let d = &plan.dense[k];
                (model.kernels.product)(Product {
                    a: g,
                    a_row: stride,
                    a_inner: 1,
                    b: &self.walk.weights.dense[k].backward,
                    c: &mut levels.factor_below[..many * padded(d.inputs)],
                    rows: many,
                    inner: d.outputs,
                    columns: padded(d.inputs),
                    start: Start::Zero,
                });
                std::mem::swap(&mut levels.factor, &mut levels.factor_below);
                continue;
            }
            let y = self.walk.after(i, block, worker, kept);
            let repeated = &mut levels.repeated[..many * stride];
            for (&row, to) in chosen.iter().zip(repeated.chunks_exact_mut(classes * stride)) {
                let from = &y[row * stride..(row + 1) * stride];
                to.chunks_exact_mut(stride).for_each(|to| to.copy_from_slice(from));
            }
            match step.kind {
                Kind::Relu => (model.kernels.relu_gradient)(repeated, g),
                Kind::Sigmoid => sigmoid::backward(repeated, g),
                Kind::Tanh => tanh::backward(repeated, g),
                Kind::LogSoftmax => log_softmax::backward(repeated, g, step.width, stride),
                Kind::Dense(_) => {}
            }
        }
    }
}
