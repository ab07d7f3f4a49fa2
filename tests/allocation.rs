//! After its first iterations a method allocates nothing, counted by the allocator itself.

use std::sync::Arc;

use optkit::assemble::Assembly;
use optkit::data::{Fetch, Locations};
use optkit::functions::build;
use optkit::lang::Source;
use optkit::nn::{Layer, Loss, Network, NetworkObjective, Targets, Tensor};
use optkit::{
    Adam, AdamOptions, Apts, AptsOptions, Archive, Control, Exact, Flow, Gradient, Growing, Lbfgs,
    LbfgsOptions, Lsr1, Lsr1Settings, MoreSorensen, Objective, Obs, Optimizer, Partition, Pass,
    PreconditionerOptions, Samples, SchwarzPreconditioner, Sgd, SgdOptions, Steihaug, Subset, TorchLbfgs,
    TorchLbfgsOptions, TrustRegion, TrustRegionOptions, TwoLevel, TwoLevelOptions, problem,
};
use optkit_allocation_counter::{during, pool};
use optkit_tests::Wavy;

/// Allocations in `iterations` iterations, after some that may allocate: the fewest of three such windows. What a
/// method allocates shows in each; what the thread pool does once in its life (a worker's first steal) does not.
fn allocations(optimizer: &mut dyn Optimizer, f: &mut dyn Objective, start: &[f64], iterations: u32) -> u64 {
    windows(optimizer, f, start, iterations).into_iter().min().unwrap()
}

/// Allocations in three windows of `iterations` iterations, after some that may allocate. Room that grows with the samples
/// may show in any.
fn windows(optimizer: &mut dyn Optimizer, f: &mut dyn Objective, start: &[f64], iterations: u32) -> [u64; 3] {
    optimizer.start(f, start, None).unwrap();
    let (batches, mut done) = (f.batches() as u64, 0);
    let mut step = || {
        if batches > 1 {
            let batch = (done % batches) as usize;
            let pass = Pass { epoch: done / batches, samples: Samples::Batch(batch) };
            f.select(pass);
            optimizer.samples_changed(pass);
        }
        done += 1;
        optimizer.prepare(f).unwrap();
        let flow = optimizer.step(f);
        assert!(matches!(flow, Flow::Continue(_)), "{flow:?} in iteration {done}");
    };
    (0..8).for_each(|_| step());
    [(); 3].map(|()| during(|| (0..iterations).for_each(|_| step())))
}

fn engine() -> TrustRegion {
    TrustRegion::new(TrustRegionOptions::default())
}

/// Every second-order model with every solver that takes it.
fn second_order() -> Vec<(&'static str, TrustRegion)> {
    let lsr1 =
        || engine().with_model(Lsr1::new(Lsr1Settings { memory: 5, ..Lsr1Settings::default() }).unwrap());
    let exact = || engine().with_model(Exact::default());
    vec![
        ("lsr1, obs", lsr1().with_subproblem(Box::new(Obs::default()))),
        ("lsr1, steihaug", lsr1().with_subproblem(Box::new(Steihaug::default()))),
        ("exact, steihaug", exact().with_subproblem(Box::new(Steihaug::default()))),
        ("exact, more_sorensen", exact().with_subproblem(Box::new(MoreSorensen::default()))),
    ]
}

/// Methods that need no radius; a step of PyTorch's L-BFGS is one line search here.
fn descent() -> Vec<(&'static str, Box<dyn Optimizer>)> {
    let momentum = SgdOptions { momentum: 0.5, nesterov: true, weight_decay: 1e-4, ..SgdOptions::new(1e-5) };
    let torch =
        TorchLbfgsOptions { iterations: 1, max_evaluations: Some(25), ..TorchLbfgsOptions::default() };
    let partition = Partition::contiguous(32, 4).unwrap();
    let sweep = SchwarzPreconditioner::new(partition, PreconditionerOptions::default());
    let lbfgs = || Lbfgs::new(LbfgsOptions { memory: 4, ..LbfgsOptions::default() });
    vec![
        ("sgd", Box::new(Sgd::new(SgdOptions::new(1e-5)))),
        ("sgd with momentum", Box::new(Sgd::new(momentum))),
        ("adam", Box::new(Adam::new(AdamOptions { amsgrad: true, ..AdamOptions::default() }))),
        ("adamw", Box::new(Adam::decoupled(AdamOptions::adamw()))),
        ("lbfgs", Box::new(lbfgs())),
        ("lbfgs with torch's search", Box::new(TorchLbfgs::new(torch))),
        ("lbfgs with a sweep", Box::new(lbfgs().with_preconditioner(Box::new(sweep)))),
    ]
}

