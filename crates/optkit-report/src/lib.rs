#![forbid(unsafe_code)]
//! Run logs, drawn: what optkit writes as JSON Lines becomes figures, tables and one HTML page.
//!
//! A run's log says what happened in each epoch. A comparison of methods is many such logs: several *trials* (seeds) of
//! each *configuration*, the configurations of one *experiment* in one picture. This crate reads the logs ([`Log`]),
//! groups them ([`group`]), averages the trials ([`Curve`]) and draws them ([`charts`], [`html`]), in the manner of
//! Figure 1 of arXiv:2312.13677: the mean as a solid line, the worst and the best run dashed.
//!
//! It depends on no other crate of optkit: whatever writes these lines can be drawn.
//!
//! ```
//! use optkit_report::{Log, Provenance, Settings, group, html};
//!
//! let text = r#"{"problem": {"solver": "adam", "variables": 2}}
//! {"epoch": 1, "loss": 0.5, "seconds": 0.1, "evaluations": {"gradient_equivalents": 1}}
//! {"epoch": 2, "loss": 0.2, "seconds": 0.2, "evaluations": {"gradient_equivalents": 2}}
//! {"status": "budget", "loss": 0.2, "epochs": 2, "seconds": 0.2}"#;
//! let log = Log::read("run.jsonl", text.as_bytes())?;
//! assert_eq!(log.column("loss"), Some(&[0.5, 0.2][..]));
//!
//! let page = html(&group(vec![log]), &Settings::default(), &Provenance::default());
//! assert!(page.starts_with("<!doctype html>"));
//! # Ok::<(), optkit_report::ReportError>(())
//! ```

mod bars;
mod chart;
mod csv;
mod curve;
mod error;
mod escape;
mod figure;
mod labels;
mod lines;
mod log;
mod number;
mod outcome;
mod page;
mod palette;
#[cfg(feature = "png")]
mod png;
mod scale;
mod simplify;
mod svg;
mod table;

pub use chart::{Chart, charts, charts_asked};
pub use curve::Curve;
pub use error::ReportError;
pub use figure::{Axis, Band, Figure, Provenance, Series, Settings, group};
pub use log::Log;
pub use outcome::{Outcome, Part, Phases, Problem};
pub use page::html;
#[cfg(feature = "png")]
pub use png::png;
