//! Tangents against differences of the outputs, the coarse matrix against JᵀHJ, local models against the Gauss–Newton
//! matrix where they are exact.

mod brute_force;

use std::sync::Arc;

use optkit_core::{CoarseSpace, Direction, GaussNewton, NoGaussNewton, Objective, Source, Subset};

use super::ImageGaussNewton;
use crate::chain::Chain;
use crate::gauss_newton::NetworkGaussNewton;
use crate::images::objective::Images;
use crate::kernels::padded;
use crate::{Conv, Layer, Loss, Network, Samples, Scalar, Targets, Window};

use networks::{Within, conv, layers_of, norm, residual};
use noise::noise;

#[path = "../../../tests/networks/images.rs"]
mod networks;
#[path = "../../../tests/common/noise.rs"]
mod noise;

struct Case {
    network: Network,
    samples: Arc<Samples>,
    targets: Arc<Targets>,
    theta: Vec<f64>,
}

impl Case {
    fn new(input: Vec<usize>, layers: Vec<Layer>, count: usize, seed: u64) -> Self {
        let network = Network::new(input, layers).unwrap();
        let (features, outputs) = (network.inputs(), network.outputs());
        let mut random = noise(seed);
        let values = (0..count * features).map(|_| random() as f32).collect();
        let labels: Vec<u8> = (0..count).map(|i| (i * i % outputs) as u8).collect();
        // Away from what normalisations begin with, 1 and 0.
        let theta = network.initial(seed).iter().map(|t| t + 0.1 * random()).collect();
        let samples = Arc::new(Samples::from_floats(values, features).unwrap());
        Self { network, samples, targets: Arc::new(Targets::labels(&labels, outputs).unwrap()), theta }
    }

    fn images<S: Scalar>(&self, loss: Loss) -> Images<S> {
        Images::new(&self.network, loss, &self.samples, self.targets.clone())
    }

    /// Standing at θ, a part a tensor.
    fn by_tensor<S: Scalar>(&self, loss: Loss) -> (ImageGaussNewton<S>, Vec<Subset>) {
        let dim = self.network.dim();
        let part = |t: crate::Tensor| Subset::from_ranges(dim, [t.range]).unwrap();
        let parts: Vec<Subset> = self.network.tensors().into_iter().map(part).collect();
        let mut levels = self.images(loss).levels(&parts).unwrap();
        levels.go_to(&self.theta);
        (levels, parts)
    }

    fn vector(&self, seed: u64) -> Vec<f64> {
        let mut random = noise(seed);
        self.theta.iter().map(|_| random()).collect()
    }
}

/// \[samples, outputs\] where `levels` stands.
fn outputs(levels: &ImageGaussNewton<f64>) -> Vec<f64> {
    let plan = &levels.seen.shared.model.plan;
    let mut all = Vec::new();
    for (piece, outputs) in levels.seen.pieces.iter().zip(&levels.here.outputs) {
        let rows = outputs.values[plan.output()].chunks_exact(padded(plan.outputs)).take(piece.rows.len());
        all.extend(rows.flat_map(|row| row[..plan.outputs].to_vec()));
    }
    all
}

/// J d by central differences.
fn differences(case: &Case, levels: &mut ImageGaussNewton<f64>, d: &[f64]) -> Vec<f64> {
    let h = 1e-6;
    let mut at = |h: f64| {
        let point: Vec<f64> = case.theta.iter().zip(d).map(|(t, d)| t + h * d).collect();
        levels.go_to(&point);
        outputs(levels)
    };
    let (above, below) = (at(h), at(-h));
    levels.go_to(&case.theta);
    above.iter().zip(below).map(|(a, b)| (a - b) / (2.0 * h)).collect()
}

fn restricted(part: &Subset, v: &[f64]) -> Vec<f64> {
    let mut kept = vec![0.0; v.len()];
    part.indices().for_each(|i| kept[i] = v[i]);
    kept
}

/// M and β over the parts of `new` and `tail`.
fn coarse<S: Scalar>(
    levels: &mut ImageGaussNewton<S>,
    directions: &[Direction],
    [new, tail]: [&[f64]; 2],
) -> (Vec<f64>, Vec<f64>) {
    let k = directions.len();
    let (mut matrix, mut slopes) = (vec![0.0; k * k], vec![0.0; k]);
    let space = CoarseSpace { directions, new, tail, total: &[], previous: &[] };
    levels.coarse(&space, &mut matrix, &mut slopes);
    (matrix, slopes)
}

