//! The two-level method on networks: monotone, independent of threads, taken up where it stopped, blind to units.

use std::sync::Arc;

use optkit::data::{self, Fetch, Locations};
use optkit::nn::{
    Accuracy, BatchNorm, Conv, Layer, Loss, Network, NetworkObjective, Samples, Shortcut, Targets, Window,
};
use optkit::{
    Archive, Combine, Control, Flow, Growing, Objective, Optimizer, Partition, Status, Subset, TwoLevel,
    TwoLevelOptions,
};

struct Digits {
    network: Network,
    samples: Arc<Samples>,
    targets: Arc<Targets>,
    tested: Arc<Samples>,
    labels: Arc<Targets>,
}

/// The embedded handwritten digits with their values times `scale`.
fn digits(scale: f32, activation: &Layer) -> Digits {
    let all = data::load("digits", None, &Locations::from_environment(None), Fetch::Never).unwrap();
    let dense = |outputs| Layer::Dense { outputs };
    let layers = vec![dense(32), activation.clone(), dense(32), activation.clone(), dense(10)];
    let samples = |bytes: &[u8]| Arc::new(Samples::from_bytes(bytes, 64, all.scale * scale).unwrap());
    let targets = |labels: &[u8]| Arc::new(Targets::labels(labels, 10).unwrap());
    Digits {
        network: Network::new(vec![64], layers).unwrap(),
        samples: samples(&all.train.features),
        targets: targets(&all.train.labels),
        tested: samples(&all.test.features),
        labels: targets(&all.test.labels),
    }
}

/// The first 500 digits, their values times `scale`, for networks on images: two convolutions with windows behind them, and a
/// residual block with normalisations.
fn images(scale: f32) -> [Digits; 2] {
    let all = data::load("digits", None, &Locations::from_environment(None), Fetch::Never).unwrap();
    let conv = |outputs| Layer::Conv(Conv { pad: [1, 1], ..Conv::new(outputs, [3, 3]) });
    let plain = |outputs| Layer::Conv(Conv { bias: false, pad: [1, 1], ..Conv::new(outputs, [3, 3]) });
    let pool = || Layer::PoolMax(Window { stride: [2, 2], ..Window::new([2, 2]) });
    let norm = || Layer::BatchNorm(BatchNorm::default());
    let skip = Layer::Skip { body: vec![plain(6), norm()], shortcut: Shortcut::Identity };
    let last = || vec![Layer::Flatten, Layer::Dense { outputs: 10 }];
    let convolutions = [vec![conv(6), Layer::Relu, pool(), conv(8), Layer::Relu, pool()], last()].concat();
    let residual =
        [vec![plain(6), norm(), Layer::Relu, pool(), skip, Layer::Relu, Layer::PoolAvgGlobal], last()]
            .concat();
    let samples = |bytes: &[u8]| Arc::new(Samples::from_bytes(bytes, 64, all.scale * scale).unwrap());
    let targets = |labels: &[u8]| Arc::new(Targets::labels(labels, 10).unwrap());
    [convolutions, residual].map(|layers| Digits {
        network: Network::new(vec![1, 8, 8], layers).unwrap(),
        samples: samples(&all.train.features[..500 * 64]),
        targets: targets(&all.train.labels[..500]),
        tested: samples(&all.test.features),
        labels: targets(&all.test.labels),
    })
}

impl Digits {
    fn objective(&self, loss: Loss) -> NetworkObjective {
        NetworkObjective::new(&self.network, loss, self.samples.clone(), self.targets.clone()).unwrap()
    }

    fn method(&self, options: TwoLevelOptions) -> TwoLevel {
        let dim = self.network.dim();
        let tensors = self.network.tensors();
        // Weights and bias are one part.
        let layers = tensors.chunk_by(|_, next| next.name.ends_with("bias"));
        let part =
            |t: &[optkit::nn::Tensor]| Subset::from_ranges(dim, t.iter().map(|t| t.range.clone())).unwrap();
        TwoLevel::new(Partition::new(dim, layers.map(part).collect()).unwrap(), options)
    }

