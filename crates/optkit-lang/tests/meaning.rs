//! What values, constants and terms mean.

mod vocabulary;

use optkit_lang::{Budget, Norm, Problem, Quantity, TermKind, Value};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use vocabulary::check_named;

fn problem(text: &str) -> Problem {
    let text = format!("apts 1\n{text}");
    let checked = check_named("x.apts", &text, &[]);
    checked.problem.unwrap_or_else(|| panic!("{}", checked.diagnostics.render(false)))
}

/// A problem whose radius is `value`, after `declarations`.
fn radius(declarations: &str, value: &str) -> f64 {
    let text = format!(
        "{declarations}\nminimize f = quadratic(n = 4)\nsolver trust_region {{ radius = {value} }}\nstop when iterations >= 1"
    );
    problem(&text).solver().settings.real("radius").expect("a radius")
}

#[test]
fn constants_follow_the_usual_precedence() {
    for (text, value) in [
        ("1 + 2*3", 7.0),
        ("(1 + 2)*3", 9.0),
        ("2^3^2", 512.0),
        ("10 + -2^2", 6.0),
        ("2^-1", 0.5),
        ("10 - 2 - 3", 5.0),
        ("12/2/3", 2.0),
        ("7 mod 4 * 2", 6.0),
        ("-7 mod 4 + 1", 2.0),
        ("5%", 0.05),
        ("1_000.5e1", 10005.0),
        (".5e0 + 1", f64::NAN),
        ("sqrt(16) + abs(-2)", 6.0),
        ("max(1, 2) + min(3, 4)", 5.0),
        ("log(exp(2))", 2.0),
        ("if 1 < 2 and not 2 < 1 or 1 == 0 then 3 else 4", 3.0),
        ("if 1 != 1 then 3 else 4", 4.0),
        ("a*Δ", 6.0),
    ] {
        if value.is_nan() {
            let text = format!("minimize f = quadratic(n = 4)\nsolver trust_region {{ radius = {text} }}");
            assert!(check_named("x.apts", &text, &[]).problem.is_none(), "{text}");
        } else {
            let found = radius("param a = 2\nlet Δ = a + 1", text);
            assert!((found - value).abs() < 1e-12, "{text}: {found}");
        }
    }
}

#[test]
fn units_comments_and_separators() {
    let problem = problem(
        "/* a /* comment */ minimize f = quadratic(4, // positional
           condition = 1e2,) # the last comma is free
         solver trust_region { radius = 1 /* here */, iterations = 5
           max_radius
             = 3 }
         stop when time >= 1.5 min
         run { log_every = 2 h; }"
            .replace(';', "")
            .as_str(),
    );
    assert_eq!(problem.run.seconds("log_every"), Some(7200.0));
    assert_eq!(problem.solver().settings.integer("iterations"), Some(5));
    assert_eq!(problem.solver().settings.real("max_radius"), Some(3.0));
    let TermKind::Budget { what: Budget::Time, limit } = problem.stop.terms[0].kind else { panic!("a time") };
    assert_eq!(limit, 90.0);
}

#[test]
fn sizes_of_memory_and_texts() {
    let base = "minimize f = quadratic(n = 4)\nsolver trust_region\nstop when iterations >= 1 iterations\n";
    for (text, bytes) in [("4 GiB", 4 << 30), ("1.5 KiB", 1536), ("2 MB", 2_000_000)] {
        assert_eq!(problem(&format!("{base}run {{ memory = {text} }}")).run.bytes("memory"), Some(bytes));
    }
    let note = problem(&format!("{base}run {{ note = \"a \\\"b\\\" \\\\ // {{\" }}"));
    assert_eq!(note.run.text("note"), Some("a \"b\" \\ // {"));
}

#[test]
fn a_unit_does_not_swallow_the_next_key() {
    let text = "minimize f = quadratic(n = 4)\nsolver trust_region { max_radius = 10 iterations = 5 }\nstop when iterations >= 1";
    let solver = problem(text).solver().settings.clone();
    assert_eq!((solver.real("max_radius"), solver.integer("iterations")), (Some(10.0), Some(5)));
}

