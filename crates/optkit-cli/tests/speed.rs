//! Checking a file is a matter of milliseconds, and so is a first run.

mod common;

use std::time::{Duration, Instant};

use common::{repository, run};

/// The fastest of five: what the command needs, whatever else the machine does.
fn fastest(arguments: &[&str], code: i32) -> Duration {
    let timed = || {
        let begun = Instant::now();
        let ran = run(arguments);
        assert_eq!(ran.code, Some(code), "{}", ran.err);
        begun.elapsed()
    };
    (0..5).map(|_| timed()).min().expect("five")
}

/// Below 10 ms where built for release and run alone; this bound is for busy machines.
#[test]
fn every_problem_is_checked_in_a_moment() {
    let Some(top) = repository() else { return };
    let mut seen = 0;
    for entry in std::fs::read_dir(top.join("problems")).expect("problems") {
        let path = entry.expect("a file").path();
        if path.extension().is_some_and(|e| e == "apts") {
            let took = fastest(&["check", path.to_str().unwrap()], 0);
            println!("{}: checked in {:.1} ms", path.display(), 1e3 * took.as_secs_f64());
            assert!(took < Duration::from_millis(100), "{}: {took:?}", path.display());
            seen += 1;
        }
    }
    assert!(seen >= 3, "{seen} problems");
}

#[test]
fn the_quadratic_converges_in_half_a_second() {
    let Some(top) = repository() else { return };
    let took = fastest(&["solve", top.join("problems/quadratic.apts").to_str().unwrap()], 0);
    println!("solved in {:.1} ms", 1e3 * took.as_secs_f64());
    assert!(took < Duration::from_millis(500), "{took:?}");
}
