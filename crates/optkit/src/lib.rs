//! Numerical optimization by trust regions and domain decomposition.
//!
//! A function to minimise is an [`Objective`]; what reduces it is an [`Optimizer`], such as [`TrustRegion`] or
//! [`Apts`]; [`run`](run()) is the loop around both, with a [`StopWhen`] that says when it ends and an
//! [`Observer`] that watches. Problem files are read by [`problem::read`] and bound by [`assemble::plan`].
//!
//! Minimise a closure:
//!
//! ```
//! use optkit::{Run, StopWhen, TrustRegion, Unobserved, from_fn, run};
//!
//! let mut rosenbrock = from_fn(
//!     2,
//!     |x| 100.0 * (x[1] - x[0] * x[0]).powi(2) + (1.0 - x[0]).powi(2),
//!     |x, g| {
//!         g[0] = -400.0 * x[0] * (x[1] - x[0] * x[0]) - 2.0 * (1.0 - x[0]);
//!         g[1] = 200.0 * (x[1] - x[0] * x[0]);
//!     },
//! );
//! let stop = StopWhen::new().gradient_norm_inf(1e-4).iterations(100_000);
//! let setup = Run { stop: &stop, measures: &mut [], observer: &mut Unobserved, interrupt: None };
//! let report = run(&mut TrustRegion::default(), &mut rosenbrock, &[-1.2, 1.0], setup)?;
//! println!("{} at {:?}", report.status, report.point);
//! assert!((report.point[0] - 1.0).abs() < 1e-2);
//! # Ok::<(), optkit::StartError>(())
//! ```
//!
//! Split your own objective and run APTS on the parts:
//!
//! ```
//! use optkit::{Apts, AptsOptions, Partition, Run, StopWhen, Unobserved, from_fn, run};
//!
//! let mut bowl = from_fn(6, |x| x.iter().map(|v| v * v).sum(), |x, g| {
//!     for (g, x) in g.iter_mut().zip(x) {
//!         *g = 2.0 * x;
//!     }
//! });
//! let mut apts = Apts::new(Partition::contiguous(6, 3)?, AptsOptions::default());
//! let stop = StopWhen::new().gradient_norm_inf(1e-8).iterations(1000);
//! let setup = Run { stop: &stop, measures: &mut [], observer: &mut Unobserved, interrupt: None };
//! let report = run(&mut apts, &mut bowl, &[1.0; 6], setup)?;
//! assert!(report.value < 1e-15);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

pub mod assemble;
pub mod checkpoint;
mod clock;
pub mod cost;
pub mod derivatives;
mod drive;
pub mod experiment;
pub mod machine;
#[cfg(feature = "nalgebra")]
pub mod nalgebra;
pub mod problem;
pub mod record;
mod run;
pub mod run_folder;
mod stop;
pub mod weights;
mod words;

pub use checkpoint::{Checkpoint, CheckpointError, CheckpointEvery, FormatError, ResumeError};
pub use clock::PhaseTimes;
pub use optkit_core::vocabulary as vocab;
pub use optkit_core::{
    Archive, Begin, Column, Compact, Counted, Decomposition, DerivativeReport, Evaluated, Flow,
    HessianProduct, LoadError, MOST_WRONG, Objective, Optimizer, Outcome, Pass, Point, Preconditioner,
    Proposal, RadiusDriven, StartError, Status, StepReport, Subset, UncheckedError, Work, WrongDerivative,
    check_gradient, find_wrong_gradient, find_wrong_product, from_fn, nearby, vector,
};
pub use optkit_data as data;
pub use optkit_descent::{
    Adam, AdamOptions, Lbfgs, LbfgsOptions, Sgd, SgdOptions, TorchLbfgs, TorchLbfgsOptions,
};
pub use optkit_functions as functions;
pub use optkit_lang as lang;
pub use optkit_log as log;
pub use optkit_nn as nn;
pub use optkit_quasi_newton::{GammaRule, Lsr1, Settings as Lsr1Settings};
pub use optkit_schwarz::{
    AdditiveSweep, Apts, Combine, Control, Deal, Frozen, Growing, Options as AptsOptions, PairsFrom,
    Partition, PartitionError, PreconditionerOptions, Preset, SchwarzPreconditioner, SweepReport, TwoLevel,
    TwoLevelOptions,
};
pub use optkit_trust_region::{
    Cauchy, Exact, Form, Gradient, Model, MoreSorensen, Norm, Obs, Options as TrustRegionOptions, RadiusRule,
    Ratio, Scale, Solved, Steihaug, Subproblem, TrustRegion,
};
pub use run::{Iteration, Measure, Observer, Returned, Run, RunReport, Unobserved, resume, run};
pub use stop::{Bound, Progress, StopWhen, Test};
pub use words::{RUN, vocabulary};

// For those who write objectives and decompositions of their own.
pub use optkit_core::{
    Bounds, Cost, FromFn, FromValue, Residuals, Samples, Span, Unsupported, WithHessianProduct, from_value,
};

/// The README's example, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
