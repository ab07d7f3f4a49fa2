//! Runs in folders: the same however they are carried out, and never mistaken for others.

#[path = "experiments/interrupted.rs"]
mod interrupted;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use optkit::Iteration;
use optkit::experiment::{End, Execution, Mode, Study, Trial, Unwatched, Watch, execute};
use optkit::lang::{Problem, Source};
use optkit::record::Facts;
use optkit::run_folder::{RunError, RunFolder, Standing, Verdict, scan};

/// Functions and a network, four configurations, two trials each.
const STUDY: &str = "apts 1
data digits = digits()
network net { input 8x8
  flatten
  dense 8; relu
  dense 10 }
minimize loss = cross_entropy(net(digits.train.x), digits.train.y)
measure accuracy = accuracy(net(digits.test.x), digits.test.y)
partition parts = weights(net) { parts = 2 }
solver apts { partition = parts, order = 2 }
solver adam = adam { lr = 0.02 }
stop when epochs >= 12
experiment both { solvers = [solver, adam], trials = 2, seed = 5 }
experiment radii { vary solver.radius in [0.05, 0.1] }
";

/// A single run of many short iterations.
const SINGLE: &str = "apts 1
minimize f = rosenbrock(n = 40)
solver trust_region { order = 2 }
stop when norm(grad) <= 1e-6 or iterations >= 60
";

fn problem(text: &str) -> Problem {
    let read = optkit::problem::from_text(Source::new("study.apts", text), &mut |_| Err(String::new()), &[]);
    match read {
        Ok(planned) => planned.problem,
        Err(optkit::problem::ReadError::Wrong(diagnostics)) => panic!("{}", diagnostics.render(false)),
        Err(error) => panic!("{error}"),
    }
}

/// A folder of this test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("optkit-experiments-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn carried_out(text: &str, root: &Path, execution: &Execution<'_>, watch: &mut dyn Watch) -> Vec<End> {
    let problem = problem(text);
    let study = Study::new(&problem, "study", root, &[]).unwrap();
    execute(&study, execution, watch).unwrap()
}

fn single(text: &str, root: &Path, execution: &Execution<'_>) -> End {
    let mut ends = carried_out(text, root, execution, &mut Unwatched);
    assert_eq!(ends.len(), 1);
    ends.remove(0)
}

fn folder_of(root: &Path) -> PathBuf {
    root.join("study/trust_region-seed0")
}

/// A log without what a clock or the number of threads decides.
fn timeless(log: &Path) -> Vec<String> {
    const CLOCKED: [&str; 5] = ["seconds", "seconds_total", "phases", "peak_memory_bytes", "threads"];
    let text = fs::read_to_string(log).unwrap_or_else(|error| panic!("{}: {error}", log.display()));
    let line = |line: &str| {
        let mut value: serde_json::Value = serde_json::from_str(line).unwrap();
        for object in [&mut value].into_iter().flat_map(|v| v.as_object_mut()) {
            CLOCKED.iter().for_each(|key| drop(object.remove(*key)));
            if let Some(problem) = object.get_mut("problem").and_then(|p| p.as_object_mut()) {
                problem.remove("threads");
            }
        }
        value.to_string()
    };
    text.lines().map(line).collect()
}

/// The logs of all runs below `root`, by their place.
fn logs(root: &Path) -> Vec<(PathBuf, Vec<String>)> {
    let found = scan(root).unwrap();
    found
        .iter()
        .map(|run| {
            assert_eq!(run.standing(), Standing::Finished, "{}", run.folder.display());
            (run.folder.strip_prefix(root).unwrap().to_owned(), timeless(&run.folder.join("run.jsonl")))
        })
        .collect()
}

#[test]
fn results_depend_on_neither_threads_nor_what_runs_beside() {
    let (one, three) = (Folder::new("one"), Folder::new("three"));
    let with = |threads| Execution { threads, ..Execution::default() };
    let ends = carried_out(STUDY, &one.0, &with(1), &mut Unwatched);
    assert_eq!(ends.len(), 6);
    assert!(ends.iter().all(|end| end.verdict() == Some(Verdict::AsAsked)), "{ends:?}");
    carried_out(STUDY, &three.0, &with(3), &mut Unwatched);
    assert_eq!(logs(&one.0), logs(&three.0));
    assert!(one.0.join("study/both/apts-02/run.json").is_file());
    assert!(one.0.join("study/radii/apts,radius=0.05-01/problem.apts").is_file());
}

