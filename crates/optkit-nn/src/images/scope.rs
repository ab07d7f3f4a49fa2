//! What an evaluator of some of the tensors computes, in which order it walks back, and what that costs.
//!
//! A part computes the stages that depend on a tensor of its own, and no other: what these read of the rest is frozen.
//! Its way back ends where nothing below depends on a tensor of its own.

use std::ops::Range;

use optkit_core::{Cost, Subset};

use super::plan::{Operation, Plan, Stage};

/// What an access to a value in memory costs, in multiply-adds: at 200 Gflop/s and 10 GB/s, which is what one core has.
/// Of ResNet-18 in 60 parts at 2,975 images it gives shares that are right to 6 % of forward and 12 % of backward passes in
/// the mean (`cargo run --release -p optkit-bench --example resnet18_parts -- 2975 60 2 2 1`).
const ACCESS: f64 = 40.0;

/// Where the gradient of a value that a stage read goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Computed into a buffer of its own, or added to what is there.
    Into { buffer: usize, add: bool },
    /// The buffer of the stage's gradient becomes it.
    Same,
    /// The stage's gradient, changed in its place, is added to a buffer.
    AddedTo { buffer: usize },
}

/// A step of the way back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Back {
    pub(crate) stage: usize,
    /// Where the gradient of what the stage gives lies.
    pub(crate) gradient: usize,
    /// Where those of what it read go; none: not wanted.
    pub(crate) input: Option<Way>,
    pub(crate) other: Option<Way>,
}

/// Which tensors of a stage vary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Own {
    pub(crate) weight: bool,
    pub(crate) bias: bool,
}

impl Own {
    pub(crate) fn any(self) -> bool {
        self.weight || self.bias
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Scope {
    /// By stage: whether it is computed.
    pub(crate) computed: Vec<bool>,
    /// By stage: whose gradient is wanted.
    pub(crate) own: Vec<Own>,
    pub(crate) back: Vec<Back>,
    /// Room of each gradient buffer, in values a sample.
    pub(crate) buffers: Vec<usize>,
    /// Where the loss writes the gradient of the outputs.
    pub(crate) top: usize,
    pub(crate) cost: Cost,
}

impl Scope {
    /// Everything varies.
    pub(crate) fn whole(plan: &Plan) -> Self {
        let own =
            |stage: &Stage| Own { weight: stage.tensors().count() > 0, bias: stage.tensors().count() > 1 };
        Self::new(plan, vec![true; plan.stages.len()], plan.stages.iter().map(own).collect())
    }

    /// The tensors that `subset` touches.
    pub(crate) fn part(plan: &Plan, subset: &Subset) -> Self {
        let touches = |range: Range<usize>| {
            let first = subset.ranges().partition_point(|r| r.end <= range.start);
            subset.ranges().get(first).is_some_and(|r| r.start < range.end)
        };
        let own = |stage: &Stage| {
            let mut tensors = stage.tensors().map(touches);
            let mut next = || tensors.next().unwrap_or(false);
            Own { weight: next(), bias: next() }
        };
        let own: Vec<Own> = plan.stages.iter().map(own).collect();
        let mut computed = vec![false; plan.stages.len()];
        for (i, stage) in plan.stages.iter().enumerate() {
            computed[i] = own[i].any() || stage.inputs().any(|value| value > 0 && computed[value - 1]);
        }
        Self::new(plan, computed, own)
    }

    /// The way back through everything, with no tensor's gradient.
    pub(crate) fn through(plan: &Plan) -> Self {
        Self::new(plan, vec![true; plan.stages.len()], vec![Own::default(); plan.stages.len()])
    }

    fn new(plan: &Plan, computed: Vec<bool>, own: Vec<Own>) -> Self {
        let mut maker = Maker {
            plan,
            gradients: vec![None; plan.values.len()],
            rooms: Vec::new(),
            free: Vec::new(),
            back: Vec::new(),
        };
        let top = maker.take(plan.output());
        maker.gradients[plan.output()] = Some(top);
        for i in (0..plan.stages.len()).rev().filter(|&i| computed[i]) {
            maker.step(i, &computed);
        }
        let Maker { rooms, back, .. } = maker;
        let cost = cost(plan, &computed, &own, &back);
        Self { computed, own, back, buffers: rooms, top, cost }
    }

    /// Whether the gradient of what `stage` read is wanted.
    pub(crate) fn passes_on(&self, stage: usize) -> bool {
        self.back.iter().any(|back| back.stage == stage && back.input.is_some())
    }
}

/// Deals gradient buffers along the way back: a buffer is free again behind the stage whose gradient it held.
struct Maker<'a> {
    plan: &'a Plan,
    /// By value: where its gradient lies so far.
    gradients: Vec<Option<usize>>,
    rooms: Vec<usize>,
    free: Vec<usize>,
    back: Vec<Back>,
}

impl Maker<'_> {
    /// A buffer for the gradient of `value`: the smallest free one that holds it, else the largest, which grows.
    fn take(&mut self, value: usize) -> usize {
        let room = self.plan.values[value].len();
        let fits = |&buffer: &usize| self.rooms[buffer] >= room;
        let smallest = self.free.iter().copied().filter(fits).min_by_key(|&buffer| self.rooms[buffer]);
        let best = smallest.or_else(|| self.free.iter().copied().max_by_key(|&buffer| self.rooms[buffer]));
        let Some(buffer) = best else {
            self.rooms.push(room);
            return self.rooms.len() - 1;
        };
        self.free.retain(|&free| free != buffer);
        self.rooms[buffer] = self.rooms[buffer].max(room);
        buffer
    }

