//! `use "file"`: everything in it, by its own names.

mod vocabulary;

use std::collections::BTreeMap;

use optkit_lang::{Checked, ObjectiveKind, Source, check};
use vocabulary::vocabulary;

const BASE: &str = "apts 1
param size = 10
minimize f = quadratic(n = size)
solver trust_region { radius = 1 }
solver spare = trust_region
stop when iterations >= 10
run { seed = 3 }
";

fn run(files: &[(&str, &str)]) -> (Checked, usize) {
    let files: BTreeMap<_, _> = files.iter().copied().collect();
    let mut loads = 0;
    let mut load = |path: &str| {
        loads += 1;
        files.get(path).map(|text| (*text).to_owned()).ok_or_else(|| format!("there is no {path}"))
    };
    let checked = check(Source::new("main.apts", files["main"]), &mut load, &[], &vocabulary());
    (checked, loads)
}

#[test]
fn what_is_declared_later_replaces() {
    let main = "apts 1\nuse \"base\"\nparam size = 20\nsolver trust_region { radius = 2 }\nstop when iterations >= 7";
    let (checked, _) = run(&[("main", main), ("base", BASE)]);
    let problem = checked.problem.unwrap_or_else(|| panic!("{}", checked.diagnostics.render(false)));
    assert_eq!(problem.solver().settings.real("radius"), Some(2.0));
    assert_eq!(problem.stop.terms.len(), 1);
    assert_eq!(problem.stop.terms[0].text, "iterations >= 7");
    assert_eq!(problem.run.integer("seed"), Some(3));
    let ObjectiveKind::Function(call) = problem.objective.kind else { panic!("a function is minimised") };
    assert_eq!(call.integer("n"), Some(20), "what stood on the old value stands on the new one");
    assert_eq!(checked.diagnostics.list, [], "what a used file leaves unused is not this file's concern");
}

#[test]
fn an_objective_is_replaced_by_one_of_another_name() {
    let main = "apts 1\nuse \"base\"\nminimize g = rosenbrock(n = 4)\nlet f = 3\nparam a = f";
    let (checked, _) = run(&[("main", main), ("base", BASE)]);
    let problem = checked.problem.unwrap_or_else(|| panic!("{}", checked.diagnostics.render(false)));
    assert_eq!(problem.objective.name, "g");
}

#[test]
fn paths_are_relative_to_the_file_that_uses_them_and_files_come_in_once() {
    let files = [
        ("main", "apts 1\nuse \"lib/a\"\nuse \"lib/b\""),
        ("lib/a", "use \"base\""),
        ("lib/b", "use \"base\""),
        ("lib/base", BASE),
    ];
    let (checked, loads) = run(&files);
    assert!(checked.problem.is_some(), "{}", checked.diagnostics.render(false));
    assert_eq!(loads, 3);
}

#[test]
fn missing_files_circles_and_errors_inside_are_shown_where_they_are() {
    let (checked, _) = run(&[("main", "apts 1\nuse \"nowhere\"")]);
    let text = checked.diagnostics.render(false);
    assert!(text.contains("E0501") && text.contains("there is no nowhere"), "{text}");

    let (checked, _) = run(&[("main", "apts 1\nuse \"a\""), ("a", "use \"b\""), ("b", "use \"a\"")]);
    let text = checked.diagnostics.render(false);
    assert!(text.contains("E0502") && text.contains("--> b:1:5"), "{text}");

    let (checked, _) =
        run(&[("main", "apts 1\nuse \"a\""), ("a", "minimize f = quadratic(n = 0)\nsolver gd")]);
    let text = checked.diagnostics.render(false);
    assert!(text.contains("--> a:1:28") && text.contains("--> a:2:8"), "{text}");
}

#[test]
fn a_chain_without_end_is_cut() {
    let mut count = 0;
    let mut load = |_: &str| {
        count += 1;
        Ok(format!("use \"{count}\""))
    };
    let checked = check(Source::new("main", "use \"0\""), &mut load, &[], &vocabulary());
    assert!(checked.diagnostics.render(false).contains("E0502"));
    assert!(count < 100);
}
