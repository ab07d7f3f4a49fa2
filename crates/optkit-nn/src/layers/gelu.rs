//! Gaussian error linear unit (Hendrycks & Gimpel 2016): x Φ(x), Φ the normal distribution function; PyTorch's `GELU`
//! without its approximation.

use optkit_core::vocabulary::Entry;

pub(crate) const ENTRY: Entry =
    Entry { support: super::IMAGES, ..super::plain("gelu", "x Φ(x), Φ the normal distribution function") };
