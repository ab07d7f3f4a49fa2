//! The seams of optkit.
//!
//! Everything in optkit is an [`Objective`], something that splits one ([`Decomposition`]), or an
//! [`Optimizer`] that reduces one. This crate holds those traits, what they report ([`Status`],
//! [`StepReport`], [`Work`]) and the few vector operations that all of them share.
//!
//! It has no I/O, no clock, no threads and no random numbers: what is in it is a function of its input.
//!
//! ```
//! use optkit_core::{Objective, from_fn};
//!
//! let mut bowl = from_fn(2, |x| x[0] * x[0] + 4.0 * x[1] * x[1], |x, g| {
//!     g[0] = 2.0 * x[0];
//!     g[1] = 8.0 * x[1];
//! });
//! let mut gradient = [0.0; 2];
//! assert_eq!(bowl.value_gradient(&[1.0, 1.0], &mut gradient), 5.0);
//! assert_eq!(gradient, [2.0, 8.0]);
//! ```
#![forbid(unsafe_code)]

mod archive;
mod counted;
mod decomposition;
mod derivative_check;
mod from_fn;
mod from_value;
mod gauss_newton;
mod objective;
mod operator;
mod optimizer;
mod preconditioner;
mod status;
mod storage;
mod subset;
pub mod vector;
pub mod vocabulary;
mod work;

pub use archive::{Archive, LoadError};
pub use counted::Counted;
pub use decomposition::{Cost, Decomposition, Unsupported};
pub use derivative_check::{
    DerivativeCheck, DerivativeReport, MOST_WRONG, UncheckedError, WrongDerivative, check_gradient,
    find_wrong_gradient, find_wrong_product, nearby,
};
pub use from_fn::{FromFn, WithHessianProduct, from_fn};
pub use from_value::{FromValue, from_value};
pub use gauss_newton::{CoarseSpace, Direction, GaussNewton, NoGaussNewton, Sampled, Seen, Source};
pub use objective::{Bounds, HessianProduct, Objective, Pass, Residuals, Samples, Span};
pub use operator::{Column, Compact, Operator, Restriction, Zero};
pub use optimizer::{
    Begin, Evaluated, Flow, Optimizer, Phase, Phases, Point, RadiusDriven, StartError, StepReport,
};
pub use preconditioner::{Preconditioner, Proposal};
pub use status::{Outcome, Status};
pub use storage::{Shape, Storage, Turns};
pub use subset::{Subset, SubsetError};
pub use work::Work;
