//! Step 2: what is made of the directions of a stage, and how far f falls along it.

use optkit_core::vector::dot;
use optkit_core::{CoarseSpace, Direction, GaussNewton, Source};

use super::{Combine, Control, TwoLevel, UNSEEN};
use crate::Partition;

/// Trial points of a combination at the most.
const TRIALS: u32 = 9;
/// Eigenvalues of the directions' Gram matrix (of unit directions) below this many times the error of a value are rounding,
/// as M is computed with the numbers that values are.
const DEPENDENT: f64 = 10.0;
/// At least this share.
const LEAST_DEPENDENT: f64 = 1e-13;
/// η: a step in a ball is taken where the ratio is above.
const ACCEPTANCE: f64 = 1e-4;

/// What came of a combination.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Combined {
    pub(super) moved: bool,
    /// Of the first trial.
    pub(super) ratio: f64,
    pub(super) predicted: f64,
    /// ‖s‖ of what was accepted, in the metric.
    pub(super) length: f64,
    pub(super) trials: u32,
}

/// Which vectors a combination is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Main,
    Tail,
    /// One part, whose step is that of [`Source::New`] where it holds the head.
    Part {
        part: usize,
        of_head: bool,
    },
}

impl Stage {
    /// Where its local steps are.
    fn source(self) -> Source {
        match self {
            Self::Main | Self::Part { of_head: true, .. } => Source::New,
            Self::Tail | Self::Part { of_head: false, .. } => Source::Tail,
        }
    }
}

impl TwoLevel {
    /// The directions of `stage`.
    fn span(&mut self, levels: &dyn GaussNewton, stage: Stage) {
        let previous = self.has_previous && self.options.combine == (Combine::Coarse { previous: true });
        self.directions.clear();
        let parts = match stage {
            Stage::Main | Stage::Tail => 0..self.partition.parts().len(),
            Stage::Part { part, .. } => part..part + 1,
        };
        for part in parts {
            let sources: &[Source] = match stage {
                Stage::Main if previous => &[Source::New, Source::Previous],
                Stage::Main => &[Source::New],
                Stage::Tail if levels.holds_head(part) => &[Source::Tail, Source::New, Source::Total],
                Stage::Part { of_head: true, .. } => &[Source::New, Source::Total],
                Stage::Tail | Stage::Part { .. } => &[Source::Tail, Source::Total],
            };
            self.directions.extend(sources.iter().map(|&source| Direction { part, source }));
        }
    }

    /// Move to the best that the directions of `stage` allow.
    pub(super) fn combine(&mut self, levels: &mut dyn GaussNewton, damping: f64, stage: Stage) -> Combined {
        self.span(levels, stage);
        let Self { directions, coarse, partition, options, gradient, tail_gradient, .. } = self;
        let Self { x, value, new, tail, total, previous, trial, .. } = self;
        let space = CoarseSpace { directions, new, tail, total, previous };
        coarse.resize(directions.len());
        gram(partition, &space, levels.metric(), &mut coarse.gram);
        let recombine = options.combine != Combine::Additive;
        if recombine {
            levels.coarse(&space, &mut coarse.matrix, &mut coarse.slopes);
            if !coarse.diagonalise((DEPENDENT * levels.noise()).max(LEAST_DEPENDENT)) {
                return Combined { predicted: f64::INFINITY, ratio: f64::NAN, ..Combined::default() };
            }
        } else {
            let source = stage.source();
            let gradient = if stage == Stage::Main { &*gradient } else { &*tail_gradient };
            for (a, d) in space.directions.iter().enumerate().filter(|(_, d)| d.source == source) {
                coarse.coefficients[a] = 1.0;
                let vector = space.vector(source);
                let of_range = |r: &std::ops::Range<usize>| dot(&gradient[r.clone()], &vector[r.clone()]);
                coarse.slopes[a] = partition.parts()[d.part].ranges().iter().map(of_range).sum();
            }
        }
        let mut radius = self.radius;
        let mut combined = Combined::default();
        for trials in 0..TRIALS {
            let length = match options.control {
                _ if !recombine => {
                    coarse.coefficients.iter_mut().for_each(|c| *c *= if trials > 0 { 0.5 } else { 1.0 });
                    coarse.length_of()
                }
                Control::Damping if trials == 0 => coarse.damped(damping),
                Control::Damping => coarse.halve(),
                Control::Radius => coarse.in_ball(radius),
            };
            let [reduction, slope] = coarse.reduction();
            // The damped model where it is μ that is controlled, the model itself where it is the radius.
            let predicted = match options.control {
                _ if !recombine => -0.5 * slope,
                Control::Damping => reduction - 0.5 * damping * length * length,
                Control::Radius => reduction,
            };
            // A part that has nothing left to gain costs no trial.
            let unseen = UNSEEN * levels.noise() * value.abs().max(1.0);
            if matches!(stage, Stage::Part { .. }) && (predicted.is_nan() || predicted <= unseen) {
                break;
            }
            trial.copy_from_slice(x);
            add(partition, &space, &coarse.coefficients, trial);
            let reached = levels.trial(&space, &coarse.coefficients, trial);
            let ratio = (*value - reached) / predicted;
            if trials == 0 {
                (combined.ratio, combined.predicted) = (ratio, predicted);
            }
            combined.trials += 1;
            let enough = options.control == Control::Damping || ratio > ACCEPTANCE;
            if reached < *value && enough {
                levels.accept();
                for ((total, new), old) in total.iter_mut().zip(&*trial).zip(&*x) {
                    *total += new - old;
                }
                std::mem::swap(x, trial);
                *value = reached;
                (combined.moved, combined.length) = (true, length);
                return combined;
            }
            radius = options.rule.shrink * radius.min(length);
        }
        combined.length = radius;
        combined
    }
}

/// N: inner products in the metric; those of different parts are zero.
fn gram(partition: &Partition, space: &CoarseSpace<'_>, metric: &[f64], to: &mut [f64]) {
    let k = space.directions.len();
    for (a, left) in space.directions.iter().enumerate() {
        for (b, right) in space.directions.iter().enumerate().take(a + 1) {
            let mut sum = 0.0;
            if left.part == right.part {
                let (u, v) = (space.vector(left.source), space.vector(right.source));
                for range in partition.parts()[left.part].ranges() {
                    let both = u[range.clone()].iter().zip(&v[range.clone()]);
                    sum += both.zip(&metric[range.clone()]).map(|((u, v), d)| d * u * v).sum::<f64>();
                }
            }
            to[a * k + b] = sum;
            to[b * k + a] = sum;
        }
    }
}

/// `to` ← `to` + Σ cₐdₐ.
fn add(partition: &Partition, space: &CoarseSpace<'_>, coefficients: &[f64], to: &mut [f64]) {
    for (d, &c) in space.directions.iter().zip(coefficients) {
        let vector = space.vector(d.source);
        for range in partition.parts()[d.part].ranges() {
            let both = to[range.clone()].iter_mut().zip(&vector[range.clone()]);
            both.for_each(|(to, v)| *to += c * v);
        }
    }
}
