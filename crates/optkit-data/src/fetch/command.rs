//! Runs a package manager's command: quietly, with an end, and with its reason where it fails.

use super::{Failure, Order};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Longest that a package manager may take; 30 MB in that time is a line of 400 kbit/s.
const LIMIT: Duration = Duration::from_secs(600);
const POLL: Duration = Duration::from_millis(20);
/// Longest reason that is passed on, in characters.
const MOST_REASON: usize = 300;

/// Runs `command` to its end; what it says goes to a file in `scratch`.
pub(super) fn run(mut command: Command, scratch: &Path, order: &Order<'_>) -> Result<(), Failure> {
    let program = command.get_program().to_string_lossy().into_owned();
    let refused = |error: io::Error| Failure::Refused(format!("`{program}` cannot be run: {error}"));
    // A file and not a pipe: a pipe that nobody reads would block the command.
    let said = scratch.join("said.txt");
    let output = File::create(&said).map_err(refused)?;
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(output);
    let mut child = command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Failure::Refused(format!("`{program}` is not installed")),
        _ => refused(error),
    })?;
    let status = wait(&mut child, &program, order).inspect_err(|_| {
        // The command may have ended meanwhile: then there is nothing to kill.
        let _ = child.kill();
        let _ = child.wait();
    })?;
    if status.success() {
        return Ok(());
    }
    let said = fs::read(&said).unwrap_or_default();
    Err(Failure::Refused(format!(
        "`{program}` failed ({status}): {}",
        reason(&String::from_utf8_lossy(&said))
    )))
}

fn wait(child: &mut Child, program: &str, order: &Order<'_>) -> Result<ExitStatus, Failure> {
    let begun = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) => {}
            Err(error) => return Err(Failure::Refused(format!("`{program}` was lost: {error}"))),
        }
        order.check_stop()?;
        if begun.elapsed() > LIMIT {
            return Err(Failure::Refused(format!("`{program}` took more than {} s", LIMIT.as_secs())));
        }
        sleep(POLL);
    }
}

/// The lines that tell of an error, or else the last one.
fn reason(said: &str) -> String {
    let lines = || said.lines().map(str::trim).filter(|line| !line.is_empty());
    let telling = |line: &&str| line.starts_with("E:") || line.to_ascii_lowercase().contains("err");
    let bare =
        |line| ["npm error ", "npm ERR! ", "E: "].iter().fold(line, |l: &str, p| l.trim_start_matches(p));
    let mut told: Vec<&str> = lines().filter(telling).take(5).map(bare).collect();
    if told.is_empty() {
        told.extend(lines().next_back());
    }
    if told.is_empty() {
        return "it gave no reason".to_owned();
    }
    told.join("; ").chars().take(MOST_REASON).collect()
}

/// True where `program` can be started by that name.
pub(super) fn exists(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).any(|folder| folder.join(program).is_file())
}

/// The file in `folder` whose name ends so.
pub(super) fn file_ending(folder: &Path, ending: &str) -> Result<PathBuf, Failure> {
    let entries = fs::read_dir(folder).map_err(|error| Failure::Refused(error.to_string()))?;
    let mut paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    paths
        .find(|path| path.to_string_lossy().ends_with(ending))
        .ok_or_else(|| Failure::Refused(format!("the command left no {ending} file")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::Source;
    use crate::fixture::{Diary, Temporary, cache_only, known};
    use crate::get::get_known;

    /// Runs a program, delivers nothing.
    struct Runs(&'static [&'static str]);

    impl Source for Runs {
        fn name(&self) -> String {
            self.0[0].to_owned()
        }
        fn deliver(&self, order: &mut Order<'_>) -> Result<(), Failure> {
            let mut command = Command::new(self.0[0]);
            command.args(&self.0[1..]);
            run(command, &std::path::absolute(order.folder()).unwrap(), order)
        }
    }

    fn told(diary: &mut Diary, line: &'static [&'static str]) -> String {
        let top = Temporary::new();
        get_known(&known(1), &cache_only(&top), &[&Runs(line)], diary).unwrap_err().to_string()
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let text = told(&mut Diary::default(), &["optkit-no-such-program"]);
        assert!(text.contains("`optkit-no-such-program` is not installed"), "{text}");
        assert!(!exists("optkit-no-such-program"));
    }

    #[test]
    #[cfg(unix)]
    fn the_reason_of_a_failed_command_is_passed_on() {
        let text = told(&mut Diary::default(), &["sh", "-c", "echo Reading; echo E: no package >&2; exit 7"]);
        assert!(text.contains("`sh` failed (exit status: 7): no package"), "{text}");
    }

    #[test]
    #[cfg(unix)]
    fn a_command_is_ended_when_the_user_stops() {
        let begun = Instant::now();
        let text = told(&mut Diary { stop: true, ..Diary::default() }, &["sleep", "60"]);
        assert!(text.contains("interrupted"), "{text}");
        assert!(begun.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn reasons_prefer_lines_of_errors_and_stay_short() {
        assert_eq!(reason("W: a\nnpm error code X\nnpm error y\nlog is z"), "code X; y");
        assert_eq!(reason("first\nlast\n\n"), "last");
        assert_eq!(reason(""), "it gave no reason");
        assert_eq!(reason(&"E: ä ä ".repeat(1000)).chars().count(), MOST_REASON);
    }
}
