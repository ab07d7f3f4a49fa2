//! The absolute error of computed values near a point, from a table of differences (Moré & Wild 2011, ECNoise).
//!
//! Along a line of equally spaced points, k-th differences of a smooth f are of the order of tᵏ and vanish; what they
//! show is the noise, of variance (k!)²/(2k)! times their mean square.

/// Points of the line.
const POINTS: usize = 9;
/// Orders of differences used, with (k!)²/(2k)!.
const ORDERS: [(usize, f64); 3] = [(4, 1.0 / 70.0), (5, 1.0 / 252.0), (6, 1.0 / 924.0)];

/// From `value` at the steps 0, 1, 2…; `None` where one is not finite.
pub(super) fn noise(mut value: impl FnMut(f64) -> f64) -> Option<f64> {
    let mut table: [f64; POINTS] = std::array::from_fn(|i| value(i as f64));
    if !table.iter().all(|v| v.is_finite()) {
        return None;
    }
    let rounding = 0.5 * f64::EPSILON * table[0].abs();
    let mut largest = rounding;
    for order in 1..=ORDERS[2].0 {
        for i in 0..POINTS - order {
            table[i] = table[i + 1] - table[i];
        }
        if let Some((_, share)) = ORDERS.iter().find(|(k, _)| *k == order) {
            let used = &table[..POINTS - order];
            let mean_square = used.iter().map(|d| d * d).sum::<f64>() / used.len() as f64;
            largest = largest.max((share * mean_square).sqrt());
        }
    }
    Some(largest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::derivative_check::signs::sign;

    #[test]
    fn noise_is_seen_and_smoothness_is_not() {
        let smooth = |i: f64| (1.0 + 1e-6 * i).exp();
        assert!(noise(smooth).unwrap() < 1e-15);
        let noisy = |i: f64| smooth(i) + 1e-8 * sign(3, i as usize);
        let found = noise(noisy).unwrap();
        assert!((2e-9..4e-8).contains(&found), "{found}");
        assert_eq!(noise(|i| if i > 3.0 { f64::NAN } else { i }), None);
    }
}
