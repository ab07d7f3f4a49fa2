//! What local models are made of: second moments of patches and of the factors √φ'' walked back, from a few samples.
//!
//! The samples are every so-manieth of those that are seen, at an offset that rotates. They are a mini-batch of their own:
//! batch normalisations take its moments, and the factors walk back through them as gradients do. The way back is made
//! once for every output k, with row √φ''ₖ of every sample at once.

use rayon::prelude::*;

use super::costs::Costs;
use super::local::{Layer, Local};
use crate::Scalar;
use crate::buffer::Buffer;
use crate::gauss_newton::costs::of_moment;
use crate::gauss_newton::moments::Moment;
use crate::head::FactorRow;
use crate::images::convolution::Convolution;
use crate::images::parameters::Parameters;
use crate::images::plan::{Operation, Plan};
use crate::images::run::{Passed, Run};
use crate::images::scope::Scope;
use crate::images::state::{Activations, Batch, Mode, Model};
use crate::images::workspace::Workspace;
use crate::kernels::{Kernels, padded};

/// Sums of a moment that are kept apart: a constant, so that they do not depend on the number of threads.
const SUMS: usize = 4;
/// Rows that enter a moment at a time.
const ROWS: usize = 64;
/// Share of a gradient equivalent that the factors may cost; it chooses the samples that enter.
const SHARE: f64 = 0.06;
/// Fewest samples that enter, where there are as many.
const LEAST_SAMPLES: usize = 128;
/// Numbers of the rows √φ'' of all samples, at the most.
const MOST_FACTORS: usize = 1 << 24;

/// Room for the moments of a convolution.
struct Room<S> {
    inputs: Vec<Moment<S>>,
    outputs: Vec<Moment<S>>,
    patches: Vec<Buffer<S>>,
}

/// The samples of an iteration's factors, and room for what comes of them.
pub(crate) struct Factory<S: Scalar> {
    scope: Scope,
    batch: Option<Batch>,
    rows: Vec<u32>,
    outputs: Activations<S>,
    /// ∂ℓ/∂y, and rows √φ'', \[samples, outputs, padded outputs\].
    gradient: Buffer<S>,
    factors: Buffer<S>,
    losses: Vec<f64>,
    rooms: Vec<Room<S>>,
    sums: Vec<f64>,
}

fn convolution(plan: &Plan, stage: usize) -> &Convolution {
    match &plan.stages[stage].operation {
        Operation::Convolution { convolution, .. } => convolution,
        other => unreachable!("{other:?} has no factors"),
    }
}

/// Multiply-adds of the moments of a sample.
fn moments<S: Scalar>(plan: &Plan, local: &Local<S>) -> f64 {
    let of_layer = |layer: &Layer<S>| {
        let convolution = convolution(plan, layer.stage);
        let rows = (convolution.pixels() * convolution.groups()) as f64;
        let factors = (convolution.pixels() * plan.outputs) as f64;
        rows * of_moment(convolution.patch_len()) + factors * of_moment(convolution.outputs)
    };
    let of_diagonals =
        local.diagonals.iter().map(|d| 2.0 * (plan.values[d.stage + 1].len() * plan.outputs) as f64);
    local.layers.iter().map(of_layer).sum::<f64>() + of_diagonals.sum::<f64>()
}

impl<S: Scalar> Factory<S> {
    pub(crate) fn new(plan: &Plan, local: &Local<S>) -> Self {
        let room = |layer: &Layer<S>| {
            let convolution = convolution(plan, layer.stage);
            let (width, rows) = (convolution.patch_len(), ROWS.max(convolution.groups()));
            let inputs = || Moment::new(width, layer.has_ones(), layer.input_test.clone(), rows);
            let outputs = || Moment::new(convolution.outputs, false, layer.output_test.clone(), ROWS);
            Room {
                inputs: (0..SUMS).map(|_| inputs()).collect(),
                outputs: (0..SUMS).map(|_| outputs()).collect(),
                patches: (0..SUMS).map(|_| Buffer::new(rows * padded(width))).collect(),
            }
        };
        Self {
            scope: Scope::through(plan),
            batch: None,
            rows: Vec::new(),
            outputs: Activations::new(plan, false),
            gradient: Buffer::default(),
            factors: Buffer::default(),
            losses: Vec::new(),
            rooms: local.layers.iter().map(room).collect(),
            sums: Vec::new(),
        }
    }

