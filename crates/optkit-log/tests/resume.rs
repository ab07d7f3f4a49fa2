//! Logs of runs that were killed at any byte and resumed: what is in them is what an uninterrupted run leaves.

use std::fs;
use std::path::{Path, PathBuf};

use optkit_log::{Count, LogError, Outcome, Problem, Row, Target};
use proptest::prelude::*;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("optkit-log-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn target(&self, name: &str) -> Target {
        self.inside("", name)
    }

    fn inside(&self, place: &str, name: &str) -> Target {
        let at = |name: &str| self.0.join(place).join(name);
        match name.strip_prefix("tensorboard:") {
            Some(folder) => Target::TensorBoard(at(folder)),
            None => at(name).to_str().unwrap().parse().unwrap(),
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const NAMES: [&str; 3] = ["run.jsonl", "run.csv", "tensorboard:board"];

fn row(epoch: u64) -> Row {
    Row {
        count: Count::Epoch(epoch),
        loss: 1.0 / epoch as f64,
        measures: vec![("accuracy".to_owned(), 0.5), ("test, \"quoted\"".to_owned(), 0.25)],
        ..Row::default()
    }
}

/// Bytes of a log without its times of writing.
fn content(target: &Target) -> Vec<u8> {
    match target {
        Target::TensorBoard(folder) => {
            let mut files: Vec<_> =
                fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
            assert_eq!(files.len(), 1, "one event file");
            let mut bytes = fs::read(files.remove(0)).unwrap();
            // Each event: 12 bytes of frame, then the wall time behind its key, and a checksum at the end.
            let mut at = 0;
            while at < bytes.len() {
                let length = u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
                bytes[at + 13..at + 21].fill(0);
                bytes[at + 12 + length..at + 16 + length].fill(0);
                at += 16 + length;
            }
            bytes
        }
        _ => fs::read(target.path()).unwrap(),
    }
}

/// The file that is written.
fn file(target: &Target) -> PathBuf {
    match target {
        Target::TensorBoard(folder) => fs::read_dir(folder).unwrap().next().unwrap().unwrap().path(),
        _ => target.path().to_owned(),
    }
}

fn write(target: &Target, rows: std::ops::RangeInclusive<u64>, resumed: Option<u64>, end: bool) {
    let mut log = match resumed {
        Some(after) => target.resume(after).unwrap(),
        None => target.create().unwrap(),
    };
    log.begin(&Problem { objective: "a bowl".to_owned(), ..Problem::default() }).unwrap();
    rows.for_each(|epoch| log.row(&row(epoch)).unwrap());
    if end {
        log.end(&Outcome { status: "budget".to_owned(), ..Outcome::default() }).unwrap();
    }
}

fn cut(path: &Path, share: f64) {
    let length = fs::metadata(path).unwrap().len();
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.set_len((length as f64 * share) as u64).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Killed after any byte of any row, or ended; resumed from a checkpoint of any row that was whole.
    #[test]
    fn a_resumed_log_is_that_of_an_uninterrupted_run(
        made in 1_u64..9, share in 0.0_f64..1.0, back in 0_u64..9, ended in any::<bool>(),
    ) {
        let folder = Folder::new("resumed");
        for name in NAMES {
            let [whole, killed, probe] = ["whole", "killed", "probe"].map(|place| folder.inside(place, name));
            write(&whole, 1..=10, None, true);
            write(&killed, 1..=made, None, ended);
            let after = made.saturating_sub(back);
            if !ended {
                // Whatever the checkpoint knows was written before it: cut what lies behind.
                write(&probe, 1..=after, None, false);
                let kept = fs::metadata(file(&probe)).unwrap().len() as f64;
                let length = fs::metadata(file(&killed)).unwrap().len() as f64;
                cut(&file(&killed), (kept + (length - kept) * share) / length);
            }
            write(&killed, after + 1..=10, Some(after), true);
            prop_assert_eq!(content(&whole), content(&killed), "{}", name);
        }
    }
}

#[test]
fn a_log_without_a_whole_record_begins_anew() {
    let folder = Folder::new("anew");
    for name in NAMES {
        let target = folder.target(name);
        write(&target, 1..=3, Some(7), true); // none was there
        let expected = content(&target);
        for share in [0.0, 0.02] {
            cut(&file(&target), share);
            write(&target, 1..=3, Some(0), true);
            assert_eq!(content(&target), expected, "{name}");
        }
        write(&target, 1..=3, None, true);
        assert_eq!(content(&target), expected, "{name} replaced");
    }
}

#[test]
fn files_of_others_are_not_touched() {
    let folder = Folder::new("foreign");
    for (name, text) in [
        ("run.jsonl", "{\"a\": 1}\n"),
        ("run.csv", "name,price\napple,3\n"),
        ("run.csv", "epoch,loss\n1,2\n"),
    ] {
        let target = folder.target(name);
        fs::write(target.path(), text).unwrap();
        for error in [target.create().err(), target.resume(1).err()] {
            let error = error.expect("refused");
            assert!(matches!(error, LogError::Foreign { .. }) && error.to_string().contains(name), "{error}");
        }
        assert_eq!(fs::read_to_string(target.path()).unwrap(), text);
    }
    let other = folder.0.join("board/events.out.tfevents.17.host");
    fs::create_dir_all(other.parent().unwrap()).unwrap();
    fs::write(&other, "of torch").unwrap();
    write(&folder.target("tensorboard:board"), 1..=2, None, true);
    write(&folder.target("tensorboard:board"), 1..=2, None, true);
    assert_eq!(fs::read_to_string(&other).unwrap(), "of torch");
    assert_eq!(fs::read_dir(folder.0.join("board")).unwrap().count(), 2);
}

#[test]
fn what_cannot_be_written_is_said_with_its_place() {
    let folder = Folder::new("unwritable");
    fs::write(folder.0.join("file"), "").unwrap();
    for name in ["file/run.jsonl", "file/run.csv", "tensorboard:file/board"] {
        let error = folder.target(name).create().err().expect("a file is no folder");
        assert!(error.to_string().contains("file"), "{error}");
        assert!(matches!(error, LogError::File { .. }), "{error}");
    }
    #[cfg(unix)] // a device, which can be read for ever
    for name in ["zero.jsonl", "zero.csv"] {
        std::os::unix::fs::symlink("/dev/zero", folder.0.join(name)).unwrap();
        let error = folder.target(name).create().err().expect("a device is no log");
        assert!(error.to_string().contains(name), "{error}");
        assert!(error.to_string().contains("no regular file; name another"), "{error}");
    }
    for name in ["run.txt", "run", "", "tensorboard:", "tensorboard"] {
        assert!(matches!(name.parse::<Target>(), Err(LogError::Kind { .. })), "{name}");
    }
}
