//! `--json` prints what docs/src/json.md documents: these keys, these types, nothing else.

mod common;

use std::collections::BTreeMap;

use common::{FUNCTION, file, folder, repository, run};
use serde_json::Value;

/// Keys with types, by the heading of their table.
type Documented = BTreeMap<String, BTreeMap<String, String>>;

/// The tables of the page; `None` outside the repository.
fn documented() -> Option<Documented> {
    let page = std::fs::read_to_string(repository()?.join("docs/src/json.md")).expect("the page");
    let mut tables = Documented::new();
    let mut heading = String::new();
    for line in page.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            title.clone_into(&mut heading);
        } else if line.starts_with("| `") {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            for key in cells[1].split('`').skip(1).step_by(2) {
                tables.entry(heading.clone()).or_default().insert(key.to_owned(), cells[2].to_owned());
            }
        }
    }
    assert_eq!(tables.len(), 7, "seven tables");
    Some(tables)
}

/// Objects and lists of objects inside opened up: `evaluations.value`.
fn flat(prefix: &str, value: &Value, into: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                let key = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                flat(&key, value, into);
            }
        }
        Value::Array(list) if list.iter().any(Value::is_object) => {
            list.iter().for_each(|value| flat(prefix, value, into));
        }
        other => into.push((prefix.to_owned(), other.clone())),
    }
}

fn is(value: &Value, documented: &str) -> bool {
    documented.split(" or ").any(|kind| match kind {
        "integer" => value.is_u64(),
        "number" => value.as_f64().is_some_and(f64::is_finite),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "list" => value.is_array(),
        other => panic!("the page names no type `{other}`"),
    })
}

/// Every key is in the table with this type, and every key of the table but `absent` is there.
fn hold(value: &Value, table: &BTreeMap<String, String>, absent: &[&str]) {
    let mut keys = Vec::new();
    flat("", value, &mut keys);
    for (key, value) in &keys {
        let kind = table.get(key).unwrap_or_else(|| panic!("docs/src/json.md says nothing of `{key}`"));
        assert!(is(value, kind), "`{key}` is {value}, but documented as {kind}");
        assert!(!absent.contains(&key.as_str()), "`{key}` is there");
    }
    for key in table.keys().filter(|key| !absent.contains(&key.as_str())) {
        assert!(keys.iter().any(|(found, _)| found == key), "`{key}` is documented, but not in {value}");
    }
}

