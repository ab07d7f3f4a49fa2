//! Logs as the command line names them: files, folders, patterns, standard input.

use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use optkit_report::Log;

use crate::stderr;

/// Folders within folders that are looked into.
const DEPTH: usize = 16;

/// Every log that `names` stand for, in their order, each file once.
///
/// Of folders and patterns, files that are no logs are left out, with a word about each; a file that is named is read
/// or refused.
pub(super) fn read(names: &[PathBuf]) -> Result<Vec<Log>, String> {
    let mut logs: Vec<Log> = Vec::new();
    for name in names {
        for (path, is_named) in files(name)? {
            let shown = path.display().to_string();
            if logs.iter().any(|log| log.source == shown) {
                continue;
            }
            match open(&path) {
                Ok(log) => logs.push(log),
                Err(error) if is_named => return Err(error),
                Err(error) => stderr::line(format_args!("left out: {error}")),
            }
        }
    }
    if logs.is_empty() {
        return Err("none of these files is a log that can be drawn".to_owned());
    }
    Ok(logs)
}

fn open(path: &Path) -> Result<Log, String> {
    if path == Path::new("-") {
        return Log::read("standard input", io::stdin().lock()).map_err(|error| error.to_string());
    }
    let shown = path.display().to_string();
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    if ending == "csv" || shown.contains("tfevents") {
        return Err(format!(
            "{shown}: plot reads JSON Lines alone, which know the problem and how the run ended; write such a log beside \
             it: `optkit solve FILE --log run.jsonl`"
        ));
    }
    let file = File::open(path).map_err(|error| format!("{shown}: cannot be read: {error}"))?;
    Log::read(&shown, BufReader::new(file)).map_err(|error| error.to_string())
}

/// The files that `name` stands for, each with whether it was named itself.
fn files(name: &Path) -> Result<Vec<(PathBuf, bool)>, String> {
    if name == Path::new("-") || name.is_file() {
        return Ok(vec![(name.to_owned(), true)]);
    }
    let shown = name.display();
    let (found, what) = if name.is_dir() {
        let mut found = Vec::new();
        below(name, DEPTH, &mut found).map_err(|error| format!("{shown}: cannot be read: {error}"))?;
        (found, format!("{shown}: there is no log (….jsonl) in this folder"))
    } else if shown.to_string().contains(['*', '?', '[']) {
        (matching(name)?, format!("{shown}: nothing fits this pattern"))
    } else {
        return Err(missing(name));
    };
    if found.is_empty() {
        return Err(format!("{what}; `optkit solve FILE --log run.jsonl` writes one"));
    }
    Ok(found.into_iter().map(|path| (path, false)).collect())
}

/// Logs in a folder and the folders in it, in the order of people: 2 before 10.
fn below(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    entries.sort_by_cached_key(|path| natural(&path.to_string_lossy()));
    for path in entries {
        if is_log(&path) && path.is_file() {
            found.push(path);
        } else if depth > 0 && path.is_dir() && !path.is_symlink() {
            below(&path, depth - 1, found)?;
        }
    }
    Ok(())
}

fn matching(pattern: &Path) -> Result<Vec<PathBuf>, String> {
    let shown = pattern.display();
    let text = pattern.to_str().ok_or_else(|| format!("{shown}: a pattern must be UTF-8"))?;
    let paths = glob::glob(text).map_err(|error| {
        format!("{shown}: {} at its character {}; use *, ?, [abc] and **", error.msg, error.pos + 1)
    })?;
    let mut found: Vec<PathBuf> = paths.filter_map(Result::ok).filter(|path| path.is_file()).collect();
    found.sort_by_cached_key(|path| natural(&path.to_string_lossy()));
    Ok(found)
}

fn is_log(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "jsonl" || ending == "ndjson")
}

/// A name that stands for nothing, with what stands beside it.
fn missing(name: &Path) -> String {
    let folder = name.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut beside = Vec::new();
    let _ = below(folder, 0, &mut beside);
    let beside: Vec<String> = beside.iter().take(5).map(|path| format!("`{}`", path.display())).collect();
    let remedy = if beside.is_empty() {
        "`optkit solve FILE --log run.jsonl` writes a log".to_owned()
    } else {
        format!("beside it lie {}", beside.join(", "))
    };
    format!("{}: there is no such file or folder; {remedy}", name.display())
}

/// A key that sorts numbers in names by their value.
fn natural(name: &str) -> Vec<(String, u64)> {
    let mut key = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (text, after) = rest.split_at(digits);
        let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        let (number, after) = after.split_at(end);
        key.push((text.to_owned(), number.parse().unwrap_or(u64::MAX)));
        rest = after;
    }
    key
}

#[cfg(test)]
mod tests {
    use super::natural;

    #[test]
    fn numbers_in_names_sort_by_their_value() {
        let mut names = ["run-10", "run-9", "run-1", "apts", "run-9b", "99999999999999999999999"];
        names.sort_by_cached_key(|name| natural(name));
        assert_eq!(names, ["99999999999999999999999", "apts", "run-1", "run-9", "run-9b", "run-10"]);
    }
}
