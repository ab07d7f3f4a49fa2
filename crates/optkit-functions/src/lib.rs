//! Classic test functions.
//!
//! Each comes with its gradient, products with its Hessian, the start and the minima that its paper gives, and a
//! decomposition in which a part costs less than the whole. [`CATALOG`] lists them; [`build`] makes one.
//!
//! ```
//! use optkit_core::Objective;
//!
//! let mut f = optkit_functions::build("rosenbrock", &[("n", 2.0)])?;
//! let start = f.start();
//! assert_eq!(start, [-1.2, 1.0]);
//! let mut gradient = [0.0; 2];
//! let value = f.value_gradient(&start, &mut gradient);
//! assert!((value - 24.2).abs() < 1e-12);
//! assert_eq!(f.minima()[0].point.as_deref(), Some(&[1.0, 1.0][..]));
//! # Ok::<(), optkit_functions::Error>(())
//! ```
//!
//! To add a function, write `src/NAME.rs` with its `ROW`, declare the module here and name the row in
//! [`CATALOG`]: the contract tests, the language and `optkit list functions` then know it.
#![forbid(unsafe_code)]

mod atoms;
mod catalog;
mod error;
mod number;
mod operands;
mod split;
mod sum_of_squares;
mod tallied;
mod test_function;

mod beale;
mod powell_singular;
mod quadratic;
mod rosenbrock;
mod wood;

pub use catalog::{CATALOG, Row, build, entries, find};
pub use error::Error;
pub use operands::Operands;
pub use test_function::{Minimum, TestFunction};
