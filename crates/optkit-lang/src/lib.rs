//! The `.apts` problem language: from text to a checked [`Problem`].
#![forbid(unsafe_code)]

mod arithmetic;
mod diagnostic;
mod problem;
mod settings;
mod source;
mod stop;

pub use diagnostic::{Diagnostic, Diagnostics, Severity};
pub use problem::{Data, LayerLine, Measure, Network, Objective, ObjectiveKind, Partition, Problem, Split};
pub use settings::{Call, Method, Settings, Value};
pub use source::{Source, Span, Spanned};
pub use stop::{Bound, Budget, Norm, Quantity, Stop, Term, TermKind};