    /// Samples that enter in iteration `number`, of `all`: so many of those that are seen, and at most as many as `most`
    /// gives of all that there will be.
    fn choose(&mut self, model: &Model<S>, all: &Batch, number: u64, most: impl Fn(usize) -> usize) {
        let count = all.rows.len();
        let chosen = most(count);
        let stride = (count / chosen).max(1);
        let offset = (number % stride as u64) as usize;
        let batch = self.batch.get_or_insert_with(|| Batch::room(&model.targets, most(all.most)));
        self.rows.clear();
        self.rows.reserve(batch.most);
        self.rows.extend(all.rows[offset..].iter().step_by(stride).take(chosen));
        batch.fill(&model.targets, &self.rows, (all.seed, all.epoch));
    }

    /// A, G and diagonals of all stages into `local`, at `point`. Gradient equivalents that it took.
    pub(crate) fn form(
        &mut self,
        model: &Model<S>,
        room: &mut Workspace<S>,
        point: &Parameters<S>,
        (all, number): (&Batch, u64),
        (local, costs): (&mut Local<S>, &Costs),
    ) -> f64 {
        let plan = &model.plan;
        let (width, stride) = (plan.outputs, padded(plan.outputs));
        let of_moments = moments(plan, local);
        let most = |count: usize| {
            let fit = (MOST_FACTORS / (width * stride)).clamp(1, count);
            costs.samples_for(SHARE, count, of_moments).clamp(LEAST_SAMPLES.min(count), count).min(fit)
        };
        self.choose(model, all, number, most);
        let Self { scope, batch: Some(batch), outputs, gradient, factors, losses, rooms, sums, .. } = self
        else {
            unreachable!("samples were chosen")
        };
        let chosen = batch.rows.len();
        let Parameters { rest, weights, .. } = point;
        let run = Run { model, scope, batch, point: rest, weights, frozen: None, mode: Mode::Train };
        run.forward(room, outputs);
        gradient.fit(batch.most * stride);
        factors.fit(batch.most * width * stride);
        let last = &outputs.values[plan.output()];
        run.loss(last, &mut gradient[..chosen * stride], losses);
        let rows = factors.par_chunks_exact_mut(width * stride).take(chosen).enumerate();
        rows.for_each(|(row, to)| {
            let of_row = row * stride..(row + 1) * stride;
            let (gradient, outputs) = (&gradient[of_row.clone()], &last[of_row]);
            let sample = FactorRow { gradient, outputs, row, width, count: chosen, to };
            model.head.factor_rows(&batch.targets, sample);
        });
        let kernels = model.kernels;
        run.for_each_input(room, outputs, |stage, x| {
            let k = local.layers.iter().position(|layer| layer.stage == stage);
            let k = k.expect("every convolution is a layer");
            let convolution = convolution(plan, stage);
            add_patches(kernels, convolution, (x, chosen), &mut rooms[k]);
            let rows = chosen * convolution.pixels() * convolution.groups();
            let moments = rooms[k].inputs.iter();
            Moment::total(&moments, 1.0 / rows as f64, &mut local.layers[k].inputs);
        });
        rooms.iter_mut().flat_map(|room| &mut room.outputs).for_each(Moment::clear);
        for diagonal in &mut local.diagonals {
            diagonal.of_weight.fill(0.0);
            diagonal.of_bias.fill(0.0);
        }
        for k in 0..width {
            let begin = |_: &mut Workspace<S>, _: &[S], top: &mut [S]| {
                for (to, row) in
                    top.chunks_exact_mut(stride).zip(factors.chunks_exact(width * stride).take(chosen))
                {
                    to.copy_from_slice(&row[k * stride..(k + 1) * stride]);
                }
            };
            run.back_from((&mut *room, outputs), &mut [], begin, |room, passed| {
                see(&run, room, (outputs, &passed), local, (rooms, sums));
            });
        }
        for (layer, room) in local.layers.iter_mut().zip(&*rooms) {
            Moment::total(&room.outputs.iter(), 1.0 / chosen as f64, &mut layer.outputs);
        }
        for diagonal in &mut local.diagonals {
            let both = diagonal.of_weight.iter_mut().chain(&mut diagonal.of_bias);
            both.for_each(|h| *h /= chosen as f64);
        }
        let of_passes = costs.pass(chosen) / 0.5 * costs.factors();
        of_passes + costs.plain(chosen as f64 * of_moments)
    }
}

