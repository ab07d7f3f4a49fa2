//! `--set path=value`: the same values and the same checks as in the file.

mod vocabulary;

use optkit_lang::{Checked, ObjectiveKind, Override, Problem};
use vocabulary::check_named;

const FILE: &str = "apts 1
param size = 10
let fixed = 2
minimize f = quadratic(n = size)
partition blocks = contiguous { parts = fixed }
solver apts { partition = blocks, radius = 1, global = trust_region { iterations = 2 } }
stop when norm(grad) <= 1e-6
";

fn set(sets: &[&str]) -> Checked {
    check_named("f.apts", FILE, sets)
}

fn problem(sets: &[&str]) -> Problem {
    let checked = set(sets);
    checked.problem.unwrap_or_else(|| panic!("{}", checked.diagnostics.render(false)))
}

fn rendered(sets: &[&str]) -> String {
    let checked = set(sets);
    assert!(checked.problem.is_none(), "{sets:?} is accepted");
    checked.diagnostics.render(false)
}

fn n(problem: &Problem) -> Option<u64> {
    let ObjectiveKind::Function(call) = &problem.objective.kind else { panic!("a function is minimised") };
    call.integer("n")
}

#[test]
fn a_setting_is_replaced_or_added() {
    let solver = |sets: &[&str]| problem(sets).solver().settings.clone();
    assert_eq!(solver(&["solver.radius=0.5"]).real("radius"), Some(0.5));
    assert_eq!(solver(&["solver.max_radius=5%"]).real("max_radius"), Some(0.05));
    assert!(solver(&["solver.fdl=off"]).given("fdl"));
    assert_eq!(solver(&["solver.radius=0.5", "solver.radius=0.25"]).real("radius"), Some(0.25));
    assert_eq!(problem(&["blocks.parts=size"]).partitions[0].call.settings.integer("parts"), Some(10));
}

#[test]
fn a_path_leads_into_methods_given_or_by_default() {
    let settings = problem(&["solver.global.radius=3", "solver.local.radius=4"]).solver().settings.clone();
    let global = &settings.method("global").expect("given").settings;
    assert_eq!((global.real("radius"), global.integer("iterations")), (Some(3.0), Some(2)));
    let local = &settings.method("local").expect("by default").settings;
    assert_eq!((local.real("radius"), local.integer("iterations")), (Some(4.0), Some(5)));
}

#[test]
fn params_operands_run_and_whole_solvers_can_be_set() {
    assert_eq!(n(&problem(&["size=20"])), Some(20));
    assert_eq!(n(&problem(&["f.n=30"])), Some(30));
    let condition = problem(&["f.condition=7"]);
    let ObjectiveKind::Function(call) = &condition.objective.kind else { panic!("a function is minimised") };
    assert_eq!((call.integer("n"), call.real("condition")), (Some(10), Some(7.0)));
    assert_eq!(problem(&["run.seed=18446744073709551615"]).run.integer("seed"), Some(u64::MAX));
    let solver = problem(&["solver=trust_region { radius = 9 }"]);
    assert_eq!(solver.solver().settings.real("radius"), Some(9.0));
}

#[test]
fn errors_are_shown_in_what_was_set() {
    let text = rendered(&["solver.radius=-1"]);
    assert!(text.starts_with("error[E0201]: `radius` must be positive\n --> --set:1:15\n"), "{text}");
    assert!(rendered(&["solver.raduis=1"]).contains("did you mean `radius`?"));
    assert!(rendered(&["solver.radius="]).contains("E0102"));
    assert!(rendered(&["solver.radius=(1"]).contains("E0103"));
    assert!(rendered(&["run.sed=1"]).contains("did you mean `seed`?"));
}

#[test]
fn paths_that_lead_nowhere_say_so() {
    for (path, hint) in [
        ("solvr.radius=1", "did you mean `solver`?"),
        ("fixed=3", "declare it with `param fixed = …`"),
        ("solver.radius.x=1", "`radius` is no method"),
        ("f.m=1", "`f` has no operand or setting `m`"),
        ("f=1", "`f` has nothing to set"),
        ("=1", "is no path"),
        ("run..seed=1", "is no path"),
        ("a b=1", "is no path"),
    ] {
        let text = rendered(&[path]);
        assert!(text.contains("E0406") && text.contains(hint), "{path}: {text}");
    }
}

#[test]
fn text_without_an_equals_sign_is_no_override() {
    assert_eq!(Override::parse("solver.radius"), None);
}
