//! The engine's own passes over vectors, shared out to threads where these are long. Entries are independent, and the
//! reductions are maxima, so the result is the same for any number of threads.

use optkit_core::vector;
use rayon::prelude::*;

/// Shorter vectors are not worth waking a thread for.
const PARALLEL: usize = 100_000;
/// Entries that a thread takes at a time.
const CHUNK: usize = 16_384;

/// c ← a − b.
pub(crate) fn difference(a: &[f64], b: &[f64], c: &mut [f64]) {
    let serial = |a: &[f64], b: &[f64], c: &mut [f64]| {
        c.iter_mut().zip(a).zip(b).for_each(|((c, a), b)| *c = a - b);
    };
    assert!(a.len() == c.len() && b.len() == c.len(), "difference: lengths differ");
    if c.len() < PARALLEL {
        serial(a, b, c);
    } else {
        let parts = a.par_chunks(CHUNK).zip(b.par_chunks(CHUNK));
        c.par_chunks_mut(CHUNK).zip(parts).for_each(|(c, (a, b))| serial(a, b, c));
    }
}

/// c ← a + b; returns ‖c‖∞.
pub(crate) fn add(a: &[f64], b: &[f64], c: &mut [f64]) -> f64 {
    let serial = |a: &[f64], b: &[f64], c: &mut [f64]| {
        vector::add(a, b, c);
        largest(c)
    };
    assert!(a.len() == c.len() && b.len() == c.len(), "add: lengths differ");
    if c.len() < PARALLEL {
        return serial(a, b, c);
    }
    let parts = a.par_chunks(CHUNK).zip(b.par_chunks(CHUNK));
    c.par_chunks_mut(CHUNK).zip(parts).map(|(c, (a, b))| serial(a, b, c)).reduce(|| 0.0, larger)
}

/// ‖x‖∞; NaN where an entry is NaN, so that it is finite where all entries are.
pub(crate) fn norm_inf(x: &[f64]) -> f64 {
    if x.len() < PARALLEL { largest(x) } else { x.par_chunks(CHUNK).map(largest).reduce(|| 0.0, larger) }
}

fn larger(a: f64, b: f64) -> f64 {
    if a.is_nan() || a > b { a } else { b }
}

/// ‖x‖∞ in eight maxima side by side: a single one waits for itself, four cycles an entry.
fn largest(x: &[f64]) -> f64 {
    const LANES: usize = 8;
    let (mut maxima, mut nan) = ([0.0; LANES], [false; LANES]);
    let (whole, rest) = x.as_chunks::<LANES>();
    for x in whole {
        for l in 0..LANES {
            let v = x[l].abs();
            nan[l] |= v.is_nan();
            maxima[l] = if v > maxima[l] { v } else { maxima[l] };
        }
    }
    let rest = vector::norm_inf(rest);
    if nan.contains(&true) { f64::NAN } else { larger(rest, vector::norm_inf(&maxima)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_vectors_are_treated_as_short_ones() {
        let n = 3 * PARALLEL + 7;
        let a: Vec<f64> = (0..n).map(|i| (0.1 * i as f64).sin()).collect();
        let mut b: Vec<f64> = (0..n).map(|i| (0.7 * i as f64).cos()).collect();
        let (mut c, mut d) = (vec![0.0; n], vec![0.0; n]);
        difference(&a, &b, &mut c);
        assert!(c.iter().zip(a.iter().zip(&b)).all(|(c, (a, b))| *c == a - b));
        let length = add(&a, &b, &mut c);
        vector::add(&a, &b, &mut d);
        assert_eq!((&c, length), (&d, vector::norm_inf(&d)));
        assert_eq!(norm_inf(&a), vector::norm_inf(&a));
        for broken in [f64::NAN, f64::INFINITY] {
            for at in [0, n / 2, n - 1] {
                let before = std::mem::replace(&mut b[at], broken);
                for norm in [norm_inf(&b), norm_inf(&b[at..]), add(&a, &b, &mut c)] {
                    assert!(norm.is_nan() == broken.is_nan() && !norm.is_finite());
                }
                b[at] = before;
            }
        }
    }
}