/// One test only: the counter sees all computing threads of the process.
#[test]
fn iterations_allocate_nothing() {
    let pool = pool(2);
    pool.install(|| {
        let mut f = Wavy::new(80, 5);
        let start = f.start();
        assert_eq!(allocations(&mut engine().with_model(Gradient), &mut f, &start, 8), 0, "trust region");
        let mut hills = build("rosenbrock", &[("n", 32.0)]).unwrap();
        let start_of_hills = hills.start();
        for (name, mut method) in second_order() {
            let counted = allocations(&mut method, hills.as_mut(), &start_of_hills, 8);
            assert_eq!(counted, 0, "trust region with {name}");
        }
        // Beyond the orders that faer decomposes without allocating.
        let mut many = build("rosenbrock", &[("n", 90.0)]).unwrap();
        let start_of_many = many.start();
        let mut exact =
            engine().with_model(Exact::default()).with_subproblem(Box::new(MoreSorensen::default()));
        let counted = allocations(&mut exact, many.as_mut(), &start_of_many, 8);
        assert_eq!(counted, 0, "trust region with exact, more_sorensen of 90 variables");
        for (name, mut method) in descent() {
            let steps = if name == "lbfgs with a sweep" { 2 } else { 6 };
            let counted = allocations(method.as_mut(), hills.as_mut(), &start_of_hills, steps);
            assert_eq!(counted, 0, "{name}");
        }
        // Sums of squares and functions with products by their parts; few iterations, lest they converge.
        for name in ["rosenbrock", "styblinski_tang"] {
            for (control, swept) in
                [(Control::Damping, None), (Control::Radius, None), (Control::Damping, Some(vec![2, 0]))]
            {
                let mut f = build(name, &[("n", 160.0)]).unwrap();
                let start = f.start();
                let options =
                    TwoLevelOptions { control, damping: 1e2, min_damping: 1e2, ..TwoLevelOptions::default() };
                let what = format!("two-level on {name}, {control:?}, over {swept:?}");
                let mut method = TwoLevel::new(Partition::contiguous(160, 4).unwrap(), options);
                if let Some(parts) = swept {
                    method = method.with_swept_parts(parts);
                }
                assert_eq!(allocations(&mut method, f.as_mut(), &start, 2), 0, "{what}");
            }
        }
        let mut apts = Apts::new(Partition::contiguous(80, 4).unwrap(), AptsOptions::default());
        assert_eq!(allocations(&mut apts, &mut f, &start, 8), 0, "APTS on the whole objective");
    });

    for (solver, batch) in ON_NETWORKS {
        let source = Source::new("test.apts", text(solver, batch));
        let planned = problem::from_text(source, &mut |_| Err("no files".to_owned()), &[]).unwrap();
        let assembly = planned.plan.load(&Locations::default(), Fetch::Never).unwrap();
        let Assembly { mut objective, mut optimizer, start, .. } = assembly;
        assert_eq!(objective.batches() > 1, !batch.is_empty());
        // Few, lest a network so small be trained out.
        let iterations = if solver.contains("two_level") { 3 } else { 10 };
        let mut count = || allocations(optimizer.as_mut(), objective.as_mut(), &start, iterations);
        let counted = pool.install(&mut count);
        assert_eq!(counted, 0, "{solver} on a network {batch}");
    }

    pool.install(on_images);
    let (mut f, mut growing) = growing();
    let start = vec![0.1; f.dim()];
    let counted = pool.install(|| windows(&mut growing, &mut f, &start, 4));
    assert_eq!(counted, [0; 3], "two-level on growing samples");
    assert!(growing.samples_seen().is_some_and(|seen| seen < f.samples()), "samples grew in every iteration");
}

/// The two-level method on samples of which every iteration sees a block of 128 more: it has thirty iterations to go.
fn growing() -> (NetworkObjective, TwoLevel) {
    let (count, features) = (30 * 128, 20);
    let layers = vec![Layer::Dense { outputs: 6 }, Layer::Tanh, Layer::Dense { outputs: 3 }];
    let network = Network::new(vec![features], layers).unwrap();
    let values = (0..count * features).map(|i| (i as f32 * 0.37).sin()).collect();
    let labels: Vec<u8> = (0..count).map(|i| (i * i % 3) as u8).collect();
    let samples = Arc::new(optkit::nn::Samples::from_floats(values, features).unwrap());
    let targets = Arc::new(Targets::labels(&labels, 3).unwrap());
    let f = NetworkObjective::new(&network, Loss::CrossEntropy, samples, targets).unwrap();
    let part = |t: &Tensor| Subset::from_ranges(network.dim(), std::iter::once(t.range.clone())).unwrap();
    let parts = network.tensors().iter().map(part).collect();
    let samples = Some(Growing { first: 1, factor: 1.000_1, seed: 1 });
    let options = TwoLevelOptions { samples, sweep_below: 1.0, ..TwoLevelOptions::default() };
    (f, TwoLevel::new(Partition::new(network.dim(), parts).unwrap(), options))
}

