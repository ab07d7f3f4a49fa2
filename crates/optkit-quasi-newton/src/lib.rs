//! Limited-memory quasi-Newton matrices in compact form, B = γI + ΨMΨᵀ with Ψ n×m and m small.
//!
//! [`Pairs`] keeps the last secant pairs (s, y) and their Gram matrices; [`Lsr1`] and
//! [`Lbfgs`] make matrices of them;
//! [`compact`] holds the passes over the columns of any such matrix, [`small`] the m×m eigenproblems.
//!
//! Byrd, Nocedal & Schnabel, *Representations of quasi-Newton matrices and their use in limited memory methods*,
//! Mathematical Programming 63 (1994).
//!
//! ```
//! use optkit_core::Operator;
//! use optkit_quasi_newton::{Learned, Lsr1, Settings};
//!
//! // f(x) = x₁² − ½x₂²: its Hessian is diag(2, −1).
//! let mut b = Lsr1::new(Settings::default())?;
//! b.clear(2);
//! assert_eq!(b.learn(&[1.0, 0.0], &[2.0, 0.0], 1e-16), Learned::Stored);
//! assert_eq!(b.learn(&[1.0, 1.0], &[2.0, -1.0], 1e-16), Learned::Stored);
//! let mut bv = [0.0; 2];
//! b.apply(&[0.0, 1.0], &mut bv);
//! assert!((bv[0]).abs() < 1e-12 && (bv[1] + 1.0).abs() < 1e-12);
//! # Ok::<(), optkit_quasi_newton::SettingsError>(())
//! ```
#![deny(unsafe_code)] // but for the choice of a processor's instructions, in `kernels`

pub mod compact;
mod kernels;
mod lbfgs;
mod lsr1;
mod pairs;
mod passes;
pub mod small;

pub use lbfgs::Lbfgs;
pub use lsr1::{GammaRule, History, Learned, Lsr1, Reason, Settings, SettingsError, Skips};
pub use pairs::Pairs;