#[test]
fn what_has_ended_is_kept_and_goes_on_only_where_more_is_asked() {
    let folder = Folder::new("kept");
    let plain = Execution::default();
    let End::Ran(first) = single(SINGLE, &folder.0, &plain) else { panic!("it is made") };
    assert_eq!(first.report.iterations, 60);
    let End::Kept(summary, Verdict::NotReached) = single(SINGLE, &folder.0, &plain) else { panic!("kept") };
    assert_eq!((summary.loss, summary.iterations), (first.report.value, 60));
    let log = timeless(&folder_of(&folder.0).join("run.jsonl"));

    // More iterations: as if it had been given them from the start.
    let longer = SINGLE.replace("iterations >= 60", "iterations >= 90");
    let End::Ran(more) = single(&longer, &folder.0, &plain) else { panic!("it goes on") };
    let other = Folder::new("kept-other");
    let End::Ran(at_once) = single(&longer, &other.0, &plain) else { panic!("it is made") };
    assert_eq!((more.report.value, more.report.iterations), (at_once.report.value, 90));
    assert_eq!(more.report.point, at_once.report.point);
    let (gone_on, made) = (folder_of(&folder.0).join("run.jsonl"), folder_of(&other.0).join("run.jsonl"));
    assert_eq!(timeless(&gone_on)[1..], timeless(&made)[1..]);
    assert_eq!(timeless(&gone_on)[1..61], log[1..61]);

    // Fewer: it cannot go back.
    let End::Failed(error @ RunError::Beyond { .. }) = single(SINGLE, &folder.0, &plain) else { panic!() };
    assert!(error.to_string().contains("--again"), "{error}");
    let again = Execution { mode: Mode::Again, ..Execution::default() };
    let End::Ran(again) = single(SINGLE, &folder.0, &again) else { panic!("it is made anew") };
    assert_eq!(again.report.value, first.report.value);
}

#[test]
fn another_problem_other_files_and_other_processes_are_refused() {
    let folder = Folder::new("refused");
    let place = folder_of(&folder.0);
    let plain = Execution::default();
    let refused = |text: &str, execution: &Execution<'_>| match single(text, &folder.0, execution) {
        End::Failed(error) => error.to_string(),
        end => panic!("{end:?}"),
    };
    let resume = Execution { mode: Mode::Resume, ..Execution::default() };
    assert!(refused(SINGLE, &resume).contains("no checkpoint to resume from; leave out --resume"));
    assert!(!place.join("run.json").exists(), "nothing has begun");
    single(SINGLE, &folder.0, &plain);

    let changed = refused(&SINGLE.replace("n = 40", "n = 42"), &plain);
    assert!(changed.contains("`minimize f = rosenbrock(n = 40)` there"), "{changed}");
    assert!(changed.contains("--again replaces it, --runs DIR keeps both"), "{changed}");

    let owner = RunFolder::claim(&place).unwrap();
    assert!(refused(SINGLE, &plain).contains("is in use by another optkit"));
    assert_eq!(scan(&folder.0).unwrap()[0].standing(), Standing::Running);
    drop(owner);
    assert_eq!(scan(&folder.0).unwrap()[0].standing(), Standing::Finished);

    let metadata = fs::read_to_string(place.join("run.json")).unwrap();
    fs::write(place.join("run.json"), metadata.replace("\"format\": 1", "\"format\": 2")).unwrap();
    let newer = refused(SINGLE, &plain);
    assert!(newer.contains("has format 2") && newer.contains("formats up to 1 are read"), "{newer}");
    fs::write(place.join("run.json"), &metadata[..metadata.len() / 2]).unwrap();
    assert!(refused(SINGLE, &plain).contains("is damaged"));

    let foreign = Folder::new("foreign");
    fs::create_dir_all(folder_of(&foreign.0)).unwrap();
    fs::write(folder_of(&foreign.0).join("thesis.tex"), "years of work").unwrap();
    let End::Failed(error) = single(SINGLE, &foreign.0, &plain) else { panic!("refused") };
    assert!(error.to_string().contains("it holds `thesis.tex`"), "{error}");
    assert!(folder_of(&foreign.0).join("thesis.tex").exists());
}

/// Panics at one run's second epoch, and cannot show another's third.
struct Clumsy;

