//! Any text gives an answer: no panic, no overflow of the stack, no more than a moment.

mod vocabulary;

use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use vocabulary::{check_named, read};

/// Check and render; an error is expected.
fn fails(text: &str) -> String {
    let checked = check_named("x.apts", text, &[]);
    assert!(checked.problem.is_none() && checked.diagnostics.has_errors());
    checked.diagnostics.render(false)
}

fn fails_quickly(text: &str) -> String {
    let start = Instant::now();
    let rendered = fails(text);
    assert!(start.elapsed() < Duration::from_secs(2), "{:?} for {} bytes", start.elapsed(), text.len());
    rendered
}

/// Deterministic bytes.
fn noise(length: usize, alphabet: &[u8]) -> String {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let bytes = (0..length).map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        alphabet[(state >> 33) as usize % alphabet.len()]
    });
    String::from_utf8(bytes.collect()).expect("an ASCII alphabet")
}

#[test]
fn garbage_of_any_size_is_an_error_within_a_moment() {
    let printable: Vec<u8> = (b' '..=b'~').chain([b'\n']).collect();
    for size in [10_000_000, 4 << 20, 100_000] {
        fails_quickly(&noise(size, &printable));
    }
    for alphabet in
        ["({[", "()[]{}\n ", "a =\n{}", "\"\\\n", "/*# \n", "-^(1", "if then else 1 ", "solver =\n{a"]
    {
        fails_quickly(&noise(4 << 20, alphabet.as_bytes()));
    }
}

#[test]
fn a_file_too_large_is_said_to_be_that_and_nothing_else() {
    let rendered = fails(&"# nothing\n".repeat(500_000));
    assert!(rendered.starts_with("error[E0106]: this file has 5 MB\n"), "{rendered}");
    assert_eq!(rendered.matches("error").count(), 1, "{rendered}");
}

#[test]
fn long_chains_and_deep_nesting_are_errors() {
    let (many, some) = (100_000, 20_000);
    let chains = [
        format!("let a = {}1{}", "(".repeat(many), ")".repeat(many)),
        format!("let a = {}1{}", "[".repeat(many), "]".repeat(many)),
        format!("solver a {{ b = {}1{}", "c { d = ".repeat(many), "}".repeat(many + 1)),
        format!("network n {{ {} {}", "skip {".repeat(many), "}".repeat(many + 1)),
        format!("let a = {}1", "-".repeat(many)),
        format!("let a = {}on", "not ".repeat(some)),
        format!("let a = 1{}", "^1".repeat(some)),
        format!("let a = 1{}", "+1".repeat(some)),
        format!("let a = b{}", ".c".repeat(some)),
        format!("let a = b{}", "(1)".repeat(some)),
        format!("let a = {}1", "if 1 < 2 then 1 else ".repeat(many)),
        format!("let a = {}1", "if if ".repeat(many)),
        format!("let a = {}1", "\u{FEFF}if 1 then 2 else ".repeat(many)),
        format!("#\r{}", "(".repeat(many)),
        format!("stop when {}loss <= 1", "loss <= 1 or ".repeat(some)),
        format!("let a = {}{}", "sum(i in 1..2)(".repeat(many), ")".repeat(many)),
        format!("let a = {}{}", "max(i in ".repeat(many), ")".repeat(many)),
        format!("{{{}", "}".repeat(many)),
        format!("let a{}", "\nlet a".repeat(some)),
        format!("let a0 = 1{}", (1..some).map(|i| format!("\nlet a{i} = a{}", i - 1)).collect::<String>()),
        format!("minimize f = quadratic(n = 1{})", ", n = 1".repeat(some)),
        format!("solver apts {{ {} }}", "a = 1\n".repeat(some)),
        format!("network n {{ {} }}", "dense 32 relu\n".repeat(some)),
    ];
    for chain in chains {
        fails_quickly(&chain);
    }
}

#[test]
fn nesting_is_reported_where_it_goes_too_deep() {
    let text = format!("let a = {}1{}", "(".repeat(65), ")".repeat(65));
    let rendered = fails(&text);
    assert!(rendered.contains("error[E0105]: this is nested too deeply\n --> x.apts:1:73\n"), "{rendered}");
    let nested = format!("let a = {}1{}", "(".repeat(64), ")".repeat(64));
    assert!(!fails(&nested).contains("E0105"), "64 levels are read");
}

#[test]
fn the_deepest_nesting_of_every_sort_is_read() {
    let nested = [
        ("let a = ", "(", "1", ")", 64),
        ("let a = ", "[", "1", "]", 64),
        ("let a = ", "-max(1, ", "1", ")", 64),
        ("let a = ", "if 1 < 2 then 1 else ", "1", "", 64),
        ("let a = ", "if (if 1 < 2 then on else off) then 1 else ", "1", "", 20),
        ("let a = ", "sum(i in 1..2)(", "1", ")", 64),
        ("solver ", "trust_region { model = ", "gradient", "}", 64),
        ("network n { ", "skip { ", "relu", "} ", 63),
        ("network n { ", "repeat 2 { ", "relu", "}", 63),
    ];
    for (start, open, inner, close, depth) in nested {
        let text = format!("{start}{}{inner}{}", open.repeat(depth), close.repeat(depth));
        let text = if start.starts_with("network") { format!("{text} }}") } else { text };
        // on a stack smaller than that of any thread in use
        let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(move || fails(&text));
        let rendered = thread.expect("a thread").join().expect("no overflow");
        assert!(
            !rendered.contains("E0105: this is nested") && !rendered.contains("E0102"),
            "{open}: {rendered}"
        );
    }
}

