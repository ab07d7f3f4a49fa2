//! What a run on a network takes of memory is what was counted beforehand, and no more than it is allowed. Tests
//! take turns: the count is of the whole process.

use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use optkit::data::{Fetch, Locations};
use optkit::lang::Source;
use optkit::{Iteration, Run, StopWhen, Test, problem, run};
use optkit_allocation_counter::most_held_during;
use optkit_tests::interrupted::assert_goes_on_bit_for_bit;

/// What the plan adds for the program itself, which is not on the heap.
const PROGRAM: f64 = 40e6;

fn read(
    layers: &str,
    batch: &str,
    solver: &str,
    memory: &str,
) -> Result<problem::Planned, problem::ReadError> {
    let text = format!(
        "apts 1\ndata digits = digits() {{ {batch} }}\n\
         network cnn {{ input 1x8x8; {layers}; flatten; dense 10 }}\n\
         minimize loss = cross_entropy(cnn(digits.train.x), digits.train.y)\n\
         measure accuracy = accuracy(cnn(digits.test.x), digits.test.y)\n\
         partition tensors = weights(cnn) {{ by = tensor }}\n\
         solver {solver}\n\
         stop when epochs >= 2\nrun {{ {memory} }}\n"
    );
    problem::from_text(Source::new("x.apts", text), &mut |_| Err("no file".to_owned()), &[])
}

fn planned(layers: &str, batch: &str, solver: &str, memory: &str) -> problem::Planned {
    read(layers, batch, solver, memory).unwrap_or_else(|error| panic!("{error}"))
}

/// What a limit is refused with, its remedy included.
fn refused(layers: &str, memory: &str) -> String {
    let Err(problem::ReadError::Wrong(wrong)) = read(layers, "", SAPTS, memory) else {
        panic!("{memory} is taken")
    };
    let errors: Vec<_> = wrong.list.iter().filter(|d| d.is_error()).collect();
    let [error] = errors[..] else { panic!("{memory}: {} errors", errors.len()) };
    assert_eq!(error.code, "E0828");
    format!("{error:?}")
}

/// Bytes that a run of some iterations holds at its peak, checkpoints written within them included; and its last loss.
fn peak(planned: &problem::Planned) -> (f64, f64) {
    let folder = std::env::temp_dir().join(format!("optkit-memory-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("run.safetensors");
    let (mut start, mut loss) = (0, f64::NAN);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let most = most_held_during(|| {
        let mut made = planned.plan.load(&Locations::from_environment(None), Fetch::Never).unwrap();
        let stop = StopWhen::new().or("iterations >= 6", Test::Iterations(6));
        let mut keep = |iteration: &Iteration<'_>| {
            iteration.checkpoint().write(&path).unwrap();
            ControlFlow::Continue(())
        };
        let setup = Run { stop: &stop, measures: &mut made.measures, observer: &mut keep, interrupt: None };
        let report =
            pool.install(|| run(made.optimizer.as_mut(), made.objective.as_mut(), &made.start, setup));
        (start, loss) = (8 * made.start.len(), report.unwrap().value);
    });
    std::fs::remove_dir_all(folder).unwrap();
    // A run in a folder drops its start.
    ((most - start) as f64, loss)
}

/// Most of what is held is vectors of parameters in the first network, activations in the second; the third is a chain.
const VECTORS: &str = "conv 3x3 16 pad=1; relu; flatten; dense 300; relu";
const ACTIVATIONS: &str = "conv 3x3 32 pad=1; batch_norm ghost=32; relu; conv 3x3 32 pad=1; batch_norm ghost=32; relu; pool_max 2x2";
const DENSE: &str = "flatten; dense 400; relu; dense 300; relu";
const SAPTS: &str = "apts { partition = tensors, fdl = off, radius = 0.01, max_radius = 0.1 }";
const OVERLAPS: &str = "batch = overlapping { parts = 4, overlap = 1% }";

/// Methods, each with the mini-batches on which it runs.
type Methods<'a> = [(&'a str, &'a [&'a str])];

/// Every optimizer of the language, on mini-batches where it takes them and on all samples.
const METHODS: &Methods<'_> = &[
    ("sgd { lr = 0.01 }", &["batch = 200", ""]),
    ("sgd { lr = 0.01, momentum = 0.9 }", &["batch = 200", ""]),
    ("adam { lr = 0.001 }", &["batch = 200", ""]),
    ("adamw { lr = 0.001, amsgrad = on }", &["batch = 200"]),
    ("lbfgs { memory = 4 }", &[""]),
    ("lbfgs { memory = 4, line_search = torch }", &[""]),
    ("lbfgs { memory = 4, precondition = schwarz { partition = tensors } }", &[""]),
    ("trust_region { order = 1 }", &[""]),
    ("trust_region { order = 2 }", &[""]),
    ("trust_region { model = lsr1 { memory = 6 } }", &[""]),
    ("trust_region", &[""]),
    (SAPTS, &[OVERLAPS, ""]),
    ("apts { partition = tensors, radius = 0.01, max_radius = 0.1 }", &[OVERLAPS, ""]),
    ("apts { partition = tensors, order = 2, radius = 0.01, max_radius = 0.1 }", &[OVERLAPS, ""]),
    ("apts { partition = tensors, order = 2, local = trust_region { order = 1 } }", &[""]),
    (
        "apts { partition = tensors, order = 2, local = trust_region { model = lsr1 { history = rows } } }",
        &[""],
    ),
];

