//! What can compute a network besides this crate's own kernels.

#[cfg(feature = "dfdx")]
pub(crate) mod dfdx;