/// Methods on a network, and how its samples come.
const ON_NETWORKS: [(&str, &str); 19] = [
    ("apts { partition = tensors, preset = two_level }", ""),
    ("apts { partition = tensors, preset = two_level, control = radius, sweeps = tail { repeat = 1 } }", ""),
    ("apts { partition = tensors, preset = two_level, sweeps = multiplicative { parts = [2, 1] } }", ""),
    ("apts { partition = tensors }", ""),
    ("apts { partition = tensors, order = 2 }", ""),
    ("apts { partition = tensors, order = 2, ball = two }", ""),
    ("trust_region", ""),
    ("trust_region { order = 2 }", ""),
    ("lbfgs", ""),
    ("lbfgs { line_search = torch, iterations = 2 }", ""),
    ("lbfgs { precondition = schwarz { partition = tensors } }", ""),
    ("sgd { lr = 0.1 }", ""),
    ("sgd { lr = 0.1, momentum = 0.9 }", "batch = 100"),
    ("adam", "batch = 100"),
    ("adamw", "batch = 100"),
    ("apts { partition = tensors }", "batch = 100"),
    ("apts { partition = tensors, order = 2 }", "batch = 100"),
    (
        "apts { partition = tensors, fdl = off }",
        "batch = overlapping { parts = 5 }, normalize = per_channel, crop = 1",
    ),
    (
        "apts { partition = tensors, order = 2, pairs = overlap }",
        "batch = overlapping { parts = 5, overlap = 10% }, normalize = per_channel, crop = 1",
    ),
];

fn text(solver: &str, batch: &str) -> String {
    format!(
        "apts 1\ndata digits = digits() {{ {batch} }}\n\
         network fcnn {{ input 8x8; flatten; dense 40; tanh; dense 10 }}\n\
         minimize loss = cross_entropy(fcnn(digits.train.x), digits.train.y)\n\
         partition tensors = weights(fcnn) {{ parts = 2, by = tensor }}\n\
         solver {solver}\n"
    )
}

/// The two-level method on networks of images: on all samples from the start, on samples that have stopped to grow, and on
/// some that are growing, for which room is made once.
fn on_images() {
    for network in IMAGE_NETWORKS {
        for (settings, seen) in ON_IMAGES {
            let source = Source::new("test.apts", text_of_images(network, settings));
            let planned = problem::from_text(source, &mut |_| Err("no files".to_owned()), &[]).unwrap();
            let assembly = planned.plan.load(&Locations::default(), Fetch::Never).unwrap();
            let Assembly { mut objective, mut optimizer, start, .. } = assembly;
            let counted = windows(optimizer.as_mut(), objective.as_mut(), &start, 2);
            assert_eq!(counted, [0; 3], "{settings} on {network}");
            let mut state = Archive::default();
            optimizer.save(&mut state);
            assert_eq!(state.scoped("levels").integer("seen"), Ok(seen), "{settings} on {network}");
        }
    }
}

/// Between them every kind of stage.
const IMAGE_NETWORKS: [&str; 3] = [
    "conv 3x3 4 stride=2 pad=1; relu; pool_max 2x2; conv 2x2 6; sigmoid; flatten; dense 10",
    "pool_avg 2x2; conv 3x3 6 pad=1 bias=off; batch_norm; relu
     skip { conv 3x3 6 pad=1 bias=off; batch_norm ghost=32 }; relu
     skip { conv 3x3 8 stride=2 pad=1 } shortcut auto { conv 1x1 8 stride=2 }
     pool_avg global; dense 10",
    "pool_avg 2x2; conv 2x2 8 dilation=2; layer_norm; tanh; conv 2x2 8 groups=4; gelu; dropout 0.1
     flatten; dense 12; batch_norm; leaky_relu; dense 10; log_softmax",
];

/// Settings, and how many samples the last of fourteen iterations sees.
const ON_IMAGES: [(&str, u64); 7] = [
    ("", 200),
    (", control = radius", 200),
    (", combine = additive, sweeps = tail { repeat = 1 }", 200),
    (", sweeps = multiplicative { parts = [2, 1] }", 200),
    (", samples = growing { first = 60, factor = 1.5 }", 200),
    (", samples = growing { first = 60, factor = 1.05 }", 121),
    (
        ", control = radius, sweeps = tail { repeat = 1 }, samples = growing { first = 60, factor = 1.05 }",
        121,
    ),
];

fn text_of_images(network: &str, settings: &str) -> String {
    format!(
        "apts 1\ndata digits = digits() {{ train_samples = 200 }}\n\
         network net {{\ninput 1x8x8\n{network}\n}}\n\
         minimize loss = cross_entropy(net(digits.train.x), digits.train.y)\n\
         partition layers = weights(net) {{ by = layer }}\n\
         solver apts {{ partition = layers, preset = two_level{settings} }}\n"
    )
}
