//! Trust regions: one engine, interchangeable subproblem solvers.
//!
//! An iteration minimises a model of f inside a ball of radius Δ and compares what f did with what the model
//! predicted (Conn, Gould & Toint 2000). [`TrustRegion`] is the engine, [`Model`] where B comes from,
//! [`Subproblem`] the solver inside it, [`Scale`] which ball, [`RadiusRule`] what becomes of Δ, and [`Ratio`] how the prediction is made.
//!
//! ```
//! use optkit_core::{Optimizer, Flow, from_fn, vector::norm2};
//! use optkit_trust_region::TrustRegion;
//!
//! let mut f = from_fn(2, |x| x[0].powi(2) + 4.0 * x[1].powi(2), |x, g| {
//!     g.copy_from_slice(&[2.0 * x[0], 8.0 * x[1]]);
//! });
//! let mut method = TrustRegion::default();
//! method.start(&mut f, &[3.0, 1.0], None).unwrap();
//! while method.prepare(&mut f).is_ok() && norm2(method.current().gradient.unwrap()) > 1e-6 {
//!     assert!(matches!(method.step(&mut f), Flow::Continue(_)));
//! }
//! assert!(norm2(method.current().x) < 1e-6);
//! ```
#![forbid(unsafe_code)]

mod engine;
mod methods;
mod model;
mod options;
mod passes;
mod radius;
mod ratio;
mod scale;
mod setup;
mod subproblem;

pub use engine::TrustRegion;
pub use methods::{BALL, GROW, GROW_ABOVE, METHODS, ORDER, SHRINK, SHRINK_BELOW};
pub use model::{Exact, Form, Gradient, Model};
pub use options::Options;
pub use radius::RadiusRule;
pub use ratio::Ratio;
pub use scale::Scale;
pub use subproblem::{
    Cauchy, MoreSorensen, Norm, Obs, SUBPROBLEMS, Solved, Steihaug, Subproblem, SubproblemRow, subproblem,
};
