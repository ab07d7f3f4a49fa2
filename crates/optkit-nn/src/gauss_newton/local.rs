//! Local models of the parts: for every layer that a part holds tensors of, a Kronecker-factored Gauss–Newton matrix.
//!
//! The metric D is constant on a tensor: the mean diagonal entry of its model where the factors were formed first. So a
//! damping μ means the same for inputs of any scale and for layers of any width.

use std::sync::Arc;

use rayon::prelude::*;

use super::costs::{self, Costs};
use super::kronecker::{Holds, Kronecker, Roots};
use super::moments::{Moment, RANK, Tests, Total, WIDE, test_matrix};
use super::spectra::{LEAST_METRIC, Spectra};
use super::spectrum::Room;
use crate::Scalar;
use crate::buffer::Buffer;
use crate::kernels::padded;
use crate::model::Model;
use crate::plan::{Plan, Use};
use crate::walk::BLOCK;
use crate::walk::levels::{LevelWorker, Levels};
use crate::worker::Worker;

/// Widest inputs of the lowest layer of which all eigenvectors are computed: that is done once.
const WIDEST_INPUT: usize = 1024;
/// Samples that enter the moment of the lowest layer's inputs, where there are as many.
const INPUT_SAMPLES: usize = 3072;
/// Accumulators of that moment: a constant, so that sums do not depend on the number of threads.
const INPUT_GROUPS: usize = 4;
/// A layer's share of a part.
#[derive(Debug)]
struct Block<S> {
    part: usize,
    layer: usize,
    holds: Holds,
    kronecker: Kronecker<S>,
}

/// The factors of a layer.
#[derive(Debug)]
struct Layer<S> {
    /// Second moment of the inputs, with ones.
    inputs: Total,
    outputs: Total,
    spectra: Spectra<S>,
}

/// Of what steps are prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prepared {
    All,
    Tail,
    Part(usize),
}

/// Local models of all parts.
pub(crate) struct Local<S: Scalar> {
    blocks: Vec<Block<S>>,
    /// Those of the tail: the lowest layer's biases, and every block above.
    tail: Vec<Block<S>>,
    prepared: Prepared,
    layers: Vec<Layer<S>>,
    roots: Vec<Roots>,
    metric: Vec<f64>,
    tests: Tests<S>,
    input_test: Option<Arc<Buffer<S>>>,
    knows_input: bool,
    room: Room,
}

impl<S: Scalar> Local<S> {
    pub(crate) fn new(plan: &Plan, uses: &[Vec<Use>], tests: Tests<S>) -> Self {
        let mut layers = Vec::new();
        for (k, d) in plan.dense.iter().enumerate() {
            let widest = if k == 0 { WIDEST_INPUT } else { WIDE };
            let has = |weight: bool, bias: bool| uses.iter().any(|u| u[k] == Use { weight, bias });
            let held = [has(true, true), has(true, false)];
            layers.push(Layer {
                inputs: Total::default(),
                outputs: Total::default(),
                spectra: Spectra::new([d.inputs, d.outputs], widest, held),
            });
        }
        let block = |part: usize, k: usize, holds: Holds| {
            let factors = layers[k].spectra.factors(holds);
            let ranks = [factors.inputs.rank, factors.outputs.rank];
            Block { part, layer: k, holds, kronecker: Kronecker::new(&plan.dense[k], holds, ranks) }
        };
        let (mut blocks, mut tail) = (Vec::new(), Vec::new());
        for (part, uses) in uses.iter().enumerate() {
            for (k, used) in uses.iter().enumerate() {
                let holds = match (used.weight, used.bias) {
                    (true, true) => Holds::Both,
                    (true, false) => Holds::Weight,
                    (false, true) => Holds::Bias,
                    (false, false) => continue,
                };
                blocks.push(block(part, k, holds));
                if k > 0 || used.bias {
                    tail.push(block(part, k, if k == 0 { Holds::Bias } else { holds }));
                }
            }
        }
        let wide = plan.dense[0].inputs > WIDEST_INPUT;
        Self {
            blocks,
            tail,
            prepared: Prepared::All,
            layers,
            roots: Vec::new(),
            metric: vec![1.0; plan.dim],
            input_test: wide.then(|| Arc::new(test_matrix(plan.dense[0].inputs + 1))),
            tests,
            knows_input: false,
            room: Room::default(),
        }
    }

