//! A network made ready for computing: its layers as steps, its costs, and what a part of it must do.

use std::ops::Range;

use optkit_core::{Cost, Subset};

use crate::kernels::padded;
use crate::{Layer, Loss, Network};

/// A network as steps. Flattening costs nothing and is gone.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) steps: Vec<Step>,
    pub(crate) dense: Vec<Dense>,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    pub(crate) dim: usize,
}

/// What a layer does, and how many values it gives a sample.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) kind: Kind,
    pub(crate) width: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// Index into [`Plan::dense`].
    Dense(usize),
    Relu,
    Sigmoid,
    Tanh,
    LogSoftmax,
}

/// A dense layer and where its tensors lie in θ.
#[derive(Clone, Debug)]
pub(crate) struct Dense {
    pub(crate) step: usize,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    pub(crate) weight: Range<usize>,
    pub(crate) bias: Range<usize>,
}

impl Dense {
    /// Multiply-adds a sample.
    fn work(&self) -> f64 {
        self.inputs as f64 * self.outputs as f64
    }
}

impl Plan {
    pub(crate) fn new(network: &Network, loss: Option<Loss>) -> Self {
        let tensors = network.tensors();
        let (mut steps, mut dense) = (Vec::new(), Vec::new());
        for (index, layer) in network.layers().iter().enumerate() {
            let width = network.shapes()[index].iter().product();
            let kind = match layer {
                Layer::Flatten => continue,
                Layer::Dense { outputs } => {
                    let mut ranges = tensors.iter().filter(|t| t.layer == index).map(|t| t.range.clone());
                    let inputs = network.before(index).iter().product();
                    let mut next = || ranges.next().unwrap_or_default();
                    let (weight, bias) = (next(), next());
                    dense.push(Dense { step: steps.len(), inputs, outputs: *outputs, weight, bias });
                    Kind::Dense(dense.len() - 1)
                }
                Layer::Relu => Kind::Relu,
                Layer::Sigmoid => Kind::Sigmoid,
                Layer::Tanh => Kind::Tanh,
                Layer::LogSoftmax => Kind::LogSoftmax,
                other => unreachable!("`{other}` is refused before there is a plan"),
            };
            steps.push(Step { kind, width });
        }
        // Cross-entropy takes the log-softmax itself, which is idempotent; measures look for the largest output.
        // Binary cross-entropy takes the sigmoid itself: of its inputs nothing is lost in rounding to 0 or 1.
        let taken = match loss {
            Some(Loss::CrossEntropy) | None => Some(Kind::LogSoftmax),
            Some(Loss::BinaryCrossEntropy) => Some(Kind::Sigmoid),
            Some(Loss::MeanSquared) => None,
        };
        if taken.is_some() && steps.last().map(|step| step.kind) == taken {
            steps.pop();
        }
        Self { steps, dense, inputs: network.inputs(), outputs: network.outputs(), dim: network.dim() }
    }

    /// Width of what comes into step `index`.
    pub(crate) fn width_before(&self, index: usize) -> usize {
        if index == 0 { self.inputs } else { self.steps[index - 1].width }
    }

    /// Largest padded width behind any step.
    pub(crate) fn widest(&self) -> usize {
        self.steps.iter().map(|s| padded(s.width)).max().unwrap_or(0)
    }
}

/// Which tensors of a dense layer vary.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Use {
    pub(crate) weight: bool,
    pub(crate) bias: bool,
}

/// What an evaluator of some of the tensors has to do: everything above the lowest layer that it owns a tensor of.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    /// Index of the lowest dense layer with a tensor that varies.
    pub(crate) first: usize,
    /// The first step to be computed: behind the activations that are frozen.
    pub(crate) from: usize,
    /// By dense layer.
    pub(crate) uses: Vec<Use>,
    /// Dense layers whose outputs are kept from one evaluation to the next.
    pub(crate) keep: Vec<bool>,
}

/// Where a layer's products have at most this many terms, a part computes them again rather than keep them: at
/// 2 flops a term against 12 bytes of traffic an output, arithmetic is the cheaper below about 60 terms.
const RECOMPUTE: usize = 64;

impl Scope {
    /// Everything varies, everything is kept (parts stand on it).
    pub(crate) fn whole(plan: &Plan) -> Self {
        let uses = vec![Use { weight: true, bias: true }; plan.dense.len()];
        Self { first: 0, from: 0, uses, keep: vec![true; plan.dense.len()] }
    }

