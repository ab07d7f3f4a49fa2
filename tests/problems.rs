//! Every file in problems/ can be planned, the quick ones end as they say they do, and no change to their text
//! makes the program panic.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use optkit::assemble::Assembly;
use optkit::data::{Fetch, Locations};
use optkit::lang::{Override, Source};
use optkit::problem::{Planned, ReadError, explain, from_text, read};
use optkit::{Outcome, Run, RunReport, Status, Unobserved, run};
use proptest::prelude::*;

/// The files by name.
fn problems() -> BTreeMap<String, PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../problems");
    let files = std::fs::read_dir(folder).expect("the folder of problems").map(|entry| entry.unwrap().path());
    let problems: BTreeMap<_, _> = files
        .filter(|path| path.extension().is_some_and(|e| e == "apts"))
        .map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), path))
        .collect();
    assert!(problems.len() >= 3, "{problems:?}");
    problems
}

#[test]
fn every_problem_plans_without_a_word() {
    for (name, path) in problems() {
        match read(&path, &[]) {
            Ok(planned) => assert_eq!(planned.diagnostics.render(false), "", "{name} has warnings"),
            Err(ReadError::Wrong(diagnostics)) => panic!("{name}\n{}", diagnostics.render(false)),
            Err(error) => panic!("{name}: {error}"),
        }
    }
}

/// Runs a problem that needs no data from outside.
fn solved(path: &Path, overrides: &[Override]) -> RunReport {
    let planned = read(path, overrides).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let assembly = planned.plan.load(&Locations::default(), Fetch::Never).expect("no data from outside");
    let Assembly { mut objective, mut optimizer, start, mut measures, .. } = assembly;
    let setup =
        Run { stop: &planned.plan.stop, measures: &mut measures, observer: &mut Unobserved, interrupt: None };
    run(optimizer.as_mut(), objective.as_mut(), &start, setup).expect("settings were checked")
}

#[test]
fn the_quick_problems_end_as_they_ask() {
    let problems = problems();
    let digits = solved(&problems["digits_fcnn"], &[]);
    assert!(matches!(digits.status, Status::Target { .. }), "{}", digits.status);
    assert_eq!(digits.status.outcome(digits.goal_asked), Outcome::AsAsked);
    assert!(digits.measures.iter().any(|(name, value)| name == "accuracy" && *value >= 0.9));
    let quadratic = solved(&problems["quadratic"], &[]);
    assert!(matches!(quadratic.status, Status::Converged { .. }), "{}", quadratic.status);
    assert!(quadratic.gradient_norm <= 1e-6 && quadratic.value < 1e-10);
}

/// By exact products, by order 2, and by the model that is chosen where the file says nothing.
#[test]
fn the_rosenbrock_problem_is_solved_by_every_second_order_model() {
    let problems = problems();
    for setting in [None, Some("solver.order = 2"), Some("solver.model = exact")] {
        let overrides: Vec<_> = setting.into_iter().filter_map(Override::parse).collect();
        let report = solved(&problems["rosenbrock_catalog"], &overrides);
        assert!(matches!(report.status, Status::Converged { .. }), "{setting:?}: {}", report.status);
        assert!(report.gradient_norm <= 1e-8 && report.value < 1e-15, "{setting:?}: {}", report.value);
        assert!(report.iterations < 200, "{setting:?}: {}", report.iterations);
    }
}

fn planned(text: &str) -> Result<Planned, ReadError> {
    from_text(Source::new("x.apts", text), &mut |_| Err("no files here".to_owned()), &[])
}

