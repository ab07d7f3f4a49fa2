//! Whatever is wrong, the command says what, ends with the right code, and never panics.

mod common;
#[path = "bad_input/pairs.rs"]
mod pairs;

use common::{FUNCTION, NETWORK, Ran, file, folder, optkit, run};

/// Nothing on stdout, this code, and all of these words on stderr, which is no panic.
fn refused(ran: &Ran, code: i32, words: &[&str]) {
    assert_eq!(ran.code, Some(code), "{}", ran.err);
    assert!(ran.out.is_empty(), "{}", ran.out);
    assert!(!ran.err.contains("panicked") && !ran.err.contains("RUST_BACKTRACE"), "{}", ran.err);
    for word in words {
        assert!(ran.err.contains(word), "no `{word}` in\n{}", ran.err);
    }
}

/// `check` and `solve` refuse the file with the same words.
fn refused_file(path: &str, words: &[&str]) {
    let (checked, solved) = (run(&["check", path]), run(&["solve", path]));
    refused(&checked, 2, words);
    refused(&solved, 2, words);
    assert_eq!(checked.err, solved.err);
}

#[test]
fn files_that_are_no_problem_files() {
    let folder = folder("bad-files");
    refused_file("nowhere.apts", &["cannot read `nowhere.apts`"]);
    refused_file(folder.to_str().unwrap(), &["cannot read"]);
    refused_file(&file(&folder, "empty.apts", ""), &["E0401", "E0402"]);
    refused_file(&file(&folder, "bytes.apts", b"apts 1\n\xff\xfe"), &["E0106", ":2:1", "UTF-8"]);
    let mut state = 1_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let bytes: Vec<u8> = (0..10_000_000).map(|_| noise()).collect();
    refused_file(&file(&folder, "noise.apts", &bytes), &["E0106"]);
    let printable: Vec<u8> = bytes.iter().map(|b| b' ' + b % 95).collect();
    refused_file(&file(&folder, "printable.apts", printable), &["error[E"]);
    for (name, open, close) in [("round", "(", ")"), ("square", "[", "]"), ("curly", "a { b = ", "}")] {
        let deep = format!("apts 1\nlet a = {}1{}\n", open.repeat(100_000), close.repeat(100_000));
        refused_file(&file(&folder, &format!("{name}.apts"), deep), &["E0105", "nested too deeply"]);
    }
}

#[test]
fn networks_that_do_not_fit() {
    let folder = folder("bad-networks");
    let cases: &[(&str, &str, &[&str])] = &[
        ("dense 32", "dnse 32", &["E0305", "there is no layer `dnse`", "did you mean `dense`?"]),
        ("dense 32", "dense 0", &["E0201", "at least 1"]),
        ("dense 32", "dense -3", &["error[E"]),
        ("dense 32", "dense 1.5", &["error[E"]),
        ("dense 32", "dense many", &["error[E"]),
        ("dense 32", "dense", &["error[E"]),
        ("dense 32", "dense 4000000000", &["E0813", "of memory, but this machine has"]),
        ("dense 32", "dense 99999999999999999999999", &["E0201", "at most"]),
        ("input 8x8", "input 9x8", &["E0809", "a sample of `digits` is 8x8", "write `input 8x8`"]),
        ("input 8x8", "input 64", &["E0809", "write `input 8x8`"]),
        ("input 8x8", "input 0x8", &["E0201"]),
        ("input 8x8", "input 4294967295x4294967295x4294967295", &["error[E"]),
        ("input 8x8", "", &["E0808", "has no input"]),
        ("input 8x8", "flatten; input 8x8", &["E0808", "as the first line"]),
        ("input 8x8", "input 8x8; input 8x8", &["E0808", "stands once"]),
        ("  flatten\n", "", &["E0808", "put `flatten` before it"]),
        ("  dense 10\n", "  dense 9\n", &["E0809", "9 outputs", "`dense 10`"]),
        ("minimize loss = cross_entropy(net", "minimize loss = cross_entropy(nett", &["did you mean `net`?"]),
        ("digits()", "digit()", &["did you mean `digits`?"]),
        ("parts = 4", "parts = 5", &["E0805", "5 parts", "there are 4"]),
        ("parts = 4", "parts = 0", &["E0201", "at least 1"]),
    ];
    for (i, (from, to, words)) in cases.iter().enumerate() {
        assert!(NETWORK.contains(from));
        let path = file(&folder, &format!("{i}.apts"), NETWORK.replacen(from, to, 1));
        refused_file(&path, words);
    }
}