    /// Iterations until an accuracy of `level` on the test samples.
    fn iterations_to(&self, level: f64, seed: u64) -> u32 {
        let mut accuracy = Accuracy::new(&self.network, self.tested.clone(), self.labels.clone()).unwrap();
        let mut f = self.objective(Loss::CrossEntropy);
        let mut method = self.method(TwoLevelOptions::default());
        method.start(&mut f, &self.network.initial(seed), None).unwrap();
        for iteration in 0..60 {
            if accuracy.evaluate(method.current().x) >= level {
                return iteration;
            }
            method.step(&mut f);
        }
        60
    }
}

fn settings() -> Vec<TwoLevelOptions> {
    let base = TwoLevelOptions { sweep_below: 1.0, ..TwoLevelOptions::default() };
    vec![
        base,
        TwoLevelOptions { control: Control::Radius, ..base },
        TwoLevelOptions { combine: Combine::Additive, sweeps: 1, ..base },
        TwoLevelOptions { combine: Combine::Coarse { previous: false }, sweeps: 0, ..base },
        growing(Control::Damping),
    ]
}

/// From 384 samples to all 1,437 in ten iterations.
fn growing(control: Control) -> TwoLevelOptions {
    let samples = Some(Growing { first: 300, factor: 1.2, seed: 5 });
    TwoLevelOptions { control, samples, sweep_below: 1.0, ..TwoLevelOptions::default() }
}

/// For every loss, activation and globalisation, over 40 iterations, which is past a refresh of the outputs: the loss
/// falls or stays, and what is said of the last point holds for an evaluation that knows nothing of the run.
#[test]
fn the_loss_never_rises_and_is_what_it_is_said_to_be() {
    for (activation, loss) in [
        (Layer::Relu, Loss::CrossEntropy),
        (Layer::Tanh, Loss::BinaryCrossEntropy),
        (Layer::Sigmoid, Loss::MeanSquared),
    ] {
        let digits = digits(1.0, &activation);
        for options in settings() {
            let (mut f, mut method) = (digits.objective(loss), digits.method(options));
            method.start(&mut f, &digits.network.initial(1), None).unwrap();
            let first = method.current().value;
            let mut value = first;
            for iteration in 0..40 {
                // Where samples grow, the loss before the step is on those that the step sees.
                method.prepare(&mut f).unwrap();
                value = method.current().value;
                let Flow::Continue(step) = method.step(&mut f) else { break };
                // A refresh may show what rounding had hidden.
                let rounding = if iteration == 31 { 1e-5 * value } else { 0.0 };
                assert!(step.value <= value + rounding, "{loss:?} {options:?}: {value} then {}", step.value);
                value = step.value;
            }
            assert!(value < 0.8 * first, "{loss:?} {options:?}: {first} became {value}");
            let mut fresh = digits.objective(loss);
            let anew = fresh.value(method.current().x);
            assert!(
                (anew - value).abs() <= 1e-5 * value.max(1e-2),
                "{loss:?} {options:?}: {value} is {anew}"
            );
        }
    }
}

/// The same of networks on images, for twelve iterations; and running averages of normalisations move with the method.
#[test]
fn on_images_the_loss_never_rises_and_is_what_it_is_said_to_be() {
    for (i, digits) in images(1.0).into_iter().enumerate() {
        for options in settings() {
            let (mut f, mut method) = (digits.objective(Loss::CrossEntropy), digits.method(options));
            method.start(&mut f, &digits.network.initial(1), None).unwrap();
            let first = method.current().value;
            let before = f.running().values();
            for _ in 0..12 {
                method.prepare(&mut f).unwrap();
                let value = method.current().value;
                let Flow::Continue(step) = method.step(&mut f) else { panic!("{options:?} ended") };
                assert!(step.value <= value, "{options:?}: {value} then {}", step.value);
                f.accept(method.current().x);
            }
            let (value, x) = (method.current().value, method.current().x);
            println!("{i}: {first:.3} to {value:.3} in {:.1}", method.work().gradient_equivalents);
            // The sum of the parts' steps as it is falls slowly.
            let enough = if options.combine == Combine::Additive { 0.7 } else { 0.5 };
            assert!(value < enough * first, "{options:?}: {first} became {value}");
            assert_eq!(f.running().values() != before, i == 1, "{options:?}");
            if method.samples_seen().is_none_or(|seen| seen == 500) {
                let anew = digits.objective(Loss::CrossEntropy).value(x);
                assert!((anew - value).abs() <= 1e-5 * value, "{options:?}: {value} is {anew}");
            }
        }
    }
}

