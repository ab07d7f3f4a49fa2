//! Runs that were interrupted, and what is found of them: checkpoints, damaged ones, those of others.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use optkit::Iteration;
use optkit::experiment::{End, Execution, Mode, Start, Study, Trial, Unwatched, Warning, Watch, execute};
use optkit::record::Facts;
use optkit::run_folder::Verdict;

use super::{Folder, SINGLE, STUDY, carried_out, folder_of, logs, problem, single};

/// Interrupts after every so many epochs of all runs together.
struct Impatient<'a> {
    patience: u32,
    seen: u32,
    interrupt: &'a AtomicBool,
    resumed: u32,
}

impl Watch for Impatient<'_> {
    fn started(&mut self, _: &Trial, start: &Start<'_>) -> io::Result<()> {
        self.resumed += u32::from(start.resumed_after.is_some());
        Ok(())
    }

    fn progressed(&mut self, _: &Trial, _: &Facts, _: &Iteration<'_>) -> io::Result<()> {
        self.seen += 1;
        // Whoever comes next must not take it back before it is seen.
        self.interrupt.fetch_or(self.seen.is_multiple_of(self.patience), Ordering::Relaxed);
        Ok(())
    }
}

#[test]
fn interrupted_and_resumed_equals_uninterrupted_bitwise() {
    let (whole, pieces) = (Folder::new("whole"), Folder::new("pieces"));
    carried_out(STUDY, &whole.0, &Execution { threads: 2, ..Execution::default() }, &mut Unwatched);
    let interrupt = AtomicBool::new(false);
    let mut watch = Impatient { patience: 7, seen: 0, interrupt: &interrupt, resumed: 0 };
    let execution = Execution { threads: 2, interrupt: Some(&interrupt), ..Execution::default() };
    let mut calls = 0;
    loop {
        calls += 1;
        interrupt.store(false, Ordering::Relaxed);
        let ends = carried_out(STUDY, &pieces.0, &execution, &mut watch);
        if ends.iter().all(End::is_finished) {
            break;
        }
        assert!(calls < 100, "every call makes seven epochs of 72");
    }
    assert!(calls > 3 && watch.resumed > 3, "{calls} calls, {} resumed", watch.resumed);
    assert_eq!(logs(&whole.0), logs(&pieces.0));
}

/// Keeps warnings, and stops a single run after some iterations.
#[derive(Default)]
struct Stopping<'a> {
    after: u64,
    interrupt: Option<&'a AtomicBool>,
    warnings: Vec<String>,
    resumed: Option<u64>,
}

impl Watch for Stopping<'_> {
    fn started(&mut self, _: &Trial, start: &Start<'_>) -> io::Result<()> {
        self.resumed = start.resumed_after;
        Ok(())
    }

    fn progressed(&mut self, _: &Trial, _: &Facts, iteration: &Iteration<'_>) -> io::Result<()> {
        if let Some(interrupt) = self.interrupt {
            interrupt.store(iteration.step.iteration >= self.after, Ordering::Relaxed);
        }
        Ok(())
    }

    fn warned(&mut self, _: &Trial, warning: &Warning) -> io::Result<()> {
        self.warnings.push(warning.to_string());
        Ok(())
    }
}

/// A run that is interrupted after about 30 iterations, with a checkpoint of each before.
fn interrupted(root: &Path) {
    let interrupt = AtomicBool::new(false);
    let execution = Execution {
        interrupt: Some(&interrupt),
        checkpoint: Some(std::time::Duration::ZERO),
        ..Execution::default()
    };
    for after in [10, 20, 30] {
        interrupt.store(false, Ordering::Relaxed);
        let mut watch = Stopping { after, interrupt: Some(&interrupt), ..Stopping::default() };
        let ends = carried_out(SINGLE, root, &execution, &mut watch);
        assert_eq!(ends[0].verdict(), Some(Verdict::Stopped));
    }
}

