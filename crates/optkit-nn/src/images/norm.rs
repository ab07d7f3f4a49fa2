//! Batch normalisation over a mini-batch, or over groups of its samples, with what is added behind it and a relu.
//!
//! ```text
//! y = relu(γ (x − μ)/√(σ² + ε) + β + residual)
//! ∂ℓ/∂x = γ/√(σ² + ε) · (d − mean(d) − x̂ mean(d x̂)),    d = ∂ℓ/∂y where y > 0,   x̂ = (x − μ)/√(σ² + ε)
//! ```
//!
//! The backward pass is a line in d and x for every channel, so that nothing but x is kept.

use std::ops::Range;

use rayon::prelude::*;

use super::plan::Norm;
use super::shape::Shape;
use super::state::in_parts;
use crate::Scalar;
use crate::kernels::{BackLines, Grid, Kernels, Lines};

/// Mean and variance (divided by the count) of every channel, by group.
#[derive(Clone, Debug, Default)]
pub(crate) struct Moments {
    pub(crate) mean: Vec<f64>,
    pub(crate) variance: Vec<f64>,
    /// Values of each group.
    pub(crate) counts: Vec<usize>,
}

impl Moments {
    /// Empty, with room for so many groups.
    fn make_room(&mut self, groups: usize, channels: usize) {
        for to in [&mut self.mean, &mut self.variance] {
            to.clear();
            to.reserve(groups * channels);
        }
        self.counts.clear();
        self.counts.reserve(groups);
    }

    /// None, with the room that there is.
    pub(crate) fn clear(&mut self) {
        self.mean.clear();
        self.variance.clear();
        self.counts.clear();
    }

    /// Take over those of `other`, with as much room.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.make_room(other.counts.capacity(), other.mean.len() / other.counts.len().max(1));
        self.append(other);
    }

    /// Those of further groups.
    pub(crate) fn append(&mut self, other: &Self) {
        self.mean.extend_from_slice(&other.mean);
        self.variance.extend_from_slice(&other.variance);
        self.counts.extend_from_slice(&other.counts);
    }
}

/// Room for sums and lines, used again and again.
#[derive(Debug, Default)]
pub(crate) struct NormRoom<S> {
    partial: Vec<f64>,
    sums: Vec<f64>,
    lines: [Vec<S>; 4],
}

impl<S: Scalar> NormRoom<S> {
    /// For any of the samples.
    pub(crate) fn sums(&mut self, shape: Shape, width: usize) -> (&mut [f64], &mut [f64]) {
        let partial = Grid::new(shape.pixels, shape.most).groups() * width;
        if self.partial.len() < partial {
            self.partial.resize(partial, 0.0);
        }
        if self.sums.len() < width {
            self.sums.resize(width, 0.0);
        }
        (&mut self.partial, &mut self.sums[..width])
    }
}

/// What a normalisation's outputs change with; absent or empty where that does not change.
pub(crate) struct NormTangent<'a, S> {
    pub(crate) x: Option<&'a [S]>,
    /// R{γ} and R{β}.
    pub(crate) weight: &'a [S],
    pub(crate) bias: &'a [S],
    pub(crate) residual: Option<&'a [S]>,
}

fn fitted<S: Scalar>(line: &mut Vec<S>, stride: usize) -> &mut [S] {
    line.clear();
    line.resize(stride, S::ZERO);
    line
}

impl Norm {
    /// Samples that are normalised together.
    fn groups(&self, shape: Shape) -> impl Iterator<Item = Range<usize>> {
        let ghost = self.setting.ghost.unwrap_or(shape.samples).max(1);
        in_parts(shape.samples, shape.together).flat_map(move |part| {
            let end = part.end;
            part.step_by(ghost).map(move |start| start..(start + ghost).min(end))
        })
    }

