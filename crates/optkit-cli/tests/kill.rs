//! Runs that are killed, by SIGKILL at any moment or by signals that they answer, come to the same end.
#![cfg(unix)]

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::{file, folder, optkit};
use serde_json::Value;

/// Some thousand short iterations on a network, with measures, parts and a secant model.
const STUDY: &str = "\
apts 1
data digits = digits()
network net {
  input 8x8
  flatten
  dense 8; relu
  dense 10
}
minimize loss = cross_entropy(net(digits.train.x), digits.train.y)
measure accuracy = accuracy(net(digits.test.x), digits.test.y)
partition parts = weights(net) { parts = 2 }
solver apts { partition = parts, order = 2 }
stop when epochs >= 500
";

/// Deterministic moments: Knuth's MMIX generator.
struct Moments(u64);

impl Moments {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

fn begin(arguments: &[&str]) -> Child {
    let mut command = optkit();
    command.args(["solve", "--json", "--threads", "1"]).args(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the command starts")
}

fn ended(arguments: &[&str]) -> (Option<i32>, String) {
    let output = begin(arguments).wait_with_output().expect("it ends");
    (output.status.code(), String::from_utf8(output.stdout).expect("text"))
}

/// Waits for `lines` of output and then for `delay`, and kills. True: it had not ended before.
fn killed(mut child: Child, lines: u64, delay: Duration) -> bool {
    let mut out = BufReader::new(child.stdout.take().expect("piped"));
    let mut line = String::new();
    for _ in 0..lines {
        line.clear();
        if out.read_line(&mut line).expect("text") == 0 {
            break;
        }
    }
    std::thread::sleep(delay);
    let running = child.try_wait().expect("a child of ours").is_none();
    let _ = child.kill(); // SIGKILL
    child.wait().expect("it ends");
    running
}

/// A log without what a clock decides.
fn timeless(log: &Path) -> Vec<Value> {
    let text = fs::read_to_string(log).expect("a log");
    let line = |line: &str| {
        let mut value: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        let object = value.as_object_mut().expect("an object");
        for clocked in ["seconds", "seconds_total", "phases", "peak_memory_bytes"] {
            object.remove(clocked);
        }
        value
    };
    text.lines().map(line).collect()
}

/// Whatever a killed process leaves can be read: metadata, where a run has begun, and every checkpoint.
fn is_whole(run: &Path) {
    if let Ok(text) = fs::read_to_string(run.join("run.json")) {
        let metadata: Value = serde_json::from_str(&text).expect("metadata are written in one");
        assert!(metadata["identity"].is_string());
    }
    for entry in fs::read_dir(run.join("checkpoints")).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|ending| ending == "safetensors") {
            optkit::Checkpoint::read(&path).unwrap_or_else(|error| panic!("{error}"));
        }
    }
}

#[test]
fn a_run_killed_at_fifty_moments_ends_as_one_that_was_not() {
    let folder = folder("killed");
    let path = file(&folder, "study.apts", STUDY);
    let (whole, pieces) = (folder.join("whole"), folder.join("pieces"));
    let at = |root: &Path| root.to_str().expect("a path in UTF-8").to_owned();
    let (code, _) = ended(&[&path, "--runs", &at(&whole)]);
    assert_eq!(code, Some(0));

    let place = at(&pieces);
    // Checkpoints as often as they can be written.
    let arguments = [path.as_str(), "--runs", &place, "--checkpoint", "0s"];
    let run = pieces.join("study/apts-seed0");
    let mut moments = Moments(4);
    let mut running = 0;
    for kill in 0..50 {
        // By the clock, so that beginnings are met; and by progress, so that iterations are.
        let (lines, delay) = if kill % 2 == 0 {
            (0, moments.next(60_000))
        } else {
            (1 + moments.next(20), moments.next(3_000))
        };
        running += u32::from(killed(begin(&arguments), lines, Duration::from_micros(delay)));
        is_whole(&run);
    }
    let (code, _) = ended(&arguments);
    assert_eq!(code, Some(0));
    assert!(running >= 40, "it was killed {running} times while it ran");
    let metadata: Value = serde_json::from_str(&fs::read_to_string(run.join("run.json")).unwrap()).unwrap();
    assert!(metadata["resumed"].as_u64().is_some_and(|n| n >= 5), "{}", metadata["resumed"]);
    assert_eq!(timeless(&run.join("run.jsonl")), timeless(&whole.join("study/apts-seed0/run.jsonl")));
}