/// Settings of the loss and of the data, and layers that a backend does not have: at their places.
#[test]
fn settings_of_losses_and_data() {
    let folder = folder("bad-losses");
    let loss = "cross_entropy(net(digits.train.x), digits.train.y)";
    let cases: &[(&str, &str, &[&str])] = &[
        (loss, "LOSS { smoothing = 1 }", &["E0201", "smoothing", "less than 1"]),
        (loss, "LOSS { weight_decay = -1 }", &["E0201", "weight_decay"]),
        (loss, "LOSS { smothing = 0.1 }", &["E0301", "did you mean `smoothing`?"]),
        (
            loss,
            "mean_squared(net(digits.train.x), digits.train.y) { smoothing = 0.1 }",
            &["E0301", "has no setting"],
        ),
        (loss, "LOSS { weight_decay 1 }", &["E0102", "expected `=`"]),
        (
            "digits()",
            "digits() { train_samples = 1438 }",
            &["E0825", "`digits` has 1437 samples to train on", ":2:42"],
        ),
        ("digits()", "digits() { test_samples = 0 }", &["E0201"]),
    ];
    for (i, (from, to, words)) in cases.iter().enumerate() {
        assert!(NETWORK.contains(from));
        let text = NETWORK.replacen(from, &to.replace("LOSS", loss), 1);
        refused_file(&file(&folder, &format!("{i}.apts"), text), words);
    }
    // Whether this build has the backend or not.
    let layers = NETWORK.replace("dense 32; relu", "dense 32; gelu") + "run { backend = dfdx }\n";
    refused_file(
        &file(&folder, "layer.apts", layers),
        &["E0826", "no layer `gelu`", ":6:13", "use `backend = native`"],
    );
    let smooth = NETWORK.replace(loss, &format!("{loss} {{ smoothing = 0.1 }}")) + "run { backend = dfdx }\n";
    refused_file(
        &file(&folder, "smooth.apts", smooth),
        &["E0822", "no smoothed labels", "use `backend = native`"],
    );
    let decayed = NETWORK.replace(loss, &format!("{loss} {{ weight_decay = 1e-3 }}"));
    let levels =
        decayed.replace("apts { partition = parts }", "apts { partition = parts, local = gauss_newton }");
    refused_file(&file(&folder, "levels.apts", levels), &["E0821", "know nothing of `weight_decay`"]);
    let fine = file(&folder, "fine.apts", decayed);
    for set in ["loss.weight_decay=0.1", "loss.smoothing=0.1", "digits.train_samples=1000"] {
        let ran = run(&["solve", &fine, "--set", set, "--quiet"]);
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{set}");
    }
}

/// Whole networks that are too large for any machine, with every method and partition.
#[test]
fn a_network_larger_than_the_machine_is_refused_before_it_is_made() {
    let folder = folder("huge");
    let huge = NETWORK.replace("dense 32; relu", "dense 4000000000; relu; dense 4000000000");
    let start = huge.find("partition").unwrap();
    for (i, method) in [
        "solver trust_region { radius = 0.1 }",
        "partition p = random { parts = 3 }\nsolver apts { partition = p }",
        "partition p = contiguous { parts = 3 }\nsolver apts { partition = p }",
    ]
    .iter()
    .enumerate()
    {
        let path = file(&folder, &format!("{i}.apts"), format!("{}{method}\n", &huge[..start]));
        for command in ["check", "solve"] {
            let ran = run(&[command, &path]);
            assert_eq!(ran.code, Some(2), "{}", ran.err);
            assert!(ran.err.contains("E0813") || ran.err.contains("E0808"), "{}", ran.err);
        }
    }
}

#[test]
fn measures_of_something_else() {
    let folder = folder("bad-measures");
    let other = NETWORK.replace(
        "minimize",
        "data others = digits()\nnetwork another {\n  input 8x8\n  flatten\n  dense 10\n}\nminimize",
    );
    for (from, to, words) in [
        ("accuracy(net(digits.test", "accuracy(another(digits.test", ["E0810", "another network"]),
        (
            "accuracy(net(digits.test.x), digits",
            "accuracy(net(others.test.x), others",
            ["E0810", "other data"],
        ),
        ("accuracy(net(digits.test", "mean_squared(net(digits.test", ["E0810", "no measure yet"]),
    ] {
        assert!(other.contains(from));
        refused_file(&file(&folder, "measure.apts", other.replace(from, to)), &words);
    }
}

