//! Experiments spelt out, reports, and the text of a resolved problem.

mod vocabulary;

use optkit_lang::{Against, Band, Budget, Checked, Problem, TermKind};
use vocabulary::{check_named, read};

const HEAD: &str = "apts 1
param n = 8
minimize f = quadratic(n = n)
partition blocks = contiguous { parts = 2 }
solver apts { partition = blocks }
solver tr = trust_region { radius = 0.5 }
solver flat = trust_region
stop when norm(grad) <= 1e-6 * (1 + f) or iterations >= 100
";

fn checked(text: &str) -> Checked {
    check_named("x.apts", &format!("{HEAD}{text}"), &[])
}

fn problem(text: &str) -> Problem {
    let checked = checked(text);
    checked.problem.unwrap_or_else(|| panic!("{}", checked.diagnostics.render(false)))
}

fn codes(text: &str) -> Vec<&'static str> {
    checked(text).diagnostics.list.iter().filter(|d| d.is_error()).map(|d| d.code).collect()
}

#[test]
fn every_solver_meets_every_combination_that_concerns_it() {
    let problem = problem(
        "experiment e {
           solvers = [solver, tr]
           trials = 3, seed = 7
           solver.fdl = off
           vary blocks.parts in [2, 4]
           vary tr.radius in [0.1, 1]
         }",
    );
    let e = &problem.experiments[0];
    assert_eq!((e.name.value.as_str(), e.trials, e.seed), ("e", 3, 7));
    let labels: Vec<&str> = e.configurations.iter().map(|c| c.label.as_str()).collect();
    assert_eq!(labels, ["apts, parts = 2", "apts, parts = 4", "tr, radius = 0.1", "tr, radius = 1",]);
    let second = &e.configurations[1].problem;
    assert_eq!(second.solver().name.value, "apts");
    assert_eq!(second.solver().settings.switch("fdl"), Some(false));
    assert_eq!(second.partition("blocks").expect("declared").call.settings.integer("parts"), Some(4));
    let last = &e.configurations[3];
    assert_eq!((last.solver.as_str(), last.problem.solver().settings.real("radius")), ("tr", Some(1.0)));
    assert_eq!(last.varied[0], ("tr.radius".to_owned(), "1".to_owned()));
    assert_eq!(e.trial(last, 1).run.integer("seed"), Some(7));
    assert_eq!(e.trial(last, 3).run.integer("seed"), Some(9));
}

#[test]
fn paths_may_vary_together_and_over_ranges() {
    let problem = problem(
        "experiment { solvers = [tr]  vary tr.radius, tr.max_radius in [[0.1, 1], [0.5, 2]] }
         experiment wide { solvers = [tr]  vary n in 3..5 }",
    );
    let [pairs, wide] = problem.experiments.as_slice() else { panic!("two experiments") };
    assert_eq!(pairs.name.value, "experiment");
    let radii: Vec<_> = pairs
        .configurations
        .iter()
        .map(|c| (c.problem.solver().settings.real("radius"), c.problem.solver().settings.real("max_radius")))
        .collect();
    assert_eq!(radii, [(Some(0.1), Some(1.0)), (Some(0.5), Some(2.0))]);
    assert_eq!(pairs.configurations[0].label, "radius = 0.1, max_radius = 1");
    let labels: Vec<&str> = wide.configurations.iter().map(|c| c.label.as_str()).collect();
    assert_eq!(labels, ["n = 3", "n = 4", "n = 5"]);
    assert!(wide.configurations[2].problem.to_string().contains("quadratic(n = 5"));
}

#[test]
fn a_budget_replaces_the_budgets_of_the_file() {
    for (written, what, limit) in [
        ("1000 gradients", Budget::Gradients, 1000.0),
        ("60 epochs", Budget::Epochs, 60.0),
        ("2 min", Budget::Time, 120.0),
        ("5 iterations", Budget::Iterations, 5.0),
    ] {
        let problem = problem(&format!("experiment e {{ solvers = [tr], budget = {written} }}"));
        let terms = &problem.experiments[0].configurations[0].problem.stop.terms;
        assert_eq!(terms.len(), 2, "the test of the gradient stays");
        assert_eq!(terms[1].kind, TermKind::Budget { what, limit });
        assert_eq!(terms[1].text, format!("budget = {written}"));
    }
}