impl Watch for Clumsy {
    fn progressed(&mut self, trial: &Trial, _: &Facts, iteration: &Iteration<'_>) -> io::Result<()> {
        assert!(trial.index != 1 || iteration.epoch < 2, "on purpose");
        Ok(())
    }
}

#[test]
fn a_run_that_fails_does_not_end_the_others() {
    let (folder, whole) = (Folder::new("failing"), Folder::new("not-failing"));
    let foreign = folder.0.join("study/both/adam-01");
    fs::create_dir_all(&foreign).unwrap();
    fs::write(foreign.join("notes.txt"), "").unwrap();
    let execution = Execution { threads: 2, ..Execution::default() };
    let ends = carried_out(STUDY, &folder.0, &execution, &mut Clumsy);
    let failed: Vec<usize> = (0..ends.len()).filter(|&index| matches!(ends[index], End::Failed(_))).collect();
    assert_eq!(failed, [1, 2]);
    let End::Failed(error) = &ends[1] else { panic!() };
    assert!(error.to_string().contains("internal error: on purpose"), "{error}");

    // Out of the way, they are made, and all is as if nothing had been.
    fs::remove_file(foreign.join("notes.txt")).unwrap();
    let ends = carried_out(STUDY, &folder.0, &execution, &mut Unwatched);
    assert_eq!(ends.iter().filter(|end| matches!(end, End::Kept(..))).count(), 4);
    carried_out(STUDY, &whole.0, &execution, &mut Unwatched);
    assert_eq!(logs(&folder.0), logs(&whole.0));
}

#[cfg(unix)]
#[test]
fn a_place_that_cannot_be_written_to_is_an_error_with_a_remedy() {
    let folder = Folder::new("unwritable");
    fs::create_dir_all(&folder.0).unwrap();
    fs::write(folder.0.join("study"), "a file, where a folder is to be").unwrap();
    let End::Failed(error) = single(SINGLE, &folder.0, &Execution::default()) else { panic!("refused") };
    assert!(error.to_string().contains("cannot make the folder"), "{error}");
}

#[test]
fn the_resolved_file_of_a_run_is_that_run() {
    let folder = Folder::new("resolved");
    carried_out(STUDY, &folder.0, &Execution { threads: 2, ..Execution::default() }, &mut Unwatched);
    let text = fs::read_to_string(folder.0.join("study/radii/apts,radius=0.1-01/problem.apts")).unwrap();
    let problem = problem(&text);
    assert!(problem.experiments.is_empty() && problem.reports.is_empty());
    let study = Study::new(&problem, "alone", &folder.0, &[]).unwrap();
    execute(&study, &Execution::default(), &mut Unwatched).unwrap();
    let alone = timeless(&folder.0.join("alone/apts-seed0/run.jsonl"));
    let within = timeless(&folder.0.join("study/radii/apts,radius=0.1-01/run.jsonl"));
    assert_eq!(alone[1..], within[1..]);
}

#[test]
fn an_experiment_that_is_not_there_is_named_with_those_that_are() {
    let problem = problem(STUDY);
    let unknown = Study::new(&problem, "study", Path::new("nowhere"), &["radius".to_owned()]);
    let error = unknown.err().expect("refused").to_string();
    assert_eq!(error, "there is no experiment `radius` in this file; it has both, radii");
    let chosen = Study::new(&problem, "study", Path::new("nowhere"), &["radii".to_owned()]).unwrap();
    assert_eq!(chosen.len(), 2);
}

#[test]
fn a_budget_of_gradients_is_the_same_work_for_every_method() {
    let text = STUDY
        .replace("trials = 2, seed = 5 }", "budget = 60 gradients }")
        .replace("epochs >= 12", "epochs >= 1");
    let text = text.replace("experiment radii { vary solver.radius in [0.05, 0.1] }", "");
    let folder = Folder::new("budget");
    let ends = carried_out(&text, &folder.0, &Execution::default(), &mut Unwatched);
    assert_eq!(ends.len(), 2, "apts and adam");
    for end in &ends {
        let End::Ran(ran) = end else { panic!("{end:?}") };
        let work = ran.report.work.gradient_equivalents;
        // An iteration of APTS with two parts and its trials costs less than five gradients.
        assert!((60.0..65.0).contains(&work), "{work} of 60 gradients");
        assert!(ran.report.status.to_string().contains("budget = 60 gradients"), "{}", ran.report.status);
    }
}