#[test]
fn settings_that_do_not_fit_together() {
    let folder = folder("bad-settings");
    let cases: &[(&str, &[&str])] = &[
        ("radius = 5, max_radius = 1", &["E0802", "`radius` is 5"]),
        ("radius = 1, min_radius = 2", &["E0802", "`radius` is 1"]),
        ("shrink_below = 0.9, grow_above = 0.1", &["E0802"]),
        ("local = trust_region { radius = 1 }", &["E0803", "set `radius` on `apts` itself"]),
        ("local = apts { partition = blocks }", &["error[E"]),
        ("local = trust_region { model = gauss_newton }", &["E0306", "cannot stand as `model`"]),
        ("local = trust_region { model = gradient, subproblem = obs }", &["E0814", "use `model = lsr1`"]),
        ("local = trust_region { model = exact, subproblem = obs }", &["E0814"]),
        ("order = 2, ball = infinity", &["E0815", "`ball = two`"]),
        ("local = trust_region { model = exact, ball = infinity }", &["E0815"]),
        ("order = 2, ball = per_tensor", &["E0816", "use `ball = two`"]),
        ("order = 2, local = trust_region { order = 1, model = exact }", &["E0308"]),
        ("local = trust_region { model = lsr1 { memory = 0 } }", &["E0201"]),
        ("order = 3", &["E0201"]),
        ("radius = 1, radius = 2", &["error[E"]),
        ("partition = nothing", &["error[E"]),
    ];
    for (i, (settings, words)) in cases.iter().enumerate() {
        let text =
            FUNCTION.replace("{ partition = blocks }", &format!("{{ partition = blocks, {settings} }}"));
        refused_file(&file(&folder, &format!("{i}.apts"), text), words);
    }
    let alone =
        FUNCTION.replace("solver apts { partition = blocks }", "solver trust_region { iterations = 3 }");
    refused_file(&file(&folder, "alone.apts", alone), &["E0804", "stop when iterations"]);
    let operand = FUNCTION.replace("quadratic(n = 10, condition = 100)", "powell_singular(n = 10)");
    refused_file(&file(&folder, "operand.apts", operand), &["E0801", "a multiple of 4"]);
    let backend = NETWORK.to_owned() + "run { backend = dfdx, precision = f64 }\n";
    refused_file(&file(&folder, "backend.apts", backend), &["E0811"]);
}

#[test]
fn local_models_of_what_has_none() {
    let folder = folder("bad-models");
    let two_level = NETWORK.replace("{ partition = parts }", "{ partition = parts, preset = two_level }");
    let cut = two_level.replace("weights(net) { parts = 4 }", "contiguous { parts = 3 }");
    refused_file(&file(&folder, "cut.apts", cut), &["E0821", "part 1 holds some entries", "by = layer"]);
    let by_layer = two_level.replace("{ parts = 4 }", "{ by = layer }");
    let image = by_layer.replace("relu", "gelu").replace("digits()", "digits() { batch = 100 }");
    refused_file(&file(&folder, "image.apts", image), &["E0818", "all samples", "remove `batch`"]);
    let settings = by_layer.replace("preset = two_level", "combine = additive");
    refused_file(&file(&folder, "settings.apts", settings), &["E0819", "`combine`"]);
    let beyond = "preset = two_level, sweeps = multiplicative { parts = [2, 1, 3..5] }";
    let beyond = by_layer.replace("preset = two_level", beyond);
    let words = &["E0819", "sweeps visit part", "number them from 1 to", "leave `parts` out"];
    refused_file(&file(&folder, "beyond.apts", beyond), words);
}