    /// Mean and variance of every group.
    pub(crate) fn moments<S: Scalar>(
        &self,
        kernels: &Kernels<S>,
        shape: Shape,
        x: &[S],
        room: &mut NormRoom<S>,
        to: &mut Moments,
    ) {
        to.make_room(self.groups(Shape { samples: shape.most, ..shape }).count(), shape.channels);
        for group in self.groups(shape) {
            let grid = Grid::of(shape.pixels, shape.samples, group.clone());
            let shift = shape.rows(x, 0, &(group.start..group.start + 1));
            let (partial, sums) = room.sums(shape, 2 * shape.stride);
            grid.sum_of(partial, sums, |pixel, some, sums| {
                (kernels.moments)(shape.rows(x, pixel, &some), shift, sums);
            });
            let count = group.len() * shape.pixels;
            let (firsts, seconds) = sums.split_at(shape.stride);
            for c in 0..shape.channels {
                let off = firsts[c] / count as f64;
                to.mean.push(shift[c].to_f64() + off);
                let variance = seconds[c] / count as f64 - off * off;
                // A NaN stays one; rounding may have gone below 0.
                to.variance.push(if variance < 0.0 { 0.0 } else { variance });
            }
            to.counts.push(count);
        }
    }

    /// y, from moments of the mini-batch, or, where these are empty, from the running averages.
    pub(crate) fn apply<S: Scalar>(
        &self,
        kernels: &Kernels<S>,
        shape: Shape,
        (theta, x, residual): (&[S], &[S], &[S]),
        (mean, variance): (&[f64], &[f64]),
        room: &mut NormRoom<S>,
        y: &mut [S],
    ) {
        let whole = mean.len() == shape.channels;
        let all = std::iter::once(0..shape.samples).filter(|_| whole);
        let groups = all.chain(self.groups(shape).filter(|_| !whole));
        for (g, group) in groups.enumerate() {
            let [scale, shift, ..] = &mut room.lines;
            let (scale, shift) = (fitted(scale, shape.stride), fitted(shift, shape.stride));
            for c in 0..shape.channels {
                let at = g * shape.channels + c;
                let factor = theta[self.weight.start + c].to_f64() / (variance[at] + self.setting.eps).sqrt();
                scale[c] = S::from_f64(factor);
                shift[c] = S::from_f64(theta[self.bias.start + c].to_f64() - mean[at] * factor);
            }
            let lines = Lines { scale, shift };
            Grid::of(shape.pixels, shape.samples, group).for_each(y, shape.stride, |pixel, some, y| {
                let residual =
                    if residual.is_empty() { residual } else { shape.rows(residual, pixel, &some) };
                (kernels.affine)(shape.rows(x, pixel, &some), lines, residual, self.relu, y);
            });
        }
    }

    /// `of_weight` += Σ (Σ d x̂)² and `of_bias` += Σ (Σ d)² by channel, the outer sums over the samples and the inner ones
    /// over a sample's pixels; d counts where y > 0.
    pub(crate) fn add_squares<S: Scalar>(
        &self,
        shape: Shape,
        [x, y, d]: [&[S]; 3],
        moments: &Moments,
        sums: &mut Vec<f64>,
        (of_weight, of_bias): (&mut [f64], &mut [f64]),
    ) {
        /// Samples that one task looks at.
        const SAMPLES: usize = 16;
        let c = shape.channels;
        for (g, group) in self.groups(shape).enumerate() {
            let at = g * c..(g + 1) * c;
            let (mean, variance) = (&moments.mean[at.clone()], &moments.variance[at]);
            sums.clear();
            sums.reserve(shape.most.div_ceil(SAMPLES) * 4 * c);
            sums.resize(group.len().div_ceil(SAMPLES) * 4 * c, 0.0);
            sums.par_chunks_exact_mut(4 * c).enumerate().for_each(|(chunk, sums)| {
                let (squares, of_sample) = sums.split_at_mut(2 * c);
                let first = group.start + chunk * SAMPLES;
                for n in first..(first + SAMPLES).min(group.end) {
                    of_sample.fill(0.0);
                    for pixel in 0..shape.pixels {
                        let row = (pixel * shape.samples + n) * shape.stride;
                        for c in (0..c).filter(|c| !self.relu || y[row + c] > S::ZERO) {
                            let d = d[row + c].to_f64();
                            of_sample[c] += d * (x[row + c].to_f64() - mean[c]);
                            of_sample[shape.channels + c] += d;
                        }
                    }
                    squares.iter_mut().zip(&*of_sample).for_each(|(square, sum)| *square += sum * sum);
                }
            });
            for sums in sums.chunks_exact(4 * c) {
                for c in 0..c {
                    of_weight[c] += sums[c] / (variance[c] + self.setting.eps);
                    of_bias[c] += sums[shape.channels + c];
                }
            }
        }
    }

