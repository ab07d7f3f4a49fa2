//! Transcripts of the command, and of what README and tour show of it.

mod common;

use common::{optkit, repository};

/// `tests/transcripts/*.trycmd`, run at the top of the repository. What depends on the machine (times, memory,
/// digits that an f32 kernel decides) is `[..]` there. `TRYCMD=overwrite` writes new ones.
#[test]
fn transcripts() {
    let Some(top) = repository() else { return };
    // Where `runs.trycmd` keeps its runs.
    let _ = std::fs::remove_dir_all(top.join("target/transcripts"));
    std::env::set_current_dir(&top).expect("the repository is a folder");
    let home = common::folder("transcripts-home").to_str().expect("a path in UTF-8").to_owned();
    trycmd::TestCases::new()
        .register_bin("optkit", trycmd::schema::Bin::Path(env!("CARGO_BIN_EXE_optkit").into()))
        .env("HOME", home.clone())
        .env("XDG_CACHE_HOME", "")
        .env("OPTKIT_DATA", "")
        .env("RUST_BACKTRACE", "0")
        .env("COLUMNS", "80")
        .insert_var("[HOME]", home)
        .expect("a name of the right form")
        .case("tests/transcripts/*.trycmd");
}

/// Digits made equal: what is left is the shape of a line, words and numbers of digits before the point.
fn shape(line: &str) -> String {
    let mut shape = String::new();
    for word in line.split_whitespace() {
        let word = if word.contains(|c: char| c.is_ascii_digit()) { "#" } else { word };
        shape.push_str(word);
        shape.push(' ');
    }
    shape
}

/// Every `$ optkit …` that the README shows with its output gives that output, up to digits; `…` stands for any lines.
#[test]
fn the_run_in_the_readme_looks_like_this() {
    let Some(top) = repository() else { return };
    let readme = std::fs::read_to_string(top.join("README.md")).expect("a README");
    let mut runs = 0;
    for block in readme.split("```").skip(1).step_by(2) {
        let Some((command, shown)) =
            block.split_once("$ optkit ").and_then(|(_, rest)| rest.split_once('\n'))
        else {
            continue;
        };
        runs += 1;
        let output = optkit().args(command.split_whitespace()).current_dir(&top).output().expect("it starts");
        let out = String::from_utf8(output.stdout).expect("output is text");
        let shapes = |text: &str| -> Vec<String> {
            // The instruction set is the machine's, and not every system tells of memory.
            let machine = |line: &&str| line.contains("native f32") || line.starts_with("peak memory");
            text.lines().filter(|line| !machine(line)).map(shape).collect()
        };
        let printed = shapes(&out);
        let mut from = 0;
        for (i, segment) in shapes(shown).split(|line| line == "… ").enumerate() {
            let at = (from..=printed.len().saturating_sub(segment.len()))
                .find(|&at| printed[at..].starts_with(segment))
                .unwrap_or_else(|| panic!("README.md shows {segment:#?}, but printed was\n{out}"));
            assert!(i > 0 || at == 0, "the README begins later than\n{out}");
            from = at + segment.len();
        }
        assert_eq!(from, printed.len(), "the README shows less than\n{out}");
    }
    assert!(runs > 0, "the README shows a run");
}

/// Commands in README and book are spelled as the command takes them: each is checked (not run), `solve` as `check`;
/// of those that need data the arguments alone.
#[test]
fn the_commands_in_the_docs_are_understood() {
    let Some(top) = repository() else { return };
    let mut seen = 0;
    for page in [
        "README.md",
        "docs/src/tour.md",
        "docs/src/language.md",
        "docs/src/command_line.md",
        "docs/src/reports.md",
    ] {
        let text = std::fs::read_to_string(top.join(page)).expect("a page");
        for line in text.lines() {
            let command = line.split('#').next().unwrap_or_default();
            let Some(arguments) = command.strip_prefix("optkit ").or(command.strip_prefix("$ optkit "))
            else {
                continue;
            };
            seen += 1;
            let arguments = arguments.split('|').next().unwrap_or_default();
            let mut arguments: Vec<_> = arguments.split_whitespace().collect();
            let alone = ["--time", "--cost", "--log", "--quiet", "--json", "plot"];
            let known: &[&str] = if arguments.iter().any(|a| alone.contains(a)) {
                &["--help"]
            } else {
                arguments.iter_mut().filter(|a| **a == "solve").for_each(|a| *a = "check");
                &[]
            };
            let output = optkit().args(&arguments).args(known).current_dir(&top).output().expect("it starts");
            let expected = if line.contains("a typo") { Some(2) } else { Some(0) };
            let said = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), expected, "{page}: {line}\n{said}");
        }
    }
    assert!(seen >= 5, "{seen} commands");
}
