//! `optkit list`: the vocabulary, printed.

use std::io::{self, Write};

use optkit::vocab::{Entry, Kind, Operand, Support};
use optkit::vocabulary;

use crate::args::What;
use crate::columns;
use crate::exit::Exit;

/// Where descriptions begin.
const DESCRIPTION: usize = 28;

/// How a word stands in a file.
#[derive(Clone, Copy)]
enum Form {
    /// `apts`
    Word,
    /// `quadratic(n = 100)`
    Call,
    /// `dense outputs`
    Layer,
}

/// Prints the tables that belong to `what`.
pub(crate) fn list(what: What) -> io::Result<Exit> {
    let words = vocabulary();
    let tables: Vec<(&str, Form, &[Entry])> = match what {
        What::Methods => {
            vec![("methods", Form::Word, &words.methods), ("partitions", Form::Word, &words.partitions)]
        }
        What::Functions => vec![("functions", Form::Call, &words.functions)],
        What::Layers => vec![
            ("layers", Form::Layer, &words.layers),
            ("losses", Form::Word, &words.losses),
            ("measures", Form::Word, &words.measures),
        ],
        What::Datasets => vec![("datasets", Form::Call, &words.datasets)],
    };
    let mut out = io::stdout().lock();
    for (i, (name, form, table)) in tables.into_iter().enumerate() {
        if i > 0 {
            writeln!(out)?;
        }
        writeln!(out, "{name}")?;
        for entry in table {
            print(&mut out, form, entry)?;
        }
    }
    Ok(Exit::Success)
}

fn print(out: &mut impl Write, form: Form, entry: &Entry) -> io::Result<()> {
    let doc = format!("{}{}", entry.doc, later(entry.support));
    columns::write(out, 2, DESCRIPTION, &written(form, entry), &doc)?;
    for setting in entry.settings {
        let (left, required) = match setting.default {
            None => (setting.name.to_owned(), ", required"),
            Some("") => (setting.name.to_owned(), ""),
            Some(default) => (format!("{} = {default}", setting.name), ""),
        };
        let doc = format!("{} [{}{required}]{}", setting.doc, kind(&setting.kind), later(setting.support));
        columns::write(out, 4, DESCRIPTION, &left, &doc)?;
    }
    Ok(())
}

fn written(form: Form, entry: &Entry) -> String {
    let operand = |o: &Operand| match o.default {
        Some(default) if !default.is_empty() => format!("{} = {default}", o.name),
        _ => o.name.to_owned(),
    };
    let operands: Vec<String> = entry.operands.iter().map(operand).collect();
    match form {
        Form::Word if operands.is_empty() => entry.name.to_owned(),
        Form::Word | Form::Call => format!("{}({})", entry.name, operands.join(", ")),
        Form::Layer => {
            let operands: String = operands.iter().map(|o| format!(" {}", o.to_uppercase())).collect();
            format!("{}{operands}", entry.name)
        }
    }
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
        Kind::CountOrMethod(..) => "whole number | method".to_owned(),
        Kind::Switch => "on | off".to_owned(),
        Kind::Word(words) => words.join(" | "),
        Kind::Text => "\"text\"".to_owned(),
        Kind::Method(_) => "method".to_owned(),
        Kind::Partition => "partition".to_owned(),
        Kind::Network => "network".to_owned(),
        Kind::Variables => "variables".to_owned(),
        Kind::IndexLists => "lists of indices".to_owned(),
        Kind::Indices(..) => "list of whole numbers".to_owned(),
        Kind::Duration => "time".to_owned(),
        Kind::Memory => "memory".to_owned(),
        Kind::Shape => "shape".to_owned(),
        Kind::Pair(_) => "whole number or rows x columns".to_owned(),
        Kind::Window => "rows x columns | global".to_owned(),
    }
}