    /// The first half of the way back: d ← d where y > 0, and its sums, by group, for the second half. Adds the
    /// gradients of γ and β to `gradient`, which is of all parameters.
    pub(crate) fn gradient_sums<S: Scalar>(
        &self,
        kernels: &Kernels<S>,
        shape: Shape,
        (x, y): (&[S], &[S]),
        moments: &Moments,
        d: &mut [S],
        (room, sums_of_groups): (&mut NormRoom<S>, &mut Vec<f64>),
    ) {
        sums_of_groups.clear();
        let groups = self.groups(Shape { samples: shape.most, ..shape }).count();
        sums_of_groups.reserve(groups * 2 * shape.stride);
        for (g, group) in self.groups(shape).enumerate() {
            let grid = Grid::of(shape.pixels, shape.samples, group);
            let mut center = std::mem::take(&mut room.lines[0]);
            let mean = &moments.mean[g * shape.channels..][..shape.channels];
            fitted(&mut center, shape.stride).iter_mut().zip(mean).for_each(|(to, &m)| *to = S::from_f64(m));
            let (partial, sums) = room.sums(shape, 2 * shape.stride);
            grid.sum(d, shape.stride, (partial, &mut *sums), |pixel, some, d, sums| {
                if self.relu {
                    (kernels.relu_gradient)(shape.rows(y, pixel, &some), d);
                }
                (kernels.gradient_moments)(shape.rows(x, pixel, &some), &center, d, sums);
            });
            // Of x − μ: what rounding the center has left.
            for c in 0..shape.channels {
                sums[shape.stride + c] -= (mean[c] - center[c].to_f64()) * sums[c];
            }
            sums_of_groups.extend_from_slice(sums);
            room.lines[0] = center;
        }
    }

    /// Gradients of γ and β from the sums, into `gradient`, which is of all parameters.
    pub(crate) fn tensor_gradients(
        &self,
        shape: Shape,
        moments: &Moments,
        sums: &[f64],
        gradient: &mut [f64],
    ) {
        gradient[self.weight.clone()].fill(0.0);
        gradient[self.bias.clone()].fill(0.0);
        for (g, sums) in sums.chunks_exact(2 * shape.stride).enumerate() {
            for c in 0..shape.channels {
                let deviation = (moments.variance[g * shape.channels + c] + self.setting.eps).sqrt();
                gradient[self.weight.start + c] += sums[shape.stride + c] / deviation;
                gradient[self.bias.start + c] += sums[c];
            }
        }
    }

    /// The second half of the way back: ∂ℓ/∂x from d, in its place or into `to`.
    pub(crate) fn input_gradient<S: Scalar>(
        &self,
        kernels: &Kernels<S>,
        shape: Shape,
        (theta, x): (&[S], &[S]),
        (moments, sums): (&Moments, &[f64]),
        room: &mut NormRoom<S>,
        (d, mut to): (&mut [S], Option<&mut [S]>),
    ) {
        for (g, group) in self.groups(shape).enumerate() {
            let sums = &sums[g * 2 * shape.stride..][..2 * shape.stride];
            let [center, by_d, by_x, constant] = &mut room.lines;
            let (center, by_d) = (fitted(center, shape.stride), fitted(by_d, shape.stride));
            let (by_x, constant) = (fitted(by_x, shape.stride), fitted(constant, shape.stride));
            let count = moments.counts[g] as f64;
            for c in 0..shape.channels {
                let at = g * shape.channels + c;
                let inverse = 1.0 / (moments.variance[at] + self.setting.eps).sqrt();
                let factor = theta[self.weight.start + c].to_f64() * inverse;
                let of_x = -factor * inverse * inverse * sums[shape.stride + c] / count;
                center[c] = S::from_f64(moments.mean[at]);
                let rest = moments.mean[at] - center[c].to_f64();
                by_d[c] = S::from_f64(factor);
                by_x[c] = S::from_f64(of_x);
                constant[c] = S::from_f64(-factor * sums[c] / count - of_x * rest);
            }
            let lines = BackLines { center, by_d, by_x, constant };
            let grid = Grid::of(shape.pixels, shape.samples, group);
            match &mut to {
                None => grid.for_each(d, shape.stride, |pixel, some, d| {
                    (kernels.affine_gradient)(shape.rows(x, pixel, &some), lines, d);
                }),
                Some(to) => {
                    let d = &*d;
                    grid.for_each(to, shape.stride, |pixel, some, to| {
                        let (x, d) = (shape.rows(x, pixel, &some), shape.rows(d, pixel, &some));
                        (kernels.affine_gradient_to)(x, lines, d, to);
                    });
                }
            }
        }
    }

