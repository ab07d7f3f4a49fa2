//! The page on layers says what the table says: `OPTKIT_BLESS=1` writes it anew.

use std::fmt::Write;
use std::path::Path;

use optkit_core::vocabulary::{Entry, Kind, Support};
use optkit_nn::LAYERS;

const HEAD: &str = "\
# Layers

A layer is a line of a network: its name, operands behind it, settings as `key=value` without blanks. They are \
PyTorch's layers of the like names, to the formula; `optkit list layers` prints this list.

";

fn kind(kind: &Kind) -> &'static str {
    match kind {
        Kind::Real(_) => "number",
        Kind::Integer(..) => "whole number",
        Kind::Switch => "`on` or `off`",
        Kind::Word(_) => "word",
        Kind::Shape => "shape: `3x32x32`",
        Kind::Pair(_) => "rows and columns: `3x1`, or `3` for both",
        Kind::Window => "rows and columns, or `global`",
        other => panic!("no layer has settings of {other:?}"),
    }
}

fn section(entry: &Entry) -> String {
    let operands: String = entry.operands.iter().map(|o| format!(" {}", o.name.to_uppercase())).collect();
    let later = if entry.support == Support::Planned { " Not supported yet." } else { "" };
    let mut text = format!("## {0}\n\n`{0}{operands}`: {1}.{later}\n", entry.name, entry.doc);
    if entry.operands.is_empty() && entry.settings.is_empty() {
        return text;
    }
    text += "\n| | is | default | says |\n|---|---|---|---|\n";
    for o in entry.operands {
        writeln!(text, "| {} | {} | | {} |", o.name.to_uppercase(), kind(&o.kind), o.doc).unwrap();
    }
    for s in entry.settings {
        let default = s.default.filter(|d| !d.is_empty()).map_or(String::new(), |d| format!("`{d}`"));
        writeln!(text, "| `{}` | {} | {default} | {} |", s.name, kind(&s.kind), s.doc).unwrap();
    }
    text
}

#[test]
fn the_page_on_layers_is_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/layers.md");
    if !path.parent().is_some_and(Path::exists) {
        return; // packaged alone
    }
    let page = HEAD.to_owned() + &LAYERS.iter().map(section).collect::<Vec<_>>().join("\n");
    if std::env::var_os("OPTKIT_BLESS").is_some() {
        std::fs::write(&path, page).unwrap();
    } else {
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == page, "docs/src/layers.md is not what the table says; OPTKIT_BLESS=1 writes it");
    }
}
