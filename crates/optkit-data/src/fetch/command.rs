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
    let mut told: Vec<&str> = lines().filter(telling).take(3).collect();
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