/// All entries of an archive to the bit: a radius that is not controlled is NaN.
fn bits(archive: &Archive) -> Vec<(String, Vec<u64>)> {
    let of = |values: &[f64]| values.iter().map(|v| v.to_bits()).collect();
    let arrays = archive.arrays().map(|(name, values)| (name.to_owned(), of(values)));
    arrays.chain(archive.integers().map(|(name, value)| (name.to_owned(), vec![value]))).collect()
}

fn state(method: &TwoLevel, f: &NetworkObjective) -> Archive {
    let mut archive = Archive::default();
    archive.scope("method", |a| method.save(a));
    archive.scope("objective", |a| f.save(a));
    archive
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    threads_are_alike(&digits(1.0, &Layer::Relu));
    images(1.0).iter().for_each(threads_are_alike);
}

fn threads_are_alike(digits: &Digits) {
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let of = |options: TwoLevelOptions| {
                let (mut f, mut method) = (digits.objective(Loss::CrossEntropy), digits.method(options));
                method.start(&mut f, &digits.network.initial(2), None).unwrap();
                for _ in 0..5 {
                    method.step(&mut f);
                }
                bits(&state(&method, &f))
            };
            [of(settings()[0]), of(growing(Control::Radius))]
        })
    };
    let one = run(1);
    assert!(one == run(2));
    assert!(one == run(5));
}

/// Samples that grow: more of them in every iteration until all are seen; the loss falls on those that an iteration sees;
/// the seed says which they are; an iteration on few costs less, on the scale of all, and from when all are seen it costs
/// what it costs without growing.
#[test]
fn on_growing_samples_the_loss_falls_on_those_that_are_seen() {
    let digits = digits(1.0, &Layer::Relu);
    let all = digits.samples.count() as f64;
    for control in [Control::Damping, Control::Radius] {
        let run = |options: TwoLevelOptions| {
            let (mut f, mut method) = (digits.objective(Loss::CrossEntropy), digits.method(options));
            method.start(&mut f, &digits.network.initial(4), None).unwrap();
            let (mut seen, mut costs, mut losses) = (Vec::new(), Vec::new(), Vec::new());
            for _ in 0..16 {
                method.prepare(&mut f).unwrap();
                let (before, worked) = (method.current().value, method.work().gradient_equivalents);
                losses.push(before);
                seen.push(method.samples_seen().map_or(all, |seen| seen as f64));
                let step = match method.step(&mut f) {
                    Flow::Continue(step) => step,
                    // All samples fitted to a loss of 1e-8: nothing is left but rounding.
                    Flow::Done(Status::WithinRounding { .. }) if costs.len() >= 12 => break,
                    Flow::Done(status) => panic!("{control:?} ended: {status}"),
                };
                assert!(step.value <= before, "{control:?}: {before} then {}", step.value);
                costs.push((method.work().gradient_equivalents - worked, step.trials_rejected));
            }
            (seen, costs, losses)
        };
        let grown = growing(control);
        let (seen, costs, losses) = run(grown);
        assert_eq!(seen[0], 384.0);
        assert!(seen.windows(2).all(|pair| pair[0] < pair[1] || pair[1] == all), "{seen:?}");
        assert_eq!(*seen.last().unwrap(), all);
        assert!(run(grown) == (seen.clone(), costs.clone(), losses.clone()), "the same seed, the same run");
        let other = TwoLevelOptions { samples: grown.samples.map(|s| Growing { seed: 6, ..s }), ..grown };
        assert!(run(other).2[0] != losses[0], "other seeds see other samples");
        // Iterations without a rejected trial, the eigenproblem of the inputs in the first one left out.
        let plain = run(TwoLevelOptions { samples: None, ..grown }).1;
        let usual =
            |costs: &[(f64, u32)]| costs.iter().skip(1).filter(|c| c.1 == 0).map(|c| c.0).fold(0.0, f64::max);
        let full: Vec<(f64, u32)> =
            costs.iter().zip(&seen).filter(|(_, s)| **s == all).map(|(c, _)| *c).collect();
        let few = costs[1].0 / usual(&plain);
        println!("{control:?}: {:.3} of an iteration on all samples, with {:.3} of them", few, seen[1] / all);
        assert!(few < 0.75, "{few}");
        assert!((usual(&full) - usual(&plain)).abs() < 1e-9, "{} and {}", usual(&full), usual(&plain));
    }
}

