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
kernel! {
    /// sᵢᵀs, sᵢᵀy, yᵢᵀs, yᵢᵀy, (yᵢ − γsᵢ)ᵀs: every vector is read once.
    pair_products(i: Pair<'_>, new: Pair<'_>, gamma: f64) -> [f64; 5] = pair_products_body
}
kernel! {
    /// xᵀy for four x: y is read once.
    dot_4(x: [&[f64]; 4], y: &[f64]) -> [f64; 4] = dot_4_body
}
kernel! {
    /// `out` ← Σ cx of four x, or out + that: `out` is touched once.
    combine_4(c: [f64; 4], x: [&[f64]; 4], add: bool, out: &mut [f64]) = combine_4_body
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

/// Independent sums of a reduction that makes several at once: what registers hold.
const FEW_LANES: usize = 8;

#[inline(always)]
fn pair_products_body((si, yi): Pair<'_>, (s, y): Pair<'_>, gamma: f64) -> [f64; 5] {
    let n = s.len();
    assert!(si.len() == n && yi.len() == n && y.len() == n);
    let mut lanes = [[0.0; FEW_LANES]; 5];
    let mut tail = [0.0; 5];
    let (si, si_rest) = si.as_chunks::<FEW_LANES>();
    let (yi, yi_rest) = yi.as_chunks::<FEW_LANES>();
    let (s, s_rest) = s.as_chunks::<FEW_LANES>();
    let (y, y_rest) = y.as_chunks::<FEW_LANES>();
    for ((si, yi), (s, y)) in si.iter().zip(yi).zip(s.iter().zip(y)) {
        for l in 0..FEW_LANES {
            lanes[0][l] += si[l] * s[l];
            lanes[1][l] += si[l] * y[l];
            lanes[2][l] += yi[l] * s[l];
            lanes[3][l] += yi[l] * y[l];
            lanes[4][l] += (yi[l] - gamma * si[l]) * s[l];
        }
    }
    for ((si, yi), (s, y)) in si_rest.iter().zip(yi_rest).zip(s_rest.iter().zip(y_rest)) {
        tail[0] += si * s;
        tail[1] += si * y;
        tail[2] += yi * s;
        tail[3] += yi * y;
        tail[4] += (yi - gamma * si) * s;
    }
    std::array::from_fn(|k| lanes[k].iter().sum::<f64>() + tail[k])
}

#[inline(always)]
fn dot_4_body(x: [&[f64]; 4], y: &[f64]) -> [f64; 4] {
    assert!(x.iter().all(|x| x.len() == y.len()));
    let mut lanes = [[0.0; FEW_LANES]; 4];
    let whole = y.len() / FEW_LANES * FEW_LANES;
    let (chunks, rest) = y.as_chunks::<FEW_LANES>();
    let [a, b, c, d] = x.map(|x| x.as_chunks::<FEW_LANES>().0);
    for (((y, a), b), (c, d)) in chunks.iter().zip(a).zip(b).zip(c.iter().zip(d)) {
        for l in 0..FEW_LANES {
            lanes[0][l] += a[l] * y[l];
            lanes[1][l] += b[l] * y[l];
            lanes[2][l] += c[l] * y[l];
            lanes[3][l] += d[l] * y[l];
        }
    }
    std::array::from_fn(|k| {
        let tail: f64 = x[k][whole..].iter().zip(rest).map(|(x, y)| x * y).sum();
        lanes[k].iter().sum::<f64>() + tail
    })
}

#[inline(always)]
fn combine_4_body(c: [f64; 4], x: [&[f64]; 4], add: bool, out: &mut [f64]) {
    let n = out.len();
    assert!(x.iter().all(|x| x.len() == n));
    let [a, b, d, e] = x;
    for ((out, (a, b)), (d, e)) in out.iter_mut().zip(a.iter().zip(b)).zip(d.iter().zip(e)) {
        let sum = (c[0] * a + c[1] * b) + (c[2] * d + c[3] * e);
        *out = if add { *out + sum } else { sum };
    }
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
        let products = pair_products((&s, &y), (&v, &w), 1.3);
        assert_eq!(products.map(f64::to_bits), pair_products_body((&s, &y), (&v, &w), 1.3).map(f64::to_bits));
        let single = [dot(&s, &v), dot(&s, &w), dot(&y, &v), dot(&y, &w), pair_dot(&s, &y, 1.3, &v)];
        assert!(products.iter().zip(single).all(|(a, b)| (a - b).abs() < 1e-12));
        let four = dot_4([&s, &y, &v, &w], &v);
        assert_eq!(four.map(f64::to_bits), dot_4_body([&s, &y, &v, &w], &v).map(f64::to_bits));
        let single = [dot(&s, &v), dot(&y, &v), dot(&v, &v), dot(&w, &v)];
        assert!(four.iter().zip(single).all(|(a, b)| (a - b).abs() < 1e-12));
        for add in [false, true] {
            let (mut a, mut b, mut single) =
                (w.clone(), w.clone(), if add { w.clone() } else { vec![0.0; w.len()] });
            combine_4([0.1, 0.7, -0.3, 2.0], [&s, &y, &v, &w], add, &mut a);
            combine_4_body([0.1, 0.7, -0.3, 2.0], [&s, &y, &v, &w], add, &mut b);
            assert_eq!(a, b);
            for (c, x) in [(0.1, &s), (0.7, &y), (-0.3, &v), (2.0, &w)] {
                axpy(c, x, &mut single);
            }
            assert!(a.iter().zip(&single).all(|(a, b)| (a - b).abs() < 1e-14));
        }
        let plain: f64 = s.iter().zip(&v).map(|(s, v)| s * v).sum();
        assert!((dot(&s, &v) - plain).abs() < 1e-12);
    }
}
