//! What diagnostics look like: every `snapshots/NAME.apts` against `snapshots/NAME.txt`.
//!
//! `OPTKIT_BLESS=1 cargo test -p optkit-lang --test snapshots` writes what comes out now.

mod vocabulary;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use vocabulary::check_named;

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots"))
}

/// All cases: name and text.
fn cases() -> Vec<(String, String)> {
    let files = fs::read_dir(folder()).expect("the folder of snapshots is there");
    let mut cases: Vec<_> = files
        .map(|file| file.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|e| e == "apts"))
        .map(|path| {
            let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).expect("a readable case"))
        })
        .collect();
    cases.sort();
    cases
}

#[test]
fn diagnostics_look_as_agreed() {
    let bless = std::env::var_os("OPTKIT_BLESS").is_some();
    let mut wrong = Vec::new();
    for (name, text) in cases() {
        let found = check_named(&format!("{name}.apts"), &text, &[]).diagnostics.render(false);
        assert!(!found.is_empty(), "{name}: a case without a finding shows nothing");
        let path = folder().join(format!("{name}.txt"));
        if bless {
            fs::write(&path, &found).expect("a writable folder");
        } else if fs::read_to_string(&path).unwrap_or_default() != found {
            wrong.push(format!("{name}: now\n{found}"));
        }
    }
    assert!(wrong.is_empty(), "{}\nOPTKIT_BLESS=1 writes these", wrong.join("\n"));
}

#[test]
fn every_code_is_shown_or_tested_elsewhere() {
    let shown: BTreeSet<_> = cases()
        .iter()
        .flat_map(|(name, text)| check_named(name, text, &[]).diagnostics.list)
        .map(|d| d.code)
        .collect();
    // E0105 and E0106 in robustness.rs, E0406 in set.rs, E050x in use.rs, E0901 in vocabulary_at_fault.rs
    let elsewhere = ["E0105", "E0106", "E0406", "E0501", "E0502", "E0901"];
    let missing: Vec<_> = optkit_lang::codes()
        .iter()
        .map(|c| c.0)
        .filter(|c| !shown.contains(c) && !elsewhere.contains(c))
        .collect();
    assert_eq!(missing, [""; 0]);
}