#[test]
fn partitions_that_are_none() {
    let folder = folder("bad-partitions");
    let cases: &[(&str, &[&str])] = &[
        ("contiguous { parts = 11 }", &["E0805", "use 10 parts or fewer"]),
        ("random { parts = 11 }", &["E0805", "use 10 parts or fewer"]),
        ("explicit([[1, 2], [2, 3]])", &["E0805", "parts 1 and 2 share"]),
        ("explicit([[1, 2], [3]])", &["E0805", "3 of 10 variables (4 is in none)"]),
        ("explicit([[0, 1], [2]])", &["E0806", "counted from 1"]),
        ("explicit([[1, 1], [2]])", &["E0805", "part 1 lists variable 1 twice"]),
        (
            "explicit([[1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]])",
            &["part 2 lists variable 11, but there are 10"],
        ),
        ("explicit([[1, 2], []])", &["E0805", "part 2 is empty"]),
        ("explicit([])", &["E0805", "at least one part"]),
        ("weights(f) { parts = 2 }", &["E0310", "not a network"]),
    ];
    for (i, (partition, words)) in cases.iter().enumerate() {
        let text = FUNCTION.replace("contiguous { parts = 2 }", partition);
        refused_file(&file(&folder, &format!("{i}.apts"), text), words);
    }
}

#[test]
fn values_from_the_command_line() {
    let path = file(&folder("bad-values"), "function.apts", FUNCTION);
    let set = |set: &str| run(&["solve", &path, "--set", set]);
    refused(&set("solver.radus=1"), 2, &["E0301", "did you mean `radius`?"]);
    refused(&set("nothing.radius=1"), 2, &["error[E", "nothing"]);
    refused(&set("solver"), 2, &["`--set solver` has no value"]);
    refused(&set("solver.radius"), 2, &["write --set path=value"]);
    refused(&set("solver.radius="), 2, &["error[E"]);
    refused(&set("=1"), 2, &["error[E"]);
    refused(&set("solver.radius=huge"), 2, &["E0202", "must be a number"]);
    refused(&set("solver.radius=-1"), 2, &["E0201", "must be positive"]);
    refused(&set("solver.radius=1e400"), 2, &["error[E"]);
    refused(&set("f.condition=1e308"), 2, &["at most 1e15"]);
    refused(&set("blocks.parts=11"), 2, &["E0805", "use 10 parts or fewer"]);
    let ran = run(&["solve", &path, "--set", "solver.radius=5", "--set", "solver.max_radius=1"]);
    refused(&ran, 2, &["E0802", "`radius` is 5"]);
    assert_eq!(ran.err.matches("E0802").count(), 1, "said once\n{}", ran.err);
    for (option, value, words) in [
        ("--threads", "0", "0 is not in 1..=1024"),
        ("--threads", "-1", "-1 is not in 1..=1024"),
        ("--threads", "1025", "1025 is not in 1..=1024"),
        ("--epochs", "-1", "`-1` is no whole number of zero or more"),
        ("--iterations", "1.5", "`1.5` is no whole number of zero or more"),
        ("--seed", "-1", "`-1` is no whole number of zero or more"),
        ("--seed", "99999999999999999999", "no whole number"),
        ("--time", "soon", "use ms, s, min or h"),
        ("--time", "-1", "must be a time of zero or more"),
        ("--time", "1e400", "longer than a clock can count"),
        ("--time", "", "no time"),
    ] {
        refused(&run(&["solve", &path, option, value]), 2, &[option, words]);
    }
    refused(&run(&["solve", &path, "--quiet", "--json"]), 2, &["cannot be used with"]);
    refused(&run(&["solve"]), 2, &["<FILE>"]);
    refused(&run::<&str>(&[]), 2, &["Usage"]);
    refused(&run(&["explain", "E9999"]), 2, &["codes look like E0201"]);
    refused(&run(&["data", "get", "mnits"]), 2, &["there is no dataset `mnits`"]);
}

/// An idx file: two zeros, the type (bytes), the number of axes, their lengths, the bytes.
fn idx(lengths: &[u32], bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, u8::try_from(lengths.len()).unwrap()];
    lengths.iter().for_each(|length| file.extend(length.to_be_bytes()));
    file.extend(bytes);
    file
}

