//! The problem files of the repository, and the example files of later versions.

mod vocabulary;

use std::time::Instant;

use optkit_lang::{ObjectiveKind, Split, TermKind, Value};
use vocabulary::{check_named, read};

fn check(name: &str) -> optkit_lang::Checked {
    check_named(name, &read(name).expect("the file is in tests/files or problems"), &[])
}

#[test]
fn every_problem_file_checks_without_a_word() {
    for name in ["mnist_fcnn.apts", "digits_fcnn.apts", "quadratic.apts"] {
        let checked = check(name);
        assert_eq!(checked.diagnostics.render(false), "", "{name}");
        assert!(checked.problem.is_some(), "{name}");
    }
}

#[test]
fn files_of_later_versions_are_only_not_supported_yet() {
    for name in
        ["cifar_resnet18.apts", "figure1.apts", "logistic.apts", "nist_thurber.apts", "rosenbrock.apts"]
    {
        let checked = check(name);
        assert!(checked.problem.is_none(), "{name}");
        let codes: Vec<_> = checked.diagnostics.list.iter().map(|d| d.code).collect();
        assert!(codes.iter().all(|code| *code == "E0701"), "{name}: {}", checked.diagnostics.render(false));
    }
}

#[test]
fn mnist_says_what_the_paper_says() {
    let problem = check("mnist_fcnn.apts").problem.expect("no errors");
    assert_eq!(problem.title.as_deref(), Some("MNIST, 3-layer fully connected network"));
    assert_eq!(problem.reference.as_deref(), Some("arXiv:2312.13677, section 3.2"));

    let layers: Vec<_> =
        problem.networks[0].layers.iter().map(|l| l.line().unwrap().name.value.as_str()).collect();
    assert_eq!(layers, ["input", "flatten", "dense", "relu", "dense", "relu", "dense"]);
    assert_eq!(problem.networks[0].layers[0].line().unwrap().operands[0].value, Value::Shape(vec![28, 28]));
    assert_eq!(problem.networks[0].layers[2].line().unwrap().operands[0].value, Value::Integer(32));
    assert_eq!(problem.networks[0].layers[2].line().unwrap().settings.switch("bias"), Some(true));

    assert_eq!(problem.objective.name, "loss");
    let ObjectiveKind::NetworkLoss { loss, network, data, split, .. } = &problem.objective.kind else {
        panic!("a network's loss is minimised");
    };
    assert_eq!(
        (loss.value.as_str(), network.as_str(), data.as_str(), *split),
        ("cross_entropy", "fcnn", "mnist", Split::Train)
    );
    assert_eq!(problem.measures[0].split, Split::Test);

    let tensors = problem.partition("tensors").expect("declared");
    assert_eq!(tensors.call.operand("network").map(|v| &v.value), Some(&Value::Name("fcnn".to_owned())));
    assert_eq!(tensors.call.settings.integer("parts"), Some(6));
    assert_eq!(tensors.call.settings.word("deal"), Some("random"));

    let apts = problem.solver();
    assert_eq!(apts.name.value, "apts");
    assert_eq!(apts.settings.partition("partition"), Some("tensors"));
    assert_eq!(apts.settings.switch("fdl"), Some(false));
    assert_eq!(apts.settings.real("radius"), Some(0.01));
    assert_eq!(apts.settings.method("local").and_then(|m| m.settings.integer("iterations")), Some(5));
    assert!(apts.settings.given("fdl") && !apts.settings.given("shrink"));
    assert_eq!(apts.settings.real("shrink"), Some(0.5));
    assert_eq!(problem.run.integer("seed"), Some(42));
    assert_eq!(problem.run.word("precision"), Some("f32"));
    assert_eq!(problem.stop.terms.len(), 1);
}

#[test]
fn quadratic_is_a_function_by_name() {
    let problem = check("quadratic.apts").problem.expect("no errors");
    let ObjectiveKind::Function(call) = &problem.objective.kind else { panic!("a function is minimised") };
    assert_eq!((call.integer("n"), call.real("condition")), (Some(1000), Some(100.0)));
    let texts: Vec<_> = problem.stop.terms.iter().map(|t| t.text.as_str()).collect();
    assert_eq!(texts, ["norm(grad) <= 1e-6", "iterations >= 20000"]);
    let TermKind::Gradient { bound, .. } = &problem.stop.terms[0].kind else { panic!("a convergence test") };
    assert_eq!(bound.at(f64::NAN), 1e-6);
}

#[test]
fn checking_any_file_here_takes_less_than_10_ms() {
    for name in ["mnist_fcnn.apts", "digits_fcnn.apts", "quadratic.apts", "figure1.apts", "logistic.apts"] {
        let fastest = (0..5)
            .map(|_| {
                let start = Instant::now();
                let rendered = check(name).diagnostics.render(false);
                assert_eq!(rendered.is_empty(), rendered.len() < 20);
                start.elapsed()
            })
            .min();
        assert!(fastest.is_some_and(|t| t.as_millis() < 10), "{name}: {fastest:?}");
    }
}