/// M = JᵀHJ and β = Jᵀ∇φ over the tensors of two vectors, J by differences of the outputs, H by its definition.
#[track_caller]
fn coarse_is_right(case: &Case, loss: Loss, prepare: impl Fn(&mut ImageGaussNewton<f64>)) {
    let (mut levels, parts) = case.by_tensor::<f64>(loss);
    prepare(&mut levels);
    levels.go_to(&case.theta);
    let [new, tail] = [1, 2].map(|seed| case.vector(seed));
    let both = |part| [Source::New, Source::Tail].map(|source| Direction { part, source });
    let directions: Vec<Direction> = (0..parts.len()).flat_map(both).collect();
    let (matrix, slopes) = coarse(&mut levels, &directions, [&new, &tail]);
    let vector =
        |d: &Direction| restricted(&parts[d.part], if d.source == Source::New { &new } else { &tail });
    let vectors: Vec<Vec<f64>> = directions.iter().map(vector).collect();
    let tangents: Vec<Vec<f64>> = vectors.iter().map(|d| differences(case, &mut levels, d)).collect();
    let y = outputs(&levels);
    let (width, count) = (case.network.outputs(), case.samples.count() as f64);
    let curved = |jd: &[f64]| -> Vec<f64> {
        let mut all = Vec::new();
        for (y, jd) in y.chunks(width).zip(jd.chunks(width)) {
            let largest = y.iter().copied().fold(f64::MIN, f64::max);
            let sum: f64 = y.iter().map(|y| (y - largest).exp()).sum();
            let p: Vec<f64> = y.iter().map(|y| (y - largest).exp() / sum).collect();
            let mean: f64 = p.iter().zip(jd).map(|(p, d)| p * d).sum();
            for i in 0..width {
                let sigmoid = 1.0 / (1.0 + (-y[i]).exp());
                all.push(match loss {
                    Loss::CrossEntropy => p[i] * (jd[i] - mean),
                    Loss::MeanSquared => 2.0 * jd[i] / width as f64,
                    Loss::BinaryCrossEntropy => sigmoid * (1.0 - sigmoid) * jd[i] / width as f64,
                });
            }
        }
        all
    };
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let mut gradient = vec![0.0; case.theta.len()];
    levels.gradient(&mut gradient);
    let k = directions.len();
    let largest = matrix.iter().fold(0.0_f64, |a, m| a.max(m.abs()));
    for a in 0..k {
        let slope = dot(&gradient, &vectors[a]);
        assert!((slope - slopes[a]).abs() <= 1e-11 * (1.0 + slope.abs()), "{slope} {}", slopes[a]);
        let curved = curved(&tangents[a]);
        for b in 0..k {
            let (expected, got) = (dot(&curved, &tangents[b]) / count, matrix[a * k + b]);
            // Differences are right to about 1e-9; kinks of relu and of largest values are rarely met within 1e-6.
            assert!((expected - got).abs() <= 2e-7 * largest, "{:?} {a} {b}: {expected} {got}", case.network);
        }
    }
}

/// Every layer between two that have parameters, in an image and behind it; all pieces of the way forward.
#[test]
fn the_coarse_matrix_of_every_layer_is_that_of_differences() {
    for layer in layers_of(Within::Images) {
        let (first, last) = (Layer::Conv(conv(4, 3, 1, 1)), Layer::Dense { outputs: 3 });
        let layers = vec![first, layer, Layer::Tanh, Layer::Flatten, last];
        coarse_is_right(&Case::new(vec![2, 6, 5], layers, 11, 3), Loss::CrossEntropy, |_| {});
    }
    for layer in layers_of(Within::Rows) {
        let (dense, last) = (Layer::Dense { outputs: 6 }, Layer::Dense { outputs: 4 });
        let case = Case::new(vec![7], vec![dense, Layer::Tanh, layer, norm(), last], 70, 5);
        coarse_is_right(&case, Loss::CrossEntropy, |_| {});
    }
}

