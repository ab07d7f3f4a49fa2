//! The end of a walk through the network: outputs against targets, and the gradient to begin the way back with.

use std::ops::Range;

use crate::kernels::{CrossEntropy, Kernels, SoftmaxTangent, padded};
use crate::targets::TargetKind;
use crate::{Loss, Scalar, Targets};

/// What is made of the outputs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Head {
    Loss(Loss),
    /// Number of samples whose largest output is at the label.
    Hits,
}

/// A block of outputs, \[rows, padded width\].
pub(crate) struct Outputs<'a, S> {
    pub(crate) outputs: &'a [S],
    pub(crate) width: usize,
    pub(crate) rows: Range<usize>,
    /// Number of samples of the whole evaluation.
    pub(crate) count: usize,
    /// Gradient of the mean loss, written here; empty: not wanted.
    pub(crate) gradient: &'a mut [S],
}

/// What the gradient of a block of outputs is differentiated from.
pub(crate) struct Tangent<'a, S> {
    /// ∂ℓ/∂y, as [`Head::run`] wrote it.
    pub(crate) gradient: &'a [S],
    /// R{y}.
    pub(crate) outputs: &'a [S],
    pub(crate) width: usize,
    pub(crate) rows: Range<usize>,
    /// Number of samples of the whole evaluation.
    pub(crate) count: usize,
    /// R{∂ℓ/∂y}, written here.
    pub(crate) to: &'a mut [S],
}

/// One sample, whose factor of the loss's curvature is wanted.
pub(crate) struct FactorRow<'a, S> {
    /// ∂ℓ/∂y of the mean, as [`Head::run`] wrote it.
    pub(crate) gradient: &'a [S],
    pub(crate) outputs: &'a [S],
    /// The sample.
    pub(crate) row: usize,
    pub(crate) width: usize,
    /// Number of samples of the whole evaluation.
    pub(crate) count: usize,
    /// \[width, padded width\]: rows sₖ with Σₖ sₖsₖᵀ = ∂²ℓ/∂y² of this sample's loss.
    pub(crate) to: &'a mut [S],
}

impl Head {
    /// What the sum over the samples is multiplied with.
    pub(crate) fn factor(self, count: usize, width: usize) -> f64 {
        match self {
            Self::Loss(Loss::CrossEntropy) | Self::Hits => 1.0 / count as f64,
            Self::Loss(Loss::MeanSquared | Loss::BinaryCrossEntropy) => 1.0 / (count as f64 * width as f64),
        }
    }

    /// The sum over a block's samples.
    pub(crate) fn run<S: Scalar>(
        self,
        kernels: &Kernels<S>,
        targets: &Targets,
        block: Outputs<'_, S>,
    ) -> f64 {
        let rows = block.rows.clone();
        match (self, &targets.kind) {
            (Self::Loss(Loss::CrossEntropy), TargetKind::Labels(labels)) => {
                let hard = (kernels.cross_entropy)(CrossEntropy {
                    logits: block.outputs,
                    labels: &labels[rows.clone()],
                    width: block.width,
                    stride: padded(block.width),
                    gradient: &mut *block.gradient,
                    scale: S::from_f64(1.0 / block.count as f64),
                });
                if targets.smoothing == 0.0 { hard } else { hard + smoothed(targets, &labels[rows], block) }
            }
            (Self::Loss(Loss::MeanSquared), _) => squares(targets, block),
            (Self::Loss(Loss::BinaryCrossEntropy), _) => bernoulli(targets, block),
            (Self::Hits, TargetKind::Labels(labels)) => hits(&block, &labels[rows]),
            (Self::Loss(Loss::CrossEntropy) | Self::Hits, TargetKind::Values(_)) => {
                unreachable!("checked when the objective was made: this head takes labels")
            }
        }
    }
}