#[test]
fn data_of_ones_own() {
    let folder = folder("bad-data");
    let text = NETWORK.replace("digits()", "idx(\"DIR\")").replace("input 8x8", "input 2x2");
    let text = text.replace("DIR", folder.to_str().unwrap());
    let path = file(&folder, "own.apts", text);
    assert_eq!(run(&["check", &path]).code, Some(0), "the data are not looked at yet");
    let solve = || run(&["solve", &path]);
    refused(&solve(), 4, &["train-images-idx3-ubyte", folder.to_str().unwrap()]);

    let labels: Vec<u8> = (0..10).collect();
    for split in ["train", "t10k"] {
        file(&folder, &format!("{split}-images-idx3-ubyte"), idx(&[10, 2, 2], &[7; 40]));
        file(&folder, &format!("{split}-labels-idx1-ubyte"), idx(&[10], &labels));
    }
    let ran = solve();
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "good data");

    pairs::refused_once_samples_are_known(&folder);
    let images = |bytes: &[u8]| file(&folder, "train-images-idx3-ubyte", bytes);
    let good = idx(&[10, 2, 2], &[7; 40]);
    let of_file = "train-images-idx3-ubyte";
    for (bytes, words) in [
        (good[..6].to_vec(), "header"),
        (good[..50].to_vec(), of_file),
        (Vec::new(), of_file),
        ([&[0, 0, 8, 9], &good[4..]].concat(), of_file),
        ([&[1, 0, 8, 3], &good[4..]].concat(), of_file),
        ([&[0, 0, 13, 3], &good[4..]].concat(), of_file),
        (idx(&[0, 2, 2], &[]), of_file),
        (idx(&[10, 0, 2], &[]), of_file),
        (idx(&[9, 2, 2], &[7; 36]), "labels"),
        (idx(&[u32::MAX, u32::MAX, u32::MAX], &[7; 36]), of_file),
        (idx(&[10, 3, 3], &[7; 90]), "3x3"),
        ([good.as_slice(), b"more"].concat(), of_file),
        (b"<html>404</html>".repeat(10), of_file),
    ] {
        images(&bytes);
        refused(&solve(), 2, &[words]);
    }
    images(&good);
    assert_eq!(solve().code, Some(0), "good data again");
}

/// Nothing to be had: no data folder, no home, no way to fetch.
#[test]
fn data_that_are_nowhere() {
    let folder = folder("no-data");
    let text = NETWORK.replace("digits()", "mnist()").replace("input 8x8", "input 28x28");
    let path = file(&folder, "mnist.apts", text);
    let solve = |quiet: &[&str]| -> Ran {
        let mut command = optkit();
        command.env_clear().env("HOME", &folder).env("PATH", &folder).current_dir(&folder);
        // A proxy that refuses every connection, so that no test fetches anything.
        command.env("ALL_PROXY", "http://127.0.0.1:9");
        command.args(["solve", &path, "--data-dir", folder.to_str().unwrap()]).args(quiet);
        command.output().expect("the command starts").into()
    };
    refused(&solve(&[]), 4, &["dataset `mnist` is not on this machine", "--data-dir"]);
    let quiet = solve(&["--quiet"]);
    refused(&quiet, 4, &["error: dataset `mnist` is not on this machine"]);
    assert!(!quiet.err.contains("fetching"), "{}", quiet.err);
}

/// Output that nobody reads ends the command without complaint.
#[test]
fn output_that_nobody_reads() {
    let path = file(&folder("no-output"), "function.apts", FUNCTION);
    let wrong = file(&folder("no-errors"), "empty.apts", "");
    let closed = || {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        writer
    };
    let arguments: &[&[&str]] = &[
        &["list", "methods"],
        &["solve", &path],
        &["solve", &path, "--json"],
        &["man"],
        &["explain", "E0201"],
    ];
    for arguments in arguments {
        let output = optkit().args(*arguments).stdout(closed()).output().expect("the command starts");
        assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]), "{arguments:?}");
    }
    let output = optkit().args(["solve", &wrong]).stderr(closed()).output().expect("the command starts");
    assert_eq!(output.status.code(), Some(2));
}

#[cfg(unix)]
#[test]
fn output_that_is_closed() {
    let path = file(&folder("closed-output"), "function.apts", FUNCTION);
    for (redirect, code) in [(">&-", 0), ("2>&-", 0), (">/dev/null 2>&1", 0)] {
        let script = format!("exec \"$0\" solve \"$1\" {redirect}");
        let status = std::process::Command::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_optkit"), &path])
            .stdout(std::process::Stdio::null())
            .status();
        assert_eq!(status.expect("a shell").code(), Some(code), "{redirect}");
    }
}
