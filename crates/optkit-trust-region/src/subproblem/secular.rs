//! The trust-region subproblem in eigenvectors: minimise cᵀp + ½pᵀΛp subject to ‖p‖₂ ≤ Δ.
//!
//! The minimiser is p(σ) = −(Λ + σI)⁻¹c with σ ≥ max(0, −λ₁) and σ(‖p‖ − Δ) = 0 (Moré & Sorensen 1983). On the
//! boundary, σ is the root of the secular equation
//!
//! ```text
//! 1/‖p(σ)‖ − 1/Δ = 0
//! ```
//!
//! whose left side is concave and nearly linear: Newton's method from below the root, from
//! max |cᵢ|/Δ − λᵢ, rises to it monotonically. Everything is written in δ = σ + λ₁, so that nothing cancels near the
//! *hard case*, where c has no component along the eigenvectors of λ₁ and p(−λ₁) is too short: there the eigenvector
//! itself takes the step to the boundary.

/// What is minimised, and where.
#[derive(Clone, Copy)]
pub(super) struct Ball<'a> {
    /// λ, in ascending order.
    pub(super) eigenvalues: &'a [f64],
    /// c.
    pub(super) components: &'a [f64],
    /// Δ.
    pub(super) radius: f64,
}

/// What is known of a solution.
#[derive(Clone, Copy, Debug)]
pub(super) struct Multiplier {
    /// −(cᵀp + ½pᵀΛp).
    pub(super) predicted_reduction: f64,
    /// True where ‖p‖ = Δ.
    pub(super) on_boundary: bool,
}

/// The solver, with its buffer.
#[derive(Debug, Default)]
pub(super) struct Secular {
    /// λᵢ − λ₁.
    gaps: Vec<f64>,
}

/// Relative accuracy of ‖p‖ = Δ; a root is met to rounding in a few steps.
const ACCURACY: f64 = 1e-14;
const ITERATIONS: usize = 100;

impl Secular {
    /// Writes p, of the length of `components`.
    pub(super) fn solve(&mut self, ball: Ball<'_>, p: &mut [f64]) -> Multiplier {
        let Ball { eigenvalues, components, radius } = ball;
        let lowest = eigenvalues[0];
        self.gaps.clear();
        self.gaps.extend(eigenvalues.iter().map(|v| v - lowest));
        if lowest > 0.0 && self.point(components, lowest, p) <= radius {
            return self.finish(lowest, lowest, p, false);
        }
        // σ ≥ 0 is δ ≥ λ₁; |cᵢ|/(gapᵢ + δ) ≤ ‖p‖ = Δ bounds δ from below.
        let bounds = self.gaps.iter().zip(components).map(|(gap, c)| c.abs() / radius - gap);
        let mut delta = bounds.fold(lowest.max(0.0), f64::max);
        if self.point(components, delta, p) < radius && delta <= lowest.max(0.0) {
            // No σ makes p longer: the hard case. With λ₁ = 0 nothing is gained along the flat direction.
            if lowest == 0.0 {
                return self.finish(lowest, delta, p, false);
            }
            self.along_lowest(components, radius, p);
            return self.finish(lowest, delta, p, true);
        }
        for _ in 0..ITERATIONS {
            let length = self.point(components, delta, p);
            if length - radius <= ACCURACY * radius {
                break;
            }
            // d‖p‖²/dσ = −2 pᵀ(Λ + σ)⁻¹p
            let curvature: f64 = p.iter().zip(&self.gaps).map(|(p, gap)| quotient(p * p, gap + delta)).sum();
            let rise = (length * length / curvature) * (length - radius) / radius;
            let next = delta + rise;
            if next <= delta || next.is_nan() {
                break;
            }
            delta = next;
        }
        self.finish(lowest, delta, p, true)
    }

    /// p(σ) and its length; components whose denominator is zero are left out.
    fn point(&self, components: &[f64], delta: f64, p: &mut [f64]) -> f64 {
        for ((p, c), gap) in p.iter_mut().zip(components).zip(&self.gaps) {
            *p = -quotient(*c, gap + delta);
        }
        optkit_core::vector::norm2(p)
    }

    /// Adds the multiple of the lowest eigenvector that takes p to the boundary, downhill.
    fn along_lowest(&self, components: &[f64], radius: f64, p: &mut [f64]) {
        p[0] = 0.0;
        let rest = optkit_core::vector::norm2(p);
        let room = ((radius - rest) * (radius + rest)).max(0.0).sqrt();
        p[0] = if components[0] > 0.0 { -room } else { room };
    }

    /// −(cᵀp + ½pᵀΛp) = ½pᵀ(Λ + σ)p + ½σ‖p‖², a sum without cancellation.
    fn finish(&self, lowest: f64, delta: f64, p: &[f64], on_boundary: bool) -> Multiplier {
        let sigma = if on_boundary { (delta - lowest).max(0.0) } else { 0.0 };
        let quadratic: f64 = p.iter().zip(&self.gaps).map(|(p, gap)| p * p * (gap + delta)).sum();
        let squares: f64 = p.iter().map(|p| p * p).sum();
        Multiplier { predicted_reduction: 0.5 * quadratic + 0.5 * sigma * squares, on_boundary }
    }
}

fn quotient(numerator: f64, denominator: f64) -> f64 {
    if denominator == 0.0 { 0.0 } else { numerator / denominator }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The conditions of Moré & Sorensen: (Λ + σ)p = −c with Λ + σ semidefinite, and no feasible point is lower.
        #[test]
        fn no_point_of_the_ball_is_lower(
            eigenvalues in prop::collection::vec(-10.0_f64..10.0, 1..6),
            components in prop::collection::vec(prop_oneof![Just(0.0), Just(1e-9), -10.0_f64..10.0], 6),
            radius in 1e-3_f64..1e3,
            others in prop::collection::vec(prop::collection::vec(-1.0_f64..1.0, 6), 50),
        ) {
            let mut eigenvalues = eigenvalues;
            eigenvalues.sort_by(f64::total_cmp);
            let n = eigenvalues.len();
            let components = &components[..n];
            let value = |p: &[f64]| -> f64 {
                (0..n).map(|i| components[i] * p[i] + 0.5 * eigenvalues[i] * p[i] * p[i]).sum()
            };
            let mut p = vec![0.0; n];
            let ball = Ball { eigenvalues: &eigenvalues, components, radius };
            let found = Secular::default().solve(ball, &mut p);
            let length = optkit_core::vector::norm2(&p);
            prop_assert!(length <= radius * (1.0 + 1e-12));
            prop_assert!(!found.on_boundary || length >= radius * (1.0 - 1e-12), "{length} of {radius}");
            let scale = eigenvalues.iter().fold(0.0_f64, |m, v| m.max(v.abs())) * radius * radius + 10.0 * radius;
            prop_assert!((value(&p) + found.predicted_reduction).abs() <= 1e-12 * scale);
            for other in &others {
                let size = optkit_core::vector::norm2(&other[..n]).max(1.0);
                let q: Vec<f64> = other[..n].iter().map(|v| v * radius / size).collect();
                prop_assert!(value(&p) <= value(&q) + 1e-12 * scale, "{} > {}", value(&p), value(&q));
            }
        }
    }
}
