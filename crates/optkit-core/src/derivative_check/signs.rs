//! Random signs and points that are the same everywhere: a hash of seed and index, for the core has no generator.

/// The finaliser of SplitMix64 (Steele, Lea & Flood 2014) on the `index`-th state of stream `seed`.
fn hash(seed: u64, index: u64) -> u64 {
    let mut z = seed.wrapping_add(index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// ±1, evenly.
pub(super) fn sign(seed: u64, index: usize) -> f64 {
    if hash(seed, index as u64) & 1 == 0 { 1.0 } else { -1.0 }
}

/// A point near `x`, drawn by `seed`: every variable moved by up to `size` of its own magnitude or of the variables'
/// root mean square, whichever is larger (of 1 where all are 0).
///
/// ```
/// let x = [2.0, 0.0];
/// let near = optkit_core::nearby(&x, 0.1, 7);
/// assert!(near != x && (near[0] - 2.0).abs() <= 0.2 && near[1].abs() <= 0.15);
/// assert_eq!(near, optkit_core::nearby(&x, 0.1, 7));
/// ```
#[must_use]
pub fn nearby(x: &[f64], size: f64, seed: u64) -> Vec<f64> {
    let mean = crate::vector::dot(x, x) / x.len().max(1) as f64;
    let typical = if mean > 0.0 { mean.sqrt() } else { 1.0 };
    let moved = |(i, x): (usize, &f64)| {
        // 53 bits, in [−1, 1).
        let unit = (hash(seed, i as u64) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0;
        x + size * unit * x.abs().max(typical)
    };
    x.iter().enumerate().map(moved).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_even_and_differ_by_seed() {
        // The mean of 10⁴ signs has deviation 0.01: five of them.
        for seed in [0, 1, 99] {
            let mean: f64 = (0..10_000).map(|i| sign(seed, i)).sum::<f64>() / 1e4;
            assert!(mean.abs() < 0.05, "{mean}");
            let both: f64 = (0..10_000).map(|i| sign(seed, i) * sign(seed + 1, i)).sum::<f64>() / 1e4;
            assert!(both.abs() < 0.05, "{both}");
        }
    }
}
