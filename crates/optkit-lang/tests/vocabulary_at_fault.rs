//! A vocabulary whose defaults do not pass their own check is reported, not trusted.

mod vocabulary;

use optkit_core::vocabulary::{Kind, Range, Setting, Slot, Support};
use optkit_lang::{Source, check};
use vocabulary::vocabulary;

fn with_default(kind: Kind, default: &'static str) -> String {
    let mut words = vocabulary();
    words.run =
        vec![Setting { name: "key", kind, default: Some(default), doc: "", support: Support::Available }];
    let text = "apts 1\nminimize f = quadratic(n = 10)\nsolver trust_region\nstop when iterations >= 3";
    let checked = check(Source::new("x", text), &mut |_| Err(String::new()), &[], &words);
    assert_eq!(checked.problem.is_some(), !checked.diagnostics.has_errors());
    checked.diagnostics.render(false)
}

#[test]
fn defaults_are_checked_like_values() {
    assert_eq!(with_default(Kind::Real(Range::POSITIVE), "1"), "");
    for (kind, default) in [
        (Kind::Real(Range::POSITIVE), "-1"),
        (Kind::Real(Range::POSITIVE), "1 +"),
        (Kind::Switch, "yes"),
        (Kind::Word(&["a"]), "b"),
        (Kind::Method(Slot::Solver), "(("),
        (Kind::Partition, "blocks"),
    ] {
        assert!(with_default(kind, default).contains("E0901"), "{default}");
    }
}
