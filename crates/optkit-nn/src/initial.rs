//! What parameters begin as, drawn so that equal seeds give equal bits on every machine: integers of a ChaCha8 stream,
//! and arithmetic that every machine rounds alike. All values are representable in `f32`.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

/// What the entries of a tensor begin as.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Start {
    Constant(f64),
    /// In ±bound.
    Uniform {
        bound: f64,
    },
    /// Around 0.
    Normal {
        deviation: f64,
    },
}

impl Start {
    /// `count` values behind those in `theta`.
    pub(crate) fn extend(self, theta: &mut Vec<f64>, count: usize, stream: &mut ChaCha8Rng) {
        match self {
            Self::Constant(value) => theta.extend(std::iter::repeat_n(value, count)),
            Self::Uniform { bound } => theta.extend((0..count).map(|_| single(unit(stream) * bound))),
            Self::Normal { deviation } => {
                let pairs = (0..count.div_ceil(2)).flat_map(|_| normal_pair(stream));
                theta.extend(pairs.take(count).map(|value| single(value * deviation)));
            }
        }
    }
}

fn single(value: f64) -> f64 {
    f64::from(value as f32)
}

/// Uniform in [−1, 1), on a lattice of 2²⁴ values.
fn unit(stream: &mut ChaCha8Rng) -> f64 {
    2.0 * (f64::from(stream.next_u32() >> 8) / f64::from(1_u32 << 24)) - 1.0
}

/// Two standard normal values (Marsaglia & Bray's polar method; Knuth, TAOCP vol. 2, Alg. 3.4.1P).
fn normal_pair(stream: &mut ChaCha8Rng) -> [f64; 2] {
    loop {
        let (u, v) = (unit(stream), unit(stream));
        let s = u * u + v * v;
        if s > 0.0 && s < 1.0 {
            let scale = (-2.0 * ln(s) / s).sqrt();
            return [u * scale, v * scale];
        }
    }
}

/// ln x of a positive normal number to a few units in the last place: ln x = e ln 2 + 2 artanh((m − 1)/(m + 1)) for
/// x = m·2ᵉ with m near 1. The system's own logarithm differs from machine to machine.
fn ln(x: f64) -> f64 {
    const MANTISSA: u64 = (1 << 52) - 1;
    let bits = x.to_bits();
    let mut exponent = (bits >> 52) as i32 - 1023;
    let mut m = f64::from_bits(bits & MANTISSA | 1023 << 52); // in [1, 2)
    if m > std::f64::consts::SQRT_2 {
        m *= 0.5;
        exponent += 1;
    }
    let z = (m - 1.0) / (m + 1.0); // |z| ≤ 0.172
    let square = z * z;
    // 2 artanh z = 2z(1 + z²/3 + z⁴/5 + …); 0.172²² is below 2⁻⁵³.
    let series = (0..11).rev().fold(0.0, |sum, k| sum * square + 1.0 / f64::from(2 * k + 1));
    f64::from(exponent) * std::f64::consts::LN_2 + 2.0 * z * series
}

#[cfg(test)]
mod tests {
    use rand_chacha::rand_core::SeedableRng;

    use super::*;

    #[test]
    fn the_logarithm_is_that_of_the_system_to_rounding() {
        for k in 1..100_000 {
            let x = f64::from(k) / 50_000.0;
            let (ours, theirs) = (ln(x), x.ln());
            assert!(
                (ours - theirs).abs() <= 4.0 * f64::EPSILON * theirs.abs().max(1.0),
                "ln {x}: {ours}, {theirs}"
            );
        }
    }

    /// Mean, variance and tails of 10⁶ values: deviations of 1e-3, 1.4e-3 and, of P(|x| > 2) = 4.55 %, 2.1e-4.
    #[test]
    fn normal_values_are_normal_and_exact_in_single_precision() {
        let mut stream = ChaCha8Rng::seed_from_u64(5);
        let (count, mut values) = (1_000_000, Vec::new());
        Start::Normal { deviation: 3.0 }.extend(&mut values, count, &mut stream);
        assert_eq!(values.len(), count);
        assert!(values.iter().all(|&v| f64::from(v as f32) == v));
        let n = count as f64;
        let mean = values.iter().sum::<f64>() / n / 3.0;
        let variance = values.iter().map(|v| v * v).sum::<f64>() / n / 9.0;
        let tails = values.iter().filter(|v| v.abs() > 6.0).count() as f64 / n;
        assert!(mean.abs() < 5e-3, "{mean}");
        assert!((variance - 1.0).abs() < 7e-3, "{variance}");
        assert!((tails - 0.0455).abs() < 1e-3, "{tails}");
    }

    #[test]
    fn equal_seeds_give_equal_bits() {
        let draw = |seed| {
            let mut values = Vec::new();
            Start::Normal { deviation: 1.0 }.extend(&mut values, 3, &mut ChaCha8Rng::seed_from_u64(seed));
            values
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }
}