#[test]
fn resume_equals_uninterrupted_bitwise() {
    resumes_bitwise(&digits(1.0, &Layer::Relu), 36, &[0, 1, 7, 30, 33]);
    images(1.0).iter().for_each(|digits| resumes_bitwise(digits, 6, &[0, 1, 3]));
}

fn resumes_bitwise(digits: &Digits, iterations: usize, from: &[usize]) {
    for options in settings() {
        let (mut f, mut method) = (digits.objective(Loss::CrossEntropy), digits.method(options));
        method.start(&mut f, &digits.network.initial(3), None).unwrap();
        let mut states = Vec::new();
        for _ in 0..iterations {
            method.prepare(&mut f).unwrap();
            states.push(state(&method, &f));
            method.step(&mut f);
            f.accept(method.current().x);
        }
        for &from in from {
            let (mut f, mut method) = (digits.objective(Loss::CrossEntropy), digits.method(options));
            method.start(&mut f, &digits.network.initial(9), None).unwrap();
            method.load(&states[from].scoped("method")).unwrap();
            f.load(&states[from].scoped("objective")).unwrap();
            for (i, expected) in states.iter().enumerate().skip(from) {
                method.prepare(&mut f).unwrap();
                let differing =
                    bits(&state(&method, &f)).into_iter().zip(bits(expected)).find(|(a, b)| a != b);
                let name = differing.map(|(entry, _)| entry.0);
                assert_eq!(name, None, "{options:?}: taken up at {from}, at {i}");
                method.step(&mut f);
                f.accept(method.current().x);
            }
        }
    }
}

/// Inputs ten times as large or small: the metric carries their scale, so that mean iteration counts over eight seeds
/// stay within 20 %. (Initial weights are PyTorch's whatever the inputs are, so the starts differ.)
#[test]
fn rescaled_inputs_take_as_many_iterations() {
    let mean = |scale: f32| {
        let digits = digits(scale, &Layer::Relu);
        (0..8).map(|seed| f64::from(digits.iterations_to(0.9, seed))).sum::<f64>() / 8.0
    };
    let [small, unit, large] = [0.1, 1.0, 10.0].map(mean);
    println!("iterations to 90 %: {small} at 0.1, {unit} at 1, {large} at 10");
    for other in [small, large] {
        assert!((other - unit).abs() <= 0.2 * unit, "{small} {unit} {large}");
    }
}

/// On images: inputs ten times as large or small, with weights of the lowest convolution as much smaller or larger, are the
/// same function to begin with, and take the same steps, to the rounding of f32; where that convolution is normalised its
/// weights may stay, and the loss falls as fast. (Where it is not, PyTorch's initial weights begin with a loss of 7.0 instead
/// of 2.4 on inputs ten times as large, and the way down from there is another.)
#[test]
fn on_images_rescaled_inputs_take_the_same_steps() {
    let losses = |network: usize, scale: f32, weights: f64| -> Vec<f64> {
        let digits = &images(scale)[network];
        let (mut f, mut method) =
            (digits.objective(Loss::CrossEntropy), digits.method(TwoLevelOptions::default()));
        let mut start = digits.network.initial(4);
        digits.network.tensors()[0].range.clone().for_each(|i| start[i] *= weights);
        method.start(&mut f, &start, None).unwrap();
        let first = method.current().value;
        let step = |_| {
            method.step(&mut f);
            method.current().value
        };
        std::iter::once(first).chain((0..5).map(step)).collect()
    };
    let near = |a: &[f64], b: &[f64], tolerance: f64| {
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() <= tolerance * b), "{a:?} {b:?}");
    };
    let unit = [0, 1].map(|network| losses(network, 1.0, 1.0));
    for (scale, inverse) in [(0.1, 10.0), (10.0, 0.1)] {
        near(&losses(0, scale, inverse), &unit[0], 1e-5);
        // Normalisations of 500 samples on the other side of some kinks.
        near(&losses(1, scale, inverse), &unit[1], 5e-3);
        near(&losses(1, scale, 1.0), &unit[1], 5e-2);
    }
}
