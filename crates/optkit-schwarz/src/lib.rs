//! Nonlinear additive Schwarz methods for minimisation.
//!
//! A [`Partition`] says which variables form a subdomain, an [`AdditiveSweep`] improves every subdomain with the
//! others frozen and sums the corrections, and [`Apts`] globalises that with a trust region (Trotti, Cruz Alegría,
//! Kopaničáková & Krause 2023).
//!
//! ```
//! use optkit_core::{Flow, Optimizer, from_fn, vector::norm2};
//! use optkit_schwarz::{Apts, Options, Partition};
//!
//! let mut f = from_fn(4, |x| x.iter().map(|v| v * v).sum(), |x, g| {
//!     for (g, x) in g.iter_mut().zip(x) {
//!         *g = 2.0 * x;
//!     }
//! });
//! let partition = Partition::contiguous(4, 2).unwrap();
//! let mut apts = Apts::new(partition, Options::default());
//! apts.start(&mut f, &[1.0, -2.0, 3.0, 0.5], None).unwrap();
//! for _ in 0..200 {
//!     if apts.prepare(&mut f).is_err() || norm2(apts.current().gradient.unwrap()) < 1e-6 {
//!         break;
//!     }
//!     apts.step(&mut f);
//! }
//! assert!(apts.current().value < 1e-12);
//! ```
#![forbid(unsafe_code)]

mod apts;
mod fdl;
mod methods;
mod options;
mod partition;
mod preconditioner;
mod restricted;
mod storage;
mod sweep;
mod two_level;

pub use apts::Apts;
pub use methods::{METHODS, PARTITIONS, Preset, TWO_LEVEL};
pub use options::{Options, PairsFrom};
pub use partition::{Deal, Partition, PartitionError};
pub use preconditioner::{PreconditionerOptions, SchwarzPreconditioner};
pub use sweep::{AdditiveSweep, Frozen, MakeSolver, SweepReport};
pub use two_level::{Combine, Control, Growing, TwoLevel, TwoLevelOptions};
