//! Checkpoints as bytes and files: what was written is read to the bit, anything else is refused in words.

use std::ops::ControlFlow;
use std::path::PathBuf;

use optkit::{
    Apts, AptsOptions, Checkpoint, CheckpointError, CheckpointEvery, FormatError, Iteration, LoadError,
    Objective, Optimizer, Partition, ResumeError, Run, StopWhen, TrustRegion, Unobserved, from_fn, resume,
    run,
};
use proptest::prelude::*;

fn bowl(n: usize) -> impl Objective {
    from_fn(
        n,
        |x| x.iter().map(|v| v.powi(4) + v * v).sum(),
        |x, g| {
            for (g, v) in g.iter_mut().zip(x) {
                *g = 4.0 * v.powi(3) + 2.0 * v;
            }
        },
    )
}

fn taken(optimizer: &mut dyn Optimizer, n: usize, at: u64) -> Checkpoint {
    let mut kept = None;
    let mut keep = |iteration: &Iteration<'_>| {
        kept = Some(iteration.checkpoint());
        if iteration.step.iteration < at { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let stop = StopWhen::new().iterations(100);
    let setup = Run { stop: &stop, measures: &mut [], observer: &mut keep, interrupt: None };
    run(optimizer, &mut bowl(n), &vec![3.0; n], setup).unwrap();
    kept.unwrap()
}

fn small() -> Checkpoint {
    taken(&mut TrustRegion::default(), 3, 2).of_problem("minimize f = bowl(n = 3) // \"sha256\":\"\n")
}

/// A folder of this test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("optkit-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn what_was_written_is_read() {
    let checkpoint = small();
    let read = Checkpoint::from_bytes(&checkpoint.to_bytes()).unwrap();
    assert_eq!(read, checkpoint);
    assert_eq!((read.method(), read.iterations(), read.point().len()), ("trust_region", 2, 3));
    assert_eq!(read.version(), env!("CARGO_PKG_VERSION"));
    assert!(read.value() < 90.0 && read.problem().is_some());
}

#[test]
fn numbers_keep_every_bit() {
    let odd = [f64::NAN, -f64::NAN, f64::from_bits(0x7ff0_0000_0000_0001), -0.0, f64::INFINITY, 5e-324];
    let mut seen = 0;
    // A function whose points take such values cannot be minimised; one that saves them can.
    struct Odd(Vec<f64>);
    impl Objective for Odd {
        fn dim(&self) -> usize {
            1
        }
        fn value(&mut self, x: &[f64]) -> f64 {
            x[0] * x[0]
        }
        fn value_gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
            gradient[0] = 2.0 * x[0];
            x[0] * x[0]
        }
        fn save(&self, archive: &mut optkit::Archive) {
            archive.put("odd", self.0.clone());
            archive.put("nothing", Vec::new());
            archive.put_integer("largest", u64::MAX);
        }
    }
    let mut keep = |iteration: &Iteration<'_>| {
        let read = Checkpoint::from_bytes(&iteration.checkpoint().to_bytes()).unwrap();
        let bits = |v: &[f64]| v.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(read.archive().array("objective.odd").unwrap()), bits(&odd));
        assert_eq!(read.archive().array("objective.nothing").unwrap(), &[] as &[f64]);
        assert_eq!(read.archive().integer("objective.largest"), Ok(u64::MAX));
        seen += 1;
        ControlFlow::Break(())
    };
    let stop = StopWhen::new().iterations(3);
    let setup = Run { stop: &stop, measures: &mut [], observer: &mut keep, interrupt: None };
    run(&mut TrustRegion::default(), &mut Odd(odd.to_vec()), &[0.3], setup).unwrap();
    assert_eq!(seen, 1);
}

#[test]
fn every_flipped_bit_and_every_cut_is_refused() {
    let bytes = small().to_bytes();
    assert!(Checkpoint::from_bytes(&bytes).is_ok());
    for cut in 0..bytes.len() {
        assert!(Checkpoint::from_bytes(&bytes[..cut]).is_err(), "cut at {cut}");
    }
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            assert!(Checkpoint::from_bytes(&flipped).is_err(), "bit {bit} of byte {at}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(8),
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_change_of_bytes_is_refused(
        at in any::<prop::sample::Index>(), change in prop::collection::vec(any::<u8>(), 1..40), grown in any::<bool>()
    ) {
        let bytes = small().to_bytes();
        let mut changed = bytes.clone();
        let at = at.index(bytes.len());
        if grown {
            changed.splice(at..at, change);
        } else {
            let end = (at + change.len()).min(bytes.len());
            changed[at..end].copy_from_slice(&change[..end - at]);
        }
        prop_assume!(changed != bytes);
        prop_assert!(Checkpoint::from_bytes(&changed).is_err());
    }

    #[test]
    fn noise_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Checkpoint::from_bytes(&bytes).is_err());
        // Behind a header's length that could be true.
        let mut headed = (bytes.len() as u64 / 2).to_le_bytes().to_vec();
        headed.extend(&bytes);
        prop_assert!(Checkpoint::from_bytes(&headed).is_err());
    }
}