#[test]
fn the_coarse_matrix_is_right_for_every_loss_and_in_pieces() {
    let layers = || {
        let (first, second) = (Layer::Conv(conv(5, 3, 1, 1)), Layer::Conv(conv(6, 3, 1, 1)));
        let pool = Layer::PoolMax(Window { stride: [2, 2], ..Window::new([2, 2]) });
        let last = vec![Layer::Flatten, Layer::Dense { outputs: 4 }];
        [vec![first, Layer::Relu, pool, second, Layer::Relu], last].concat()
    };
    for loss in [Loss::CrossEntropy, Loss::MeanSquared, Loss::BinaryCrossEntropy] {
        coarse_is_right(&Case::new(vec![1, 6, 6], layers(), 40, 4), loss, |_| {});
        coarse_is_right(&Case::new(vec![3, 8, 8], residual(&Layer::Relu), 12, 6), loss, |_| {});
    }
    // Four pieces or so, all kept: what is looked at in `outputs`.
    let case = Case::new(vec![1, 6, 6], layers(), 40, 4);
    coarse_is_right(&case, Loss::CrossEntropy, |levels| {
        let bytes = levels.seen.shared.model.plan.len() * size_of::<f64>();
        levels.seen.cut(11 * bytes, usize::MAX);
        assert_eq!(levels.seen.pieces.len(), 4);
    });
    // Pieces that are not kept give the same, for more passes.
    let of = |kept: usize| {
        let (mut levels, parts) = case.by_tensor::<f64>(Loss::CrossEntropy);
        let bytes = levels.seen.shared.model.plan.len() * size_of::<f64>();
        levels.seen.cut(11 * bytes, kept);
        let mut values = vec![levels.go_to(&case.theta)];
        let mut gradient = vec![0.0; case.theta.len()];
        levels.gradient(&mut gradient);
        let directions: Vec<Direction> =
            (0..parts.len()).map(|part| Direction { part, source: Source::New }).collect();
        let (matrix, slopes) = coarse(&mut levels, &directions, [&case.vector(1), &[]]);
        values.extend(gradient.into_iter().chain(matrix).chain(slopes));
        (values, levels.work().gradient_equivalents)
    };
    let (kept, few) = of(usize::MAX);
    let (again, more) = of(0);
    assert_eq!(kept, again);
    assert!((more - few - 1.0).abs() < 1e-12, "two passes more: {more} {few}");
}

/// Of a convolution with one output position and of one sample the model is the Gauss–Newton matrix itself, whatever
/// stands behind it, and a normalisation's is its diagonal: (K + μD)s = −g, with K by the coarse matrix.
#[test]
fn steps_solve_their_damped_systems_where_models_are_exact() {
    let conv = |outputs, kernel, bias| Layer::Conv(Conv { bias, ..conv(outputs, kernel, 1, 0) });
    let layers = vec![
        conv(5, 3, true),
        Layer::LayerNorm { eps: 1e-5 },
        Layer::Relu,
        conv(7, 1, false),
        Layer::Flatten,
        Layer::Dense { outputs: 4 },
    ];
    for loss in [Loss::CrossEntropy, Loss::MeanSquared, Loss::BinaryCrossEntropy] {
        let case = Case::new(vec![2, 3, 3], layers.clone(), 1, 5);
        let (mut levels, parts) = case.by_tensor::<f64>(loss);
        let n = case.theta.len();
        let (mut gradient, mut step) = (vec![0.0; n], vec![0.0; n]);
        levels.gradient(&mut gradient);
        levels.factor(0);
        levels.prepare_steps(&gradient, false);
        let size = gradient.iter().fold(0.0_f64, |a, g| a.max(g.abs()));
        let names: Vec<String> = case.network.tensors().iter().map(|t| t.name.clone()).collect();
        for damping in [0.1, 1.0, 30.0] {
            levels.steps(damping, &mut step);
            let metric = levels.metric().to_vec();
            let length = step.iter().zip(&metric).map(|(s, d)| d * s * s).sum::<f64>().sqrt();
            let told = levels.step_length(damping);
            assert!((told - length).abs() <= 1e-9 * length, "{told} {length}");
            for (p, part) in parts.iter().enumerate() {
                // The diagonal of a normalisation's tensors, which have two parts of 5 variables each.
                let diagonal = p == 2 || p == 3;
                for i in part.indices() {
                    let mut unit = vec![0.0; n];
                    unit[i] = 1.0;
                    let other = if diagonal { restricted(part, &unit) } else { step.clone() };
                    let both = [Source::New, Source::Tail].map(|source| Direction { part: p, source });
                    let (matrix, _) = coarse(&mut levels, &both, [&unit, &other]);
                    let product = if diagonal { matrix[1] * step[i] } else { matrix[1] };
                    let left = product + damping * metric[i] * step[i] + gradient[i];
                    assert!(left.abs() <= 1e-7 * size, "{loss:?} {} {i}: {left:e}", names[p]);
                }
            }
        }
    }
}

