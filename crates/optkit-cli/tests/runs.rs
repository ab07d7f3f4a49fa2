//! Experiments from the command line, and `optkit runs`: what is printed is documented, what is wrong is said.

mod common;

use std::fs;
use std::path::Path;

use common::{FUNCTION, file, folder, run};
use serde_json::Value;

/// Two experiments of functions; one configuration diverges.
const STUDY: &str = "\
apts 1
minimize f = rosenbrock(n = 6)
solver trust_region { order = 2 }
solver gd = sgd { lr = 1e-3 }
stop when norm(grad) <= 1e-5 or iterations >= 200
experiment rates { solvers = [gd], vary gd.lr in [1e-3, 10], budget = 50 iterations }
experiment radii { trials = 2, vary solver.radius in [0.1, 1] }
";

fn lines(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

fn at(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().expect("a path in UTF-8").to_owned()
}

#[test]
fn experiments_run_once_and_the_exit_code_is_the_gravest() {
    let folder = folder("experiments");
    let (path, runs) = (file(&folder, "study.apts", STUDY), at(&folder, "runs"));
    let first = run(&["solve", &path, "--runs", &runs, "--threads", "2", "--json"]);
    assert_eq!((first.code, first.err.as_str()), (Some(3), ""), "one diverges: {}", first.out);
    let ended = lines(&first.out);
    assert_eq!(ended.len(), 6);
    let of = |label: &str| ended.iter().find(|run| run["configuration"] == label).expect("it ran");
    assert_eq!(of("lr = 10")["status"], "diverged");
    assert_eq!(of("trust_region, radius = 0.1")["status"], "converged");
    assert!(ended.iter().all(|run| run["ran_before"] == false && run["error"].is_null()));

    let second = run(&["solve", &path, "--runs", &runs, "--json"]);
    assert_eq!((second.code, second.err.as_str()), (Some(3), ""));
    assert!(lines(&second.out).iter().all(|run| run["ran_before"] == true), "{}", second.out);
    let chosen = run(&["solve", &path, "--runs", &runs, "--experiment", "radii"]);
    assert_eq!((chosen.code, chosen.err.as_str()), (Some(0), ""));
    assert!(chosen.out.contains("4 had ended before"), "{}", chosen.out);

    // A trial more is a run more; a changed file is refused, run by run.
    let more = file(&folder, "study.apts", STUDY.replace("trials = 2", "trials = 3"));
    let more = run(&["solve", &more, "--runs", &runs, "--experiment", "radii"]);
    assert!(more.out.contains("2 runs ended, 4 had ended before"), "{}", more.out);
    let changed = file(&folder, "study.apts", STUDY.replace("n = 6", "n = 8"));
    let changed = run(&["solve", &changed, "--runs", &runs, "--experiment", "radii"]);
    assert_eq!(changed.code, Some(2));
    assert!(changed.err.contains("`minimize f = rosenbrock(n = 6)` there"), "{}", changed.err);
}

#[test]
fn runs_are_listed_shown_compared_and_cleaned() {
    let folder = folder("listed");
    let (path, runs) = (file(&folder, "study.apts", STUDY), at(&folder, "runs"));
    run(&["solve", &path, "--runs", &runs, "--threads", "2"]);
    let listed = run(&["runs", "list", &runs, "--json"]);
    assert_eq!((listed.code, listed.err.as_str()), (Some(0), ""));
    assert_eq!(lines(&listed.out).len(), 6);
    assert!(lines(&listed.out).iter().all(|run| run["standing"] == "finished"));
    assert_eq!(run(&["runs", "list", &runs]).out.lines().count(), 7, "a heading and six runs");

    let one = at(&folder, "runs/study/radii/trust_region,radius=0.1-01");
    let shown = run(&["runs", "show", &one]);
    assert_eq!((shown.code, shown.err.as_str()), (Some(0), ""));
    for words in ["experiment   radii", "trial 1, seed 0", "status       converged", "problem.apts"] {
        assert!(shown.out.contains(words), "no `{words}` in\n{}", shown.out);
    }
    let object: Value = serde_json::from_str(&run(&["runs", "show", &one, "--json"]).out).unwrap();
    assert_eq!((&object["standing"], &object["state"]), (&"finished".into(), &"finished".into()));
    assert_eq!(object["outcome"]["status"], "converged");

    let compared = lines(&run(&["runs", "compare", &runs, "--json"]).out);
    assert_eq!(compared.len(), 4);
    let radius = compared.iter().find(|c| c["configuration"] == "trust_region, radius = 1").unwrap();
    assert_eq!((&radius["experiment"], &radius["runs"]), (&"study: radii".into(), &2.into()));
    assert_eq!(radius["loss"]["std"], 0.0, "a function has no seed");
    let table = run(&["runs", "compare", &runs]).out;
    assert!(table.contains("study: rates") && table.contains("lr = 10"), "{table}");

    let asked = run(&["runs", "clean", &runs]);
    assert!(asked.out.contains("nothing is deleted without --yes"), "{}", asked.out);
    let checkpoints = Path::new(&one).join("checkpoints");
    assert!(checkpoints.exists());
    assert!(run(&["runs", "clean", &runs, "--yes"]).out.contains("freed"));
    assert!(!checkpoints.exists() && Path::new(&one).join("run.json").exists());
    assert!(run(&["runs", "clean", &runs, "--unfinished", "--yes"]).out.contains("nothing to delete"));
    fs::write(Path::new(&one).join("notes.txt"), "mine").unwrap();
    run(&["runs", "clean", &runs, "--finished", "--yes"]);
    assert_eq!(fs::read_dir(&one).unwrap().count(), 1, "what others put there stays");
    let none = run(&["runs", "list", &runs]);
    assert_eq!((none.code, none.out.as_str()), (Some(0), ""));
    assert!(none.err.contains("no runs in"), "{}", none.err);
}

#[test]
fn a_single_run_is_kept_where_that_is_asked_for() {
    let folder = folder("kept-single");
    let (path, runs) = (file(&folder, "function.apts", FUNCTION), at(&folder, "runs"));
    let (log, csv) = (at(&folder, "log.jsonl"), at(&folder, "log.csv"));
    let first = run(&["solve", &path, "--runs", &runs, "--log", &log, "--log", &csv]);
    assert_eq!((first.code, first.err.as_str()), (Some(0), ""));
    assert!(first.out.contains("\nkept in "), "{}", first.out);
    let kept = folder.join("runs/function/apts-seed0");
    assert_eq!(fs::read(&log).unwrap(), fs::read(kept.join("run.jsonl")).unwrap());
    let unlogged = run(&["solve", &path, "--runs", &runs, "--log", &at(&folder, "other.csv")]);
    assert!(unlogged.err.contains("`--log` writes nothing; its log is `"), "{}", unlogged.err);
    let again = run(&["solve", &path, "--runs", &runs]);
    assert_eq!(again.code, Some(0));
    assert!(again.out.starts_with("this run has ended before; --again runs it anew\n"), "{}", again.out);
    assert!(again.out.contains("\nstatus       converged"), "{}", again.out);
    let json = run(&["solve", &path, "--runs", &runs, "--json"]);
    assert_eq!(json.out, fs::read_to_string(&log).unwrap(), "its records, as they were");

    // A report of it is written whether it runs or has ended.
    let page = at(&folder, "page.html");
    let with_report =
        file(&folder, "function.apts", format!("{FUNCTION}report \"{page}\" {{ show = [loss] }}\n"));
    let reported = run(&["solve", &with_report, "--runs", &runs]);
    assert!(reported.out.starts_with("this run has ended before"), "{}", reported.out);
    let page = fs::read_to_string(page).expect("a page");
    assert!(page.contains("quadratic") && page.contains("<svg"), "{page}");

    let in_file = format!("{FUNCTION}run {{ checkpoint = 10 min, keep = 3 }}\n");
    let in_file = file(&folder, "function.apts", in_file);
    let same = run(&["solve", &in_file, "--runs", &runs]);
    assert!(same.out.starts_with("this run has ended before"), "checkpoints do not change it: {}", same.out);
}

#[test]
fn what_is_wrong_with_runs_is_said() {
    let folder = folder("bad-runs");
    let (path, runs) = (file(&folder, "study.apts", STUDY), at(&folder, "runs"));
    let single = file(&folder, "function.apts", FUNCTION);
    let cases: &[(&[&str], &[&str])] = &[
        (&["solve", &path, "--runs", &runs, "--resume"], &["no run of this file has begun"]),
        (&["solve", &single, "--runs", &runs, "--resume"], &["no checkpoint to resume from"]),
        (
            &["solve", &path, "--runs", &runs, "--experiment", "none"],
            &["no experiment `none`", "rates, radii"],
        ),
        (&["solve", &single, "--experiment", "none"], &["it declares none"]),
        (&["solve", &path, "--runs", &runs, "--log", "x.csv"], &["logs in their folders"]),
        (&["solve", &path, "--resume", "--again"], &["cannot be used with"]),
        (&["solve", &single, "--checkpoint", "soon"], &["90s or 15min"]),
        (&["runs", "list", &runs], &["cannot read", "a folder that holds runs"]),
        (&["runs", "show", &runs], &["cannot read"]),
        (&["runs", "show", folder.to_str().unwrap()], &["is no run"]),
        (&["runs"], &["Usage"]),
    ];
    for (arguments, words) in cases {
        let ran = run(arguments);
        assert_eq!(ran.code, Some(2), "{arguments:?}: {}", ran.err);
        assert!(ran.out.is_empty() && !ran.err.contains("panicked"), "{arguments:?}: {}", ran.err);
        words.iter().for_each(|w| assert!(ran.err.contains(w), "{arguments:?}: no `{w}` in {}", ran.err));
    }
    let file_as_place = file(&folder, "place", "a file");
    let refused = run(&["solve", &single, "--runs", &file_as_place]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.err.contains("cannot make the folder"), "{}", refused.err);
    let wrong = STUDY
        .replace("vary solver.radius in [0.1, 1]", "solver.max_radius = 1, vary solver.radius in [0.1, 5]");
    let wrong = run(&["check", &file(&folder, "wrong.apts", wrong)]);
    assert_eq!(wrong.code, Some(2), "configurations are checked before anything runs");
    assert!(wrong.err.contains("E0802"), "{}", wrong.err);
}
