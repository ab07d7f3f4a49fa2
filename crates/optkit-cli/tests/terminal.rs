//! What is shown on a terminal, and erased again: a line of progress under the table.
#![cfg(target_os = "linux")]

mod common;

use std::process::Command;

use common::{NETWORK, file, folder, optkit, run};

/// What `optkit solve` sends to a terminal 100 columns wide: `script` (Debian's bsdutils, on every system) makes one.
fn on_a_terminal(arguments: &str) -> String {
    let optkit = optkit().get_program().to_str().expect("UTF-8").to_owned();
    let mut script = Command::new("script");
    script.args(["-qec", &format!("stty cols 100 rows 30; {optkit} solve {arguments}"), "/dev/null"]);
    let output = script.env("TERM", "xterm").env_remove("NO_COLOR").output().expect("`script` starts");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// The lines that a terminal still shows at the end: of each, what follows the last return or erasure.
fn left_standing(sent: &str) -> Vec<String> {
    let shown = |line: &str| {
        let line = line.trim_end_matches('\r');
        let line = line.rsplit("\u{1b}[2K").next().unwrap_or_default();
        line.rsplit('\r').next().unwrap_or_default().to_owned()
    };
    sent.split('\n').map(shown).collect()
}

#[test]
fn progress_is_shown_while_a_run_lasts_and_leaves_no_trace() {
    let folder = folder("terminal");
    let path = file(&folder, "network.apts", NETWORK.replace("epochs >= 2", "epochs >= 40"));
    let sent = on_a_terminal(&path);
    assert!(sent.contains("39 of 40 epochs"), "{sent}");
    assert!(sent.contains(" left"), "how long it still takes: {sent}");
    let piped = run(&["solve", &path]);
    let standing = left_standing(&sent);
    assert!(!standing.iter().any(|line| line.contains(" of 40 epochs")), "{standing:#?}");
    // Times differ from run to run; everything up to them does not.
    let table = |lines: &mut dyn Iterator<Item = &str>| -> Vec<String> {
        lines
            .filter(|line| line.ends_with('s'))
            .filter_map(|line| Some(line.rsplit_once(' ')?.0.to_owned()))
            .collect()
    };
    let rows = |lines: Vec<String>| -> Vec<String> {
        let is_row =
            |line: &String| line.split_whitespace().next().is_some_and(|word| word.parse::<u32>().is_ok());
        lines.into_iter().filter(is_row).map(|line| line.trim_end().to_owned()).collect()
    };
    let expected = rows(table(&mut piped.out.lines()));
    assert_eq!(expected.len(), 40, "{}", piped.out);
    assert_eq!(rows(table(&mut standing.iter().map(String::as_str))), expected);
}

#[test]
fn experiments_show_how_far_every_configuration_is() {
    let folder = folder("terminal-experiments");
    let text = format!("{NETWORK}experiment radii {{ trials = 3  vary solver.radius in [0.01, 0.1] }}\n")
        .replace("epochs >= 2", "epochs >= 60");
    let path = file(&folder, "network.apts", text);
    let runs = folder.join("runs");
    let sent = on_a_terminal(&format!("{path} --runs {}", runs.display()));
    assert!(sent.contains("of 6 runs done") || sent.contains("6/6"), "{sent}");
    assert!(sent.contains("radius = 0.01"), "{sent}");
}
