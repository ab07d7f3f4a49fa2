//! Ctrl-C ends a run after the current iteration, with the summary.
#![cfg(unix)]

mod common;

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use common::{NETWORK, file, folder, optkit};

/// Starts a run that would take hours, waits for a line that starts with `first`, interrupts, and returns code and
/// the rest of the output.
fn interrupted(test: &str, option: &[&str], first: &str) -> (Option<i32>, String) {
    let folder = folder(test);
    let long = NETWORK.replace("dense 32", "dense 256").replace("epochs >= 2", "epochs >= 10000000");
    let path = file(&folder, "long.apts", long);
    let mut child = optkit()
        .arg("solve")
        .arg(path)
        .args(option)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped"));
    let mut line = String::new();
    while !line.trim_start().starts_with(first) {
        line.clear();
        assert_ne!(lines.read_line(&mut line).expect("text"), 0, "it ended before `{first}`");
    }
    // The shell's own `kill`: there need be no other.
    let kill = Command::new("sh").arg("-c").arg(format!("kill -INT {}", child.id())).status();
    assert!(kill.expect("a shell").success());
    let mut rest = String::new();
    lines.read_to_string(&mut rest).expect("text");
    (child.wait().expect("it ends").code(), rest)
}

#[test]
fn an_interrupted_run_ends_with_its_summary() {
    let (code, rest) = interrupted("interrupt-text", &[], "1 ");
    assert_eq!(code, Some(130), "{rest}");
    assert!(rest.contains("\nstatus       interrupted"), "{rest}");
    for row in ["loss ", "accuracy ", "evaluations ", "time ", "epochs "] {
        assert!(rest.lines().any(|line| line.starts_with(row)), "no `{row}` in\n{rest}");
    }
}

#[test]
fn an_interrupted_run_in_json_ends_with_its_result() {
    let (code, rest) = interrupted("interrupt-json", &["--json"], "{\"epoch\"");
    assert_eq!(code, Some(130), "{rest}");
    let last: serde_json::Value = serde_json::from_str(rest.lines().last().unwrap()).unwrap();
    assert_eq!(last["status"], "stopped");
    assert!(last["epochs"].as_u64().unwrap() >= 1 && last["loss"].is_number());
}