    fn step(&mut self, i: usize, computed: &[bool]) {
        // Nothing above depends on what it gives.
        let Some(gradient) = self.gradients[i + 1] else { return };
        let stage = &self.plan.stages[i];
        let wanted = |value: &usize| *value > 0 && computed[*value - 1];
        let (input, other) = (Some(stage.input).filter(wanted), stage.other.filter(wanted));
        let elsewhere = matches!(
            stage.operation,
            Operation::Convolution { .. }
                | Operation::PoolMax(_)
                | Operation::PoolAvg(_)
                | Operation::Flatten
        );
        let mut given = false;
        // What is added gets the gradient as it is, before a normalisation changes it in its place.
        let other = other.map(|value| {
            let norm = matches!(stage.operation, Operation::Norm(_));
            let added = input.is_some_and(|input| self.gradients[input].is_some() && norm);
            let keep = added || input == Some(value);
            self.pass(value, gradient, &mut given, keep)
        });
        let input = input.map(|value| {
            if elsewhere || (given && matches!(stage.operation, Operation::Norm(_))) {
                self.into(value)
            } else {
                self.pass(value, gradient, &mut given, false)
            }
        });
        if !given {
            self.free.push(gradient);
        }
        self.back.push(Back { stage: i, gradient, input, other });
    }

    /// The gradient in `gradient`, once more: added to what is there, handed over, or copied.
    fn pass(&mut self, value: usize, gradient: usize, given: &mut bool, keep: bool) -> Way {
        if let Some(buffer) = self.gradients[value] {
            Way::AddedTo { buffer }
        } else if *given || keep {
            self.into(value)
        } else {
            *given = true;
            self.gradients[value] = Some(gradient);
            Way::Same
        }
    }

    fn into(&mut self, value: usize) -> Way {
        let there = self.gradients[value];
        let buffer = there.unwrap_or_else(|| self.take(value));
        self.gradients[value] = Some(buffer);
        Way::Into { buffer, add: there.is_some() }
    }
}

/// Shares of the passes that a scope takes.
fn cost(plan: &Plan, computed: &[bool], own: &[Own], back: &[Back]) -> Cost {
    let (mut up, mut whole_up, mut down, mut whole_down) = (0.0, 0.0, 0.0, 0.0);
    for (i, stage) in plan.stages.iter().enumerate() {
        let work = work(plan, stage, i);
        whole_up += work.forward;
        let passed = stage.inputs().any(|value| value > 0);
        whole_down += work.weights + if passed { work.below } else { 0.0 };
        if !computed[i] {
            continue;
        }
        up += work.forward;
        let passes = back.iter().any(|b| b.stage == i && (b.input.is_some() || b.other.is_some()));
        down += if own[i].weight { work.weights } else { 0.0 } + if passes { work.below } else { 0.0 };
    }
    let share = |of: f64, whole: f64| if whole > 0.0 { of / whole } else { 1.0 };
    Cost { forward: share(up, whole_up), backward: share(down, whole_down) }
}

/// Multiply-adds of a stage for one sample; where memory is the bound, its accesses in multiply-adds.
pub(crate) struct Work {
    pub(crate) forward: f64,
    /// Of the gradient of its weights.
    pub(crate) weights: f64,
    /// Of the gradient of what it read.
    pub(crate) below: f64,
}

pub(crate) fn work(plan: &Plan, stage: &Stage, i: usize) -> Work {
    let values = plan.values[i + 1].len() as f64;
    let accesses = |forward: f64, below: f64| Work {
        forward: ACCESS * forward * values,
        weights: 0.0,
        below: ACCESS * below * values,
    };
    match &stage.operation {
        Operation::Convolution { convolution, .. } => {
            let work = convolution.work();
            Work { forward: work, weights: work, below: work }
        }
        // Sums, and a pass that reads and writes; back the same of two values.
        Operation::Norm(_) if stage.other.is_some() => accesses(4.0, 7.0),
        Operation::Norm(_) | Operation::LayerNorm { .. } | Operation::LogSoftmax => accesses(3.0, 6.0),
        Operation::PoolMax(pool) | Operation::PoolAvg(pool) => {
            let reads = pool.reads_per_output();
            accesses(1.0 + 0.5 * reads, 1.0 + reads)
        }
        Operation::Add { .. } => accesses(3.0, 3.0),
        Operation::Relu
        | Operation::LeakyRelu { .. }
        | Operation::Gelu
        | Operation::Sigmoid
        | Operation::Tanh
        | Operation::Dropout { .. }
        | Operation::Flatten => accesses(2.0, 3.0),
    }
}