    pub(crate) fn metric(&self) -> &[f64] {
        &self.metric
    }

    pub(crate) fn knows_input(&self) -> bool {
        self.knows_input
    }

    /// Multiply-adds that a sample's factor rows cost.
    pub(crate) fn factor_rows(&self, costs: &Costs) -> f64 {
        costs.factor_rows(
            self.layers
                .iter()
                .map(|layer| costs::of_moment(layer.spectra.factors(Holds::Bias).outputs.width)),
        )
    }

    /// The moment of the lowest layer's inputs. Multiply-adds that it took.
    pub(crate) fn learn_input(&mut self, walk: &Levels<'_, S>) -> f64 {
        let model = walk.walk.model;
        let (tiles, width) = (model.samples.tiles(), model.plan.dense[0].inputs);
        let chosen = INPUT_SAMPLES.div_ceil(crate::kernels::TILE).min(tiles);
        let test = self.input_test.as_ref();
        let group = |group: usize| {
            let mut moment = Moment::new(width, true, test.cloned(), BLOCK);
            let mut worker = Worker::new(model, walk.walk.scope, false);
            let mut room = Buffer::new(BLOCK * padded(model.plan.inputs));
            let mut rows = 0;
            for i in (group..chosen).step_by(INPUT_GROUPS) {
                // Evenly over all tiles, whatever order the samples are in.
                let tile = i * tiles / chosen;
                walk.input_moment(tile, (&mut worker, &mut room), &mut moment);
                rows += model.samples.tile_rows(tile).len();
            }
            (moment, rows)
        };
        let groups: Vec<_> = (0..INPUT_GROUPS).into_par_iter().map(group).collect();
        let rows: usize = groups.iter().map(|(_, rows)| rows).sum();
        let moments = groups.iter().map(|(moment, _)| moment);
        Moment::total(&moments, 1.0 / rows as f64, &mut self.layers[0].inputs);
        rows as f64 * if test.is_some() { 2.0 * (width * RANK) as f64 } else { (width * width) as f64 }
    }

    /// The factors of all layers from the moments of the chunks. Multiply-adds that it all took.
    pub(crate) fn factor(
        &mut self,
        plan: &Plan,
        chunks: &[LevelWorker<S>],
        samples: usize,
        costs: &Costs,
    ) -> f64 {
        let sampled: usize = chunks.iter().map(|chunk| chunk.sampled).sum();
        let mut cost = sampled as f64 * self.factor_rows(costs);
        for (k, layer) in self.layers.iter_mut().enumerate() {
            if k > 0 {
                let inputs = chunks.iter().map(|chunk| &chunk.inputs[k]);
                Moment::total(&inputs, 1.0 / samples as f64, &mut layer.inputs);
                cost += samples as f64 * costs::of_moment(plan.dense[k].inputs);
            }
            let outputs = chunks.iter().map(|chunk| &chunk.outputs[k]);
            Moment::total(&outputs, 1.0 / sampled as f64, &mut layer.outputs);
        }
        if self.roots.is_empty() {
            self.set_metric(plan);
        }
        for k in 0..self.layers.len() {
            cost += self.decompose(k);
        }
        self.knows_input = true;
        cost
    }

    /// D: the mean diagonal entry of every tensor's model.
    fn set_metric(&mut self, plan: &Plan) {
        let scale = |k: usize| {
            let (layer, d) = (&self.layers[k], &plan.dense[k]);
            let input = if k == 0 { self.input_test.as_deref() } else { self.tests.inputs[k].as_deref() };
            let outputs = self.tests.outputs[k].as_deref();
            [layer.inputs.mean_square(d.inputs, input), layer.outputs.mean_square(d.outputs, outputs)]
        };
        let scales: Vec<[f64; 2]> = (0..plan.dense.len()).map(scale).collect();
        let of: Vec<[f64; 2]> = scales.iter().map(|[a, g]| [a * g, *g]).collect();
        let largest = of.iter().flatten().fold(0.0_f64, |a, &b| a.max(b));
        let least = if largest > 0.0 { LEAST_METRIC * largest } else { 1.0 };
        for ([weight, bias], d) in of.into_iter().zip(&plan.dense) {
            let (weight, bias) = (weight.max(least), bias.max(least));
            self.metric[d.weight.clone()].fill(weight);
            self.metric[d.bias.clone()].fill(bias);
            self.roots.push(Roots { weight: weight.sqrt(), bias: bias.sqrt() });
        }
    }