/// Seconds of training at every epoch of a log, of which the last line may be half a line.
fn clock(log: &Path) -> Vec<(u64, f64)> {
    let text = fs::read_to_string(log).expect("a log");
    let row = |line: &str| {
        let value: Value = serde_json::from_str(line).ok()?;
        Some((value["epoch"].as_u64()?, value["seconds"].as_f64()?))
    };
    text.lines().filter_map(row).collect()
}

/// What is lost is what was done since the newest checkpoint: an interval, the iteration under way when it ended, and
/// the writing itself, for which a busy disk is given half a second.
#[test]
fn a_killed_run_loses_at_most_an_interval() {
    let folder = folder("lost");
    let path = file(&folder, "study.apts", STUDY.replace("epochs >= 500", "epochs >= 100000000"));
    let runs = folder.join("runs");
    let mut command = optkit();
    command.args(["solve", &path, "--threads", "1", "--runs", runs.to_str().unwrap(), "--checkpoint", "1s"]);
    let mut child = command.stdout(Stdio::null()).spawn().expect("the command starts");
    std::thread::sleep(Duration::from_millis(3_300));
    child.kill().expect("it runs"); // SIGKILL
    assert_eq!(child.wait().expect("it ends").code(), None);
    let run = runs.join("study/apts-seed0");
    is_whole(&run);
    let newest = fs::read_dir(run.join("checkpoints")).unwrap().filter_map(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        name.strip_prefix("iteration-")?.strip_suffix(".safetensors")?.parse::<u64>().ok()
    });
    let newest = newest.max().expect("three intervals have passed");
    let clock = clock(&run.join("run.jsonl"));
    let &(_, kept) = clock.iter().find(|&&(epoch, _)| epoch == newest).expect("its line came first");
    let &(_, last) = clock.last().unwrap();
    let longest = clock.windows(2).map(|pair| pair[1].1 - pair[0].1).fold(0.0, f64::max);
    assert!(last > 1.0, "it had {last} s");
    assert!(last - kept <= 1.0 + longest + 0.5, "{last} s were done, {kept} s are kept");
}

/// Sends a signal after some lines, and returns the exit code.
fn signalled(arguments: &[&str], signal: &str) -> Option<i32> {
    let mut child = begin(arguments);
    let mut out = BufReader::new(child.stdout.take().expect("piped"));
    let mut line = String::new();
    for _ in 0..8 {
        line.clear();
        assert_ne!(out.read_line(&mut line).expect("text"), 0, "it ended before {signal}");
    }
    let kill = Command::new("sh").arg("-c").arg(format!("kill -{signal} {}", child.id())).status();
    assert!(kill.expect("a shell").success());
    out.read_to_string(&mut line).expect("text");
    let last: Value = serde_json::from_str(line.lines().last().expect("a result")).expect("JSON");
    assert_eq!(last["status"], "stopped");
    child.wait().expect("it ends").code()
}

#[test]
fn signals_are_answered_with_a_checkpoint_and_resume_goes_on_from_it() {
    let folder = folder("signalled");
    let path = file(&folder, "study.apts", STUDY);
    let (whole, pieces) = (folder.join("whole"), folder.join("pieces"));
    let (whole_at, place) = (whole.to_str().unwrap(), pieces.to_str().unwrap());
    assert_eq!(ended(&[&path, "--runs", whole_at]).0, Some(0));
    let run = pieces.join("study/apts-seed0");
    let mut arguments = vec![path.as_str(), "--runs", place];
    for (resumed, signal) in ["INT", "TERM", "USR1"].into_iter().enumerate() {
        assert_eq!(signalled(&arguments, signal), Some(130), "{signal}");
        let text = fs::read_to_string(run.join("run.json")).unwrap();
        let metadata: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&metadata["state"], &metadata["resumed"]), (&"interrupted".into(), &resumed.into()));
        assert_eq!(fs::read_dir(run.join("checkpoints")).unwrap().count(), (resumed + 1).min(2));
        if resumed == 0 {
            arguments.push("--resume");
        }
    }
    assert_eq!(ended(&arguments).0, Some(0));
    assert_eq!(timeless(&run.join("run.jsonl")), timeless(&whole.join("study/apts-seed0/run.jsonl")));
}
