//! Whether a search found nothing because there is nothing that values can show.

use optkit_core::vector::{norm_inf, norm2};
use optkit_core::{Objective, Status};

use crate::iterate::Iterate;

/// Reductions of this many units of noise are not seen.
const DOUBT: f64 = 10.0;

/// `WithinRounding`, where a step of relative length √noise along the gradient would gain no more than the noise of a
/// value: at that length curvature alone changes f by its noise.
pub(crate) fn within_rounding(f: &dyn Objective, now: &Iterate) -> Option<Status> {
    let predicted = f.noise().sqrt() * norm_inf(&now.x).max(1.0) * norm2(&now.gradient);
    let noise = f.noise() * now.value.abs().max(1.0);
    (predicted <= DOUBT * noise).then_some(Status::WithinRounding { predicted, noise })
}
