//! Messages on standard error. Where nobody reads them (a closed pipe), that is no reason to fail.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use optkit::lang::Diagnostics;

/// A mistake, with its remedy.
pub(crate) fn error(text: impl Display) {
    line(format_args!("error: {text}"));
}

/// A line of progress.
pub(crate) fn line(text: impl Display) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Diagnostics with the sources they speak of; in colour on a terminal, unless `NO_COLOR` says otherwise.
pub(crate) fn diagnostics(found: &Diagnostics) {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let rendered = found.render(io::stderr().is_terminal() && !unwanted);
    let _ = io::stderr().write_all(rendered.as_bytes());
}
