//! Local models of the parts of an image network: Kronecker factors of convolutions, diagonals of normalisations.
//!
//! ```text
//! convolution     K = G ⊗ A,   A = E[mean over the positions of ããᵀ],  G = E[sum over the positions of gᵀg rows]
//! normalisation   K = diag E[Σₖ (∂sₖ/∂γ)²], diag E[Σₖ (∂sₖ/∂β)²]
//! ```
//!
//! with ã the patch that an output position sees and a 1, g the exact factors √φ'' of the loss's curvature walked back to
//! that position (Grosse & Martens 2016: derivatives at different positions taken to be uncorrelated, patches and
//! derivatives independent, both alike at all positions). At one position, which is a dense layer, nothing of that is
//! assumed but the independence. Where channels are in groups, A is the mean over the groups. A normalisation's diagonal
//! is exact on its samples where no batch normalisation stands behind it: that couples samples, whose shares are squared one
//! by one here.

use std::ops::Range;
use std::sync::Arc;

use optkit_core::Subset;

use crate::Scalar;
use crate::buffer::Buffer;
use crate::gauss_newton::costs;
use crate::gauss_newton::kronecker::{Factors, Holds, Kronecker, Roots};
use crate::gauss_newton::moments::{Total, WIDE, test_matrix};
use crate::gauss_newton::spectra::{LEAST_METRIC, Spectra};
use crate::gauss_newton::spectrum::Room;
use crate::images::plan::{Operation, Plan};
use crate::images::scope::Own;
use crate::kernels::Kernels;
use crate::plan::Dense;

/// The factors of a convolution.
#[derive(Debug)]
pub(crate) struct Layer<S> {
    pub(crate) stage: usize,
    /// As a layer of patches; without a bias its range is empty.
    dense: Dense,
    roots: Roots,
    /// A, with ones where weights and bias are in one part; G.
    pub(crate) inputs: Total,
    pub(crate) outputs: Total,
    spectra: Spectra<S>,
    /// Ω, where a factor is wide.
    pub(crate) input_test: Option<Arc<Buffer<S>>>,
    pub(crate) output_test: Option<Arc<Buffer<S>>>,
}

impl<S: Scalar> Layer<S> {
    /// Whether A has a row of ones.
    pub(crate) fn has_ones(&self) -> bool {
        self.spectra.has_ones()
    }

    fn cost(&self, holds: Holds) -> f64 {
        let Factors { inputs, outputs } = self.spectra.factors(holds);
        costs::of_step(&self.dense, inputs.width, [inputs.rank, outputs.rank])
    }
}

/// The diagonal of a normalisation's model.
#[derive(Debug)]
pub(crate) struct Diagonal {
    pub(crate) stage: usize,
    weight: Range<usize>,
    bias: Range<usize>,
    pub(crate) of_weight: Vec<f64>,
    pub(crate) of_bias: Vec<f64>,
}

/// A stage's share of a part.
#[derive(Debug)]
struct Block<S> {
    part: usize,
    model: Model<S>,
}

#[derive(Debug)]
enum Model<S> {
    Kronecker { layer: usize, holds: Holds, kronecker: Box<Kronecker<S>> },
    Diagonal { diagonal: usize, own: Own },
}

/// Local models of all parts.
pub(crate) struct Local<S: Scalar> {
    pub(crate) layers: Vec<Layer<S>>,
    pub(crate) diagonals: Vec<Diagonal>,
    blocks: Vec<Block<S>>,
    /// The part that steps are prepared of; none: all.
    prepared: Option<usize>,
    gradient: Vec<f64>,
    metric: Vec<f64>,
    pub(crate) has_metric: bool,
    room: Room,
}

/// Tensors of each part, by stage; none: the first part (from 0) that cuts through one.
pub(crate) fn uses(plan: &Plan, parts: &[Subset]) -> Result<Vec<Vec<Own>>, usize> {
    let holds = |part: &Subset, range: Range<usize>| {
        let inside: usize =
            part.ranges().iter().map(|r| r.end.min(range.end).saturating_sub(r.start.max(range.start))).sum();
        if inside == 0 { Some(false) } else { (inside == range.len()).then_some(true) }
    };
    let of_part = |(i, part): (usize, &Subset)| {
        let mut uses = Vec::new();
        for stage in &plan.stages {
            let mut own = [false; 2];
            for (own, range) in own.iter_mut().zip(stage.tensors()) {
                *own = holds(part, range).ok_or(i)?;
            }
            uses.push(Own { weight: own[0], bias: own[1] });
        }
        Ok(uses)
    };
    parts.iter().enumerate().map(of_part).collect()
}

