//! Convolutions, normalisations and windows of every kernel that runs here, against their definitions in `f64`.

mod packing;

use super::convolution::{Convolution, Weights};
use super::geometry::Extents;
use super::norm::{Moments, NormRoom};
use super::plan::Norm;
use super::pool::Pool;
use super::shape::Shape;
use crate::buffer::Buffer;
use crate::kernels::{DOUBLE, Kernels, padded, usable};
use crate::{BatchNorm, Scalar};

/// Numbers in (−1, 1) that look random, exact in `f32`.
fn numbers(count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        f64::from((state >> 40) as f32 / (1_u64 << 24) as f32 * 2.0 - 1.0)
    };
    (0..count).map(|_| next()).collect()
}

fn of<S: Scalar>(values: &[f64]) -> Vec<S> {
    values.iter().map(|&v| S::from_f64(v)).collect()
}

#[track_caller]
fn agree<S: Scalar>(what: &str, got: &[S], expected: &[f64]) {
    let tolerance = if size_of::<S>() == 4 { 2e-5 } else { 1e-12 };
    assert_eq!(got.len(), expected.len());
    for (i, (g, e)) in got.iter().zip(expected).enumerate() {
        assert!((g.to_f64() - e).abs() <= tolerance * e.abs().max(1.0), "{what}[{i}]: {g:?}, expected {e}");
    }
}

/// A convolution to be tried: extents, channels, outputs, groups, samples.
type Trial = (Extents, usize, usize, usize, usize);

fn trials() -> Vec<Trial> {
    let plain = |input, kernel, stride, pad| Extents {
        input: [input; 2],
        kernel: [kernel; 2],
        stride: [stride; 2],
        pad: [pad; 2],
        dilation: [1; 2],
    };
    vec![
        (plain(5, 3, 1, 1), 32, 64, 1, 64),
        (plain(4, 1, 1, 0), 17, 33, 1, 27),
        (plain(7, 3, 2, 1), 16, 40, 1, 13),
        (plain(1, 3, 1, 1), 40, 48, 1, 70),
        (plain(6, 5, 3, 2), 3, 10, 1, 1),
        (plain(9, 3, 1, 2), 8, 8, 1, 5),
        (Extents { dilation: [2, 3], ..plain(9, 3, 1, 2) }, 20, 7, 1, 14),
        (plain(5, 3, 1, 1), 36, 72, 3, 15),
        (plain(5, 3, 1, 1), 24, 24, 24, 9),
        (plain(5, 2, 2, 0), 12, 36, 4, 130),
        (
            Extents { input: [6, 4], kernel: [1, 3], stride: [2, 1], pad: [0, 1], dilation: [1, 1] },
            9,
            16,
            1,
            20,
        ),
        (Extents::whole([3, 5]), 7, 11, 1, 66),
        (Extents::whole([1, 1]), 100, 10, 1, 200),
    ]
}

/// x, w, b, dz in the orders of definitions: \[n\]\[c\]\[y\]\[x\] and \[o\]\[c\]\[tap\].
struct Definition {
    e: Extents,
    channels: usize,
    outputs: usize,
    groups: usize,
    samples: usize,
}

impl Definition {
    /// `f(index of x, index of w, index of z)` for all terms.
    fn terms(&self, mut f: impl FnMut(usize, usize, usize)) {
        let ([rows, columns], taps) = (self.e.output(), self.e.taps());
        let (own, seen) = (self.outputs / self.groups, self.channels / self.groups);
        for n in 0..self.samples {
            for o in 0..self.outputs {
                for (p, c) in (0..rows * columns).flat_map(|p| (0..seen).map(move |c| (p, c))) {
                    for t in 0..taps {
                        let y = p / columns * self.e.stride[0] + t / self.e.kernel[1] * self.e.dilation[0];
                        let x = p % columns * self.e.stride[1] + t % self.e.kernel[1] * self.e.dilation[1];
                        let (y, x) = (y.wrapping_sub(self.e.pad[0]), x.wrapping_sub(self.e.pad[1]));
                        if y < self.e.input[0] && x < self.e.input[1] {
                            let channel = n * self.channels + o / own * seen + c;
                            let x = (channel * self.e.input[0] + y) * self.e.input[1] + x;
                            f(x, (o * seen + c) * taps + t, (n * self.outputs + o) * rows * columns + p);
                        }
                    }
                }
            }
        }
    }
}

