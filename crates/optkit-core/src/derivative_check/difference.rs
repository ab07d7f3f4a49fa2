//! A derivative along a line from central differences of falling step, with an estimate of its error.
//!
//! ```text
//! D(h) = (f(h) − f(−h)) / 2h = f' + O(h²),     R(h) = (4 D(h/2) − D(h)) / 3 = f' + O(h⁴)
//! ```
//!
//! Three steps give two of Richardson's extrapolations. Their distance shows everything that spoils a difference:
//! truncation, rounding, kinks, lack of definition.

/// What three differences at the steps h, h/2 and h/4 say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Estimate {
    /// f'.
    pub(super) derivative: f64,
    /// How far it may be off.
    pub(super) uncertainty: f64,
    /// h.
    pub(super) step: f64,
}

/// Of D(h), D(h/2) and D(h/4), where a computed value is off by `noise`. Uncertain by ∞ where one is not finite.
pub(super) fn extrapolate(differences: [f64; 3], step: f64, noise: f64) -> Estimate {
    let [coarse, middle, fine] = differences;
    let (first, second) = ((4.0 * middle - coarse) / 3.0, (4.0 * fine - middle) / 3.0);
    let spread = (first - second).abs();
    if !spread.is_finite() {
        return Estimate { derivative: first, uncertainty: f64::INFINITY, step };
    }
    // The noise of the first is √(8² + 1)/(3√2) = 1.9 times noise/h.
    Estimate { derivative: first, uncertainty: spread.max(2.0 * noise / step), step }
}

/// The steps to try, from `from` down to `to`, by halves; at least three.
pub(super) fn steps(from: f64, to: f64) -> impl Iterator<Item = f64> {
    let count = ((from / to).log2().ceil().clamp(2.0, 60.0)) as i32;
    (0..=count).map(move |k| from * 0.5_f64.powi(k))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_estimate_covers_the_error() {
        let central = |h: f64| ((1.0 + h).exp() - (1.0 - h).exp()) / (2.0 * h);
        for h in [1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-6, 1e-8] {
            let e = extrapolate([1.0, 0.5, 0.25].map(|k| central(k * h)), h, 6e-16);
            let error = (e.derivative - 1_f64.exp()).abs();
            assert!(error <= 3.0 * e.uncertainty, "{h}: {error} {e:?}");
        }
        let undefined = extrapolate([f64::NAN, 1.0, 1.0], 1.0, 0.0);
        assert_eq!(undefined.uncertainty, f64::INFINITY);
    }

    #[test]
    fn steps_fall_by_halves() {
        assert_eq!(steps(1.0, 0.1).collect::<Vec<_>>(), [1.0, 0.5, 0.25, 0.125, 0.0625]);
        assert_eq!(steps(1.0, 9.0).count(), 3);
    }
}