/// A convolution of a pixel is a dense layer: its steps are those of the chain of dense layers.
#[test]
fn a_convolution_of_one_pixel_has_the_steps_of_a_dense_layer() {
    let conv = |outputs| Layer::Conv(Conv::new(outputs, [1, 1]));
    let dense = |outputs| Layer::Dense { outputs };
    let case = Case::new(
        vec![12, 1, 1],
        vec![conv(9), Layer::Relu, conv(6), Layer::Tanh, Layer::Flatten, dense(4)],
        100,
        8,
    );
    let chain = Network::new(vec![12], vec![dense(9), Layer::Relu, dense(6), Layer::Tanh, dense(4)]).unwrap();
    assert_eq!(chain.dim(), case.network.dim());
    let part =
        |t: &[crate::Tensor]| Subset::from_ranges(chain.dim(), t.iter().map(|t| t.range.clone())).unwrap();
    let parts: Vec<Subset> = chain.tensors().chunks(2).map(part).collect();
    let of_chain = Chain::<f64>::new(&chain, Loss::CrossEntropy, case.samples.clone(), case.targets.clone());
    let mut dense = NetworkGaussNewton::new(of_chain.model(), &parts).unwrap();
    let mut images = case.images::<f64>(Loss::CrossEntropy).levels(&parts).unwrap();
    let steps = |levels: &mut dyn GaussNewton| {
        let mut gradient = vec![0.0; chain.dim()];
        levels.go_to(&case.theta);
        levels.gradient(&mut gradient);
        levels.factor(0);
        levels.prepare_steps(&gradient, false);
        let mut step = gradient.clone();
        levels.steps(2.0, &mut step);
        [levels.metric().to_vec(), step]
    };
    let [metric, step] = steps(&mut dense);
    let [of_images, step_of_images] = steps(&mut images);
    let near = |a: &[f64], b: &[f64]| {
        let size = a.iter().fold(0.0_f64, |a, b| a.max(b.abs()));
        a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-10 * size)
    };
    assert!(near(&metric, &of_images), "{metric:?}\n{of_images:?}");
    assert!(near(&step, &step_of_images), "{step:?}\n{step_of_images:?}");
}

/// A: the mean over samples and positions of patches' products, padding counted as zeros, in the order of the weights.
#[test]
fn the_moment_of_patches_is_what_it_is_defined_as() {
    // Of few channels, which reads the padded image, and of many.
    for channels in [2, 17] {
        let layer = conv(3, 3, 2, 1);
        let layers = vec![Layer::Conv(layer), Layer::Flatten, Layer::Dense { outputs: 2 }];
        let case = Case::new(vec![channels, 5, 4], layers, 7, 2);
        let whole = Subset::from_ranges(case.network.dim(), std::iter::once(0..case.network.dim())).unwrap();
        let mut levels = case.images::<f64>(Loss::CrossEntropy).levels(&[whole]).unwrap();
        levels.go_to(&case.theta);
        levels.factor(0);
        let mut random = noise(2);
        let x: Vec<f64> = (0..7 * channels * 20).map(|_| f64::from(random() as f32)).collect();
        let width = 9 * channels + 1;
        let mut expected = vec![0.0; width * width];
        for (n, o) in (0..7_usize).flat_map(|n| (0..6_usize).map(move |o| (n, o))) {
            let mut patch = vec![0.0; width];
            patch[width - 1] = 1.0;
            for (c, t) in (0..channels).flat_map(|c| (0..9_usize).map(move |t| (c, t))) {
                let (row, column) =
                    ((o / 2 * 2 + t / 3).wrapping_sub(1), (o % 2 * 2 + t % 3).wrapping_sub(1));
                if row < 5 && column < 4 {
                    patch[c * 9 + t] = x[((n * channels + c) * 5 + row) * 4 + column];
                }
            }
            for (i, a) in patch.iter().enumerate() {
                patch.iter().enumerate().for_each(|(j, b)| expected[i * width + j] += a * b / 42.0);
            }
        }
        let got = &levels.local.layers[0].inputs;
        assert_eq!(got.width, width);
        for (i, (a, b)) in got.entries.iter().zip(&expected).enumerate() {
            assert!((a - b).abs() <= 1e-12, "{channels} {i}: {a} {b}");
        }
    }
}

#[test]
fn parts_that_cut_through_a_tensor_are_refused() {
    let case = Case::new(vec![3, 8, 8], residual(&Layer::Relu), 4, 1);
    let dim = case.network.dim();
    let halves = [0..dim / 2, dim / 2..dim].map(|r| Subset::from_ranges(dim, [r]).unwrap());
    let images = case.images::<f32>(Loss::CrossEntropy);
    assert_eq!(images.gauss_newton(&halves).err(), Some(NoGaussNewton::CutsTensor { part: 1 }));
}