fn lines(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

/// Runs a file and holds all its lines against the page.
fn solved(arguments: &[&str], code: i32, unit: &str, absent: &[&str]) -> Vec<Value> {
    held(arguments, code, unit, absent, 1)
}

/// What the result of a method without subdomains does not have.
const PARTS: [&str; 3] = ["parts.part", "parts.gradient_equivalents", "parts.tensors"];

/// A network in `batches` mini-batches.
fn solved_in_batches(arguments: &[&str], batches: u64) -> Vec<Value> {
    held(arguments, 0, "epoch", &PARTS, batches)
}

fn held(arguments: &[&str], code: i32, unit: &str, absent: &[&str], batches: u64) -> Vec<Value> {
    let Some(documented) = documented() else { return Vec::new() };
    let ran = run(&[&["solve", "--json"], arguments].concat());
    assert_eq!((ran.code, ran.err.as_str()), (Some(code), ""));
    let lines = lines(&ran.out);
    let [first, between @ .., last] = lines.as_slice() else { panic!("two lines at least: {}", ran.out) };
    assert_eq!(first.as_object().expect("an object").len(), 1, "one key, `problem`");
    hold(&first["problem"], &documented["First line: the problem"], &[]);
    let other = if unit == "epoch" { "iteration" } else { "epoch" };
    for (i, line) in between.iter().enumerate() {
        hold(line, &documented["One line an iteration"], &[absent, &[other]].concat());
        assert_eq!(line[unit], i as u64 + 1, "in order");
    }
    hold(last, &documented["Last line: the result"], absent);
    assert_eq!(last["iterations"], batches * between.len() as u64);
    assert_eq!(last["unit"], unit);
    let seconds = |line: &Value| line["seconds"].as_f64().expect("a number");
    assert!(between.windows(2).all(|pair| seconds(&pair[0]) <= seconds(&pair[1])), "time goes on");
    assert!(seconds(last) <= last["seconds_total"].as_f64().expect("a number"));
    lines
}

#[test]
fn a_network_in_json_is_as_documented() {
    let Some(top) = repository() else { return };
    let path = top.join("problems/digits_fcnn.apts");
    let lines = solved(&[path.to_str().unwrap()], 0, "epoch", &[]);
    let [first, .., last] = lines.as_slice() else { panic!("lines") };
    assert_eq!(first["problem"]["variables"], 2410);
    assert_eq!(first["problem"]["samples"], 1437);
    assert_eq!(first["problem"]["data_checksum"].as_str().map(str::len), Some(64));
    assert_eq!((&last["status"], &last["returned"]), (&"target".into(), &"last".into()));
    assert!(last["accuracy"].as_f64().is_some_and(|a| (0.9..=1.0).contains(&a)), "{last}");
    let before = &lines[lines.len() - 2];
    assert_eq!(before["accuracy"], last["accuracy"], "the last point is the one returned");
}

#[test]
fn a_function_in_json_is_as_documented() {
    let Some(top) = repository() else { return };
    let path = top.join("problems/quadratic.apts");
    let lines = solved(&[path.to_str().unwrap()], 0, "iteration", &["accuracy"]);
    let last = lines.last().expect("lines");
    assert_eq!(last["status"], "converged");
    assert!(last["gradient_norm"].as_f64().is_some_and(|g| g <= 1e-6), "{last}");
}

#[test]
fn a_run_without_iterations_in_json_is_as_documented() {
    let path = file(&folder("json-none"), "function.apts", FUNCTION);
    let lines = solved(&[&path, "--iterations", "0"], 1, "iteration", &["accuracy"]);
    assert!(lines.is_empty() || lines.len() == 2, "{lines:?}");
}

#[test]
fn a_log_of_json_lines_is_what_json_prints_and_the_others_have_its_rows() {
    let folder = folder("json-log");
    let path = file(&folder, "network.apts", common::NETWORK);
    let at = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (jsonl, csv, board) = (at("run.jsonl"), at("run.csv"), format!("tensorboard:{}", at("board")));
    let logs = ["--log", jsonl.as_str(), "--log", csv.as_str(), "--log", board.as_str()];
    let ran = run(&[&["solve", "--json", path.as_str()], &logs[..]].concat());
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert_eq!(std::fs::read_to_string(&jsonl).unwrap(), ran.out);
    let table = std::fs::read_to_string(&csv).unwrap();
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), 3, "a header and two epochs");
    for (row, line) in rows[1..].iter().zip(&lines(&ran.out)[1..]) {
        let cells = rows[0].iter().zip(row).map(|(&key, &cell)| (key, cell)).collect::<BTreeMap<_, _>>();
        assert_eq!(cells["loss"], line["loss"].to_string());
        assert_eq!(cells["evaluations.value"], line["evaluations"]["value"].to_string());
        assert_eq!(cells["accuracy"], line["accuracy"].to_string());
    }
    assert_eq!(std::fs::read_dir(at("board")).unwrap().count(), 1);

    // A run begun anew replaces its logs, and nothing else.
    std::fs::write(&csv, "name,price\n").unwrap();
    let refused = run(&[&["solve", path.as_str()], &logs[..]].concat());
    assert_eq!((refused.code, refused.out.as_str()), (Some(2), ""));
    assert!(refused.err.contains("run.csv") && refused.err.contains("no log of optkit"), "{}", refused.err);
    let unknown = run(&["solve", path.as_str(), "--log", "run.xlsx"]);
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.err.contains("….jsonl"), "{}", unknown.err);
}

/// On mini-batches a line is an epoch, with the whole function.
#[test]
fn mini_batches_in_json_are_as_documented() {
    let text = common::NETWORK
        .replace("digits()", "digits() { batch = 100 }")
        .replace("partition parts = weights(net) { parts = 4 }\n", "")
        .replace("solver apts { partition = parts }", "solver sgd { lr = 0.1 }");
    let path = file(&folder("json-batches"), "batches.apts", text);
    let lines = solved_in_batches(&[&path], 15);
    let [.., before, last] = lines.as_slice() else { panic!("lines") };
    assert_eq!((&before["loss"], &before["accuracy"]), (&last["loss"], &last["accuracy"]));
    assert_eq!(last["returned"], "last");
    assert_eq!(last["evaluations"]["gradient_equivalents"], 2.0);
}

#[test]
fn a_measure_never_hides_a_key() {
    let folder = folder("json-measure");
    let plain = file(&folder, "plain.apts", common::NETWORK);
    let hiding = file(&folder, "hiding.apts", common::NETWORK.replace("measure accuracy", "measure radius"));
    let radii = |path: &str| -> Vec<Value> {
        let lines = lines(&run(&["solve", "--json", path]).out);
        // The last line has no radius of its own: there the measure has the name to itself.
        lines[1..lines.len() - 1].iter().map(|line| line["radius"].clone()).collect()
    };
    assert_eq!(radii(&plain).len(), 2);
    assert_eq!(radii(&plain), radii(&hiding));
}