    /// Take up a saved metric; the moment of the inputs is known already.
    pub(crate) fn restore(&mut self, plan: &Plan, metric: &[f64]) {
        self.metric.copy_from_slice(metric);
        let roots = |d: &crate::plan::Dense| Roots {
            weight: metric[d.weight.start].sqrt(),
            bias: metric[d.bias.start].sqrt(),
        };
        self.roots = plan.dense.iter().map(roots).collect();
        self.knows_input = false;
        self.decompose_inputs(0);
        self.knows_input = true;
    }

    /// Eigenvectors of the factors of layer `k`; the lowest layer's inputs only once. Multiply-adds that it took.
    fn decompose(&mut self, k: usize) -> f64 {
        let cost = if k > 0 || !self.knows_input { self.decompose_inputs(k) } else { 0.0 };
        let Layer { outputs, spectra, .. } = &mut self.layers[k];
        let test = self.tests.outputs[k].as_deref().map(|test| &test[..]);
        cost + spectra.decompose_outputs(outputs, test, &mut self.room)
    }

    fn decompose_inputs(&mut self, k: usize) -> f64 {
        let Self { layers, roots, room, tests, input_test, .. } = self;
        let Layer { inputs, spectra, .. } = &mut layers[k];
        let test = if k == 0 { input_test.as_deref() } else { tests.inputs[k].as_deref() };
        spectra.decompose_inputs((inputs, inputs.width - 1), test.map(|test| &test[..]), roots[k], room)
    }

    /// True of the blocks of what is prepared, in the list that it is prepared in.
    fn among(prepared: Prepared, block: &Block<S>) -> bool {
        !matches!(prepared, Prepared::Part(part) if part != block.part)
    }

    /// Take `gradient` to the eigenvectors. Multiply-adds that it took.
    pub(crate) fn prepare(&mut self, model: &Model<S>, gradient: &[f64], of: Prepared) -> f64 {
        let Self { blocks, tail, layers, roots, prepared, .. } = self;
        *prepared = of;
        let blocks = if of == Prepared::Tail { tail } else { blocks };
        let mut cost = 0.0;
        for block in blocks.iter_mut().filter(|block| Self::among(of, block)) {
            let (k, factors) = (block.layer, layers[block.layer].spectra.factors(block.holds));
            let d = &model.plan.dense[k];
            block.kronecker.prepare(model.kernels, d, roots[k], gradient, factors);
            cost += costs::of_step(d, factors.inputs.width, [factors.inputs.rank, factors.outputs.rank]);
        }
        cost
    }

    /// ‖s(μ)‖ in the metric.
    pub(crate) fn length(&self, damping: f64) -> f64 {
        let blocks = if self.prepared == Prepared::Tail { &self.tail } else { &self.blocks };
        let squared = |block: &Block<S>| {
            block.kronecker.squared_length(damping, self.layers[block.layer].spectra.factors(block.holds))
        };
        let prepared = blocks.iter().filter(|block| Self::among(self.prepared, block));
        prepared.map(squared).sum::<f64>().sqrt()
    }

    /// s(μ) into `step`; zero where no block of those prepared holds a tensor. Multiply-adds that it took.
    pub(crate) fn steps(&mut self, model: &Model<S>, damping: f64, step: &mut [f64]) -> f64 {
        step.fill(0.0);
        let Self { blocks, tail, layers, roots, prepared, .. } = self;
        let blocks = if *prepared == Prepared::Tail { tail } else { blocks };
        let mut cost = 0.0;
        for block in blocks.iter_mut().filter(|block| Self::among(*prepared, block)) {
            let (k, factors) = (block.layer, layers[block.layer].spectra.factors(block.holds));
            let d = &model.plan.dense[k];
            block.kronecker.step(model.kernels, d, roots[k], damping, factors, step);
            cost += costs::of_step(d, factors.inputs.width, [factors.inputs.rank, factors.outputs.rank]);
        }
        cost
    }
}