/// \[n\]\[c\]\[p\] to \[p\]\[n\]\[padded c\].
fn layout<S: Scalar>(values: &[f64], [samples, channels, pixels]: [usize; 3]) -> Vec<S> {
    let stride = padded(channels);
    let mut to = vec![S::ZERO; pixels * samples * stride];
    for (i, &v) in values.iter().enumerate() {
        let (n, c, p) = (i / pixels / channels, i / pixels % channels, i % pixels);
        to[(p * samples + n) * stride + c] = S::from_f64(v);
    }
    to
}

fn from_layout<S: Scalar>(values: &[S], [samples, channels, pixels]: [usize; 3]) -> Vec<S> {
    let stride = padded(channels);
    let at = |i: usize| (i / pixels / channels, i / pixels % channels, i % pixels);
    let place = |(n, c, p): (usize, usize, usize)| values[(p * samples + n) * stride + c];
    (0..samples * channels * pixels).map(|i| place(at(i))).collect()
}

/// \[n\]\[c\]\[y\]\[x\] to the padded image.
fn image<S: Scalar>(values: &[f64], e: &Extents, channels: usize, samples: usize) -> Vec<S> {
    let [height, width] = [e.input[0] + 2 * e.pad[0], e.input[1] + 2 * e.pad[1]];
    let mut to = vec![S::ZERO; height * samples * width * channels];
    let pixels = e.input[0] * e.input[1];
    for (i, &v) in values.iter().enumerate() {
        let (n, c, p) = (i / pixels / channels, i / pixels % channels, i % pixels);
        let (y, x) = (p / e.input[1] + e.pad[0], p % e.input[1] + e.pad[1]);
        to[((y * samples + n) * width + x) * channels + c] = S::from_f64(v);
    }
    to
}

fn try_convolution<S: Scalar>(kernels: &Kernels<S>, trial: Trial, read_image: bool) {
    let (e, channels, outputs, groups, samples) = trial;
    let what = format!("{:?} {trial:?} {read_image}", kernels.kernel);
    let definition = Definition { e, channels, outputs, groups, samples };
    let (input, output) = (e.input[0] * e.input[1], e.output()[0] * e.output()[1]);
    let x = numbers(samples * channels * input, 1);
    let w = numbers(outputs * channels / groups * e.taps(), 2);
    let b = numbers(outputs, 3);
    let dz = numbers(samples * outputs * output, 4);
    let mut z: Vec<f64> = (0..dz.len()).map(|i| b[i / output % outputs]).collect();
    let (mut dw, mut dx) = (vec![0.0; w.len()], vec![0.0; x.len()]);
    definition.terms(|i, j, k| {
        z[k] += x[i] * w[j];
        dw[j] += x[i] * dz[k];
        dx[i] += w[j] * dz[k];
    });

    let convolution = Convolution::new(e, channels, outputs, groups, read_image);
    assert_eq!(convolution.image, read_image);
    let mut weights = Weights::<S>::default();
    convolution.pack(&of(&w), &mut weights.forward);
    weights.bias = Buffer::new(padded(outputs));
    weights.bias[..outputs].copy_from_slice(&of::<S>(&b));
    let extents = [samples, channels, input];
    let own_x: Vec<S> = if read_image { image(&x, &e, channels, samples) } else { layout(&x, extents) };
    let mut own_z = vec![S::from_f64(9.0); output * samples * padded(outputs)];
    convolution.forward(kernels, samples, &own_x, &weights, &mut own_z);
    agree(&format!("{what} z"), &from_layout(&own_z, [samples, outputs, output]), &z);

    let own_dz: Vec<S> = layout(&dz, [samples, outputs, output]);
    let mut room = Buffer::default();
    let packed = convolution.gradient_room(&mut room);
    packed.fill(S::from_f64(7.0));
    convolution.weight_gradient(kernels, samples, (&own_x, &own_dz), packed);
    let mut own_dw = vec![5.0; dw.len()];
    convolution.unpack_widened(kernels, packed, &mut own_dw);
    let scale = (samples * output) as f64;
    let scaled = |v: &[f64]| -> Vec<f64> { v.iter().map(|v| v / scale.sqrt()).collect() };
    agree(&format!("{what} dw"), &of::<S>(&scaled(&own_dw)), &scaled(&dw));

    if !read_image {
        // The room in which the gradient was, as on the way back; nothing of what is in it may be read.
        let mut transposed = room;
        transposed.fit(convolution.packed()[1]);
        transposed.fill(S::from_f64(f64::NAN));
        convolution.pack_transposed(kernels, &weights.forward, &mut transposed);
        let mut own_dx = vec![S::from_f64(2.0); own_x.len()];
        convolution.backward(kernels, samples, (&own_dz, &transposed), &mut own_dx, false);
        agree(&format!("{what} dx"), &from_layout(&own_dx, extents), &dx);
        let mut rows = own_dx.chunks_exact(padded(channels));
        assert!(rows.all(|row| row[channels..].iter().all(|&d| d == S::ZERO)), "{what}: padding");
        convolution.backward(kernels, samples, (&own_dz, &transposed), &mut own_dx, true);
        let twice: Vec<f64> = dx.iter().map(|d| 2.0 * d).collect();
        agree(&format!("{what} 2dx"), &from_layout(&own_dx, extents), &twice);
    }
}