#[test]
fn an_empty_file_lacks_everything() {
    for text in ["", " \n\t\n", "# nothing\n", "\u{FEFF}", "/* */"] {
        let rendered = fails(text);
        assert!(rendered.contains("E0401") && rendered.contains("E0402"), "{rendered}");
    }
}

#[test]
fn a_long_line_is_not_printed() {
    let text = format!("let a = {} $", "1 + ".repeat(20_000));
    let rendered = fails(&text);
    assert!(rendered.len() < 2_000 && rendered.contains("x.apts:1:"), "{rendered}");
}

fn originals() -> Vec<String> {
    let names = ["bad", "cifar_resnet18", "figure1", "logistic", "nist_thurber", "rosenbrock"];
    let problems = ["mnist_fcnn", "digits_fcnn", "quadratic"];
    names.iter().chain(&problems).filter_map(|name| read(&format!("{name}.apts"))).collect()
}

/// Words and signs of the language, to be thrown together.
const TOKENS: &[&str] = &[
    "apts",
    "1",
    "use",
    "\"mnist_fcnn.apts\"",
    "problem",
    "let",
    "param",
    "var",
    "data",
    "network",
    "block",
    "residual",
    "minimize",
    "maximize",
    "measure",
    "subject",
    "to",
    "partition",
    "solver",
    "stop",
    "when",
    "run",
    "report",
    "experiment",
    "vary",
    "in",
    "if",
    "then",
    "else",
    "and",
    "or",
    "not",
    "mod",
    "sum",
    "repeat",
    "skip",
    "shortcut",
    "on",
    "off",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "=",
    ",",
    ";",
    "\n",
    "..",
    ".",
    "+",
    "-",
    "*",
    "/",
    "^",
    "<=",
    ">=",
    "==",
    "%",
    "min",
    "h",
    "GiB",
    "28x28",
    "1e400",
    "0x1",
    "trust_region",
    "radius",
    "dense",
    "relu",
    "input",
    "quadratic",
    "cross_entropy",
    "mnist",
    "train",
    "x",
    "y",
    "norm",
    "grad",
    "loss",
    "epochs",
    "//",
    "/*",
    "*/",
    "#",
    "\"",
    "\\",
    "Δ",
    "é",
    "\u{FEFF}",
    "\r",
    "\0",
    "lsr1",
    "order",
    "model",
    "2",
    "weights",
    "parts",
    "explicit",
    "18446744073709551616",
];

/// So many cases from a fixed seed.
fn config(cases: u32, seed: u64) -> ProptestConfig {
    ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(400, 1))]

    #[test]
    fn mutated_files_never_panic(
        file in 0_usize..9,
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..4, any::<prop::sample::Index>()), 1..8),
    ) {
        let originals = originals();
        let mut text: Vec<char> = originals[file % originals.len()].chars().collect();
        for (place, edit, token) in edits {
            let at = place.index(text.len() + 1);
            let token = TOKENS[token.index(TOKENS.len())];
            match edit {
                0 => drop(text.splice(at..at, token.chars())),
                1 => drop(text.drain(at..(at + token.len()).min(text.len()))),
                2 => text.truncate(at.max(1)),
                _ => if at < text.len() { text[at] = token.chars().next().unwrap_or(' ') },
            }
        }
        let text: String = text.into_iter().collect();
        let checked = check_named("x.apts", &text, &[]);
        prop_assert_eq!(checked.problem.is_some(), !checked.diagnostics.has_errors());
        let _ = checked.diagnostics.render(true);
        for diagnostic in &checked.diagnostics.list {
            prop_assert!(optkit_lang::explain(diagnostic.code).is_some(), "{} is not explained", diagnostic.code);
            prop_assert!(!diagnostic.labels.is_empty(), "{} has no place", diagnostic.title);
            prop_assert!(!diagnostic.notes.is_empty() || !diagnostic.helps.is_empty() || diagnostic.labels.iter().all(|l| !l.1.is_empty()));
            prop_assert!(diagnostic.code != "E0901", "{}", checked.diagnostics.render(false));
            for (span, _) in &diagnostic.labels {
                let source = &checked.diagnostics.sources[span.source].text;
                prop_assert!(span.start <= span.end && span.end <= source.len());
                prop_assert!(source.is_char_boundary(span.start) && source.is_char_boundary(span.end));
            }
        }
    }

    #[test]
    fn soup_of_words_never_panics(words in prop::collection::vec(any::<prop::sample::Index>(), 0..120)) {
        let words: Vec<_> = words.iter().map(|w| TOKENS[w.index(TOKENS.len())]).collect();
        for blank in [" ", "", "\n"] {
            let checked = check_named("x.apts", &words.join(blank), &[]);
            prop_assert_eq!(checked.problem.is_some(), !checked.diagnostics.has_errors());
            let _ = checked.diagnostics.render(false);
        }
    }

    #[test]
    fn any_text_never_panics(text in any::<String>(), set in "[a-z.]{0,12}", value in any::<String>()) {
        let set = format!("{set}={value}");
        let _ = check_named("x.apts", &text, &[&set]).diagnostics.render(true);
        let _ = check_named("x.apts", &read("quadratic.apts").unwrap_or_default(), &[&set]).diagnostics.render(false);
    }

    #[test]
    fn any_bytes_are_text_or_a_finding(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        if let Err(error) = std::str::from_utf8(&bytes) {
            let found = optkit_lang::not_text("x.apts", &bytes, error.valid_up_to());
            prop_assert!(found.render(false).contains("E0106"));
        }
    }
}