impl<S: Scalar> Local<S> {
    pub(crate) fn new(plan: &Plan, uses: &[Vec<Own>]) -> Self {
        let (mut layers, mut diagonals) = (Vec::new(), Vec::new());
        for (stage, of) in plan.stages.iter().enumerate() {
            match &of.operation {
                Operation::Convolution { convolution, weight, bias } => {
                    let dense = Dense {
                        step: stage,
                        inputs: convolution.patch_len(),
                        outputs: convolution.outputs,
                        weight: weight.clone(),
                        bias: bias.clone().unwrap_or(0..0),
                    };
                    let has = |own: Own| uses.iter().any(|of_part| of_part[stage] == own);
                    layers.push(layer(
                        dense,
                        has(Own { weight: true, bias: true }),
                        has(Own { weight: true, bias: false }),
                    ));
                }
                Operation::Norm(norm) => {
                    diagonals.push(diagonal(stage, norm.weight.clone(), norm.bias.clone()));
                }
                Operation::LayerNorm { weight, bias, .. } => {
                    diagonals.push(diagonal(stage, weight.clone(), bias.clone()));
                }
                _ => {}
            }
        }
        let mut blocks = Vec::new();
        let each =
            uses.iter().enumerate().flat_map(|(part, uses)| uses.iter().enumerate().map(move |u| (part, u)));
        for (part, (stage, &own)) in each {
            let holds = match (own.weight, own.bias) {
                (true, true) => Holds::Both,
                (true, false) => Holds::Weight,
                (false, true) => Holds::Bias,
                (false, false) => continue,
            };
            if let Some(k) = layers.iter().position(|layer: &Layer<S>| layer.stage == stage) {
                let factors = layers[k].spectra.factors(holds);
                let ranks = [factors.inputs.rank, factors.outputs.rank];
                let kronecker = Box::new(Kronecker::new(&layers[k].dense, holds, ranks));
                blocks.push(Block { part, model: Model::Kronecker { layer: k, holds, kronecker } });
            } else if let Some(diagonal) = diagonals.iter().position(|d| d.stage == stage) {
                blocks.push(Block { part, model: Model::Diagonal { diagonal, own } });
            }
        }
        Self {
            layers,
            diagonals,
            blocks,
            prepared: None,
            gradient: vec![0.0; plan.dim],
            metric: vec![1.0; plan.dim],
            has_metric: false,
            room: Room::default(),
        }
    }

    pub(crate) fn metric(&self) -> &[f64] {
        &self.metric
    }

    /// Eigenvectors of the factors, which have been formed. Multiply-adds that it took.
    pub(crate) fn decompose(&mut self) -> f64 {
        if !self.has_metric {
            self.set_metric();
        }
        let Self { layers, room, .. } = self;
        let mut cost = 0.0;
        for layer in layers {
            let Layer { dense, roots, inputs, outputs, spectra, input_test, output_test, .. } = layer;
            let test = input_test.as_deref().map(|test| &test[..]);
            cost += spectra.decompose_inputs((inputs, dense.inputs), test, *roots, room);
            let test = output_test.as_deref().map(|test| &test[..]);
            cost += spectra.decompose_outputs(outputs, test, room);
        }
        cost
    }

    /// D: the mean diagonal entry of every tensor's model.
    fn set_metric(&mut self) {
        let mut of: Vec<(Range<usize>, f64)> = Vec::new();
        for layer in &self.layers {
            let a = layer.inputs.mean_square(layer.dense.inputs, layer.input_test.as_deref());
            let g = layer.outputs.mean_square(layer.dense.outputs, layer.output_test.as_deref());
            of.push((layer.dense.weight.clone(), a * g));
            of.push((layer.dense.bias.clone(), g));
        }
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
        for diagonal in &self.diagonals {
            of.push((diagonal.weight.clone(), mean(&diagonal.of_weight)));
            of.push((diagonal.bias.clone(), mean(&diagonal.of_bias)));
        }
        let largest = of.iter().fold(0.0_f64, |a, (_, b)| a.max(*b));
        let least = if largest > 0.0 { LEAST_METRIC * largest } else { 1.0 };
        of.into_iter().for_each(|(range, scale)| self.metric[range].fill(scale.max(least)));
        self.take_roots();
    }

    /// Take up a saved metric.
    pub(crate) fn restore(&mut self, metric: &[f64]) {
        self.metric.copy_from_slice(metric);
        self.take_roots();
    }

    fn take_roots(&mut self) {
        for layer in &mut self.layers {
            let root =
                |range: &Range<usize>| if range.is_empty() { 1.0 } else { self.metric[range.start].sqrt() };
            layer.roots = Roots { weight: root(&layer.dense.weight), bias: root(&layer.dense.bias) };
        }
        self.has_metric = true;
    }