impl Head {
    /// The tangent of a loss's gradient.
    pub(crate) fn tangent<S: Scalar>(self, kernels: &Kernels<S>, targets: &Targets, block: Tangent<'_, S>) {
        match (self, &targets.kind) {
            (Self::Loss(Loss::CrossEntropy), TargetKind::Labels(labels)) => {
                let Tangent { gradient, outputs, width, rows, count, to } = block;
                let scale = |is_label| S::from_f64(targets.probability(is_label) / count as f64);
                (kernels.softmax_tangent)(SoftmaxTangent {
                    gradient,
                    outputs,
                    labels: &labels[rows],
                    width,
                    stride: padded(width),
                    at_label: scale(true),
                    other: scale(false),
                    count: S::from_f64(count as f64),
                    to,
                });
            }
            (Self::Loss(Loss::MeanSquared), _) => {
                let scale = S::from_f64(2.0 / (block.count as f64 * block.width as f64));
                block.to.iter_mut().zip(block.outputs).for_each(|(to, &ry)| *to = scale * ry);
            }
            (Self::Loss(Loss::BinaryCrossEntropy), _) => bernoulli_tangent(targets, block),
            (Self::Loss(Loss::CrossEntropy) | Self::Hits, _) => {
                unreachable!("checked when the objective was made: this head has a gradient")
            }
        }
    }
}

impl Head {
    /// The exact factor of the curvature of one sample's loss in its outputs. Of cross-entropy diag p − ppᵀ has the rows
    /// √pₖ (eₖ − p); the other losses' curvature is diagonal.
    pub(crate) fn factor_rows<S: Scalar>(self, targets: &Targets, sample: FactorRow<'_, S>) {
        let FactorRow { gradient, outputs, row, width, count, to } = sample;
        let stride = padded(width);
        to.fill(S::ZERO);
        match (self, &targets.kind) {
            (Self::Loss(Loss::CrossEntropy), TargetKind::Labels(labels)) => {
                let label = labels[row] as usize;
                let count = S::from_f64(count as f64);
                let [at_label, other] = [true, false].map(|is| S::from_f64(targets.probability(is)));
                let p = |c: usize| count * gradient[c] + if c == label { at_label } else { other };
                for (k, to) in to.chunks_exact_mut(stride).enumerate() {
                    let root = S::from_f64(p(k).to_f64().max(0.0).sqrt());
                    to[..width].iter_mut().enumerate().for_each(|(c, to)| *to = -root * p(c));
                    to[k] += root;
                }
            }
            (Self::Loss(Loss::MeanSquared), _) => {
                let root = S::from_f64((2.0 / width as f64).sqrt());
                to.chunks_exact_mut(stride).enumerate().for_each(|(k, to)| to[k] = root);
            }
            (Self::Loss(Loss::BinaryCrossEntropy), _) => {
                for (k, to) in to.chunks_exact_mut(stride).enumerate() {
                    let p = outputs[k].sigmoid();
                    let curvature = (p * (S::ONE - p)).to_f64() / width as f64;
                    to[k] = S::from_f64(curvature.sqrt());
                }
            }
            (Self::Loss(Loss::CrossEntropy) | Self::Hits, _) => {
                unreachable!("checked when the objective was made: this head has a curvature")
            }
        }
    }
}

/// What smoothing adds to the loss of hard labels: with t = (1 − ε) e + ε/K, e being 1 at the label,
///
/// ```text
/// Σ log Σ eʸ − tᵀy  =  Σ (log Σ eʸ − eᵀy) + ε Σ (eᵀy − mean y),      p − t  =  (p − e) + ε (e − 1/K)
/// ```
fn smoothed<S: Scalar>(targets: &Targets, labels: &[u32], block: Outputs<'_, S>) -> f64 {
    let Outputs { outputs, width, rows: _, count, gradient } = block;
    let (stride, smoothing) = (padded(width), targets.smoothing);
    let scale = smoothing / count as f64;
    let (at_label, everywhere) = (S::from_f64(scale), S::from_f64(scale / width as f64));
    let mut sum = 0.0;
    for (r, &label) in labels.iter().enumerate() {
        let row = &outputs[r * stride..r * stride + width];
        let mean = row.iter().map(|y| y.to_f64()).sum::<f64>() / width as f64;
        sum += row[label as usize].to_f64() - mean;
        if !gradient.is_empty() {
            let gradient = &mut gradient[r * stride..r * stride + width];
            gradient.iter_mut().for_each(|g| *g = *g - everywhere);
            gradient[label as usize] += at_label;
        }
    }
    smoothing * sum
}

