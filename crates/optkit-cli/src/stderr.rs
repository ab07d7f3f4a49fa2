//! Messages on standard error. Where nobody reads them (a closed pipe), that is no reason to fail.

use std::fmt::Display;
use std::io::{self, Write};

/// A mistake, with its remedy.
pub(crate) fn error(text: impl Display) {
    line(format_args!("error: {text}"));
}

/// A line of progress.
pub(crate) fn line(text: impl Display) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Rendered diagnostics, which bring their own line ends.
pub(crate) fn diagnostics(rendered: &str) {
    let _ = io::stderr().write_all(rendered.as_bytes());
}
