//! Logs as runs leave them: whole, killed, resumed, and files that are none.

use optkit_report::{Log, ReportError};
use proptest::prelude::*;
use serde_json::{Value, json};

const FIRST: &str = r#"{"problem": {"schema": 1, "solver": "apts", "seed": 7}, "experiment": "fig1b", "series": "a", "trial": 3}"#;

fn row(epoch: u64, loss: f64) -> String {
    let loss = if loss.is_finite() { json!(loss) } else { Value::Null };
    json!({ "epoch": epoch, "loss": loss, "accuracy": 0.5, "accepted": true,
            "evaluations": { "gradient_equivalents": 2 * epoch }, "seconds": 0.5 })
    .to_string()
}

fn log(lines: &[&str]) -> Result<Log, ReportError> {
    Log::read("run.jsonl", lines.join("\n").as_bytes())
}

#[test]
fn a_whole_run_is_read_column_by_column() {
    let rows = [row(1, 0.5), row(2, f64::NAN)];
    let last = r#"{"status": "budget", "status_text": "budget used", "loss": null, "accuracy": 0.75, "seconds": 2.5,
        "evaluations": {"gradient_equivalents": 4.5}, "phases": {"local": 1, "fdl": 2, "global": 3, "measures": 4},
        "parts": [{"part": 1, "gradient_equivalents": 1.25, "tensors": ["0.weight"]}]}"#
        .replace('\n', " ");
    let log = log(&[FIRST, &rows[0], &rows[1], &last]).unwrap();
    assert_eq!(
        (log.experiment.as_deref(), log.series.as_deref(), log.trial),
        (Some("fig1b"), Some("a"), Some(3))
    );
    assert_eq!((log.len(), log.unit(), log.problem.seed), (2, "epoch", Some(7)));
    assert_eq!(log.column("evaluations.gradient_equivalents"), Some(&[2.0, 4.0][..]));
    assert_eq!(log.column("accepted"), Some(&[1.0, 1.0][..]));
    assert!(log.column("loss").unwrap()[1].is_nan());
    assert_eq!(log.measures().collect::<Vec<_>>(), ["accuracy"]);
    assert_eq!(
        (log.result("loss"), log.result("accuracy"), log.result("seconds")),
        (None, Some(0.75), Some(2.5))
    );
    let outcome = log.outcome.unwrap();
    assert_eq!(outcome.phases.unwrap().whole, 3.0);
    assert_eq!(outcome.parts.unwrap()[0].tensors, ["0.weight"]);
}

#[test]
fn a_killed_run_is_read_up_to_where_it_was_cut() {
    let text = [FIRST, &row(1, 0.5), &row(2, 0.4)].join("\n");
    for cut in FIRST.len()..text.len() {
        let log = Log::read("run.jsonl", &text.as_bytes()[..cut]).unwrap();
        assert!(log.outcome.is_none() && log.len() <= 2);
        assert_eq!(log.status(), "unfinished");
        assert_eq!(log.result("loss"), log.column("loss").and_then(|loss| loss.last().copied()));
    }
}

#[test]
fn a_resumed_run_replaces_what_came_after_its_checkpoint() {
    let rows = [row(1, 0.5), row(2, 0.4), row(3, 0.3), row(2, 0.45), row(3, 0.35)];
    let ended = r#"{"status": "stopped", "loss": 0.3}"#;
    let log = log(&[FIRST, &rows[0], &rows[1], &rows[2], ended, FIRST, &rows[3], &rows[4]]).unwrap();
    assert_eq!(log.column("loss"), Some(&[0.5, 0.45, 0.35][..]));
    assert_eq!(log.steps(), [1.0, 2.0, 3.0]);
    assert_eq!(log.status(), "unfinished");
}

#[test]
fn columns_that_come_or_go_leave_gaps() {
    let log = log(&[
        FIRST,
        r#"{"iteration": 1, "loss": 1}"#,
        r#"{"iteration": 2, "radius": 0.5, "note": "text", "list": [1]}"#,
        r#"{"iteration": 3, "loss": 3}"#,
    ])
    .unwrap();
    let gaps = |name: &str| log.column(name).unwrap().iter().map(|value| value.is_nan()).collect::<Vec<_>>();
    assert_eq!(gaps("loss"), [false, true, false]);
    assert_eq!(gaps("radius"), [true, false, true]);
    assert_eq!((log.unit(), log.column("note"), log.column("list")), ("iteration", None, None));
}

#[test]
fn what_is_no_log_is_refused_with_place_and_remedy() {
    let row = row(1, 0.5);
    let cases: [(&[&str], &str); 7] = [
        (&["", " "], "run.jsonl is empty; `optkit solve FILE --json > run.jsonl` writes a log"),
        (&["{\"problem\": {"], "run.jsonl:1: not a JSON object"),
        (&[FIRST, "oops", &row], "run.jsonl:2: not a JSON object"),
        (
            &["{\"epoch\": 1}"],
            "run.jsonl:1: the first line of a log has the key `problem`, this one has `epoch`",
        ),
        (&[FIRST, "{\"loss\": 1}", &row], "run.jsonl:2: neither `epoch`, `iteration` nor `status`"),
        (&["{\"problem\": {\"schema\": 2}}"], "run.jsonl: has schema 2, and this version reads schema 1"),
        (&["{\"problem\": {\"seed\": \"x\"}}"], "run.jsonl:1: `problem` is not read"),
    ];
    for (lines, start) in cases {
        let message = log(lines).unwrap_err().to_string();
        assert!(message.starts_with(start), "{message}");
        assert!(message.contains(';') || message.contains(", so "), "no remedy: {message}");
    }
}

#[test]
fn thousands_of_rows_are_read() {
    let mut text = FIRST.to_owned();
    for epoch in 1..=20_000 {
        text.push('\n');
        text.push_str(&row(epoch, 1.0 / epoch as f64));
    }
    assert_eq!(Log::read("long", text.as_bytes()).unwrap().len(), 20_000);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), behind in any::<bool>()) {
        let mut text = if behind { format!("{FIRST}\n").into_bytes() } else { Vec::new() };
        text.extend(bytes);
        match Log::read("x", &text[..]) {
            Ok(log) => prop_assert!(log.is_empty() || log.steps().len() == log.len()),
            Err(error) => prop_assert!(error.to_string().starts_with('x')),
        }
    }
}