#[test]
fn convolutions_are_what_they_are_defined_as() {
    for trial in trials() {
        try_convolution(&DOUBLE, trial, false);
        usable().for_each(|kernels| try_convolution(kernels, trial, false));
        if trial.3 == 1 && trial.0.dilation[1] == 1 {
            try_convolution(&DOUBLE, trial, true);
            usable().for_each(|kernels| try_convolution(kernels, trial, true));
        }
    }
}

#[test]
fn work_is_the_number_of_terms() {
    for (e, channels, outputs, groups, _) in trials() {
        let definition = Definition { e, channels, outputs, groups, samples: 1 };
        let mut terms = 0.0;
        definition.terms(|_, _, _| terms += 1.0);
        assert_eq!(Convolution::new(e, channels, outputs, groups, false).work(), terms);
        if groups == 1 && e.dilation[1] == 1 {
            assert_eq!(Convolution::new(e, channels, outputs, 1, true).work(), terms);
        }
    }
}

/// Normalisation with a residual and a relu, and its way back, by definition; channels with a mean far from 0.
fn try_norm<S: Scalar>(kernels: &Kernels<S>, [pixels, samples, channels]: [usize; 3], ghost: Option<usize>) {
    let what = format!("{:?} {pixels} {samples} {channels} {ghost:?}", kernels.kernel);
    let setting = BatchNorm { ghost, ..BatchNorm::default() };
    let (eps, stride) = (setting.eps, padded(channels));
    let norm = Norm {
        setting,
        weight: 0..channels,
        bias: channels..2 * channels,
        mean: 0..channels,
        variance: channels..2 * channels,
        relu: true,
    };
    let count = samples * channels * pixels;
    let (mut x, residual, dy) = (numbers(count, 1), numbers(count, 2), numbers(count, 3));
    x.iter_mut().enumerate().for_each(|(i, x)| *x += (i / pixels % channels % 5) as f64);
    let theta: Vec<f64> = numbers(2 * channels, 4).iter().map(|t| t + 1.5).collect();
    let (mut y, mut dx) = (vec![0.0; count], vec![0.0; count]);
    let mut of_theta = vec![0.0; 2 * channels];
    let size = ghost.unwrap_or(samples);
    for group in (0..samples).step_by(size) {
        let group = group..(group + size).min(samples);
        for c in 0..channels {
            let at = |n: usize, p: usize| (n * channels + c) * pixels + p;
            let all: Vec<usize> = group.clone().flat_map(|n| (0..pixels).map(move |p| at(n, p))).collect();
            let n = all.len() as f64;
            let mean = all.iter().map(|&i| x[i]).sum::<f64>() / n;
            let variance = all.iter().map(|&i| (x[i] - mean).powi(2)).sum::<f64>() / n;
            let inverse = 1.0 / (variance + eps).sqrt();
            let standard = |i: usize| (x[i] - mean) * inverse;
            for &i in &all {
                y[i] = (theta[c] * standard(i) + theta[channels + c] + residual[i]).max(0.0);
            }
            let d = |i: usize| if y[i] > 0.0 { dy[i] } else { 0.0 };
            let (sum, product) = all.iter().fold((0.0, 0.0), |(s, p), &i| (s + d(i), p + d(i) * standard(i)));
            of_theta[c] += product;
            of_theta[channels + c] += sum;
            for &i in &all {
                dx[i] = theta[c] * inverse * (d(i) - sum / n - standard(i) * product / n);
            }
        }
    }

    let extents = [samples, channels, pixels];
    let shape = Shape { pixels, samples, channels, stride, together: usize::MAX, most: samples };
    let (own_x, own_r, own_theta): (Vec<S>, Vec<S>, Vec<S>) =
        (layout(&x, extents), layout(&residual, extents), of(&theta));
    let (mut room, mut moments) = (NormRoom::default(), Moments::default());
    norm.moments(kernels, shape, &own_x, &mut room, &mut moments);
    let mut own_y = vec![S::ZERO; own_x.len()];
    let by = (&moments.mean[..], &moments.variance[..]);
    norm.apply(kernels, shape, (&own_theta, &own_x, &own_r), by, &mut room, &mut own_y);
    agree(&format!("{what} y"), &from_layout(&own_y, extents), &y);
    let (mut d, mut sums): (Vec<S>, Vec<f64>) = (layout(&dy, extents), Vec::new());
    norm.gradient_sums(kernels, shape, (&own_x, &own_y), &moments, &mut d, (&mut room, &mut sums));
    let mut own_of_theta = vec![3.0; 2 * channels];
    norm.tensor_gradients(shape, &moments, &sums, &mut own_of_theta);
    let scaled = |v: &[f64]| -> Vec<f64> { v.iter().map(|v| v / (count as f64).sqrt()).collect() };
    agree(&format!("{what} dθ"), &of::<S>(&scaled(&own_of_theta)), &scaled(&of_theta));
    let mut to = vec![S::ZERO; d.len()];
    let (read, room) = ((&own_theta[..], &own_x[..]), &mut room);
    norm.input_gradient(kernels, shape, read, (&moments, &sums), room, (&mut d, Some(&mut to)));
    // Of groups of two values, x̂ is ±1 up to ε, and gradients are differences of what is nearly equal.
    let loose = |v: &[S]| -> Vec<S> { v.iter().map(|v| S::from_f64(v.to_f64() / 16.0)).collect() };
    let expected: Vec<f64> = dx.iter().map(|d| d / 16.0).collect();
    agree(&format!("{what} dx"), &loose(&from_layout(&to, extents)), &expected);
    norm.input_gradient(kernels, shape, read, (&moments, &sums), room, (&mut d, None));
    assert_eq!(d, to, "in its place or elsewhere");
}

