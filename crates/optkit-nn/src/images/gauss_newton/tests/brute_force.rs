//! Factors and diagonals of local models against sums over samples and positions, from derivatives of every sample by
//! differences. What is differentiated is a network that this file computes by itself, in f64 and from the definitions of
//! its layers.

use optkit_core::{GaussNewton, Subset};

use super::Case;
use super::networks::{conv, norm};
use crate::{BatchNorm, Conv, Layer, Loss, Network};

/// Numbers of shape \[samples, channels, rows, columns\].
#[derive(Clone)]
struct Values {
    extents: [usize; 4],
    data: Vec<f64>,
}

impl Values {
    fn zeros(extents: [usize; 4]) -> Self {
        Self { extents, data: vec![0.0; extents.iter().product()] }
    }

    /// Numbers of a sample.
    fn len(&self) -> usize {
        self.extents[1..].iter().product()
    }

    fn at(&self, [n, c, y, x]: [usize; 4]) -> usize {
        let [_, channels, rows, columns] = self.extents;
        ((n * channels + c) * rows + y) * columns + x
    }

    fn map(&self, f: impl Fn(f64) -> f64) -> Self {
        Self { extents: self.extents, data: self.data.iter().map(|&v| f(v)).collect() }
    }
}

/// All that a position of a group sees, by channel and tap, with zeros for padding.
fn patch(x: &Values, conv: &Conv, [n, group, row, column]: [usize; 4]) -> Vec<f64> {
    let [_, channels, rows, columns] = x.extents;
    let each = channels / conv.groups;
    let mut patch = Vec::new();
    for c in group * each..(group + 1) * each {
        for (i, j) in (0..conv.kernel[0]).flat_map(|i| (0..conv.kernel[1]).map(move |j| (i, j))) {
            let y = (row * conv.stride[0] + i * conv.dilation[0]).wrapping_sub(conv.pad[0]);
            let x_at = (column * conv.stride[1] + j * conv.dilation[1]).wrapping_sub(conv.pad[1]);
            patch.push(if y < rows && x_at < columns { x.data[x.at([n, c, y, x_at])] } else { 0.0 });
        }
    }
    patch
}

fn convolve(x: &Values, conv: &Conv, theta: &[f64]) -> Values {
    let extent = |i: usize| {
        let seen = conv.dilation[i] * (conv.kernel[i] - 1) + 1;
        (x.extents[2 + i] + 2 * conv.pad[i] - seen) / conv.stride[i] + 1
    };
    let mut z = Values::zeros([x.extents[0], conv.outputs, extent(0), extent(1)]);
    let (width, own) = (patch(x, conv, [0; 4]).len(), conv.outputs / conv.groups);
    for at in positions(&z) {
        let [n, c, row, column] = at;
        let patch = patch(x, conv, [n, c / own, row, column]);
        let bias = if conv.bias { theta[conv.outputs * width + c] } else { 0.0 };
        let i = z.at(at);
        z.data[i] = bias + dot(&patch, &theta[c * width..(c + 1) * width]);
    }
    z
}

