//! The loops that everything else is made of, on blocks that lie in cache.
//!
//! Each is compiled three times, for any processor, for those with AVX2 and for those with AVX-512, and picked when it
//! runs: with the baseline's two values an instruction a pass is bound by arithmetic, not by memory
//! (`cargo bench --bench obs`). Sums have a fixed number of lanes and there is no fused multiplication, so all give the
//! same bits. No loop calls a closure (nor `map` of an array): closures are not compiled for the processor that the
//! function around them is compiled for, and what stays a call costs more than the work.

mod lanes;

use lanes::{Lanes, Portable, WIDTH};

/// s and y.
pub(crate) type Pair<'a> = (&'a [f64], &'a [f64]);

/// Defines a function that runs `body`, compiled for the processor that it finds itself on.
macro_rules! kernel {
    ($(#[$doc:meta])* $name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)? = $body:ident) => {
        $(#[$doc])*
        pub(crate) fn $name($($argument: $type),*) $(-> $result)? {
            #[cfg(target_arch = "x86_64")]
            if std::arch::is_x86_feature_detected!("avx512f") {
                #[target_feature(enable = "avx512f")]
                fn widest($($argument: $type),*) $(-> $result)? {
                    $body::<lanes::Avx512>($($argument),*)
                }
                #[allow(unsafe_code)]
                // SAFETY: the processor has AVX-512: it was asked just now.
                return unsafe { widest($($argument),*) };
            } else if std::arch::is_x86_feature_detected!("avx2") {
                #[target_feature(enable = "avx2")]
                fn wide($($argument: $type),*) $(-> $result)? {
                    $body::<lanes::Avx2>($($argument),*)
                }
                #[allow(unsafe_code)]
                // SAFETY: the processor has AVX2: it was asked just now.
                return unsafe { wide($($argument),*) };
            }
            $body::<Portable>($($argument),*)
        }
    };
}

kernel! {
    /// xᵀy.
    dot(x: &[f64], y: &[f64]) -> f64 = dot_body
}
kernel! {
    /// xᵀy for four x: y is read once.
    dot_4(x: [&[f64]; 4], y: &[f64]) -> [f64; 4] = dot_4_body
}
kernel! {
    /// xᵀy for four x and two y.
    dot_4_2(x: [&[f64]; 4], y: [&[f64]; 2]) -> [[f64; 4]; 2] = dot_4_2_body
}
kernel! {
    /// (y − γs)ᵀv.
    pair_dot(pair: Pair<'_>, gamma: f64, v: &[f64]) -> f64 = pair_dot_body
}
kernel! {
    /// (y − γs)ᵀv for four pairs: v is read once.
    pair_dot_4(pairs: [Pair<'_>; 4], gamma: f64, v: &[f64]) -> [f64; 4] = pair_dot_4_body
}
kernel! {
    /// sᵢᵀs, sᵢᵀy, yᵢᵀs, yᵢᵀy, (yᵢ − γsᵢ)ᵀs: every vector is read once.
    pair_products(i: Pair<'_>, new: Pair<'_>, gamma: f64) -> [f64; 5] = pair_products_body
}
kernel! {
    /// `out` ← out + cx.
    axpy(c: f64, x: &[f64], out: &mut [f64]) = axpy_body
}
kernel! {
    /// `out` ← out + Σ cx of four x: `out` is touched once.
    axpy_4(c: [f64; 4], x: [&[f64]; 4], out: &mut [f64]) = axpy_4_body
}
kernel! {
    /// `out` ← out + c(y − γs).
    pair_axpy(c: f64, pair: Pair<'_>, gamma: f64, out: &mut [f64]) = pair_axpy_body
}
kernel! {
    /// `out` ← out + Σ c(y − γs) of four pairs: `out` is touched once.
    pair_axpy_4(c: [f64; 4], pairs: [Pair<'_>; 4], gamma: f64, out: &mut [f64]) = pair_axpy_4_body
}
kernel! {
    /// `out` ← y − γs.
    pair_form(pair: Pair<'_>, gamma: f64, out: &mut [f64]) = pair_form_body
}
kernel! {
    /// x, y ← cx + sy, −sx + cy.
    rotate(c: f64, s: f64, x: &mut [f64], y: &mut [f64]) = rotate_body
}
kernel! {
    /// `out` ← Xw, the columns of X one after another.
    mix(x: &[f64], w: &[f64], out: &mut [f64]) = mix_body
}
kernel! {
    /// `out` ← Xw of four w, for four columns at a time.
    mix_4(x: &[f64], w: [&[f64]; 4], out: [&mut [f64]; 4]) = mix_4_body
}

/// The whole vectors of as many slices of one length.
#[inline(always)]
fn whole<const N: usize>(x: [&[f64]; N]) -> [&[[f64; WIDTH]]; N] {
    let mut vectors = [&[][..]; N];
    for k in 0..N {
        vectors[k] = &x[k].as_chunks::<WIDTH>().0[..x[0].len() / WIDTH];
    }
    vectors
}

/// The sums of `L` times `R` products, in one vector each.
#[inline(always)]
fn products<V: Lanes, const L: usize, const R: usize>(x: [&[f64]; L], y: [&[f64]; R]) -> [[f64; L]; R] {
    let n = y[0].len();
    assert!(x.iter().chain(&y).all(|v| v.len() == n));
    let (vectors, whole_x, whole_y) = (n / WIDTH, whole(x), whole(y));
    let mut sums = [[V::splat(0.0); L]; R];
    for i in 0..vectors {
        let mut left = [V::splat(0.0); L];
        for l in 0..L {
            left[l] = V::load(&whole_x[l][i]);
        }
        for r in 0..R {
            let right = V::load(&whole_y[r][i]);
            for l in 0..L {
                sums[r][l] = sums[r][l].plus(left[l].times(right));
            }
        }
    }
    let mut results = [[0.0; L]; R];
    for r in 0..R {
        for l in 0..L {
            let tail: f64 = (vectors * WIDTH..n).map(|i| x[l][i] * y[r][i]).sum();
            results[r][l] = sums[r][l].total() + tail;
        }
    }
    results
}

#[inline(always)]
fn dot_4_body<V: Lanes>(x: [&[f64]; 4], y: &[f64]) -> [f64; 4] {
    products::<V, 4, 1>(x, [y])[0]
}

#[inline(always)]
fn dot_4_2_body<V: Lanes>(x: [&[f64]; 4], y: [&[f64]; 2]) -> [[f64; 4]; 2] {
    if V::WIDE { products::<V, 4, 2>(x, y) } else { y.map(|y| products::<V, 4, 1>(x, [y])[0]) }
}

/// Vectors of a single sum: enough to hide an addition's latency.
const CHAINS: usize = 4;

#[inline(always)]
fn dot_body<V: Lanes>(x: &[f64], y: &[f64]) -> f64 {
    assert_eq!(x.len(), y.len());
    let mut sums = [V::splat(0.0); CHAINS];
    let (x, x_rest) = x.as_chunks::<{ CHAINS * WIDTH }>();
    let (y, y_rest) = y.as_chunks::<{ CHAINS * WIDTH }>();
    for (x, y) in x.iter().zip(y) {
        let (x, y) = (x.as_chunks::<WIDTH>().0, y.as_chunks::<WIDTH>().0);
        for c in 0..CHAINS {
            sums[c] = sums[c].plus(V::load(&x[c]).times(V::load(&y[c])));
        }
    }
    let tail: f64 = x_rest.iter().zip(y_rest).map(|(x, y)| x * y).sum();
    (sums[0].plus(sums[1])).plus(sums[2].plus(sums[3])).total() + tail
}

#[inline(always)]
fn pair_dots<V: Lanes, const P: usize>(pairs: [Pair<'_>; P], gamma: f64, v: &[f64]) -> [f64; P] {
    let n = v.len();
    assert!(pairs.iter().all(|(s, y)| s.len() == n && y.len() == n));
    let (vectors, factor) = (n / WIDTH, V::splat(gamma));
    let (whole_s, whole_y, [whole_v]) = (whole(pairs.map(|p| p.0)), whole(pairs.map(|p| p.1)), whole([v]));
    let mut sums = [V::splat(0.0); P];
    for i in 0..vectors {
        let x = V::load(&whole_v[i]);
        for p in 0..P {
            let (s, y) = (V::load(&whole_s[p][i]), V::load(&whole_y[p][i]));
            sums[p] = sums[p].plus(y.minus(factor.times(s)).times(x));
        }
    }
    let mut results = [0.0; P];
    for p in 0..P {
        let (s, y) = pairs[p];
        let tail: f64 = (vectors * WIDTH..n).map(|i| (y[i] - gamma * s[i]) * v[i]).sum();
        results[p] = sums[p].total() + tail;
    }
    results
}

#[inline(always)]
fn pair_dot_body<V: Lanes>(pair: Pair<'_>, gamma: f64, v: &[f64]) -> f64 {
    pair_dots::<V, 1>([pair], gamma, v)[0]
}

#[inline(always)]
fn pair_dot_4_body<V: Lanes>(pairs: [Pair<'_>; 4], gamma: f64, v: &[f64]) -> [f64; 4] {
    pair_dots::<V, 4>(pairs, gamma, v)
}

#[inline(always)]
fn pair_products_body<V: Lanes>((si, yi): Pair<'_>, (s, y): Pair<'_>, gamma: f64) -> [f64; 5] {
    let n = s.len();
    assert!(si.len() == n && yi.len() == n && y.len() == n);
    let factor = V::splat(gamma);
    let mut sums = [V::splat(0.0); 5];
    let (si, si_rest) = si.as_chunks::<WIDTH>();
    let (yi, yi_rest) = yi.as_chunks::<WIDTH>();
    let (s, s_rest) = s.as_chunks::<WIDTH>();
    let (y, y_rest) = y.as_chunks::<WIDTH>();
    for ((si, yi), (s, y)) in si.iter().zip(yi).zip(s.iter().zip(y)) {
        let (si, yi, s, y) = (V::load(si), V::load(yi), V::load(s), V::load(y));
        sums[0] = sums[0].plus(si.times(s));
        sums[1] = sums[1].plus(si.times(y));
        sums[2] = sums[2].plus(yi.times(s));
        sums[3] = sums[3].plus(yi.times(y));
        sums[4] = sums[4].plus(yi.minus(factor.times(si)).times(s));
    }
    let mut tail = [0.0; 5];
    for ((si, yi), (s, y)) in si_rest.iter().zip(yi_rest).zip(s_rest.iter().zip(y_rest)) {
        let products = [si * s, si * y, yi * s, yi * y, (yi - gamma * si) * s];
        tail.iter_mut().zip(products).for_each(|(sum, product)| *sum += product);
    }
    std::array::from_fn(|k| sums[k].total() + tail[k])
}

#[inline(always)]
fn axpy_body<V: Lanes>(c: f64, x: &[f64], out: &mut [f64]) {
    assert_eq!(x.len(), out.len());
    for (out, x) in out.iter_mut().zip(x) {
        *out += c * x;
    }
}

#[inline(always)]
fn axpy_4_body<V: Lanes>(c: [f64; 4], x: [&[f64]; 4], out: &mut [f64]) {
    let n = out.len();
    assert!(x.iter().all(|x| x.len() == n));
    let [a, b, d, e] = x;
    for ((out, (a, b)), (d, e)) in out.iter_mut().zip(a.iter().zip(b)).zip(d.iter().zip(e)) {
        *out += (c[0] * a + c[1] * b) + (c[2] * d + c[3] * e);
    }
}

#[inline(always)]
fn pair_axpy_body<V: Lanes>(c: f64, (s, y): Pair<'_>, gamma: f64, out: &mut [f64]) {
    assert!(s.len() == out.len() && y.len() == out.len());
    for ((out, s), y) in out.iter_mut().zip(s).zip(y) {
        *out += c * (y - gamma * s);
    }
}

#[inline(always)]
fn pair_axpy_4_body<V: Lanes>(c: [f64; 4], pairs: [Pair<'_>; 4], gamma: f64, out: &mut [f64]) {
    let n = out.len();
    assert!(pairs.iter().all(|(s, y)| s.len() == n && y.len() == n));
    let (vectors, factor) = (n / WIDTH, V::splat(gamma));
    let (whole_s, whole_y) = (whole(pairs.map(|p| p.0)), whole(pairs.map(|p| p.1)));
    let (chunks, rest) = out.as_chunks_mut::<WIDTH>();
    let chunks = &mut chunks[..vectors];
    for i in 0..vectors {
        let mut terms = [factor; 4];
        for p in 0..4 {
            let (s, y) = (V::load(&whole_s[p][i]), V::load(&whole_y[p][i]));
            terms[p] = V::splat(c[p]).times(y.minus(factor.times(s)));
        }
        let sum = terms[0].plus(terms[1]).plus(terms[2].plus(terms[3]));
        V::load(&chunks[i]).plus(sum).store(&mut chunks[i]);
    }
    for (i, out) in (vectors * WIDTH..n).zip(rest) {
        let term = |p: usize| c[p] * (pairs[p].1[i] - gamma * pairs[p].0[i]);
        *out += (term(0) + term(1)) + (term(2) + term(3));
    }
}

#[inline(always)]
fn pair_form_body<V: Lanes>((s, y): Pair<'_>, gamma: f64, out: &mut [f64]) {
    assert!(s.len() == out.len() && y.len() == out.len());
    for ((out, s), y) in out.iter_mut().zip(s).zip(y) {
        *out = y - gamma * s;
    }
}

#[inline(always)]
fn rotate_body<V: Lanes>(c: f64, s: f64, x: &mut [f64], y: &mut [f64]) {
    for (x, y) in x.iter_mut().zip(y) {
        (*x, *y) = (c * *x + s * *y, c * *y - s * *x);
    }
}

/// Rows from `start` of `out` ← Xw, `R` vectors of them at a time; returns the first row that is left.
#[inline(always)]
fn mix_rows<V: Lanes, const O: usize, const R: usize>(
    (x, start): (&[f64], usize),
    w: [&[f64]; O],
    out: &mut [&mut [f64]; O],
) -> usize {
    let (n, m) = (out[0].len(), w[0].len());
    let end = n - (n - start) % (R * WIDTH);
    for row in (start..end).step_by(R * WIDTH) {
        let mut sums = [[V::splat(0.0); R]; O];
        for j in 0..m {
            let rows = x[j * n + row..][..R * WIDTH].as_chunks::<WIDTH>().0;
            let mut values = [V::splat(0.0); R];
            for r in 0..R {
                values[r] = V::load(&rows[r]);
            }
            for o in 0..O {
                let factor = V::splat(w[o][j]);
                for r in 0..R {
                    sums[o][r] = sums[o][r].plus(factor.times(values[r]));
                }
            }
        }
        for o in 0..O {
            let rows = out[o][row..][..R * WIDTH].as_chunks_mut::<WIDTH>().0;
            for r in 0..R {
                sums[o][r].store(&mut rows[r]);
            }
        }
    }
    end
}

#[inline(always)]
fn mixes<V: Lanes, const O: usize>(x: &[f64], w: [&[f64]; O], mut out: [&mut [f64]; O]) {
    let (n, m) = (out[0].len(), w[0].len());
    assert!(x.len() == n * m && w.iter().all(|w| w.len() == m) && out.iter().all(|out| out.len() == n));
    let start = if V::WIDE { mix_rows::<V, O, 2>((x, 0), w, &mut out) } else { 0 };
    let start = mix_rows::<V, O, 1>((x, start), w, &mut out);
    for row in start..n {
        for o in 0..O {
            out[o][row] =
                w[o].iter().enumerate().map(|(j, w)| w * x[j * n + row]).fold(0.0, |sum, v| sum + v);
        }
    }
}

#[inline(always)]
fn mix_body<V: Lanes>(x: &[f64], w: &[f64], out: &mut [f64]) {
    mixes::<V, 1>(x, [w], [out]);
}

#[inline(always)]
fn mix_4_body<V: Lanes>(x: &[f64], w: [&[f64]; 4], out: [&mut [f64]; 4]) {
    mixes::<V, 4>(x, w, out);
}

#[cfg(test)]
mod tests;
