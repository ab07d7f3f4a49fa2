//! Descent methods: the baselines that others are measured against.
//!
//! [`Sgd`] and [`Adam`] (with AdamW and AMSGrad) are PyTorch's to the letter; [`Lbfgs`] searches along its directions
//! by Moré and Thuente's method, and [`TorchLbfgs`] as PyTorch does. Fixtures written by PyTorch hold all of them to
//! 10⁻¹² in every iterate.
//!
//! ```
//! use optkit_core::{Optimizer, from_fn};
//! use optkit_descent::{Adam, AdamOptions};
//!
//! let mut f = from_fn(2, |x| x[0].powi(2) + 4.0 * x[1].powi(2), |x, g| {
//!     g.copy_from_slice(&[2.0 * x[0], 8.0 * x[1]]);
//! });
//! let mut adam = Adam::new(AdamOptions { lr: 0.1, ..AdamOptions::default() });
//! adam.start(&mut f, &[3.0, 1.0], None)?;
//! for _ in 0..200 {
//!     adam.step(&mut f);
//! }
//! adam.prepare(&mut f).unwrap();
//! assert!(adam.best().value < 1e-4);
//! # Ok::<(), optkit_core::StartError>(())
//! ```
#![forbid(unsafe_code)]

mod adam;
mod iterate;
mod lbfgs;
mod methods;
mod more_thuente;
mod pairs;
mod report;
mod rounding;
mod sgd;
mod strong_wolfe;
mod torch_lbfgs;
mod torch_search;

pub use adam::{Adam, AdamOptions};
pub use lbfgs::{Lbfgs, LbfgsOptions};
pub use methods::METHODS;
pub use sgd::{Sgd, SgdOptions};
pub use torch_lbfgs::{TorchLbfgs, TorchLbfgsOptions};
