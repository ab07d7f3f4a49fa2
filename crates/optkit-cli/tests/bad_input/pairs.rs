//! Secant pairs from samples that nobody shares.

use std::path::Path;

use super::common::{FUNCTION, NETWORK, file, folder, run};
use super::{refused, refused_file};

/// `pairs = overlap` where mini-batches share nothing, or nothing learns.
#[test]
fn pairs_of_samples_that_nobody_shares() {
    let folder = folder("bad-pairs");
    let text = |data: &str, settings: &str| {
        let text = NETWORK.replace("digits()", &format!("digits() {{ {data} }}"));
        text.replace("apts { partition = parts }", &format!("apts {{ partition = parts, {settings} }}"))
    };
    let (second, shared) =
        ("order = 2, pairs = overlap", "batch = overlapping { parts = 20, overlap = 20% }");
    let cases: &[(&str, &str, &[&str])] = &[
        ("", second, &["E0827", "there are none", "batch = overlapping { parts = 20"]),
        ("batch = 100", second, &["E0827", "these share none", ":12:53", "these mini-batches"]),
        ("batch = overlapping { parts = 20, overlap = 0% }", second, &["E0827", "these share none"]),
        ("batch = overlapping { parts = 700, overlap = 10% }", second, &["E0827", "raise `overlap`"]),
        (shared, "pairs = overlap", &["E0827", "no pair is ever learnt", "set `order = 2`"]),
        (shared, "order = 1, pairs = overlap", &["E0827", "no pair is ever learnt"]),
        (
            shared,
            "order = 2, pairs = overlap, global = trust_region { model = exact }",
            &["E0827", "no pair is ever learnt"],
        ),
        (shared, "order = 2, pairs = both", &["error[E", "`batch`", "`overlap`"]),
        ("", "local = gauss_newton, pairs = overlap", &["E0819", "`pairs` has no effect"]),
    ];
    for (i, (data, settings, words)) in cases.iter().enumerate() {
        refused_file(&file(&folder, &format!("{i}.apts"), text(data, settings)), words);
    }
    let function =
        FUNCTION.replace("apts { partition = blocks }", &format!("apts {{ partition = blocks, {second} }}"));
    refused_file(&file(&folder, "function.apts", function), &["E0827", "none is minimised here"]);
    for settings in [second, "pairs = overlap, global = trust_region { model = lsr1 { memory = 3 } }"] {
        let path = file(&folder, "fine.apts", text(shared, settings));
        let ran = run(&["solve", &path, "--quiet", "--iterations", "2"]);
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{settings}");
    }
}

/// On the data in `folder`: whether batches share a sample depends on how many samples there are, which the data alone tell.
pub(crate) fn refused_once_samples_are_known(folder: &Path) {
    let text =
        NETWORK.replace("digits()", "idx(\"DIR\") { batch = overlapping { parts = 5, overlap = 10% } }");
    let text = text.replace("DIR", folder.to_str().unwrap()).replace("input 8x8", "input 2x2");
    let text =
        text.replace("apts { partition = parts }", "apts { partition = parts, order = 2, pairs = overlap }");
    let path = file(folder, "shares.apts", text);
    assert_eq!(run(&["check", &path]).code, Some(0));
    refused(&run(&["solve", &path]), 2, &["E0827", "these share none", "shares.apts:12:53"]);
}