#[test]
fn check_in_json_is_as_documented() {
    let Some(top) = repository() else { return };
    let Some(documented) = documented() else { return };
    let table = &documented["The object of `check --json`"];
    let checked = |problem: &str, options: &[&str], absent: &[&str]| {
        let path = top.join("problems").join(problem);
        let ran = run(&[&["check", path.to_str().unwrap(), "--json"], options].concat());
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{}", ran.out);
        let [object] = lines(&ran.out).try_into().expect("one line");
        // What is no network has no layers, and its memory is not counted.
        let function = problem == "quadratic.apts";
        let of_networks =
            |key: &&str| key.starts_with("layers.") || ["peak_memory_bytes", "micro_batch"].contains(key);
        let lacks = table.keys().map(String::as_str).filter(|key| function && of_networks(key));
        hold(&object, table, &absent.iter().copied().chain(lacks).collect::<Vec<_>>());
        object
    };
    let whole = ["loss_ms", "loss_gradient_ms"];
    let parts = ["parts.tensors", "parts.variables", "parts.share"];
    let timed = ["parts.loss_ms", "parts.loss_gradient_ms"];
    let derivatives: Vec<&str> =
        table.keys().map(String::as_str).filter(|key| key.starts_with("derivatives.")).collect();
    // What is right has no wrong entries to describe.
    let entries: Vec<&str> =
        derivatives.iter().copied().filter(|key| key.starts_with("derivatives.wrong.")).collect();
    checked("quadratic.apts", &[], &[&whole[..], &parts, &timed, &derivatives].concat());
    for problem in ["quadratic.apts", "digits_fcnn.apts"] {
        let absent = [&whole[..], &parts, &timed, &entries].concat();
        let object = checked(problem, &["--derivatives"], &absent);
        let list = object["derivatives"].as_array().expect("a list");
        assert_eq!(list.len(), 4, "gradient and products, at two points");
        assert!(list.iter().all(|one| one["right"] == true), "{object}");
    }
    let whole = [&whole[..], &derivatives].concat();
    let object = checked("digits_fcnn.apts", &["--cost"], &whole);
    assert!(object["parts"][0]["loss_ms"].is_null(), "not measured");
    let object = checked("digits_fcnn.apts", &["--cost", "--time"], &derivatives);
    let parts = object["parts"].as_array().expect("a list");
    assert_eq!(parts.len(), 4);
    let variables: u64 = parts.iter().filter_map(|part| part["variables"].as_u64()).sum();
    assert_eq!(variables, 2410);
    for part in parts {
        assert!(part["share"].as_f64().is_some_and(|s| (0.0..=1.0).contains(&s)), "{part}");
        assert!(part["loss_ms"].as_f64().is_some_and(|ms| ms > 0.0), "{part}");
    }
    let object = checked("quadratic.apts", &["--time"], &derivatives);
    assert_eq!(object["parts"][0]["tensors"], Value::Array(Vec::new()));
}

/// Experiments, and what `optkit runs` says of them, one that was interrupted and one that cannot be read among them.
#[test]
fn experiments_and_runs_in_json_are_as_documented() {
    let Some(documented) = documented() else { return };
    let folder = folder("json-runs");
    let text = format!("{}experiment e {{ trials = 2 }}\n", common::NETWORK);
    let (path, runs) = (file(&folder, "study.apts", text), folder.join("runs"));
    let runs = runs.to_str().unwrap();
    let ran = run(&["solve", &path, "--runs", runs, "--json"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    let objects = lines(&ran.out);
    assert_eq!(objects.len(), 2);
    objects.iter().for_each(|object| hold(object, &documented["Experiments"], &[]));

    let listed = lines(&run(&["runs", "list", runs, "--json"]).out);
    assert_eq!(listed.len(), 2);
    listed.iter().for_each(|object| hold(object, &documented["Runs"], &["error"]));
    let compared = lines(&run(&["runs", "compare", runs, "--json"]).out);
    assert_eq!(compared.len(), 1);
    hold(&compared[0], &documented["Comparison"], &[]);

    std::fs::write(folder.join("runs/study/e/apts-01/run.json"), "{").unwrap();
    let listed = lines(&run(&["runs", "list", runs, "--json"]).out);
    assert_eq!(listed[0]["standing"], "unreadable");
    let keys: Vec<&str> = documented["Runs"].keys().map(String::as_str).collect();
    let known = ["folder", "standing", "bytes", "checkpoint_bytes", "error"];
    let absent: Vec<&str> = keys.into_iter().filter(|key| !known.contains(key)).collect();
    hold(&listed[0], &documented["Runs"], &absent);
}
