//! The `.apts` problem language: from text to a checked [`Problem`].
//!
//! ```text
//! text ── scan ──► pieces ── grammar ──► statements ── use, --set ──► statements ── names, kinds, ranges ──► Problem
//! ```
//!
//! A file says what to minimise, with which solver, until when:
//!
//! ```text
//! apts 1
//! minimize f = quadratic(n = 1000, condition = 100)
//! solver trust_region { radius = 1 }
//! stop when norm(grad) <= 1e-6 or iterations >= 20000
//! ```
//!
//! [`check`] finds all errors of a file in one run and reports each with its place, a stable code ([`explain`]), a
//! reason and a remedy ([`Diagnostics::render`]). Nothing that a file says is ignored: what the language has a
//! place for but this version gives no meaning is the error E0701.
//!
//! The words themselves (methods, layers, functions, datasets) are not part of the grammar. They come as a
//! [`Vocabulary`](optkit_core::vocabulary::Vocabulary), so that a crate that adds a word need not touch this one.
//! This crate reads no files and does no numerics; that shapes fit is for those to check who know the shapes, with
//! the spans that the [`Problem`] keeps.
#![forbid(unsafe_code)]

mod arithmetic;
mod ast;
mod check;
mod codes;
mod diagnostic;
mod experiment;
mod parse;
mod planned;
mod problem;
mod render;
mod scan;
mod settings;
mod source;
mod stop;
mod suggest;
mod text;

pub use check::{Checked, Override, check};
pub use codes::{codes, explain};
pub use diagnostic::{Diagnostic, Diagnostics, Severity, not_text};
pub use experiment::{Against, Band, Configuration, Experiment, Report};
pub use planned::with_planned;
pub use problem::{
    Data, Layer, LayerLine, Measure, Network, Objective, ObjectiveKind, Partition, Problem, Shortcut, Skip,
    Split,
};
pub use settings::{Call, Method, Settings, Value};
pub use source::{Source, Span, Spanned};
pub use stop::{Bound, Budget, Norm, Quantity, Stop, Term, TermKind};