fn positions(z: &Values) -> impl Iterator<Item = [usize; 4]> + use<> {
    let [samples, channels, rows, columns] = z.extents;
    let of = move |i: usize| {
        let (rest, x) = (i / columns, i % columns);
        [rest / rows / channels, rest / rows % channels, rest % rows, x]
    };
    (0..samples * channels * rows * columns).map(of)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// γ(x − μ)/√(σ² + ε) + β with moments of each set of places, γ and β by `tensor(place)`.
fn standardise(
    x: &Values,
    eps: f64,
    set: impl Fn([usize; 4]) -> usize,
    affine: impl Fn([usize; 4]) -> [f64; 2],
) -> Values {
    let sets = 1 + positions(x).map(&set).max().unwrap();
    let mut sums = vec![[0.0; 3]; sets];
    for at in positions(x) {
        let (v, sum) = (x.data[x.at(at)], &mut sums[set(at)]);
        *sum = [sum[0] + 1.0, sum[1] + v, sum[2] + v * v];
    }
    let mut y = x.clone();
    for at in positions(x) {
        let [count, first, second] = sums[set(at)];
        let (mean, [weight, bias]) = (first / count, affine(at));
        let deviation = (second / count - mean * mean + eps).sqrt();
        y.data[x.at(at)] = weight * (x.data[x.at(at)] - mean) / deviation + bias;
    }
    y
}

/// A dense layer is a convolution of the only position that there is.
fn as_convolution(layer: &Layer) -> Option<Conv> {
    match layer {
        Layer::Conv(conv) => Some(conv.clone()),
        Layer::Dense { outputs } => Some(Conv::new(*outputs, [1, 1])),
        _ => None,
    }
}

/// What a layer makes of `x`; its parameters are the first of `theta`.
fn layer(layer: &Layer, theta: &[f64], x: &Values) -> Values {
    let [samples, channels, rows, columns] = x.extents;
    match layer {
        Layer::Tanh => x.map(f64::tanh),
        Layer::Sigmoid => x.map(|v| 1.0 / (1.0 + (-v).exp())),
        Layer::Flatten => {
            Values { extents: [samples, channels * rows * columns, 1, 1], data: x.data.clone() }
        }
        Layer::BatchNorm(BatchNorm { eps, .. }) => {
            standardise(x, *eps, |at| at[1], |at| [theta[at[1]], theta[channels + at[1]]])
        }
        Layer::LayerNorm { eps } => {
            let place = |[_, c, y, at]: [usize; 4]| (c * rows + y) * columns + at;
            standardise(x, *eps, |at| at[0], |at| [theta[place(at)], theta[x.len() + place(at)]])
        }
        other => convolve(x, &as_convolution(other).expect("no other layer is in these networks"), theta),
    }
}

/// What comes in and what every layer gives, at `theta`.
fn run(network: &Network, theta: &[f64], x: &Values) -> Vec<Values> {
    let mut all = vec![x.clone()];
    for (i, of) in network.layers().iter().enumerate() {
        all.push(layer(of, &theta[begin(network, i)..], &all[i]));
    }
    all
}

/// Where the parameters of layer `i` begin.
fn begin(network: &Network, i: usize) -> usize {
    network.tensors().iter().find(|t| t.layer >= i).map_or(network.dim(), |t| t.range.start)
}

/// Rows √φ'' of all samples and outputs, \[samples, outputs, outputs\].
fn roots(loss: Loss, y: &Values) -> Vec<Vec<Vec<f64>>> {
    let width = y.len();
    let of_sample = |y: &[f64]| {
        let sum: f64 = y.iter().map(|y| y.exp()).sum();
        let unit = |k: usize, at: usize| if k == at { 1.0 } else { 0.0 };
        let entry = |k: usize, at: usize| match loss {
            Loss::CrossEntropy => (y[k].exp() / sum).sqrt() * (unit(k, at) - y[at].exp() / sum),
            Loss::MeanSquared => (2.0 / width as f64).sqrt() * unit(k, at),
            Loss::BinaryCrossEntropy => {
                let p = 1.0 / (1.0 + (-y[k]).exp());
                (p * (1.0 - p) / width as f64).sqrt() * unit(k, at)
            }
        };
        (0..width).map(|k| (0..width).map(|at| entry(k, at)).collect()).collect()
    };
    y.data.chunks(width).map(of_sample).collect()
}

/// Half the step of differences.
const STEP: f64 = 1e-5;

/// Derivatives of all outputs of all samples by one number that `at(h)` moves by h.
fn derivatives(mut at: impl FnMut(f64) -> Values) -> Vec<f64> {
    let (above, below) = (at(STEP), at(-STEP));
    above.data.iter().zip(&below.data).map(|(a, b)| (a - b) / (2.0 * STEP)).collect()
}

fn input(case: &Case, extents: [usize; 3], seed: u64) -> Values {
    let mut random = super::noise(seed);
    let mut x = Values::zeros([case.samples.count(), extents[0], extents[1], extents[2]]);
    x.data.iter_mut().for_each(|x| *x = f64::from(random() as f32));
    x
}

#[track_caller]
fn near(what: &str, got: &[f64], expected: &[f64]) {
    assert_eq!(got.len(), expected.len(), "{what}");
    let size = expected.iter().fold(0.0_f64, |a, b| a.max(b.abs()));
    for (i, (a, b)) in got.iter().zip(expected).enumerate() {
        // Differences are right to about 1e-9.
        assert!((a - b).abs() <= 1e-7 * size, "{what}, entry {i}: {a} {b}");
    }
}

/// Σ v vᵀ times `scale`, of rows.
fn moment(rows: &[Vec<f64>], scale: f64) -> Vec<f64> {
    let width = rows[0].len();
    let mut sum = vec![0.0; width * width];
    for row in rows {
        for (to, (i, j)) in sum.iter_mut().zip((0..width).flat_map(|i| (0..width).map(move |j| (i, j)))) {
            *to += scale * row[i] * row[j];
        }
    }
    sum
}

/// A and G of every layer with weights.
fn factors_are_right(layers: Vec<Layer>, extents: [usize; 3], loss: Loss) {
    let seed = 11;
    let case = Case::new(extents.to_vec(), layers, 5, seed);
    let network = &case.network;
    let whole = Subset::from_ranges(network.dim(), std::iter::once(0..network.dim())).unwrap();
    let mut levels = case.images::<f64>(loss).levels(&[whole]).unwrap();
    levels.go_to(&case.theta);
    levels.factor(0);
    let all = run(network, &case.theta, &input(&case, extents, seed));
    let roots = roots(loss, all.last().unwrap());
    let (samples, width) = (case.samples.count(), network.outputs());
    let convolutions = network.layers().iter().enumerate().filter_map(|(i, l)| Some((i, as_convolution(l)?)));
    for ((i, conv), local) in convolutions.zip(&levels.local.layers) {
        let what = format!("{loss:?}, layer {i} of {:?}", network.layers());
        let (x, z) = (&all[i], &all[i + 1]);
        let of_groups = positions(z).filter(|at| at[1] < conv.groups);
        let mut patches: Vec<Vec<f64>> = of_groups.map(|at| patch(x, &conv, at)).collect();
        if conv.bias {
            patches.iter_mut().for_each(|patch| patch.push(1.0));
        }
        near(&format!("A, {what}"), &local.inputs.entries, &moment(&patches, 1.0 / patches.len() as f64));
        // g of every output, sample and position: what a channel there does to the rows of all samples, which normalisations
        // of mini-batches couple.
        let pixels = z.extents[2] * z.extents[3];
        let mut rows = vec![vec![0.0; z.extents[1]]; width * samples * pixels];
        for at in positions(z) {
            let by = derivatives(|h| {
                let mut moved = z.clone();
                let entry = moved.at(at);
                moved.data[entry] += h;
                let mut layers = (i + 1..).zip(&network.layers()[i + 1..]);
                layers
                    .try_fold(moved, |x, (i, l)| Some(layer(l, &case.theta[begin(network, i)..], &x)))
                    .unwrap()
            });
            for k in 0..width {
                let of_samples = by.chunks(width).zip(&roots).map(|(by, roots)| dot(by, &roots[k]));
                let [n, c, row, column] = at;
                rows[(k * samples + n) * pixels + row * z.extents[3] + column][c] = of_samples.sum();
            }
        }
        near(&format!("G, {what}"), &local.outputs.entries, &moment(&rows, 1.0 / samples as f64));
    }
    assert!(levels.local.layers.len() >= 3);
}

const LOSSES: [Loss; 3] = [Loss::CrossEntropy, Loss::MeanSquared, Loss::BinaryCrossEntropy];

/// KFC (Grosse & Martens 2016): A is the mean over samples, positions and groups of what is seen there, padding counted as
/// zeros, with a one beside it; G the mean over samples of the sum over positions and outputs of the squares of √φ'' walked
/// back.
#[test]
fn factors_are_sums_over_samples_and_positions() {
    let plain = || Layer::Conv(conv(4, 3, 1, 1));
    let settings = [
        conv(3, 2, 1, 0),
        conv(5, 3, 2, 1),
        Conv { dilation: [2, 1], ..conv(3, 2, 1, 2) },
        Conv { groups: 2, ..conv(4, 3, 1, 1) },
        Conv { groups: 4, dilation: [1, 2], stride: [2, 1], bias: false, ..conv(8, 2, 1, 1) },
    ];
    for setting in settings {
        for loss in LOSSES {
            let setting = Layer::Conv(setting.clone());
            let last = Layer::Dense { outputs: 3 };
            let layers = vec![plain(), Layer::Tanh, setting, Layer::Sigmoid, Layer::Flatten, last];
            factors_are_right(layers, [2, 4, 3], loss);
        }
    }
    let bare = |outputs| Layer::Conv(Conv { bias: false, ..conv(outputs, 3, 1, 1) });
    let last = || vec![Layer::Tanh, Layer::Flatten, Layer::Dense { outputs: 3 }];
    for normalise in [norm(), Layer::LayerNorm { eps: 1e-5 }] {
        let first = vec![bare(3), normalise.clone(), Layer::Tanh, bare(4), normalise];
        factors_are_right([first, last()].concat(), [2, 3, 3], Loss::CrossEntropy);
    }
}

/// The diagonal of JᵀφʺJ at scale and shift of a normalisation behind which no other couples the samples, exactly.
#[test]
fn diagonals_of_normalisations_are_those_of_the_gauss_newton_matrix() {
    for normalise in [norm(), Layer::LayerNorm { eps: 1e-5 }] {
        for loss in LOSSES {
            let (seed, extents) = (12, [2, 3, 4]);
            let layers = vec![
                Layer::Conv(conv(3, 3, 1, 1)),
                normalise.clone(),
                Layer::Tanh,
                Layer::Conv(conv(4, 2, 1, 0)),
                Layer::Sigmoid,
                Layer::Flatten,
                Layer::Dense { outputs: 3 },
            ];
            let case = Case::new(extents.to_vec(), layers, 6, seed);
            let (mut levels, _) = case.by_tensor::<f64>(loss);
            levels.factor(0);
            let x = input(&case, extents, seed);
            let at = |theta: &[f64]| run(&case.network, theta, &x).pop().unwrap();
            let roots = roots(loss, &at(&case.theta));
            let width = case.network.outputs();
            let diagonal = |i: usize| {
                let by = derivatives(|h| {
                    let mut theta = case.theta.clone();
                    theta[i] += h;
                    at(&theta)
                });
                let rows = by.chunks(width).zip(&roots);
                let of_sample = |(by, roots): (&[f64], &Vec<Vec<f64>>)| {
                    roots.iter().map(|root| dot(by, root).powi(2)).sum::<f64>()
                };
                rows.map(of_sample).sum::<f64>() / case.samples.count() as f64
            };
            let tensors = case.network.tensors();
            let of_norm: Vec<Vec<f64>> = tensors
                .iter()
                .filter(|t| t.layer == 1)
                .map(|t| t.range.clone().map(diagonal).collect())
                .collect();
            let [got] = &levels.local.diagonals[..] else { panic!("one normalisation") };
            near(&format!("{loss:?} {normalise:?} γ"), &got.of_weight, &of_norm[0]);
            near(&format!("{loss:?} {normalise:?} β"), &got.of_bias, &of_norm[1]);
        }
    }
}
