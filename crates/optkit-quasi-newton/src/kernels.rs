//! The loops that everything else is made of, on blocks that lie in cache.
//!
//! Each is compiled twice, for any processor and for those with AVX2, and picked when it runs: with the baseline's two
//! values an instruction a pass is bound by arithmetic, not by memory (`cargo bench --bench obs`). Sums have a fixed
//! number of lanes and there is no fused multiplication, so both give the same bits.

/// Independent sums of a reduction: four vectors of AVX2, enough to hide an addition's latency.
const LANES: usize = 16;

/// s and y.
pub(crate) type Pair<'a> = (&'a [f64], &'a [f64]);

/// Defines a function that runs `body`, compiled for the processor that it finds itself on.
macro_rules! kernel {
    ($(#[$doc:meta])* $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)? = $body:ident) => {
        $(#[$doc])*
        pub(crate) fn $name($($argument: $type),*) $(-> $result)? {
            #[cfg(target_arch = "x86_64")]
            if std::arch::is_x86_feature_detected!("avx2") {
                #[target_feature(enable = "avx2")]
                fn wide($($argument: $type),*) $(-> $result)? {
                    $body($($argument),*)
                }
                #[allow(unsafe_code)]
                // SAFETY: the processor has AVX2: it was asked just now.
                return unsafe { wide($($argument),*) };
            }
            $body($($argument),*)
        }
    };
}

kernel! {
    /// xᵀy.
    dot(x: &[f64], y: &[f64]) -> f64 = dot_body
}
kernel! {
    /// (y − γs)ᵀv.
    pair_dot(s: &[f64], y: &[f64], gamma: f64, v: &[f64]) -> f64 = pair_dot_body
}
kernel! {
    /// `out` ← out + cx.
    axpy(c: f64, x: &[f64], out: &mut [f64]) = axpy_body
}
kernel! {
    /// `out` ← out + c(y − γs).
    pair_axpy(c: f64, s: &[f64], y: &[f64], gamma: f64, out: &mut [f64]) = pair_axpy_body
}
kernel! {
    /// `out` ← out + Σ c(y − γs) of two pairs: `out` is read and written once.
    pair_axpy_2(c: [f64; 2], a: Pair<'_>, b: Pair<'_>, gamma: f64, out: &mut [f64]) = pair_axpy_2_body
}
kernel! {
    /// `out` ← y − γs.
    pair_form(s: &[f64], y: &[f64], gamma: f64, out: &mut [f64]) = pair_form_body
}
#[inline(always)]
fn dot_body(x: &[f64], y: &[f64]) -> f64 {
    assert_eq!(x.len(), y.len());
    let (mut lanes, mut tail) = ([0.0; LANES], 0.0);
    let (x, x_rest) = x.as_chunks::<LANES>();
    let (y, y_rest) = y.as_chunks::<LANES>();
    for (x, y) in x.iter().zip(y) {
        for l in 0..LANES {
            lanes[l] += x[l] * y[l];
        }
    }
    for (x, y) in x_rest.iter().zip(y_rest) {
        tail += x * y;
    }
    lanes.iter().sum::<f64>() + tail
}

#[inline(always)]
fn pair_dot_body(s: &[f64], y: &[f64], gamma: f64, v: &[f64]) -> f64 {
    assert!(s.len() == v.len() && y.len() == v.len());
    let (mut lanes, mut tail) = ([0.0; LANES], 0.0);
    let (s, s_rest) = s.as_chunks::<LANES>();
    let (y, y_rest) = y.as_chunks::<LANES>();
    let (v, v_rest) = v.as_chunks::<LANES>();
    for ((s, y), v) in s.iter().zip(y).zip(v) {
        for l in 0..LANES {
            lanes[l] += (y[l] - gamma * s[l]) * v[l];
        }
    }
    for ((s, y), v) in s_rest.iter().zip(y_rest).zip(v_rest) {
        tail += (y - gamma * s) * v;
    }
    lanes.iter().sum::<f64>() + tail
}

#[inline(always)]
fn axpy_body(c: f64, x: &[f64], out: &mut [f64]) {
    assert_eq!(x.len(), out.len());
    for (out, x) in out.iter_mut().zip(x) {
        *out += c * x;
    }
}

#[inline(always)]
fn pair_axpy_body(c: f64, s: &[f64], y: &[f64], gamma: f64, out: &mut [f64]) {
    assert!(s.len() == out.len() && y.len() == out.len());
    for ((out, s), y) in out.iter_mut().zip(s).zip(y) {
        *out += c * (y - gamma * s);
    }
}

#[inline(always)]
fn pair_form_body(s: &[f64], y: &[f64], gamma: f64, out: &mut [f64]) {
    assert!(s.len() == out.len() && y.len() == out.len());
    for ((out, s), y) in out.iter_mut().zip(s).zip(y) {
        *out = y - gamma * s;
    }
}

#[inline(always)]
fn pair_axpy_2_body(c: [f64; 2], a: Pair<'_>, b: Pair<'_>, gamma: f64, out: &mut [f64]) {
    let n = out.len();
    assert!(a.0.len() == n && a.1.len() == n && b.0.len() == n && b.1.len() == n);
    for ((out, (sa, ya)), (sb, yb)) in out.iter_mut().zip(a.0.iter().zip(a.1)).zip(b.0.iter().zip(b.1)) {
        *out += c[0] * (ya - gamma * sa) + c[1] * (yb - gamma * sb);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is compiled for this processor gives the bits of what is compiled for any.
    #[test]
    fn the_wide_kernels_agree_with_the_baseline_to_the_bit() {
        let vector = |seed: f64| (0..1003).map(|i| (seed * i as f64).sin()).collect::<Vec<_>>();
        let [s, y, v, w] = [0.3, 0.7, 1.1, 1.9].map(vector);
        assert_eq!(dot(&s, &v).to_bits(), dot_body(&s, &v).to_bits());
        assert_eq!(pair_dot(&s, &y, 1.3, &v).to_bits(), pair_dot_body(&s, &y, 1.3, &v).to_bits());
        let (mut a, mut b) = (w.clone(), w.clone());
        axpy(0.1, &s, &mut a);
        axpy_body(0.1, &s, &mut b);
        pair_axpy(0.7, &s, &y, 1.3, &mut a);
        pair_axpy_body(0.7, &s, &y, 1.3, &mut b);
        assert_eq!(a, b);
        pair_form(&s, &y, 1.3, &mut a);
        pair_form_body(&s, &y, 1.3, &mut b);
        assert_eq!(a, b);
        let (mut a, mut b, mut single) = (w.clone(), w.clone(), w.clone());
        pair_axpy_2([0.1, 0.7], (&s, &y), (&v, &w), 1.3, &mut a);
        pair_axpy_2_body([0.1, 0.7], (&s, &y), (&v, &w), 1.3, &mut b);
        assert_eq!(a, b);
        pair_axpy(0.1, &s, &y, 1.3, &mut single);
        pair_axpy(0.7, &v, &w, 1.3, &mut single);
        assert!(a.iter().zip(&single).all(|(a, b)| (a - b).abs() < 1e-14));
        let plain: f64 = s.iter().zip(&v).map(|(s, v)| s * v).sum();
        assert!((dot(&s, &v) - plain).abs() < 1e-12);
    }
}