    /// R{y}: the moments move with x,
    ///
    /// ```text
    /// R{y} = γ/√(σ² + ε) · (R{x} − mean(R{x}) − x̂ mean(x̂ R{x})) + R{γ} x̂ + R{β} + R{residual}     where y > 0
    /// ```
    pub(crate) fn tangent<S: Scalar>(
        &self,
        kernels: &Kernels<S>,
        shape: Shape,
        (theta, x, y): (&[S], &[S], &[S]),
        moments: &Moments,
        of: &NormTangent<'_, S>,
        (room, ry): (&mut NormRoom<S>, &mut [S]),
    ) {
        for (g, group) in self.groups(shape).enumerate() {
            let grid = Grid::of(shape.pixels, shape.samples, group.clone());
            let at = g * shape.channels..(g + 1) * shape.channels;
            let (mean, variance) = (&moments.mean[at.clone()], &moments.variance[at]);
            let mut center = std::mem::take(&mut room.lines[0]);
            fitted(&mut center, shape.stride).iter_mut().zip(mean).for_each(|(to, &m)| *to = S::from_f64(m));
            let mut lines = std::mem::take(&mut room.lines);
            let [_, by_d, by_x, constant] = &mut lines;
            let (by_d, by_x, constant) =
                (fitted(by_d, shape.stride), fitted(by_x, shape.stride), fitted(constant, shape.stride));
            let (partial, sums) = room.sums(shape, 2 * shape.stride);
            sums.fill(0.0);
            if let Some(rx) = of.x {
                grid.sum_of(partial, &mut *sums, |pixel, some, sums| {
                    let (x, rx) = (shape.rows(x, pixel, &some), shape.rows(rx, pixel, &some));
                    (kernels.gradient_moments)(x, &center, rx, sums);
                });
            }
            let count = (group.len() * shape.pixels) as f64;
            for c in 0..shape.channels {
                let inverse = 1.0 / (variance[c] + self.setting.eps).sqrt();
                let factor = theta[self.weight.start + c].to_f64() * inverse;
                let [of_weight, of_bias] = [of.weight, of.bias].map(|r| r.get(c).map_or(0.0, |r| r.to_f64()));
                // Of x − μ: what rounding the center has left.
                let rest = mean[c] - center[c].to_f64();
                let product = sums[shape.stride + c] - rest * sums[c];
                let of_x = inverse * (of_weight - factor * inverse * product / count);
                by_d[c] = S::from_f64(if of.x.is_some() { factor } else { 0.0 });
                by_x[c] = S::from_f64(of_x);
                constant[c] = S::from_f64(of_bias - factor * sums[c] / count - of_x * rest);
            }
            let by = BackLines { center: &center, by_d, by_x, constant };
            grid.for_each(ry, shape.stride, |pixel, some, ry| {
                let (x, rx) = (shape.rows(x, pixel, &some), shape.rows(of.x.unwrap_or(x), pixel, &some));
                (kernels.affine_gradient_to)(x, by, rx, ry);
                if let Some(residual) = of.residual {
                    (kernels.add_scaled)(shape.rows(residual, pixel, &some), S::ONE, ry);
                }
                if self.relu {
                    (kernels.relu_gradient)(shape.rows(y, pixel, &some), ry);
                }
            });
            room.lines = lines;
            room.lines[0] = center;
        }
    }

    /// The running averages move towards the moments, group by group; their variance is divided by the count less one.
    pub(crate) fn move_averages(&self, moments: &Moments, running: &mut [f64]) {
        let m = self.setting.momentum;
        let channels = self.weight.len();
        for (g, &count) in moments.counts.iter().enumerate() {
            // Of one value there is no such variance; PyTorch refuses to train on it.
            let unbiased = count as f64 / (count.max(2) - 1) as f64;
            for c in 0..channels {
                let at = g * channels + c;
                let (mean, variance) = (&mut running[self.mean.start + c], moments.variance[at] * unbiased);
                *mean += m * (moments.mean[at] - *mean);
                let average = &mut running[self.variance.start + c];
                *average += m * (variance - *average);
            }
        }
    }
}