#[test]
fn terms_keep_what_they_test() {
    let problem = problem(
        "minimize rss = quadratic(n = 4)
         solver trust_region
         let tight = 1e-10
         stop when norm(grad) <= tight * (1 + rss)
           or norm_inf(grad) <= max(1e-8, sqrt(rss)) - -abs(rss) or rss <= -3 or epochs >= 60 epochs
           or gradients >= 2.5",
    );
    let terms = &problem.stop.terms;
    assert_eq!(terms[0].text, "norm(grad) <= tight * (1 + rss)");
    let TermKind::Gradient { norm: Norm::Two, bound } = &terms[0].kind else { panic!("a 2-norm") };
    assert_eq!(bound.at(3.0), 1e-10 * 4.0);
    let TermKind::Gradient { norm: Norm::Infinity, bound } = &terms[1].kind else {
        panic!("an infinity norm")
    };
    assert_eq!(bound.at(4.0), 6.0);
    let TermKind::Target { quantity: Quantity::Objective, at_least: false, bound } = &terms[2].kind else {
        panic!("a target")
    };
    assert_eq!(bound.at(0.0), -3.0);
    assert_eq!(terms[3].kind, TermKind::Budget { what: Budget::Epochs, limit: 60.0 });
    assert_eq!(terms[4].kind, TermKind::Budget { what: Budget::Gradients, limit: 2.5 });
}

#[test]
fn measures_are_targets_in_percent() {
    let problem = problem(
        "data digits = digits()
         network net { input 8x8; flatten; dense (5 + 5) bias=off }
         minimize cross_entropy(net(digits.train.x), digits.train.y)
         measure hits = accuracy(net(digits.test.x), digits.test.y)
         measure test_loss = cross_entropy(net(digits.test.x), digits.test.y)
         solver trust_region
         stop when hits >= 95% or loss <= 0.1 or test_loss <= 0.2",
    );
    assert_eq!(problem.objective.name, "loss");
    let TermKind::Target { quantity, at_least: true, bound } = &problem.stop.terms[0].kind else {
        panic!("a target")
    };
    assert_eq!((quantity, bound.at(0.0)), (&Quantity::Measure("hits".to_owned()), 0.95));
    let dense = problem.networks[0].layers[2].line().expect("a line");
    assert_eq!(dense.operands[0].value, Value::Integer(10));
    assert_eq!(dense.settings.switch("bias"), Some(false));
}

#[test]
fn lists_spell_ranges_out() {
    let problem = problem(
        "minimize f = quadratic(n = 5)
         partition halves = explicit([[1, 2..3], 4..5])
         solver apts { partition = halves }
         stop when iterations >= 1",
    );
    let lists = problem.partitions[0].call.operand("subsets").map(|v| &v.value);
    assert_eq!(lists, Some(&Value::Lists(vec![vec![1, 2, 3], vec![4, 5]])));
}

#[test]
fn indices_keep_their_order() {
    for (written, meant) in [("[3, 1..2, 3]", &[3, 1, 2, 3][..]), ("2..4", &[2, 3, 4]), ("(1 + 1)", &[2])] {
        let problem = problem(&format!(
            "minimize f = quadratic(n = 5)
             partition parts = contiguous {{ parts = 4 }}
             solver apts {{ partition = parts, sweeps = multiplicative {{ parts = {written} }} }}
             stop when iterations >= 1"
        ));
        let sweeps = problem.solver().settings.method("sweeps").expect("given");
        assert_eq!(sweeps.settings.indices("parts"), Some(meant), "{written}");
        assert!(problem.to_string().contains(&format!("parts = {meant:?}")), "{problem}");
    }
}

/// A random expression with its value.
fn expression() -> impl Strategy<Value = (String, f64)> {
    let leaf = (1_u32..100).prop_map(|n| (n.to_string(), f64::from(n)));
    leaf.prop_recursive(5, 40, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|((a, x), (b, y))| (format!("({a} + {b})"), x + y)),
            (inner.clone(), inner.clone()).prop_map(|((a, x), (b, y))| (format!("({a} - {b})"), x - y)),
            (inner.clone(), inner.clone()).prop_map(|((a, x), (b, y))| (format!("({a}*{b})"), x * y)),
            (inner.clone(), inner.clone())
                .prop_map(|((a, x), (b, y))| (format!("({a}/(1 + {b}^2))"), x / (1.0 + y * y))),
            (inner.clone(), inner).prop_map(|((a, x), (b, y))| (format!("max({a}, -{b})"), x.max(-y))),
        ]
    })
}

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
    #![proptest_config(config(200, 2))]

    #[test]
    fn constants_and_bounds_agree_with_arithmetic((text, value) in expression()) {
        let found = radius("", &format!("1e-300 + abs({text})"));
        prop_assert!((found - value.abs()).abs() <= 1e-12 * value.abs() + 1e-290, "{text}: {found} {value}");
        let file = format!(
            "minimize f = quadratic(n = 4)\nsolver trust_region\nstop when norm(grad) <= {text} + 0*f",
        );
        let stop = problem(&file).stop;
        let TermKind::Gradient { bound, .. } = &stop.terms[0].kind else { panic!("a convergence test") };
        prop_assert!((bound.at(1.0) - value).abs() <= 1e-12 * value.abs(), "{text}");
    }
}