/// Σ (y − t)² and, where wanted, 2(y − t)/(count·width).
fn squares<S: Scalar>(targets: &Targets, block: Outputs<'_, S>) -> f64 {
    let Outputs { outputs, width, rows, count, gradient } = block;
    let stride = padded(width);
    let scale = S::from_f64(2.0 / (count as f64 * width as f64));
    let mut sum = 0.0;
    for (r, row) in rows.enumerate() {
        let outputs = &outputs[r * stride..r * stride + width];
        for (c, &y) in outputs.iter().enumerate() {
            let difference = y - S::from_f64(targets.number(row, c));
            sum += difference.to_f64() * difference.to_f64();
            if let Some(g) = gradient.get_mut(r * stride + c) {
                *g = scale * difference;
            }
        }
        if !gradient.is_empty() {
            gradient[r * stride + width..(r + 1) * stride].fill(S::ZERO);
        }
    }
    sum
}

/// Σ log(1 + eʸ) − ty and, where wanted, (σ(y) − t)/(count·width).
fn bernoulli<S: Scalar>(targets: &Targets, block: Outputs<'_, S>) -> f64 {
    let Outputs { outputs, width, rows, count, gradient } = block;
    let stride = padded(width);
    let scale = S::from_f64(1.0 / (count as f64 * width as f64));
    let mut sum = 0.0;
    for (r, row) in rows.enumerate() {
        let outputs = &outputs[r * stride..r * stride + width];
        for (c, &y) in outputs.iter().enumerate() {
            let target = targets.number(row, c);
            let logit = y.to_f64();
            // log(1 + eʸ) = max(y, 0) + log(1 + e⁻|ʸ|), which cannot overflow; a NaN stays one.
            let positive = if logit < 0.0 { 0.0 } else { logit };
            sum += positive + (-logit.abs()).exp().ln_1p() - target * logit;
            if let Some(g) = gradient.get_mut(r * stride + c) {
                *g = scale * (y.sigmoid() - S::from_f64(target));
            }
        }
        if !gradient.is_empty() {
            gradient[r * stride + width..(r + 1) * stride].fill(S::ZERO);
        }
    }
    sum
}

/// R{σ(y) − t} = σ(1 − σ) R{y}, with σ/(count·width) the gradient plus t/(count·width).
fn bernoulli_tangent<S: Scalar>(targets: &Targets, block: Tangent<'_, S>) {
    let Tangent { gradient, outputs, width, rows, count, to } = block;
    let stride = padded(width);
    let all = S::from_f64(count as f64 * width as f64);
    let scale = S::from_f64(1.0 / (count as f64 * width as f64));
    to.fill(S::ZERO);
    for (r, row) in rows.enumerate() {
        for i in r * stride..r * stride + width {
            let target = S::from_f64(targets.number(row, i - r * stride));
            let p = gradient[i] * all + target;
            to[i] = scale * p * (S::ONE - p) * outputs[i];
        }
    }
}

/// Rows whose first largest output is at the label; a row with a NaN is none.
fn hits<S: Scalar>(block: &Outputs<'_, S>, labels: &[u32]) -> f64 {
    let rows = block.outputs.chunks_exact(padded(block.width)).zip(labels);
    let hit = |(row, &label): (&[S], &u32)| {
        let (label, row) = (label as usize, &row[..block.width]);
        let at_label = row[label];
        let before = row[..label].iter().all(|&y| y < at_label);
        before && row[label..].iter().all(|&y| y <= at_label)
    };
    rows.filter(|&row| hit(row)).count() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hit_is_the_first_largest_output() {
        let outputs: Vec<f32> = [[1.0, 2.0, 2.0], [f32::NAN, 0.0, 0.0], [3.0, 3.0, 3.0]]
            .iter()
            .flat_map(|r| r.iter().copied().chain([9.0; 13]))
            .collect();
        let count = |labels: &[u32]| {
            let block = Outputs { outputs: &outputs, width: 3, rows: 0..3, count: 3, gradient: &mut [] };
            hits(&block, labels)
        };
        assert_eq!(count(&[1, 1, 0]), 2.0);
        assert_eq!(count(&[2, 2, 1]), 0.0);
    }
}