fn checkpoints(root: &Path) -> Vec<PathBuf> {
    let list = fs::read_dir(folder_of(root).join("checkpoints")).unwrap();
    let mut paths: Vec<PathBuf> = list.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[test]
fn a_damaged_checkpoint_is_passed_over_with_a_word_and_the_result_is_the_same() {
    let (folder, whole) = (Folder::new("damaged"), Folder::new("undamaged"));
    interrupted(&folder.0);
    let kept = checkpoints(&folder.0);
    assert_eq!(kept.len(), 2, "two are kept");
    let mut bytes = fs::read(&kept[1]).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&kept[1], bytes).unwrap();
    let mut watch = Stopping::default();
    let ends = carried_out(SINGLE, &folder.0, &Execution::default(), &mut watch);
    let End::Ran(ran) = &ends[0] else { panic!("{ends:?}") };
    let [warning] = watch.warnings.as_slice() else { panic!("{:?}", watch.warnings) };
    assert!(warning.contains("damaged") && warning.contains("going on from the one before"), "{warning}");
    assert!(watch.resumed.is_some_and(|after| after < 30));
    let End::Ran(at_once) = single(SINGLE, &whole.0, &Execution::default()) else { panic!() };
    assert_eq!(ran.report.point, at_once.report.point);
    assert_eq!(logs(&folder.0), logs(&whole.0));
    let left = checkpoints(&folder.0);
    assert!(left.len() <= 2 && left.iter().all(|path| optkit::Checkpoint::read(path).is_ok()), "{left:?}");
}

#[test]
fn where_no_checkpoint_can_be_read_nothing_is_begun() {
    let folder = Folder::new("all-damaged");
    interrupted(&folder.0);
    for path in checkpoints(&folder.0) {
        fs::write(path, "lost").unwrap();
    }
    let End::Failed(error) = single(SINGLE, &folder.0, &Execution::default()) else { panic!("refused") };
    assert!(
        error.to_string().contains("no checkpoint of") && error.to_string().contains("--again"),
        "{error}"
    );
    let again = Execution { mode: Mode::Again, ..Execution::default() };
    assert!(single(SINGLE, &folder.0, &again).is_finished());
}

#[test]
fn the_state_of_another_version_or_of_other_data_is_not_gone_on_with() {
    let folder = Folder::new("version");
    interrupted(&folder.0);
    let path = folder_of(&folder.0).join("run.json");
    let metadata = fs::read_to_string(&path).unwrap();
    let (version, data) =
        (format!("\"optkit\": \"{}\"", env!("CARGO_PKG_VERSION")), "\"data_checksum\": null");
    assert!(metadata.contains(&version) && metadata.contains(data));
    let refused = |text: String| {
        fs::write(&path, text).unwrap();
        match single(SINGLE, &folder.0, &Execution::default()) {
            End::Failed(error) => error.to_string(),
            end => panic!("{end:?}"),
        }
    };
    let other = refused(metadata.replace(&version, "\"optkit\": \"0.0.1\""));
    assert!(other.contains("was begun by optkit 0.0.1"), "{other}");
    let other = refused(metadata.replace(data, "\"data_checksum\": \"0123456789abcdef\""));
    assert!(other.contains("other data (SHA-256 0123456789ab… there, none here)"), "{other}");
    fs::write(&path, metadata).unwrap();
    assert!(single(SINGLE, &folder.0, &Execution::default()).is_finished());
}

/// Nobody reads any more.
struct Gone;

impl Watch for Gone {
    fn progressed(&mut self, _: &Trial, _: &Facts, _: &Iteration<'_>) -> io::Result<()> {
        Err(io::ErrorKind::BrokenPipe.into())
    }
}

#[test]
fn output_that_nobody_reads_ends_runs_with_their_checkpoints() {
    let folder = Folder::new("gone");
    let problem = problem(SINGLE);
    let study = Study::new(&problem, "study", &folder.0, &[]).unwrap();
    let error = execute(&study, &Execution::default(), &mut Gone).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    assert_eq!(checkpoints(&folder.0).len(), 1);
    let mut watch = Stopping::default();
    execute(&study, &Execution::default(), &mut watch).unwrap();
    assert_eq!(watch.resumed, Some(1));
}

#[test]
fn a_log_that_was_cut_off_between_two_writes_is_made_whole() {
    let (folder, whole) = (Folder::new("cut"), Folder::new("uncut"));
    interrupted(&folder.0);
    single(SINGLE, &whole.0, &Execution::default());
    let log = folder_of(&folder.0).join("run.jsonl");
    let text = fs::read_to_string(&log).unwrap();
    fs::write(&log, format!("{text}{{\"iteration\":31,\"loss\":0.")).unwrap();
    // What a process leaves that is killed while it writes.
    fs::write(folder_of(&folder.0).join(".run.json.99999.0.part"), "{\"format\": 1, \"opt").unwrap();
    assert!(single(SINGLE, &folder.0, &Execution::default()).is_finished());
    assert_eq!(logs(&folder.0), logs(&whole.0));
    let left =
        fs::read_dir(folder_of(&folder.0)).unwrap().map(|e| e.unwrap().file_name()).collect::<Vec<_>>();
    assert!(left.iter().all(|name| !name.to_string_lossy().ends_with(".part")), "{left:?}");
}
