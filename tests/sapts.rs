//! Stochastic APTS: one iteration of APTS on every mini-batch.

#[path = "sapts/overlap.rs"]
mod overlap;
#[path = "sapts/spy.rs"]
mod spy;

use optkit::assemble::Assembly;
use optkit::data::{Fetch, Locations};
use optkit::lang::Source;
use optkit::{Flow, Objective, Optimizer, Pass, Samples, problem};
use optkit_tests::interrupted::assert_goes_on_bit_for_bit;

fn load(solver: &str, data: &str) -> Assembly {
    load_text(format!(
        "apts 1\ndata digits = digits() {{ {data} }}\n\
         network fcnn {{ input 8x8; flatten; dense 16; relu; dense 10 }}\n\
         minimize loss = cross_entropy(fcnn(digits.train.x), digits.train.y)\n\
         measure accuracy = accuracy(fcnn(digits.test.x), digits.test.y)\n\
         partition tensors = weights(fcnn) {{ parts = 4, by = tensor }}\n\
         solver apts {{ partition = tensors, radius = 0.05, max_radius = 0.2, min_radius = 1e-4, {solver} }}\n\
         stop when epochs >= 5\nrun {{ seed = 3 }}\n"
    ))
}

fn load_text(text: String) -> Assembly {
    let planned = problem::from_text(Source::new("test.apts", text), &mut |_| Err("no file".to_owned()), &[]);
    let planned = planned.unwrap_or_else(|error| panic!("{error}"));
    planned.plan.load(&Locations::from_environment(None), Fetch::Never).expect("digits are embedded")
}

/// What an iteration did on its batch.
struct Seen {
    before: f64,
    after: f64,
    noise: f64,
    point: Vec<f64>,
}

fn iterations(made: &mut Assembly, count: usize) -> Vec<Seen> {
    let Assembly { objective, optimizer, start, .. } = made;
    optimizer.start(objective.as_mut(), start, None).unwrap();
    (0..count).map(|k| iteration(optimizer.as_mut(), objective.as_mut(), k)).collect()
}

fn iteration(optimizer: &mut dyn Optimizer, f: &mut dyn Objective, k: usize) -> Seen {
    let batches = f.batches();
    let pass = Pass { epoch: (k / batches) as u64, samples: Samples::Batch(k % batches) };
    f.select(pass);
    optimizer.samples_changed(pass);
    optimizer.prepare(f).unwrap();
    let before = optimizer.current().value;
    assert!(matches!(optimizer.step(f), Flow::Continue(_)), "a batch alone ends no run");
    let point = optimizer.current().x.to_vec();
    Seen { before, after: f.value(&point), noise: f.noise() * before.abs().max(1.0), point }
}

const BATCHED: [&str; 2] =
    ["batch = 100", "batch = overlapping { parts = 10, overlap = 1% }, flip = off, crop = 1"];

#[test]
fn with_fdl_the_loss_of_no_batch_rises_in_its_iteration() {
    for data in BATCHED {
        for order in ["order = 1", "order = 2"] {
            for (k, seen) in iterations(&mut load(order, data), 40).iter().enumerate() {
                let Seen { before, after, noise, .. } = seen;
                assert!(
                    *after <= before + 10.0 * noise,
                    "{order}, {data}, iteration {k}: {before} to {after}"
                );
            }
        }
    }
}

#[test]
fn it_learns_with_and_without_fdl() {
    // One per cent are two shared samples of 153, too few to learn curvature from.
    let (few, many) = (BATCHED[1], "batch = overlapping { parts = 10, overlap = 20% }, flip = off, crop = 1");
    for (settings, data) in [
        ("order = 1", few),
        ("order = 1, fdl = off", few),
        ("order = 2", few),
        ("order = 2, pairs = overlap", many),
    ] {
        let mut made = load(settings, data);
        let whole = |made: &mut Assembly, x: &[f64]| {
            made.objective.select(Pass::default());
            (made.objective.value(x), made.measures[0].1.measure(x))
        };
        let start = made.start.clone();
        let (begun, _) = whole(&mut made, &start);
        let seen = iterations(&mut made, 60);
        let (ended, accuracy) = whole(&mut made, &seen.last().unwrap().point);
        assert!(ended < 0.5 * begun && accuracy > 0.75, "{settings}: {begun} to {ended}, {accuracy}");
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let bits = |threads: usize| -> Vec<u64> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let seen = pool.install(|| iterations(&mut load("order = 2", BATCHED[1]), 15));
        seen.iter().flat_map(|seen| seen.point.iter().map(|v| v.to_bits())).collect()
    };
    assert_eq!(bits(1), bits(3));
}

