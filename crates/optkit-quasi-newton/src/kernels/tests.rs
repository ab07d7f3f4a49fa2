use super::*;

fn vector(seed: f64) -> Vec<f64> {
    (0..1003).map(|i| (seed * f64::from(i)).sin()).collect()
}

fn close(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12)
}

/// What is compiled for this processor gives the bits of what is compiled for any.
#[test]
fn the_wide_sums_agree_with_the_baseline_to_the_bit() {
    let [s, y, v, w] = [0.3, 0.7, 1.1, 1.9].map(vector);
    let four: [&[f64]; 4] = [&s, &y, &v, &w];
    assert_eq!(dot(&s, &v), dot_body::<Portable>(&s, &v));
    assert_eq!(dot_4(four, &v), dot_4_body::<Portable>(four, &v));
    assert_eq!(dot_4_2(four, [&v, &s]), dot_4_2_body::<Portable>(four, [&v, &s]));
    assert_eq!(pair_dot((&s, &y), 1.3, &v), pair_dot_body::<Portable>((&s, &y), 1.3, &v));
    let pairs: [Pair<'_>; 4] = [(&s, &y), (&y, &v), (&v, &w), (&w, &s)];
    assert_eq!(pair_dot_4(pairs, 1.3, &v), pair_dot_4_body::<Portable>(pairs, 1.3, &v));
    let new = (v.as_slice(), w.as_slice());
    assert_eq!(pair_products((&s, &y), new, 1.3), pair_products_body::<Portable>((&s, &y), new, 1.3));
}

#[test]
fn the_wide_combinations_agree_with_the_baseline_to_the_bit() {
    let [s, y, v, w] = [0.3, 0.7, 1.1, 1.9].map(vector);
    let (four, pairs): ([&[f64]; 4], [Pair<'_>; 4]) =
        ([&s, &y, &v, &w], [(&s, &y), (&y, &v), (&v, &w), (&w, &s)]);
    let c = [0.1, 0.7, -0.3, 2.0];
    let (mut a, mut b) = (w.clone(), w.clone());
    axpy(0.1, &s, &mut a);
    axpy_body::<Portable>(0.1, &s, &mut b);
    pair_axpy(0.7, (&s, &y), 1.3, &mut a);
    pair_axpy_body::<Portable>(0.7, (&s, &y), 1.3, &mut b);
    axpy_4(c, four, &mut a);
    axpy_4_body::<Portable>(c, four, &mut b);
    pair_axpy_4(c, pairs, 1.3, &mut a);
    pair_axpy_4_body::<Portable>(c, pairs, 1.3, &mut b);
    assert_eq!(a, b);
    pair_form((&s, &y), 1.3, &mut a);
    pair_form_body::<Portable>((&s, &y), 1.3, &mut b);
    assert_eq!(a, b);
    let x: Vec<f64> = four.concat();
    mix(&x, &c, &mut a);
    mix_body::<Portable>(&x, &c, &mut b);
    assert_eq!(a, b);
    let mut single = vec![0.0; s.len()];
    axpy_4(c, four, &mut single);
    assert!(close(&a, &single));
    let (mut fours, mut baseline) = ([(); 4].map(|()| w.clone()), [(); 4].map(|()| w.clone()));
    mix_4(&x, [&c; 4], fours.each_mut().map(Vec::as_mut_slice));
    mix_4_body::<Portable>(&x, [&c; 4], baseline.each_mut().map(Vec::as_mut_slice));
    assert!(fours == baseline && fours.iter().all(|column| *column == a));
}

/// What is compiled for AVX2, which a processor with AVX-512 never picks.
#[cfg(target_arch = "x86_64")]
#[test]
fn the_kernels_of_avx2_agree_with_the_baseline_to_the_bit() {
    use super::lanes::Avx2;
    if !std::arch::is_x86_feature_detected!("avx2") {
        println!("skipped: this processor has no AVX2");
        return;
    }
    let [s, y, v, w] = [0.3, 0.7, 1.1, 1.9].map(vector);
    let four: [&[f64]; 4] = [&s, &y, &v, &w];
    let pairs: [Pair<'_>; 4] = [(&s, &y), (&y, &v), (&v, &w), (&w, &s)];
    assert_eq!(dot_body::<Avx2>(&s, &v), dot_body::<Portable>(&s, &v));
    assert_eq!(dot_4_2_body::<Avx2>(four, [&v, &s]), dot_4_2_body::<Portable>(four, [&v, &s]));
    assert_eq!(pair_dot_4_body::<Avx2>(pairs, 1.3, &v), pair_dot_4_body::<Portable>(pairs, 1.3, &v));
    let new = (v.as_slice(), w.as_slice());
    let products = pair_products_body::<Avx2>((&s, &y), new, 1.3);
    assert_eq!(products, pair_products_body::<Portable>((&s, &y), new, 1.3));
    let c = [0.1, 0.7, -0.3, 2.0];
    let (mut a, mut b) = (w.clone(), w.clone());
    pair_axpy_4_body::<Avx2>(c, pairs, 1.3, &mut a);
    pair_axpy_4_body::<Portable>(c, pairs, 1.3, &mut b);
    assert_eq!(a, b);
    let x: Vec<f64> = four.concat();
    let (mut fours, mut baseline) = ([(); 4].map(|()| w.clone()), [(); 4].map(|()| w.clone()));
    mix_4_body::<Avx2>(&x, [&c; 4], fours.each_mut().map(Vec::as_mut_slice));
    mix_4_body::<Portable>(&x, [&c; 4], baseline.each_mut().map(Vec::as_mut_slice));
    assert!(fours == baseline);
}

#[test]
fn a_rotation_turns_two_vectors() {
    let (mut x, mut y) = (vector(0.3), vector(0.7));
    let expected: Vec<(f64, f64)> =
        x.iter().zip(&y).map(|(x, y)| (0.6 * x + 0.8 * y, 0.6 * y - 0.8 * x)).collect();
    rotate(0.6, 0.8, &mut x, &mut y);
    assert!(x.iter().zip(&y).zip(&expected).all(|((x, y), e)| (*x, *y) == *e));
}

#[test]
fn several_at_once_are_what_they_are_one_by_one() {
    let [s, y, v, w] = [0.3, 0.7, 1.1, 1.9].map(vector);
    let (four, pairs): ([&[f64]; 4], [Pair<'_>; 4]) =
        ([&s, &y, &v, &w], [(&s, &y), (&y, &v), (&v, &w), (&w, &s)]);
    let plain = |x: &[f64], y: &[f64]| -> f64 { x.iter().zip(y).map(|(x, y)| x * y).sum() };
    assert!(close(&[dot(&s, &v)], &[plain(&s, &v)]));
    assert!(close(&dot_4(four, &v), &four.map(|x| plain(x, &v))));
    let [first, second] = dot_4_2(four, [&v, &s]);
    assert!(close(&first, &four.map(|x| plain(x, &v))) && close(&second, &four.map(|x| plain(x, &s))));
    let mut formed = vec![0.0; s.len()];
    let single = pairs.map(|pair| {
        pair_form(pair, 1.3, &mut formed);
        plain(&formed, &v)
    });
    assert!(close(&pair_dot_4(pairs, 1.3, &v), &single));
    assert!(close(&pairs.map(|pair| pair_dot(pair, 1.3, &v)), &single));
    let products = pair_products(pairs[0], pairs[2], 1.3);
    let expected = [plain(&s, &v), plain(&s, &w), plain(&y, &v), plain(&y, &w), single[0]];
    assert!(close(&products, &expected));
    let (mut a, mut b) = (w.clone(), w.clone());
    pair_axpy_4([0.1, 0.7, -0.3, 2.0], pairs, 1.3, &mut a);
    for (c, pair) in [0.1, 0.7, -0.3, 2.0].into_iter().zip(pairs) {
        pair_axpy(c, pair, 1.3, &mut b);
    }
    assert!(close(&a, &b));
}
