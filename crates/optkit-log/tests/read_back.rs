//! Every format read back by what people use: pandas for JSON Lines and CSV, TensorBoard's own reader for event files.
//!
//! Needs a Python with pandas and tensorboard: the one that `OPTKIT_PYTHON` names, else `python3`. Where that has not
//! both, the test says so and ends; where `OPTKIT_PYTHON` is set, it fails.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use optkit_log::{Cell, Count, Evaluations, Outcome, Problem, Row, Target};
use serde_json::Value;

fn rows() -> Vec<Row> {
    let row = |epoch: u64| Row {
        count: Count::Epoch(epoch),
        loss: [std::f64::consts::LN_10, 1e-300, 1.0 / 3.0, f64::INFINITY][epoch as usize - 1],
        gradient_norm: 0.1 / epoch as f64,
        radius: if epoch == 3 { f64::NAN } else { 0.01 },
        ratio: f64::NAN,
        accepted: epoch != 2,
        trials_accepted: 7,
        evaluations: Evaluations {
            value: 3 * epoch,
            gradient: 1 << 40,
            hessian_product: 0,
            gradient_equivalents: 2.5,
        },
        seconds: 1e-7 * epoch as f64,
        measures: vec![("accuracy".to_owned(), 0.9 + 0.01 * epoch as f64)],
        ..Row::default()
    };
    (1..=4).map(row).collect()
}

/// What Python read, or why nothing was.
fn read(folder: &Path) -> Result<Value, String> {
    let python = env::var("OPTKIT_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/read_back.py");
    let done = Command::new(&python).arg(script).arg(folder).env("TF_CPP_MIN_LOG_LEVEL", "3").output();
    let done = done.map_err(|error| format!("{python}: {error}"))?;
    if !done.status.success() {
        return Err(String::from_utf8_lossy(&done.stderr).into_owned());
    }
    Ok(serde_json::from_slice(&done.stdout).expect("JSON"))
}

/// Whether what was read for a key is what was written.
fn same(read: &Value, written: Cell) -> bool {
    match written {
        Cell::Integer(count) => read.as_f64() == Some(count as f64),
        // Readers round decimals to within a unit of the last place.
        Cell::Number(number) if number.is_finite() => {
            read.as_f64().is_some_and(|read| (read - number).abs() <= 2.0 * f64::EPSILON * number.abs())
        }
        Cell::Number(_) => read.is_null(),
        Cell::Truth(truth) => read.as_bool() == Some(truth),
    }
}

#[test]
fn logs_are_read_back_by_pandas_and_tensorboard() {
    let folder = env::temp_dir().join(format!("optkit-log-read-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    let at = |name: &str| folder.join(name);
    let targets =
        [Target::JsonLines(at("run.jsonl")), Target::Csv(at("run.csv")), Target::TensorBoard(at("board"))];
    for target in targets {
        let mut log = target.create().unwrap();
        log.begin(&Problem { objective: "cross_entropy of fcnn on mnist".to_owned(), ..Problem::default() })
            .unwrap();
        rows()[..3].iter().for_each(|row| log.row(row).unwrap());
        drop(log);
        let mut log = target.resume(2).unwrap();
        rows()[2..].iter().for_each(|row| log.row(row).unwrap());
        log.end(&Outcome { status: "budget".to_owned(), ..Outcome::default() }).unwrap();
    }
    let found = match read(&folder) {
        Ok(found) => found,
        Err(error) if env::var_os("OPTKIT_PYTHON").is_none() => {
            eprintln!(
                "skipped: no Python with pandas and tensorboard ({})",
                error.lines().last().unwrap_or_default()
            );
            return;
        }
        Err(error) => panic!("{error}"),
    };
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(found["lines"], rows().len() + 2);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    let times = found["times"].as_array().expect("a list").iter().filter_map(Value::as_f64);
    assert!(times.clone().count() > 0 && times.into_iter().all(|time| (now - 60.0..=now).contains(&time)));
    for (i, row) in rows().iter().enumerate() {
        for (key, cell) in row.cells() {
            for format in ["rows", "table"] {
                let read = &found[format][i][key];
                assert!(same(read, cell), "{format}, {key}: {read} for {cell}");
            }
            if key == "epoch" {
                continue;
            }
            let scalars = found["scalars"][key.replace('.', "/")].as_array();
            let step = row.count.number();
            let read =
                scalars.into_iter().flatten().find(|event| event[0] == step).and_then(|e| e[1].as_f64());
            assert_eq!(read.map(|n| n as f32), cell.number().map(|n| n as f32), "event of {key}");
        }
    }
    assert_eq!(found["types"]["accepted"], "bool");
    let texts = &found["texts"];
    let text = |tag: &str| texts[tag].as_str().unwrap_or_default();
    assert!(text("problem/text_summary").contains("cross_entropy of fcnn"), "{texts}");
    assert!(text("outcome/text_summary").contains("\"status\":\"budget\""), "{texts}");
}