/// What is held for what was counted: a limit is to hold, and a count that says too much would refuse what fits.
const WITHIN: std::ops::RangeInclusive<f64> = 0.85..=1.05;

/// Tests that count what the whole process holds, one at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// What runs of these methods hold, on the batches of each, is what was counted.
fn hold_what_was_counted(of: &[(&str, &Methods<'_>)]) {
    let mut wrong = Vec::new();
    for (layers, methods) in of {
        for (solver, batches) in *methods {
            for batch in *batches {
                let planned = planned(layers, batch, solver, "seed = 1");
                let counted = planned.plan.peak_memory().expect("known data") as f64 - PROGRAM;
                let (held, _) = peak(&planned);
                let ratio = held / counted;
                let line = format!("{ratio:.3} of {:.1} MB: {batch} {solver} {layers}", counted / 1e6);
                eprintln!("{line}");
                if !WITHIN.contains(&ratio) {
                    wrong.push(line);
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
#[ignore = "slow: cargo test -- --ignored"]
fn a_run_of_every_method_takes_what_was_counted() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    hold_what_was_counted(&[(VECTORS, METHODS), (DENSE, METHODS)]);
}

#[test]
fn a_run_takes_what_was_counted_and_no_more_than_it_is_allowed() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let few: &Methods<'_> = &[("adam { lr = 0.001 }", &["batch = 700"])];
    // Activations do not depend on the method, but on where it stands.
    let stand: &Methods<'_> = &[(SAPTS, &["batch = 700"]), few[0]];
    hold_what_was_counted(&[(DENSE, few), (VECTORS, few), (ACTIVATIONS, stand)]);
    for (batch, solver) in
        [("", SAPTS), ("batch = 700", SAPTS), ("batch = 700", "sgd { lr = 0.01, momentum = 0.9 }")]
    {
        let free = planned(ACTIVATIONS, batch, solver, "seed = 1");
        let limited = planned(ACTIVATIONS, batch, solver, "seed = 1, memory = 62 MB");
        let most = limited.plan.samples_at_a_time().expect("all at once do not fit");
        assert!(most >= 32 && most.is_multiple_of(32), "{most}");
        assert_eq!(free.plan.samples_at_a_time(), None);
        let ((all, loss), (held, other)) = (peak(&free), peak(&limited));
        eprintln!("{:.1} of {:.1} MB, {most} at a time: {batch} {solver}", held / 1e6, all / 1e6);
        let counted = limited.plan.peak_memory().expect("known data") as f64;
        assert!(counted <= 62e6 && held < 0.7 * all, "{counted} counted, {held} of {all}");
        // What is too small to be counted has its room in the program's.
        assert!(held <= 1.05 * (counted - PROGRAM) && held + 0.9 * PROGRAM <= 62e6, "{held} of {counted}");
        // In single precision: rounding alone differs.
        assert!((loss - other).abs() < 2e-2 * loss, "{loss} {other}");
    }
    assert!(problem::explain("E0828").is_some());
    for (layers, memory, words) in [
        (&*ACTIVATIONS.replace(" ghost=32", ""), "memory = 62 MB", "write `batch_norm ghost=32`"),
        (ACTIVATIONS, "memory = 40 MB", "with 32 samples at a time"),
        (VECTORS, "memory = 50 MB", "with one sample at a time"),
        ("flatten; dense 300; relu", "memory = 200 KiB", "allow at least"),
    ] {
        let text = refused(layers, memory);
        assert!(text.contains(words) && text.contains("allow"), "{memory}: {text}");
    }
    assert!(
        planned("flatten; dense 300; relu", "", SAPTS, "memory = 1 GB").plan.samples_at_a_time().is_none()
    );
}

/// Two batches are an epoch: the second iteration is its last.
#[test]
fn a_run_in_micro_batches_goes_on_bit_for_bit() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for solver in [SAPTS, "sgd { lr = 0.01, momentum = 0.9 }"] {
        let limited = planned(ACTIVATIONS, "batch = 700", solver, "seed = 1, memory = 62 MB");
        assert!(limited.plan.samples_at_a_time().is_some());
        let load = || limited.plan.load(&Locations::from_environment(None), Fetch::Never).unwrap();
        assert_goes_on_bit_for_bit(load, 2, 4, solver);
    }
}
