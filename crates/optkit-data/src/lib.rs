//! Datasets of optkit: found on the machine, or fetched from a table of sources, and verified by SHA-256.
//!
//! A problem file names its data (`data mnist = mnist()`); [`load()`] turns the name into a [`Dataset`]: the
//! pixels as bytes, the labels, and the scale that maps a byte to the unit interval. `digits` is part of this
//! crate; `mnist` and `fashion_mnist` are looked for in [`Locations`] and, where the caller allows it, fetched;
//! `idx` reads any folder in MNIST's file format.
//!
//! ```
//! use optkit_data::{Fetch, Locations, load};
//!
//! let digits = load("digits", None, &Locations::from_environment(None), Fetch::Never)?;
//! assert_eq!(digits.shape, [8, 8]);
//! assert_eq!((digits.train.samples, digits.test.samples), (1437, 360));
//! assert_eq!(digits.train.features.len(), 1437 * 8 * 8);
//! # Ok::<(), optkit_data::Error>(())
//! ```
//!
//! Nothing here prints: progress goes to a [`Progress`] of the caller. Nothing here overwrites a file outside
//! the cache folder.
#![forbid(unsafe_code)]

mod catalog;
mod checksum;
mod cifar;
mod dataset;
mod digits;
mod error;
#[cfg(feature = "fetch")]
mod fetch;
#[cfg(not(feature = "fetch"))]
#[path = "no_fetch.rs"]
mod fetch;
mod files;
#[cfg(all(test, feature = "fetch"))]
mod fixture;
mod get;
mod idx;
mod known;
mod load;
mod locations;
mod progress;
mod search;

pub use catalog::{DATASETS, Listing, Outline, list, shape_hint};
pub use dataset::{Dataset, Split};
pub use error::{Attempt, Error};
pub use get::{Got, get};
pub use idx::IdxProblem;
pub use load::load;
pub use locations::Locations;
pub use progress::{Fetch, Progress, Quiet};