    /// Nothing is kept: for measures, which look once.
    pub(crate) fn once(plan: &Plan) -> Self {
        Self { keep: vec![false; plan.dense.len()], ..Self::whole(plan) }
    }

    /// Everything, or all but the lowest weights; the lowest outputs are kept, and those above whose products are wide.
    pub(crate) fn levels(plan: &Plan, lowest: bool) -> Self {
        let uses = |k: usize| Use { weight: k > 0 || lowest, bias: true };
        let keep = plan.dense.iter().enumerate().map(|(k, d)| k == 0 || d.inputs > RECOMPUTE);
        let from = if lowest { 0 } else { plan.dense[0].step };
        Self { first: 0, from, uses: (0..plan.dense.len()).map(uses).collect(), keep: keep.collect() }
    }

    /// The tensors that `subset` touches.
    pub(crate) fn part(plan: &Plan, subset: &Subset) -> Self {
        let touches =
            |range: &Range<usize>| subset.ranges().iter().any(|r| r.start < range.end && range.start < r.end);
        let of = |d: &Dense| Use { weight: touches(&d.weight), bias: touches(&d.bias) };
        let uses: Vec<Use> = plan.dense.iter().map(of).collect();
        // A subset is never empty and every parameter belongs to a dense layer.
        let first = uses.iter().position(|u| u.weight || u.bias).unwrap_or(0);
        let from = if !uses[first].weight {
            plan.dense[first].step
        } else if first == 0 {
            0
        } else {
            plan.dense[first - 1].step + 1
        };
        let keep = plan
            .dense
            .iter()
            .enumerate()
            .map(|(k, d)| if k == first { uses[k].weight } else { k > first && d.inputs > RECOMPUTE });
        Self { first, from, keep: keep.collect(), uses }
    }

    /// True where the lowest layer's outputs are the frozen ones plus the change of its bias.
    pub(crate) fn shifts(&self) -> bool {
        !self.uses[self.first].weight
    }

    /// Shares of a whole forward and backward pass, and of a forward pass that needs no product at the lowest layer.
    pub(crate) fn shares(&self, plan: &Plan) -> (Cost, f64) {
        let work = |k: usize| plan.dense[k].work();
        let whole: f64 = plan.dense.iter().map(Dense::work).sum();
        let above: f64 = (self.first + 1..plan.dense.len()).map(work).sum();
        let lowest = if self.shifts() { 0.0 } else { work(self.first) };
        let weights: f64 = (0..plan.dense.len()).filter(|&k| self.uses[k].weight).map(work).sum();
        let cost =
            Cost { forward: (lowest + above) / whole, backward: (weights + above) / (2.0 * whole - work(0)) };
        (cost, above / whole)
    }

    /// By dense layer: whether the way back below its inputs uses their gradient, and not its tangent alone, in a
    /// product with the Hessian. Where activations are piecewise linear and no weights vary below, it does not.
    pub(crate) fn gradient_below(&self, plan: &Plan) -> Vec<bool> {
        let mut below = vec![false; plan.dense.len()];
        for k in self.first + 1..plan.dense.len() {
            let between = &plan.steps[plan.dense[k - 1].step + 1..plan.dense[k].step];
            let curved = between.iter().any(|step| step.kind != Kind::Relu);
            below[k] = curved || (k - 1 > self.first && (self.uses[k - 1].weight || below[k - 1]));
        }
        below
    }

    /// Gradient equivalents of a product with the Hessian at a known point: its multiply-adds up count as those of a
    /// forward pass, its multiply-adds back as those of a backward pass.
    pub(crate) fn hessian_product_cost(&self, plan: &Plan, below: &[bool]) -> f64 {
        let (mut up, mut back) = (0.0, 0.0);
        let one_if = |condition: bool| f64::from(u8::from(condition));
        for (k, d) in plan.dense.iter().enumerate().skip(self.first) {
            let (above, varies) = (one_if(k > self.first), one_if(self.uses[k].weight));
            // x·V and R{x}·W.
            up += d.work() * (varies + above);
            // R{δ}ᵀx and δᵀR{x}; R{δ}·W, δ·V and δ·W.
            back += d.work() * (varies * (1.0 + above) + above * (1.0 + varies) + one_if(below[k]));
        }
        let whole: f64 = plan.dense.iter().map(Dense::work).sum();
        0.5 * up / whole + 0.5 * back / (2.0 * whole - plan.dense[0].work())
    }
}