/// What is put into a text: words, signs and numbers that mean something, at places where they should not stand.
const PIECES: &[&str] = &[
    "0",
    "-1",
    "1e300",
    "1e-300",
    "4294967295",
    "18446744073709551615",
    "0.5",
    "nan",
    "{",
    "}",
    "(",
    ")",
    "[[1, 2], [2]]",
    ",",
    ";",
    "\n",
    "=",
    "or",
    "input 1x1",
    "input 65535x65535x65535",
    "dense 4000000000",
    "flatten",
    "relu",
    "log_softmax",
    "conv 3",
    "parts = 1000000000",
    "explicit([[1]])",
    "contiguous { parts = 2 }",
    "random { parts = 3 }",
    "quadratic(n = 100000)",
    "rosenbrock(n = 3)",
    "powell_singular(n = 5)",
    "trust_region { iterations = 0 }",
    "max_radius = 1e-9",
    "preset = ml_apts",
    "radius = 0",
    "precision = f64",
    "backend = dfdx",
    "digits.test.x",
    "idx(\"\")",
    "Δ",
    "\"",
    "/*",
    "//",
];

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(231_213_677),
        ..ProptestConfig::default()
    })]

    /// A few cuts, insertions and replacements anywhere: an answer, whatever it is.
    #[test]
    fn a_changed_problem_never_panics(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..30, 0..PIECES.len()), 1..5),
    ) {
        let texts: Vec<String> =
            problems().values().map(|path| std::fs::read_to_string(path).unwrap()).collect();
        let mut text: Vec<char> = which.get(&texts).chars().collect();
        for (at, cut, piece) in changes {
            let at = at.index(text.len() + 1);
            let end = text.len().min(at + cut);
            text.splice(at..end, format!(" {} ", PIECES[piece]).chars());
        }
        let text: String = text.into_iter().collect();
        match planned(&text) {
            Ok(planned) => prop_assert!(!planned.diagnostics.has_errors()),
            Err(ReadError::Wrong(diagnostics)) => {
                prop_assert!(diagnostics.has_errors() && !diagnostics.render(false).is_empty());
                for found in &diagnostics.list {
                    prop_assert!(explain(found.code).is_some(), "`optkit explain {}` knows nothing", found.code);
                }
            }
            Err(error) => prop_assert!(false, "{error}"),
        }
    }

    /// One token replaced by a piece: more of these still plan, and reach the numerical crates.
    #[test]
    fn a_problem_with_one_word_changed_never_panics(
        which in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), piece in 0..PIECES.len(),
    ) {
        let texts: Vec<String> =
            problems().values().map(|path| std::fs::read_to_string(path).unwrap()).collect();
        let text = which.get(&texts);
        let words: Vec<&str> = text.split_whitespace().collect();
        let word = at.get(&words);
        let changed = text.replacen(word, PIECES[piece], 1);
        if let Err(error) = planned(&changed) {
            let ReadError::Wrong(diagnostics) = error else { panic!("{error}") };
            prop_assert!(diagnostics.has_errors());
        }
    }

    /// Whatever settings the checks let pass: a run ends with a status, at a finite point that is no worse than
    /// the start.
    #[test]
    fn any_settings_that_pass_the_checks_make_a_run(
        function in prop::sample::select(&["quadratic(n = 12)", "rosenbrock(n = 5)", "powell_singular()", "beale()", "wood()"][..]),
        parts in 1_usize..4,
        settings in prop::collection::btree_map(
            prop::sample::select(&["radius", "min_radius", "max_radius", "shrink", "grow", "shrink_below", "grow_above"][..]),
            (-300_i32..300, 0.1_f64..10.0), 0..5,
        ),
        small in any::<bool>(),
        fdl in any::<bool>(),
        ratio in prop::sample::select(&["model", "paper_code"][..]),
        preset in prop::sample::select(&["", "preset = paper,", "preset = ml_apts,"][..]),
    ) {
        let number = |(power, digits): &(i32, f64)| digits * 10_f64.powi(if small { power / 100 } else { *power });
        let settings: String =
            settings.iter().map(|(name, value)| format!(", {name} = {:e}", number(value))).collect();
        let fdl = if fdl { "on" } else { "off" };
        let text = format!(
            "apts 1\nminimize f = {function}\npartition p = random {{ parts = {parts} }}\n\
             solver apts {{ {preset} partition = p, fdl = {fdl}, ratio = {ratio}{settings} }}\n\
             stop when norm(grad) <= 1e-6 or iterations >= 40\n"
        );
        let Ok(planned) = planned(&text) else { return Ok(()) };
        let Assembly { mut objective, mut optimizer, start, .. } =
            planned.plan.load(&Locations::default(), Fetch::Never).expect("a function needs no data");
        let before = objective.value(&start);
        let stop = &planned.plan.stop;
        let setup = Run { stop, measures: &mut [], observer: &mut Unobserved, interrupt: None };
        let report = run(optimizer.as_mut(), objective.as_mut(), &start, setup).expect("settings were checked");
        prop_assert!(report.point.iter().all(|x| x.is_finite()), "{text}\n{}", report.status);
        prop_assert!(report.value <= before, "{text}\n{before} to {}: {}", report.value, report.status);
    }
}
