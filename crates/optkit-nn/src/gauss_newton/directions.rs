//! Directions of the coarse space, and the images that are kept of them.

use std::ops::Range;

use optkit_core::{CoarseSpace, Source};

use crate::Scalar;
use crate::buffer::Buffer;
use crate::kernels::{Kernels, padded};
use crate::plan::{Plan, Use};
use crate::weights::transpose;

/// A direction in the order in which products read it.
#[derive(Debug)]
pub(crate) struct Packed<S> {
    /// Lowest dense layer that it moves.
    pub(crate) lowest: usize,
    /// Tensors that it moves, by dense layer.
    pub(crate) uses: Vec<Use>,
    pub(crate) source: Source,
    /// Vᵀ by dense layer, \[in, padded out\]; the lowest layer's is not needed: its image is kept.
    pub(crate) weights: Vec<Buffer<S>>,
    /// v by dense layer, padded; zero where it does not move the bias.
    pub(crate) biases: Vec<Buffer<S>>,
}

impl<S: Scalar> Packed<S> {
    pub(crate) fn new(plan: &Plan) -> Self {
        let weight = |(k, d): (usize, &crate::plan::Dense)| {
            Buffer::new(if k == 0 { 0 } else { d.inputs * padded(d.outputs) })
        };
        Self {
            lowest: 0,
            uses: vec![Use::default(); plan.dense.len()],
            source: Source::Tail,
            weights: plan.dense.iter().enumerate().map(weight).collect(),
            biases: plan.dense.iter().map(|d| Buffer::new(padded(d.outputs))).collect(),
        }
    }

    /// Take over `vector` of `source` at the tensors `uses`.
    pub(crate) fn pack(&mut self, plan: &Plan, uses: &[Use], source: Source, vector: &[f64]) {
        self.source = source;
        self.uses.copy_from_slice(uses);
        self.uses[0].weight &= source != Source::Tail;
        self.lowest = self.uses.iter().position(|u| u.weight || u.bias).unwrap_or(plan.dense.len() - 1);
        for (k, d) in plan.dense.iter().enumerate() {
            if self.uses[k].weight && k > 0 {
                let v = &vector[d.weight.clone()];
                transpose(v, d.inputs, &mut self.weights[k], padded(d.outputs));
            }
            let bias = &mut self.biases[k];
            if self.uses[k].bias {
                let v = &vector[d.bias.clone()];
                bias.iter_mut().zip(v).for_each(|(to, &v)| *to = S::from_f64(v));
            } else {
                bias.fill(S::ZERO);
            }
        }
    }
}

/// Images of a chunk under the lowest layer; empty where nothing is kept.
#[derive(Clone, Copy)]
pub(crate) struct Images<'a, S> {
    pub(crate) new: &'a [S],
    pub(crate) total: &'a [S],
    pub(crate) previous: &'a [S],
}

impl<'a, S> Images<'a, S> {
    /// Of rows `range`, `stride` numbers a row.
    pub(crate) fn rows(&self, range: &Range<usize>, stride: usize) -> Self {
        let of = |from: &'a [S]| {
            if from.is_empty() { from } else { &from[range.start * stride..range.end * stride] }
        };
        Self { new: of(self.new), total: of(self.total), previous: of(self.previous) }
    }

    /// The image of a vector; empty where nothing is kept of it.
    pub(crate) fn of(&self, source: Source) -> &'a [S] {
        match source {
            Source::Tail => &[],
            Source::New => self.new,
            Source::Total => self.total,
            Source::Previous => self.previous,
        }
    }
}

/// What a trial adds to the lowest outputs: a bias, and images times coefficients.
#[derive(Debug)]
pub(crate) struct Shift<S> {
    bias: Buffer<S>,
    sums: Vec<f64>,
    new: S,
    total: S,
    previous: S,
}

impl<S: Scalar> Shift<S> {
    pub(crate) fn new(plan: &Plan) -> Self {
        let bias = Buffer::new(padded(plan.dense[0].outputs));
        let sums = vec![0.0; plan.dense[0].outputs];
        Self { bias, sums, new: S::ZERO, total: S::ZERO, previous: S::ZERO }
    }

    /// Of `coefficients` times the directions of `space`, whose parts move the tensors `uses`.
    pub(crate) fn set(
        &mut self,
        plan: &Plan,
        uses: &[Vec<Use>],
        space: &CoarseSpace<'_>,
        coefficients: &[f64],
    ) {
        let [mut new, mut total, mut previous] = [0.0; 3];
        self.sums.fill(0.0);
        for (d, &c) in space.directions.iter().zip(coefficients) {
            let moves = uses[d.part][0];
            if moves.weight {
                match d.source {
                    Source::New => new += c,
                    Source::Total => total += c,
                    Source::Previous => previous += c,
                    Source::Tail => {}
                }
            }
            if moves.bias {
                let v = &space.vector(d.source)[plan.dense[0].bias.clone()];
                self.sums.iter_mut().zip(v).for_each(|(to, v)| *to += c * v);
            }
        }
        [self.new, self.total, self.previous] = [new, total, previous].map(S::from_f64);
        self.bias.iter_mut().zip(&self.sums).for_each(|(to, &v)| *to = S::from_f64(v));
    }

    /// `to` ← z + Σ c·image + bias and `total` ← total + Σ c·image, for a block of rows.
    pub(crate) fn apply(
        &self,
        kernels: &Kernels<S>,
        z: &[S],
        images: Images<'_, S>,
        to: &mut [S],
        total: &mut [S],
    ) {
        total.fill(S::ZERO);
        let terms = [(images.new, self.new), (images.previous, self.previous), (images.total, self.total)];
        for (image, c) in terms {
            if c != S::ZERO && !image.is_empty() {
                (kernels.add_scaled)(image, c, total);
            }
        }
        (kernels.shift_by)(z, total, &self.bias, to);
        if !images.total.is_empty() {
            (kernels.add_scaled)(images.total, S::ONE, total);
        }
    }
}