/// A stage that factors have come back to.
fn see<S: Scalar>(
    run: &Run<'_, S>,
    room: &mut Workspace<S>,
    (outputs, passed): (&Activations<S>, &Passed<'_, S>),
    local: &mut Local<S>,
    (rooms, sums): (&mut [Room<S>], &mut Vec<f64>),
) {
    let i = passed.stage;
    let stage = &run.model.plan.stages[i];
    let mut diagonal = local.diagonals.iter_mut().find(|d| d.stage == i);
    match (&stage.operation, &mut diagonal) {
        (Operation::Convolution { .. }, _) => {
            let k = local.layers.iter().position(|layer| layer.stage == i);
            add_factors(
                run.model.kernels,
                passed.d,
                &mut rooms[k.expect("every convolution is a layer")].outputs,
            );
        }
        (Operation::Norm(norm), Some(diagonal)) => {
            let shape = run.shape(stage.input);
            let read = [passed.x, passed.y, passed.d];
            let to = (&mut diagonal.of_weight[..], &mut diagonal.of_bias[..]);
            norm.add_squares(shape, read, &outputs.moments[i], sums, to);
        }
        (Operation::LayerNorm { .. }, Some(diagonal)) => {
            let layer_norm = run.layer_norm(i, stage, run.point);
            let to = (&mut diagonal.of_weight[..], &mut diagonal.of_bias[..]);
            layer_norm.add_squares((passed.x, passed.d), &mut room.of_samples, to);
        }
        _ => {}
    }
}

/// Σ ããᵀ over the patches of all output pixels.
fn add_patches<S: Scalar>(
    kernels: &Kernels<S>,
    convolution: &Convolution,
    (x, samples): (&[S], usize),
    room: &mut Room<S>,
) {
    let groups = convolution.groups();
    let each = (ROWS / groups).max(1);
    let chunks = samples.div_ceil(each);
    let sums = room.inputs.par_iter_mut().zip(&mut room.patches).enumerate().with_max_len(1);
    sums.for_each(|(sum, (moment, patches))| {
        moment.clear();
        for unit in (sum..convolution.pixels() * chunks).step_by(SUMS) {
            let (pixel, chunk) = (unit / chunks, unit % chunks);
            let some = chunk * each..((chunk + 1) * each).min(samples);
            convolution.patches((x, samples), pixel, &some, patches);
            moment.add(kernels, patches, some.len() * groups);
        }
    });
}

/// Σ gᵀg over the rows of all output pixels and samples.
fn add_factors<S: Scalar>(kernels: &Kernels<S>, d: &[S], sums: &mut [Moment<S>]) {
    let stride = padded(sums[0].width());
    let rows = d.len() / stride;
    sums.par_iter_mut().enumerate().with_max_len(1).for_each(|(sum, moment)| {
        let own = &d[rows * sum / SUMS * stride..rows * (sum + 1) / SUMS * stride];
        own.chunks(ROWS * stride).for_each(|some| moment.add(kernels, some, some.len() / stride));
    });
}
