//! `optkit list`: the vocabulary, printed.

use std::io::{self, Write};

use optkit::vocab::{Entry, Kind, Support};
use optkit::vocabulary;

use crate::args::What;
use crate::exit::Exit;

/// Prints the tables that belong to `what`.
pub(crate) fn list(what: What) -> io::Result<Exit> {
    let words = vocabulary();
    let tables: Vec<(&str, &[Entry])> = match what {
        What::Methods => vec![("methods", &words.methods), ("partitions", &words.partitions)],
        What::Functions => vec![("functions", &words.functions)],
        What::Layers => {
            vec![("layers", &words.layers), ("losses", &words.losses), ("measures", &words.measures)]
        }
        What::Datasets => vec![("datasets", &words.datasets)],
    };
    let mut out = io::stdout().lock();
    for (i, (name, table)) in tables.into_iter().enumerate() {
        if i > 0 {
            writeln!(out)?;
        }
        writeln!(out, "{name}")?;
        for entry in table {
            print(&mut out, entry)?;
        }
    }
    Ok(Exit::Success)
}

fn print(out: &mut impl Write, entry: &Entry) -> io::Result<()> {
    let operands: Vec<String> = entry
        .operands
        .iter()
        .map(|o| match o.default {
            Some(default) if !default.is_empty() => format!("{} = {default}", o.name),
            _ => o.name.to_owned(),
        })
        .collect();
    let call = if operands.is_empty() {
        entry.name.to_owned()
    } else {
        format!("{}({})", entry.name, operands.join(", "))
    };
    writeln!(out, "  {call:<28} {}{}", entry.doc, later(entry.support))?;
    for setting in entry.settings {
        let default = match setting.default {
            None => "required".to_owned(),
            Some("") => String::new(),
            Some(default) => format!("= {default}"),
        };
        writeln!(
            out,
            "      {:<14} {:<14} {:<22} {}{}",
            setting.name,
            default,
            kind(&setting.kind),
            setting.doc,
            later(setting.support)
        )?;
    }
    Ok(())
}

fn later(support: Support) -> &'static str {
    match support {
        Support::Available => "",
        Support::Planned => " (not supported yet)",
    }
}

fn kind(kind: &Kind) -> String {
    match kind {
        Kind::Real(_) => "number".to_owned(),
        Kind::Integer(..) => "whole number".to_owned(),
        Kind::Switch => "on | off".to_owned(),
        Kind::Word(words) => words.join(" | "),
        Kind::Text => "\"text\"".to_owned(),
        Kind::Method(_) => "method".to_owned(),
        Kind::Partition => "partition".to_owned(),
        Kind::Network => "network".to_owned(),
        Kind::Variables => "variables".to_owned(),
        Kind::IndexLists => "lists of indices".to_owned(),
        Kind::Duration => "time".to_owned(),
        Kind::Memory => "memory".to_owned(),
        Kind::Shape => "shape".to_owned(),
    }
}