#[test]
fn normalisations_are_what_they_are_defined_as() {
    for extents in [[4, 30, 20], [1, 200, 32], [9, 7, 1], [3, 150, 40]] {
        for ghost in [None, Some(6), Some(64)] {
            try_norm(&DOUBLE, extents, ghost);
            usable().for_each(|kernels| try_norm(kernels, extents, ghost));
        }
    }
}

#[test]
fn running_averages_move_as_pytorchs() {
    let norm = Norm {
        setting: BatchNorm::default(),
        weight: 0..1,
        bias: 1..2,
        mean: 0..1,
        variance: 1..2,
        relu: false,
    };
    let moments = Moments { mean: vec![2.0], variance: vec![3.0], counts: vec![4] };
    let mut running = [0.0, 1.0];
    norm.move_averages(&moments, &mut running);
    // 0.9·0 + 0.1·2, 0.9·1 + 0.1·3·4/3.
    assert!((running[0] - 0.2).abs() < 1e-15 && (running[1] - 1.3).abs() < 1e-15);
}

fn try_pool<S: Scalar>(kernels: &Kernels<S>, e: Extents, samples: usize, channels: usize) {
    let definition = Definition { e, channels, outputs: channels, groups: channels, samples };
    let (input, output) = (e.input[0] * e.input[1], e.output()[0] * e.output()[1]);
    let (x, dy) = (numbers(samples * channels * input, 1), numbers(samples * channels * output, 2));
    let mut at = vec![None; dy.len()];
    let (mut mean, mut of_mean) = (vec![0.0; dy.len()], vec![0.0; x.len()]);
    let taps = e.taps() as f64;
    definition.terms(|i, _, k| {
        if at[k].is_none_or(|best: usize| x[i] > x[best]) {
            at[k] = Some(i);
        }
        mean[k] += x[i] / taps;
        of_mean[i] += dy[k] / taps;
    });
    let mut of_largest = vec![0.0; x.len()];
    at.iter().zip(&dy).for_each(|(at, d)| of_largest[at.unwrap()] += d);
    let largest: Vec<f64> = at.iter().map(|at| x[at.unwrap()]).collect();

    let pool = Pool::new(e);
    let stride = padded(channels);
    let (before, behind) = ([samples, channels, input], [samples, channels, output]);
    let (own_x, own_dy): (Vec<S>, Vec<S>) = (layout(&x, before), layout(&dy, behind));
    let (mut y, mut places) = (vec![S::ZERO; own_dy.len()], vec![0; own_dy.len()]);
    pool.largest(kernels, (samples, stride), &own_x, &mut y, &mut places);
    agree("largest", &from_layout(&y, behind), &largest);
    let mut dx = vec![S::ONE; own_x.len()];
    pool.largest_gradient(kernels, (samples, stride), (&own_dy, &places), &mut dx, false);
    agree("of the largest", &from_layout(&dx, before), &of_largest);
    pool.mean(kernels, (samples, stride), &own_x, &mut y);
    agree("mean", &from_layout(&y, behind), &mean);
    pool.mean_gradient(kernels, (samples, stride), &own_dy, &mut dx, false);
    agree("of the mean", &from_layout(&dx, before), &of_mean);
    pool.mean_gradient(kernels, (samples, stride), &own_dy, &mut dx, true);
    let twice: Vec<f64> = of_mean.iter().map(|d| 2.0 * d).collect();
    agree("twice", &from_layout(&dx, before), &twice);
}

#[test]
fn windows_are_what_they_are_defined_as() {
    let plain = |input, kernel, stride, pad| Extents { input, kernel, stride, pad, dilation: [1; 2] };
    for e in [
        plain([7, 6], [3, 3], [2, 2], [1, 1]),
        plain([5, 5], [2, 2], [2, 2], [0, 0]),
        plain([4, 6], [3, 1], [1, 2], [1, 0]),
        Extents::whole([3, 4]),
    ] {
        try_pool(&DOUBLE, e, 19, 5);
        usable().for_each(|kernels| try_pool(kernels, e, 70, 33));
    }
}

/// A NaN goes on, wherever it stands in its window.
#[test]
fn a_nan_is_the_largest_value() {
    for at in 0..4 {
        let e = Extents::whole([2, 2]);
        let mut x = [1.0, 5.0, -2.0, 3.0];
        x[at] = f64::NAN;
        let (mut y, mut places) = (vec![0.0_f32; 16], vec![0; 16]);
        for kernels in usable() {
            Pool::new(e).largest(kernels, (1, 16), &layout::<f32>(&x, [1, 1, 4]), &mut y, &mut places);
            assert!(y[0].is_nan() && usize::from(places[0]) == at);
        }
    }
}