    /// Whether steps are prepared of a block.
    fn among(prepared: Option<usize>, block: &Block<S>) -> bool {
        prepared.is_none_or(|part| part == block.part)
    }

    /// Take `gradient` to the eigenvectors, for the step of a part or of all. Multiply-adds that it took.
    pub(crate) fn prepare(&mut self, kernels: &Kernels<S>, gradient: &[f64], part: Option<usize>) -> f64 {
        let Self { blocks, layers, gradient: kept, prepared, .. } = self;
        *prepared = part;
        kept.copy_from_slice(gradient);
        let mut cost = 0.0;
        for block in blocks.iter_mut().filter(|block| Self::among(part, block)) {
            if let Model::Kronecker { layer, holds, kronecker } = &mut block.model {
                let layer = &layers[*layer];
                kronecker.prepare(
                    kernels,
                    &layer.dense,
                    layer.roots,
                    gradient,
                    layer.spectra.factors(*holds),
                );
                cost += layer.cost(*holds);
            }
        }
        cost
    }

    /// ‖s(μ)‖ in the metric.
    pub(crate) fn length(&self, damping: f64) -> f64 {
        let squared = |block: &Block<S>| match &block.model {
            Model::Kronecker { layer, holds, kronecker } => {
                kronecker.squared_length(damping, self.layers[*layer].spectra.factors(*holds))
            }
            Model::Diagonal { diagonal, own } => {
                let mut sum = 0.0;
                self.for_each_entry(&self.diagonals[*diagonal], *own, |i, h| {
                    let d = self.metric[i];
                    sum += d * (self.gradient[i] / (h + damping * d)).powi(2);
                });
                sum
            }
        };
        let prepared = self.blocks.iter().filter(|block| Self::among(self.prepared, block));
        prepared.map(squared).sum::<f64>().sqrt()
    }

    /// `f(variable, diagonal entry)` for those that a part holds.
    fn for_each_entry(&self, diagonal: &Diagonal, own: Own, mut f: impl FnMut(usize, f64)) {
        let both = [
            (own.weight, &diagonal.weight, &diagonal.of_weight),
            (own.bias, &diagonal.bias, &diagonal.of_bias),
        ];
        for (range, of) in both.into_iter().filter(|both| both.0).map(|(_, range, of)| (range, of)) {
            range.clone().zip(of).for_each(|(i, &h)| f(i, h));
        }
    }

    /// s(μ) into `step`; zero where no part holds a tensor. Multiply-adds that it took.
    pub(crate) fn steps(&mut self, kernels: &Kernels<S>, damping: f64, step: &mut [f64]) -> f64 {
        step.fill(0.0);
        let mut blocks = std::mem::take(&mut self.blocks);
        let mut cost = 0.0;
        for block in blocks.iter_mut().filter(|block| Self::among(self.prepared, block)) {
            match &mut block.model {
                Model::Kronecker { layer, holds, kronecker } => {
                    let layer = &self.layers[*layer];
                    let factors = layer.spectra.factors(*holds);
                    kronecker.step(kernels, &layer.dense, layer.roots, damping, factors, step);
                    cost += layer.cost(*holds);
                }
                Model::Diagonal { diagonal, own } => {
                    self.for_each_entry(&self.diagonals[*diagonal], *own, |i, h| {
                        step[i] = -self.gradient[i] / (h + damping * self.metric[i]);
                    });
                }
            }
        }
        self.blocks = blocks;
        cost
    }
}

/// `both`, `weight`: whether parts hold weights and bias together, or weights alone.
fn layer<S: Scalar>(dense: Dense, both: bool, weight: bool) -> Layer<S> {
    let (inputs, outputs) = (dense.inputs, dense.outputs);
    let ones = usize::from(both);
    let test = |width: usize, ones: usize| (width > WIDE).then(|| Arc::new(test_matrix(width + ones)));
    Layer {
        stage: dense.step,
        roots: Roots { weight: 1.0, bias: 1.0 },
        inputs: Total::default(),
        outputs: Total::default(),
        spectra: Spectra::new([inputs, outputs], WIDE, [both, weight]),
        input_test: test(inputs, ones),
        output_test: test(outputs, 0),
        dense,
    }
}

fn diagonal(stage: usize, weight: Range<usize>, bias: Range<usize>) -> Diagonal {
    let zeros = |range: &Range<usize>| vec![0.0; range.len()];
    let (of_weight, of_bias) = (zeros(&weight), zeros(&bias));
    Diagonal { stage, weight, bias, of_weight, of_bias }
}
