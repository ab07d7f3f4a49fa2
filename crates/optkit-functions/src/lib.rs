//! Classic test functions.
//!
//! Each comes with its gradient, products with its Hessian, starts, the minima that are known, and its source; with
//! residuals and their Jacobian where it is a sum of squares; and with a decomposition in which a part costs less than
//! the whole where its structure allows one. [`CATALOG`] lists them, [`NIST`] the nonlinear regressions of the
//! Statistical Reference Datasets; [`build`] makes one.
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
mod blocks;
mod catalog;
mod dense;
mod error;
mod nist;
mod number;
mod operands;
mod pattern;
mod split;
mod starts;
mod sum_of_squares;
mod sum_of_terms;
mod tallied;
mod test_function;

mod ackley;
mod bard;
mod beale;
mod biggs_exp6;
mod booth;
mod box_3d;
mod branin;
mod brown_almost_linear;
mod brown_badly_scaled;
mod brown_dennis;
mod broyden_banded;
mod broyden_tridiagonal;
mod chebyquad;
mod discrete_boundary_value;
mod discrete_integral_equation;
mod dixon_price;
mod extended_rosenbrock;
mod freudenstein_roth;
mod gaussian;
mod goldstein_price;
mod griewank;
mod gulf;
mod helical_valley;
mod himmelblau;
mod jennrich_sampson;
mod kowalik_osborne;
mod levy;
mod linear_full_rank;
mod linear_rank_one;
mod linear_rank_one_with_zeros;
mod matyas;
mod meyer;
mod osborne_1;
mod osborne_2;
mod penalty_1;
mod penalty_2;
mod powell_badly_scaled;
mod powell_singular;
mod quadratic;
mod rastrigin;
mod rosenbrock;
mod six_hump_camel;
mod styblinski_tang;
mod three_hump_camel;
mod trid;
mod trigonometric;
mod variably_dimensioned;
mod watson;
mod wood;
mod zakharov;

pub use catalog::{CATALOG, Row, build, entries, find};
pub use error::Error;
pub use nist::{Certified, NIST, certified, nist};
pub use operands::Operands;
pub use starts::Starts;
pub use test_function::{Minimum, TestFunction};