/// The layers of the first network, as they are written out.
fn written_out(network: &str) -> String {
    let text = format!(
        "apts 1
         data digits = digits()
         {network}
         minimize loss = cross_entropy(net(digits.train.x), digits.train.y)
         solver trust_region
         stop when loss <= 0.1"
    );
    let checked = vocabulary::check_named("x.apts", &text, &[]);
    assert_eq!(checked.diagnostics.render(false), "");
    let resolved = checked.problem.expect("no errors").to_string();
    // What is written out reads back as the same problem.
    let again = vocabulary::check_named("x.apts", &resolved, &[]);
    assert_eq!(again.problem.expect("no errors").to_string(), resolved);
    let (_, network) = resolved.split_once("network net {\n").expect("a network");
    network.split_once("\n}\n").expect("its end").0.to_owned()
}

#[test]
fn blocks_and_repetitions_are_written_out_where_they_stand() {
    let network = "
        param width = 4
        block cell(c, half = c / 2, stride = 1) {
          skip { conv 3x3 half stride=stride; conv 1 c } shortcut auto { conv 1x1 c stride=stride }
          relu
        }
        block twice(width) { repeat 2 { cell width; tanh } }
        network net {
          input 8x8
          conv width 8
          cell 16 stride=2
          twice 6
          repeat width { relu }
          dense width
        }";
    let cell = |c: u32, half: u32, stride: &str| {
        format!(
            "  skip {{\n    conv 3x3 {half} stride={stride}\n    conv 1x1 {c}\n  }} shortcut auto {{\n    conv 1x1 {c} stride={stride}\n  }}\n  relu\n"
        )
    };
    let twice = format!("{}  tanh\n", cell(6, 3, "1x1")).repeat(2);
    let relus = "  relu\n".repeat(4);
    let expected = format!("  input 8x8\n  conv 4x4 8\n{}{twice}{relus}  dense 4", cell(16, 8, "2x2"));
    assert_eq!(written_out(network), expected);
}

#[test]
fn a_block_may_be_declared_behind_the_network_and_its_names_are_its_own() {
    let network = "
        network net { input 8x8; flatten; end 10; dense stride }
        param stride = 3
        block end(stride) { dense stride }";
    // `stride` inside the block is what it was given; outside it is not declared yet.
    let text = format!(
        "apts 1\ndata digits = digits()\n{network}\nminimize loss = cross_entropy(net(digits.train.x), digits.train.y)
         solver trust_region\nstop when loss <= 0.1"
    );
    let found = vocabulary::check_named("x.apts", &text, &[]).diagnostics.list;
    let titles: Vec<_> = found.iter().map(|d| d.title.as_str()).collect();
    assert_eq!(titles, ["`stride` is declared only further down"]);
}

#[test]
fn batches_are_a_number_or_a_way_to_deal_them() {
    let batch = |setting: &str| {
        let problem = problem(&format!(
            "data mnist = mnist() {{ {setting} }}
             network net {{ input 28x28; flatten; dense 10 }}
             minimize loss = cross_entropy(net(mnist.train.x), mnist.train.y)
             solver trust_region
             stop when loss <= 0.1"
        ));
        problem.data[0].dataset.settings.get("batch").map(|value| value.value.clone())
    };
    assert_eq!(batch(""), None);
    assert_eq!(batch("batch = 2 * 64"), Some(Value::Integer(128)));
    let Some(Value::Method(method)) = batch("batch = overlapping { parts = 20 }") else { panic!("a method") };
    assert_eq!((method.name.value.as_str(), method.settings.integer("parts")), ("overlapping", Some(20)));
}