#[test]
fn what_is_wrong_has_a_place_and_a_code() {
    for (text, expected) in [
        ("experiment e { solvers = [trr] }", "E0304"),
        ("experiment e { solvers = [blocks] }", "E0310"),
        ("experiment e { solvers = tr }", "E0202"),
        ("experiment e { solvers = [] }", "E0202"),
        ("experiment e { solvers = [tr, tr] }", "E0303"),
        ("experiment e { trials = 0 }", "E0201"),
        ("experiment e { trial = 3 }", "E0301"),
        ("experiment e { budget = 100 }", "E0202"),
        ("experiment e { budget = 0 epochs }", "E0201"),
        ("experiment e { budget = 1.5 epochs }", "E0201"),
        ("experiment e { vary blocks.parts in 3 }", "E0202"),
        ("experiment e { vary blocks.parts in [] }", "E0202"),
        ("experiment e { vary blocks.parts in 5..3 }", "E0201"),
        ("experiment e { vary blocks.parts in 1..100000 }", "E0201"),
        ("experiment e { vary blocks.parts in [0] }", "E0201"),
        ("experiment e { vary blocks.size in [1] }", "E0301"),
        ("experiment e { vary nothing.parts in [1] }", "E0406"),
        ("experiment e { vary tr.radius in [1] }", "E0406"),
        ("experiment e { solvers = [tr], vary blocks.parts in [1, 2] }", "E0406"),
        ("experiment e { solvers = [tr], n = 6, vary n in 3..5 }", "E0303"),
        ("experiment e { run.seed = 3 }", "E0301"),
        ("experiment e { blocks.parts = 2, vary blocks.parts in [1, 2] }", "E0303"),
        ("experiment e { vary a.b, c.d in [1, 2] }", "E0202"),
        ("experiment e { solver.fdl = maybe }", "E0202"),
        ("report \"x.pdf\"", "E0202"),
        ("report \"x.html\" { show = [accuracy] }", "E0304"),
        ("report \"x.html\" { against = [steps] }", "E0202"),
        ("report \"x.html\" { experiments = [e] }", "E0304"),
        ("report \"x.html\" { band = wide }", "E0203"),
        ("report \"x.html\" { bands = std }", "E0301"),
    ] {
        let found = codes(text);
        assert!(found.contains(&expected), "{text}: {found:?}\n{}", checked(text).diagnostics.render(false));
    }
}

#[test]
fn an_error_in_every_configuration_is_said_once() {
    assert_eq!(codes("experiment e { blocks.parts = 0, vary solver.fdl in [on, off] }"), ["E0201"]);
}

#[test]
fn a_path_may_lead_into_an_experiment() {
    let text = format!("{HEAD}experiment e {{ trials = 10, solver.fdl = on }}");
    let sets = ["e.trials=2", "e.solver.fdl=off", "e.solvers=[solver, flat]"];
    let checked = check_named("x.apts", &text, &sets);
    let problem = checked.problem.unwrap_or_else(|| panic!("{}", checked.diagnostics.render(false)));
    let e = &problem.experiments[0];
    assert_eq!((e.trials, e.configurations.len()), (2, 2));
    assert_eq!(e.configurations[0].problem.solver().settings.switch("fdl"), Some(false));
    assert_eq!(e.configurations[1].label, "flat");
}

#[test]
fn reports_say_what_is_drawn() {
    let problem = problem(
        "experiment e { solvers = [tr] }
         report \"out.html\" { title = \"Bowls\", show = [f, gradient_norm], against = [gradients, time], band = std, experiments = [e] }
         report \"all.html\"",
    );
    let [one, all] = problem.reports.as_slice() else { panic!("two reports") };
    assert_eq!((one.path.value.as_str(), one.title.as_deref()), ("out.html", Some("Bowls")));
    assert_eq!(one.show, ["f", "gradient_norm"]);
    assert_eq!(one.against, [Against::Gradients, Against::Time]);
    assert_eq!((one.band, one.experiments.as_slice()), (Band::Std, &["e".to_owned()][..]));
    assert_eq!((all.band, all.show.len(), all.experiments.len()), (Band::MinMax, 0, 0));
}

/// The text of a problem reads back as a problem of the same text.
fn reads_back(problem: &Problem) {
    let text = problem.to_string();
    let again = check_named("again.apts", &text, &[]);
    let again = again.problem.unwrap_or_else(|| panic!("{}\n{text}", again.diagnostics.render(false)));
    let code = |text: &str| text.lines().filter(|l| !l.starts_with("//")).collect::<Vec<_>>().join("\n");
    assert_eq!(code(again.to_string().trim_end()), code(&text).trim_end());
}

#[test]
fn a_resolved_problem_reads_back() {
    for name in ["mnist_fcnn.apts", "digits_fcnn.apts", "quadratic.apts"] {
        let checked = check_named(name, &read(name).expect("a problem file"), &[]);
        reads_back(&checked.problem.expect("no errors"));
    }
    let problem = problem(
        "experiment e { solvers = [solver, tr, flat]  trials = 3  vary blocks.parts in [2, 4]  budget = 2 min }",
    );
    reads_back(&problem);
    for configuration in &problem.experiments[0].configurations {
        reads_back(&configuration.problem);
        let text = configuration.problem.to_string();
        assert!(text.contains("or time >= 120.0 s") && text.contains("1e-6 * (1.0 + f)"), "{text}");
        assert!(!configuration.problem.identity().contains("stop"));
    }
}