#[test]
fn what_a_file_is_instead_is_said() {
    let refused = |bytes: &[u8]| Checkpoint::from_bytes(bytes).unwrap_err();
    let text = |bytes: &[u8]| refused(bytes).to_string();
    assert!(matches!(refused(b"apts 1\nminimize f = rosenbrock()\n"), FormatError::NotACheckpoint { .. }));
    assert!(matches!(refused(b""), FormatError::NotACheckpoint { .. }));
    let foreign = [&2_u64.to_le_bytes()[..], b"{}"].concat();
    assert!(text(&foreign).contains("do not say `format`: `optkit checkpoint`"), "{}", text(&foreign));

    let bytes = small().to_bytes();
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(matches!(refused(&longer), FormatError::Damaged { .. }), "{}", text(&longer));
    let mut spoilt = bytes.clone();
    *spoilt.last_mut().unwrap() ^= 1;
    assert!(text(&spoilt).contains("damaged: it does not have its checksum; take an earlier one"));

    let version = br#""format_version":"1""#;
    let written = bytes.windows(version.len()).position(|window| window == version).unwrap();
    let mut newer = bytes.clone();
    newer[written + version.len() - 2] = b'7';
    assert_eq!(
        refused(&newer),
        FormatError::Newer { found: 7, known: 1, version: env!("CARGO_PKG_VERSION").to_owned() }
    );
}

fn refusal(optimizer: &mut dyn Optimizer, f: &mut dyn Objective, from: &Checkpoint) -> ResumeError {
    let stop = StopWhen::new().iterations(1);
    let setup = Run { stop: &stop, measures: &mut [], observer: &mut Unobserved, interrupt: None };
    resume(optimizer, f, from, setup).unwrap_err()
}

#[test]
fn another_method_size_or_problem_is_refused() {
    let from = small();
    let mut apts = Apts::new(Partition::contiguous(3, 2).unwrap(), AptsOptions::default());
    let other = refusal(&mut apts, &mut bowl(3), &from);
    assert_eq!(
        other.to_string(),
        "the checkpoint is of the method `trust_region`, but this run is one of `apts`; resume with `trust_region`"
    );
    let other = refusal(&mut TrustRegion::default(), &mut bowl(4), &from);
    assert_eq!(other, ResumeError::Dimension { saved: 3, this: 4 });
    let other = from.is_of_problem("minimize f = bowl(n = 4)\n").unwrap_err();
    assert!(other.to_string().contains("`minimize f = bowl(n = 4)` here"), "{other}");
    assert_eq!(from.is_of_problem(from.problem().unwrap()), Ok(()));
    assert_eq!(taken(&mut TrustRegion::default(), 3, 1).is_of_problem("any"), Ok(()));
}

#[test]
fn another_partition_is_refused_by_what_is_missing() {
    let apts = |parts| Apts::new(Partition::contiguous(4, parts).unwrap(), AptsOptions::default());
    let from = taken(&mut apts(2), 4, 2);
    // One objective without a save of its own, and a method that expects more than there is.
    let quadratic =
        optkit::functions::build("quadratic", &[("n", 4.0)]).expect("the catalog has a quadratic");
    let mut quadratic = quadratic;
    let error = refusal(&mut apts(2), quadratic.as_mut(), &from);
    assert!(
        matches!(&error, ResumeError::State { source: LoadError::Missing(_), .. }),
        "the function's parts were not saved: {error}"
    );
    assert!(error.to_string().contains(env!("CARGO_PKG_VERSION")), "{error}");
}

#[test]
fn a_file_is_replaced_whole_or_not_at_all() {
    let folder = Folder::new("replace");
    let path = folder.0.join("run.safetensors");
    small().write(&path).unwrap();
    let later = taken(&mut TrustRegion::default(), 3, 3);
    later.write(&path).unwrap();
    assert_eq!(Checkpoint::read(&path).unwrap(), later);
    let files = |folder: &Folder| std::fs::read_dir(&folder.0).unwrap().count();
    assert_eq!(files(&folder), 1, "nothing is left beside it");

    // A folder cannot be replaced by a file; what was begun is removed.
    let occupied = folder.0.join("occupied");
    std::fs::create_dir(&occupied).unwrap();
    std::fs::write(occupied.join("file"), "here").unwrap();
    let error = later.write(&occupied).unwrap_err();
    assert!(matches!(error, CheckpointError::Write { .. }));
    assert_eq!(files(&folder), 2);
    let error = Checkpoint::read(folder.0.join("absent")).unwrap_err();
    assert!(error.to_string().contains("cannot read the checkpoint") && error.to_string().contains("absent"));
    std::fs::write(&path, "no checkpoint").unwrap();
    let error = Checkpoint::read(&path).unwrap_err();
    assert!(error.to_string().contains("run.safetensors`: this is no checkpoint"), "{error}");
}

#[test]
fn checkpoints_are_written_every_few_iterations_and_where_a_run_is_stopped() {
    let folder = Folder::new("every");
    let path = folder.0.join("run.safetensors");
    let mut seen = Vec::new();
    let mut watch = |iteration: &Iteration<'_>| {
        seen.push(Checkpoint::read(&path).map(|c| c.iterations()).unwrap_or(0));
        if iteration.step.iteration < 8 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let mut every = CheckpointEvery::new(&path, 3).of_problem("bowl").and(&mut watch);
    let stop = StopWhen::new().iterations(100);
    let setup = Run { stop: &stop, measures: &mut [], observer: &mut every, interrupt: None };
    run(&mut TrustRegion::default().with_model(optkit::Gradient), &mut bowl(3), &[9e3; 3], setup).unwrap();
    assert!(every.error().is_none());
    assert_eq!(seen, [0, 0, 0, 3, 3, 3, 6, 6]);
    let last = Checkpoint::read(&path).unwrap();
    assert_eq!((last.iterations(), last.problem()), (8, Some("bowl")));

    let mut nowhere = CheckpointEvery::new(folder.0.join("no folder").join("file"), 0);
    let stop = StopWhen::new().iterations(3);
    let setup = Run { stop: &stop, measures: &mut [], observer: &mut nowhere, interrupt: None };
    let report = run(&mut TrustRegion::default(), &mut bowl(3), &[9e3; 3], setup).unwrap();
    assert_eq!(report.iterations, 3, "the run goes on");
    assert!(matches!(nowhere.error(), Some(CheckpointError::Write { .. })));
}
