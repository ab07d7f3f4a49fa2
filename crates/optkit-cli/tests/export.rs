//! Weights out of runs and into others, and what is said where there are none.

mod common;

use std::path::Path;

use common::{FUNCTION, NETWORK, file, folder, run};

/// With a batch normalisation, whose averages go along.
fn network() -> String {
    NETWORK.replace("dense 32; relu", "dense 16; batch_norm; relu")
}

fn at(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().expect("a path in UTF-8").to_owned()
}

/// The loss and the accuracy that a file's weights have after no iteration.
fn value(problem: &str, weights: &str) -> (f64, f64) {
    let set = format!("run.weights=\"{weights}\"");
    let ran = run(&["solve", problem, "--set", &set, "--iterations", "0", "--json"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    let last = ran.out.lines().last().expect("a result");
    let last: serde_json::Value = serde_json::from_str(last).expect("an object");
    (last["loss"].as_f64().expect("a loss"), last["accuracy"].as_f64().expect("an accuracy"))
}

#[test]
fn a_run_begins_where_another_ended() {
    let folder = folder("export");
    let problem = file(&folder, "net.apts", network());
    let runs = at(&folder, "runs");
    let ran = run(&["solve", &problem, "--runs", &runs, "--json"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    let kept = at(&folder, "runs/net/apts-seed0");
    let weights = at(&folder, "net.safetensors");
    let exported = run(&["export", &kept, &weights, "--precision", "f64"]);
    assert_eq!((exported.code, exported.err.as_str()), (Some(0), ""));
    assert_eq!(
        exported.out,
        format!(
            "{weights}: 1,242 parameters in 6 tensors and 32 running averages, after iteration 2 of `{kept}`\n"
        )
    );
    // The last row of the log is of the point of the last checkpoint.
    let log = std::fs::read_to_string(Path::new(&kept).join("run.jsonl")).expect("a log");
    let row = log.lines().rev().nth(1).expect("an epoch");
    let row: serde_json::Value = serde_json::from_str(row).expect("an object");
    let (loss, accuracy) = value(&problem, &weights);
    assert_eq!(Some(accuracy), row["accuracy"].as_f64(), "{row}");
    let before = row["loss"].as_f64().expect("a loss");
    assert!((loss - before).abs() < 1e-6 * before, "{loss} after {before}");

    // One checkpoint by its name, in single precision.
    let checkpoint = at(&folder, "runs/net/apts-seed0/checkpoints/iteration-000000000002.safetensors");
    let single = at(&folder, "single.safetensors");
    assert_eq!(run(&["export", &checkpoint, &single]).code, Some(0));
    let lengths = [&weights, &single].map(|path| std::fs::metadata(path).expect("a file").len());
    assert!(lengths[1] < lengths[0] && value(&problem, &single).1 == accuracy, "{lengths:?}");
}

/// The words on stderr, of a command that prints nothing and ends with 2.
fn refused(arguments: &[&str], words: &[&str]) {
    let ran = run(arguments);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{}", ran.err);
    for word in words {
        assert!(ran.err.contains(word), "no `{word}` in\n{}", ran.err);
    }
}

#[test]
fn what_has_no_weights_says_so() {
    let folder = folder("no-weights");
    let out = at(&folder, "out.safetensors");
    refused(&["export", "nowhere", &out], &["cannot read the checkpoint `nowhere`"]);
    refused(&["export", &at(&folder, "."), &out], &["is no run; name the folder of one"]);
    refused(&["export", "nowhere", "out.pt"], &["….safetensors"]);
    let function = file(&folder, "bowl.apts", FUNCTION);
    let runs = at(&folder, "runs");
    assert_eq!(run(&["solve", &function, "--runs", &runs]).code, Some(0));
    let kept = at(&folder, "runs/bowl/apts-seed0");
    refused(&["export", &kept, &out], &["minimises a function without a network"]);
    assert_eq!(run(&["runs", "clean", &runs, "--yes"]).code, Some(0));
    refused(&["export", &kept, &out], &["has no checkpoint", "run it again"]);

    // Into a run.
    let set = ["--set", "run.weights=\"nowhere.safetensors\""];
    refused(&["check", &function, set[0], set[1]], &["E0824", "those of a network", "--set:1:5"]);
    let problem = file(&folder, "net.apts", network());
    refused(
        &["check", &problem, set[0], set[1]],
        &["E0824", "cannot read the weights `nowhere.safetensors`"],
    );
    let text = file(&folder, "text.safetensors", "no weights");
    let inside = network() + &format!("run {{ weights = \"{text}\" }}\n");
    let inside = file(&folder, "inside.apts", inside);
    refused(&["solve", &inside], &["E0824", "no safetensors file", "inside.apts:14:17", "these weights"]);
    // A checkpoint, and the weights of another network.
    assert_eq!(run(&["solve", &problem, "--runs", &runs]).code, Some(0));
    let kept = at(&folder, "runs/net/apts-seed0");
    let checkpoint = format!("{kept}/checkpoints/iteration-000000000002.safetensors");
    let set = format!("run.weights=\"{checkpoint}\"");
    refused(&["check", &problem, "--set", &set], &["E0824", "`optkit export` makes weights of it"]);
    assert_eq!(run(&["export", &kept, &out]).code, Some(0));
    let other = file(&folder, "other.apts", NETWORK);
    let set = format!("run.weights=\"{out}\"");
    refused(&["check", &other, "--set", &set], &["E0824", "it lacks `3.weight` and `3.bias`", "`2.bias`"]);
}
