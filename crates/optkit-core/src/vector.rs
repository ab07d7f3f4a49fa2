//! Vector operations in a fixed order, so that equal input gives equal bits.

/// Lanes of a reduction: sums run in this many independent chains, combined in index order.
const LANES: usize = 8;

/// xᵀy. Panics where the lengths differ.
#[must_use]
pub fn dot(x: &[f64], y: &[f64]) -> f64 {
    assert_eq!(x.len(), y.len(), "dot: lengths differ");
    let (mut sums, mut tail) = ([0.0; LANES], 0.0);
    let (xs, ys) = (x.chunks_exact(LANES), y.chunks_exact(LANES));
    for (a, b) in xs.remainder().iter().zip(ys.remainder()) {
        tail += a * b;
    }
    for (a, b) in xs.zip(ys) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f64>() + tail
}

/// ‖x‖₂, without overflow or underflow where the result is representable.
#[must_use]
pub fn norm2(x: &[f64]) -> f64 {
    let squares = dot(x, x);
    if squares.is_finite() && squares > f64::MIN_POSITIVE / f64::EPSILON {
        return squares.sqrt();
    }
    let scale = norm_inf(x);
    if scale == 0.0 || !scale.is_finite() {
        return scale;
    }
    let scaled: f64 = x.iter().map(|v| (v / scale) * (v / scale)).sum();
    scale * scaled.sqrt()
}

/// ‖x‖∞; NaN where an entry is NaN (a maximum that drops NaN would hide it).
#[must_use]
pub fn norm_inf(x: &[f64]) -> f64 {
    let mut largest = 0.0;
    let mut nan = false;
    for v in x {
        let v = v.abs();
        nan |= v.is_nan();
        largest = if v > largest { v } else { largest };
    }
    if nan { f64::NAN } else { largest }
}

/// y ← y + a·x. Panics where the lengths differ.
pub fn axpy(a: f64, x: &[f64], y: &mut [f64]) {
    assert_eq!(x.len(), y.len(), "axpy: lengths differ");
    for (y, x) in y.iter_mut().zip(x) {
        *y += a * x;
    }
}

/// z ← x + s. Panics where the lengths differ.
pub fn add(x: &[f64], s: &[f64], z: &mut [f64]) {
    assert!(x.len() == s.len() && s.len() == z.len(), "add: lengths differ");
    for ((z, x), s) in z.iter_mut().zip(x).zip(s) {
        *z = x + s;
    }
}

/// ‖x − y‖∞. Panics where the lengths differ.
#[must_use]
pub fn distance_inf(x: &[f64], y: &[f64]) -> f64 {
    assert_eq!(x.len(), y.len(), "distance_inf: lengths differ");
    x.iter().zip(y).fold(0.0, |d, (x, y)| {
        let v = (x - y).abs();
        if v > d || v.is_nan() { v } else { d }
    })
}

/// ‖x − y‖₂, without overflow or underflow where the result is representable. Panics where the lengths differ.
#[must_use]
pub fn distance2(x: &[f64], y: &[f64]) -> f64 {
    assert_eq!(x.len(), y.len(), "distance2: lengths differ");
    let squares: f64 = x.iter().zip(y).map(|(x, y)| (x - y) * (x - y)).sum();
    if squares.is_finite() && squares > f64::MIN_POSITIVE / f64::EPSILON {
        return squares.sqrt();
    }
    let scale = distance_inf(x, y);
    if scale == 0.0 || !scale.is_finite() {
        return scale;
    }
    let scaled: f64 = x.iter().zip(y).map(|(x, y)| ((x - y) / scale) * ((x - y) / scale)).sum();
    scale * scaled.sqrt()
}

/// True where every entry is finite.
#[must_use]
pub fn all_finite(x: &[f64]) -> bool {
    x.iter().all(|v| v.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn norm2_survives_the_range_of_f64() {
        let huge = norm2(&[3e200, 4e200]);
        assert!((huge / 5e200 - 1.0).abs() < 1e-15, "{huge}");
        let tiny = norm2(&[3e-200, 4e-200]);
        assert!((tiny - 5e-200).abs() < 1e-214, "{tiny}");
        assert_eq!(norm2(&[]), 0.0);
    }

    #[test]
    fn a_nan_is_never_hidden() {
        assert!(norm_inf(&[1.0, f64::NAN, 2.0]).is_nan());
        assert!(norm2(&[1.0, f64::NAN]).is_nan());
        assert!(distance_inf(&[f64::NAN, 0.0], &[0.0, 0.0]).is_nan());
    }

    #[test]
    fn dot_agrees_with_the_plain_sum_on_integers() {
        let x: Vec<f64> = (0..37).map(f64::from).collect();
        assert_eq!(dot(&x, &x), (0..37).map(|i| f64::from(i * i)).sum::<f64>());
    }
}