/// Parts cost less than the whole on a batch too: what an iteration costs is counted on the scale of all samples.
#[test]
fn an_epoch_costs_a_few_gradients_of_all_samples() {
    let mut made = load("order = 1, fdl = off", "batch = 100");
    iterations(&mut made, 15);
    let parts: f64 = made.optimizer.work_of_parts().iter().map(|work| work.gradient_equivalents).sum();
    let whole = made.objective.work().gradient_equivalents;
    let all = made.optimizer.work().gradient_equivalents;
    assert!((all - parts).abs() <= 1e-9, "no pass is repeated for the parts: {all}, {parts}");
    // A gradient and two values a batch at the least: 15 batches are all samples.
    assert!((1.9..6.0).contains(&whole) && parts > 0.0 && parts < whole, "{whole} and {parts}");
}

/// A network on images with all that has a state or a seed of its own: running averages, dropout, crops, mirrors, and
/// mini-batches that overlap.
fn images(solver: &str) -> Assembly {
    load_text(format!(
        "apts 1\ndata digits = digits() {{\n\
         batch = overlapping {{ parts = 6, overlap = 1% }}, crop = 1, flip = on, train_samples = 300, test_samples = 90\n}}\n\
         network cnn {{\ninput 1x8x8; conv 3x3 5 pad=1 bias=off; batch_norm; relu\n\
         skip {{ conv 3x3 5 pad=1 bias=off; batch_norm }}; relu; dropout 0.2; pool_avg global; dense 10\n}}\n\
         minimize loss = cross_entropy(cnn(digits.train.x), digits.train.y) {{ smoothing = 0.1, weight_decay = 1e-3 }}\n\
         measure accuracy = accuracy(cnn(digits.test.x), digits.test.y)\n\
         partition tensors = weights(cnn) {{ parts = 4, by = tensor }}\n\
         solver {solver}\nstop when epochs >= 5\nrun {{ seed = 5 }}\n"
    ))
}

const ON_IMAGES: [&str; 4] = [
    "apts { partition = tensors, fdl = off, radius = 0.05, max_radius = 0.5 }",
    "apts { partition = tensors, order = 2, radius = 0.05, max_radius = 0.5 }",
    "apts { partition = tensors, order = 2, pairs = overlap, radius = 0.05, max_radius = 0.5 }",
    "sgd { lr = 0.1, momentum = 0.9 }",
];

#[test]
fn on_images_too_results_do_not_depend_on_the_number_of_threads() {
    for solver in ON_IMAGES {
        let bits = |threads: usize| -> Vec<u64> {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let seen = pool.install(|| {
                let mut made = images(solver);
                let points = iterations(&mut made, 9).into_iter().map(|seen| seen.point);
                let mut seen: Vec<f64> = points.flatten().collect();
                seen.push(made.measures[0].1.measure(made.optimizer.current().x));
                seen
            });
            seen.into_iter().map(f64::to_bits).collect()
        };
        assert_eq!(bits(1), bits(3), "{solver}");
    }
}

/// From within the first epoch, from its last iteration and from within the third: running averages, masks, crops and
/// the batches that are still to come are those of the run that was not interrupted.
#[test]
fn on_images_a_run_goes_on_bit_for_bit_from_within_an_epoch() {
    for solver in ON_IMAGES {
        for at in [2, 6, 14] {
            assert_goes_on_bit_for_bit(|| images(solver), at, 16, solver);
        }
    }
}
