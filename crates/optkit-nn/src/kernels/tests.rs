//! Every kernel that runs on this machine against the portable ones in `f64`.

use super::*;
use crate::Scalar;

mod squares;

/// Numbers in (−1, 1) that look random.
fn numbers(count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        f64::from((state >> 40) as f32 / (1_u64 << 24) as f32 * 2.0 - 1.0)
    };
    (0..count).map(|_| next()).collect()
}

fn single(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&v| v as f32).collect()
}

fn agree(kernel: Kernel, single: &[f32], double: &[f64], tolerance: f64) {
    assert_eq!(single.len(), double.len());
    for (i, (&s, d)) in single.iter().zip(double).enumerate() {
        assert!((f64::from(s) - d).abs() <= tolerance * d.abs().max(1.0), "{}: [{i}] {s} {d}", kernel.name());
    }
}

#[test]
fn products_agree_for_all_shapes_and_starts() {
    for kernels in usable() {
        for (rows, inner, columns) in
            [(1, 1, 16), (7, 5, 32), (64, 33, 48), (13, 0, 16), (9, 100, 80), (3, 64, 304)]
        {
            let (a, b) = (numbers(rows * inner, 3), numbers(inner * columns, 5));
            let (c, row) = (numbers(rows * columns, 7), numbers(columns, 9));
            let (a32, b32, row32) = (single(&a), single(&b), single(&row));
            for (start, start32) in [
                (Start::Zero, Start::Zero),
                (Start::Row(&row[..]), Start::Row(&row32[..])),
                (Start::Accumulate, Start::Accumulate),
            ] {
                // A by rows and by columns.
                for (a_row, a_inner) in [(inner, 1), (1, rows)] {
                    let (mut c, mut c32) = (c.clone(), single(&c));
                    (DOUBLE.product)(Product {
                        a: &a,
                        a_row,
                        a_inner,
                        b: &b,
                        c: &mut c,
                        rows,
                        inner,
                        columns,
                        start,
                    });
                    (kernels.product)(Product {
                        a: &a32,
                        a_row,
                        a_inner,
                        b: &b32,
                        c: &mut c32,
                        rows,
                        inner,
                        columns,
                        start: start32,
                    });
                    agree(kernels.kernel, &c32, &c, 1e-5);
                }
            }
        }
    }
}

#[test]
fn a_product_is_the_sum_of_its_definition() {
    let (rows, inner, columns) = (5, 7, 16);
    let (a, b) = (numbers(rows * inner, 3), numbers(inner * columns, 5));
    let mut c = vec![0.0; rows * columns];
    let start = Start::Zero;
    (DOUBLE.product)(Product {
        a: &a,
        a_row: inner,
        a_inner: 1,
        b: &b,
        c: &mut c,
        rows,
        inner,
        columns,
        start,
    });
    for r in 0..rows {
        for j in 0..columns {
            let sum: f64 = (0..inner).map(|k| a[r * inner + k] * b[k * columns + j]).sum();
            assert!((c[r * columns + j] - sum).abs() < 1e-14);
        }
    }
}

#[test]
fn sparse_products_are_the_dense_ones() {
    for (rows, features, columns) in [(128, 9, 16), (1, 1, 32), (77, 20, 48), (128, 784, 32)] {
        let noise = numbers(rows * features, 11);
        let bytes: Vec<u8> = noise.iter().map(|v| if *v > 0.6 { (v * 255.0) as u8 } else { 0 }).collect();
        let tile = Tile::new(&bytes, features);
        let values: [f64; 256] = std::array::from_fn(|b| b as f64 / 256.0);
        let values32: [f32; 256] = std::array::from_fn(|b| b as f32 / 256.0);
        let x: Vec<f64> = bytes.iter().map(|&b| values[usize::from(b)]).collect();
        let (mut w, mut d) = (numbers(grouped(features) * columns, 2), numbers(rows * columns, 4));
        // What is of f32 is the same in both.
        w.iter_mut().chain(&mut d).for_each(|v| *v = f64::from(*v as f32));
        let (mut z, mut g) = (d.clone(), w.clone());
        let (inner, start) = (features, Start::Accumulate);
        (DOUBLE.product)(Product {
            a: &x,
            a_row: features,
            a_inner: 1,
            b: &w,
            c: &mut z,
            rows,
            inner,
            columns,
            start,
        });
        (DOUBLE.product)(Product {
            a: &x,
            a_row: 1,
            a_inner: features,
            b: &d,
            c: &mut g,
            rows: features,
            inner: rows,
            columns,
            start,
        });
        for kernels in usable() {
            let (mut z32, mut g32) = (single(&d), single(&w));
            let (w32, d32) = (single(&w), single(&d));
            let values = &values32;
            (kernels.sparse_forward)(SparseForward {
                tile: &tile,
                values,
                weights: &w32,
                columns,
                z: &mut z32,
            });
            (kernels.sparse_gradient)(SparseGradient {
                tile: &tile,
                values,
                d: &d32,
                columns,
                gradient: &mut g32,
            });
            agree(kernels.kernel, &z32, &z, 1e-5);
            agree(kernels.kernel, &g32, &g, 1e-5);
        }
    }
}

#[test]
fn cross_entropy_agrees_for_all_widths_and_magnitudes() {
    for (rows, width, size) in
        [(1, 1, 1.0), (16, 10, 3.0), (37, 10, 200.0), (700, 3, 1e-3), (50, 16, 9.0), (33, 40, 30.0)]
    {
        let stride = padded(width);
        // Padding must not be seen, whatever finite value it has.
        let logits: Vec<f64> =
            numbers(rows * stride, 13).into_iter().map(|v| f64::from((size * v) as f32)).collect();
        let labels: Vec<u32> = (0..rows).map(|r| (r * 7 % width) as u32).collect();
        let (mut expected, mut gradient) = (0.0, vec![0.0; rows * stride]);
        for (r, &label) in labels.iter().enumerate() {
            let y = &logits[r * stride..r * stride + width];
            let largest = y.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = y.iter().map(|y| (y - largest).exp()).sum();
            expected += sum.ln() + largest - y[label as usize];
            for c in 0..width {
                let hot = f64::from(u8::from(c == label as usize));
                gradient[r * stride + c] = 0.5 * ((y[c] - largest).exp() / sum - hot);
            }
        }
        let labels = &labels[..];
        for kernels in usable() {
            let logits = single(&logits);
            let mut written = vec![9.0_f32; rows * stride];
            for wanted in [0, rows * stride] {
                let gradient = &mut written[..wanted];
                let loss = (kernels.cross_entropy)(CrossEntropy {
                    logits: &logits,
                    labels,
                    width,
                    stride,
                    gradient,
                    scale: 0.5,
                });
                let error = (loss - expected).abs() / expected.max(1.0);
                assert!(error < 3e-7, "{} {width}: {loss} {expected}", kernels.kernel.name());
            }
            agree(kernels.kernel, &written, &gradient, 2e-7);
            // Products with subnormal numbers take ten times as long.
            assert!(!written.iter().any(|g| g.is_subnormal()), "{}", kernels.kernel.name());
        }
        let mut written = vec![9.0; rows * stride];
        let gradient64 = &mut written[..];
        let loss = (DOUBLE.cross_entropy)(CrossEntropy {
            logits: &logits,
            labels,
            width,
            stride,
            gradient: gradient64,
            scale: 0.5,
        });
        assert!((loss - expected).abs() < 1e-13 * expected.max(1.0));
    }
}

#[test]
fn tangents_of_softmax_are_those_of_its_definition() {
    for kernels in usable() {
        for (rows, width, smoothing) in
            [(1, 10, 0.0), (37, 10, 0.1), (16, 16, 0.0), (20, 33, 0.2), (3, 1, 0.0)]
        {
            let (stride, count) = (padded(width), 64.0);
            let labels: Vec<u32> = (0..rows).map(|r| (7 * r % width) as u32).collect();
            let [other, at_label] =
                [0.0, 1.0].map(|hit: f64| (hit * (1.0 - smoothing) + smoothing / width as f64) / count);
            let (logits, outputs) = (numbers(rows * stride, 21), numbers(rows * stride, 23));
            let (mut gradient, mut expected) = (vec![0.0; rows * stride], vec![0.0; rows * stride]);
            for (r, &label) in labels.iter().enumerate() {
                let row = r * stride..r * stride + width;
                let total: f64 = logits[row.clone()].iter().map(|y| y.exp()).sum();
                let p: Vec<f64> = logits[row.clone()].iter().map(|y| y.exp() / total).collect();
                let mean: f64 = p.iter().zip(&outputs[row.clone()]).map(|(p, ry)| p * ry).sum();
                for (c, p) in p.iter().enumerate() {
                    let target = if label as usize == c { at_label } else { other };
                    gradient[row.start + c] = p / count - target;
                    expected[row.start + c] = p * (outputs[row.start + c] - mean) / count;
                }
            }
            let mut to = vec![f32::NAN; rows * stride];
            (kernels.softmax_tangent)(SoftmaxTangent {
                gradient: &single(&gradient),
                outputs: &single(&outputs),
                labels: &labels,
                width,
                stride,
                at_label: at_label as f32,
                other: other as f32,
                count: count as f32,
                to: &mut to,
            });
            agree(kernels.kernel, &to, &expected, 1e-7);
        }
    }
}

#[test]
fn a_nan_or_infinity_is_never_a_finite_loss() {
    for kernels in usable() {
        for bad in [f32::NAN, f32::INFINITY] {
            for at in [0, 9, 16 * 20 + 4] {
                let mut logits = vec![0.5_f32; 16 * 21];
                logits[at] = bad;
                let labels = [1; 21];
                let c = CrossEntropy {
                    logits: &logits,
                    labels: &labels,
                    width: 10,
                    stride: 16,
                    gradient: &mut [],
                    scale: 1.0,
                };
                let loss = (kernels.cross_entropy)(c);
                assert!(!loss.is_finite(), "{} {bad} at {at}: {loss}", kernels.kernel.name());
            }
        }
    }
}

#[test]
fn elementwise_loops_agree() {
    let (x, y, row) = (numbers(96, 1), numbers(96, 2), numbers(32, 3));
    for kernels in usable() {
        let (x32, y32, row32) = (single(&x), single(&y), single(&row));
        let (mut a, mut a32) = (y.clone(), y32.clone());
        let both = |a: &[f64], a32: &[f32]| agree(kernels.kernel, a32, a, 1e-6);
        (DOUBLE.relu)(&x, &mut a);
        (kernels.relu)(&x32, &mut a32);
        assert!(x.iter().zip(&a).all(|(x, a)| x.max(0.0) == *a));
        both(&a, &a32);
        let (mut g, mut g32) = (y.clone(), y32.clone());
        (DOUBLE.relu_gradient)(&a, &mut g);
        (kernels.relu_gradient)(&a32, &mut g32);
        assert!(x.iter().zip(&y).zip(&g).all(|((x, y), g)| if *x > 0.0 { g == y } else { *g == 0.0 }));
        both(&g, &g32);
        (DOUBLE.shift)(&x, &row, &mut a);
        (kernels.shift)(&x32, &row32, &mut a32);
        assert!(a.iter().enumerate().all(|(i, a)| *a == x[i] + row[i % 32]));
        both(&a, &a32);
        (DOUBLE.along_line)(&mut a, &y, 0.3);
        (kernels.along_line)(&mut a32, &y32, 0.3);
        both(&a, &a32);
        let (mut sums, mut sums32) = (row.clone(), row32.clone());
        (DOUBLE.sum_rows)(&x, &mut sums);
        (kernels.sum_rows)(&x32, &mut sums32);
        assert!((0..32).all(|j| (sums[j] - row[j] - x[j] - x[32 + j] - x[64 + j]).abs() < 1e-15));
        both(&sums, &sums32);
    }
}

#[test]
fn dot_products_are_sums_of_products() {
    for kernels in usable() {
        for vectors in [0, 1, 2, 5, 8] {
            let (a, b) = (numbers(vectors * LANES, 31), numbers(vectors * LANES, 33));
            let expected: f64 = a.iter().zip(&b).map(|(a, b)| a * b).sum();
            let dot = (kernels.dot)(&single(&a), &single(&b));
            assert!((dot - expected).abs() < 1e-5, "{}: {vectors}", kernels.kernel.name());
        }
    }
}

#[test]
fn tanh_and_sigmoid_are_exact_to_a_few_units_everywhere() {
    let x: Vec<f32> = (0..40_000_u16)
        .map(|i| 10_f32.powf(f32::from(i) / 1000.0 - 37.9))
        .chain([0.0, 0.624_999_9, 0.625, 9.999, 10.0, 86.9, f32::MAX, f32::INFINITY])
        .flat_map(|x| [x, -x])
        .collect();
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    for kernels in usable() {
        let (mut t, mut s) = (vec![f32::NAN; x.len()], vec![f32::NAN; x.len()]);
        (kernels.tanh)(&x, &mut t);
        (kernels.sigmoid)(&x, &mut s);
        for ((&x, &t), &s) in x.iter().zip(&t).zip(&s) {
            let (tanh, sigmoid) = (f64::from(x).tanh(), sigmoid(f64::from(x)));
            let name = kernels.kernel.name();
            assert!((f64::from(t) - tanh).abs() <= 2e-7 * tanh.abs(), "{name}: tanh {x:e} = {t:e}");
            let bound = 3e-7 * sigmoid + 1.001 * f64::from(f32::EXP_LEAST).exp();
            assert!((f64::from(s) - sigmoid).abs() <= bound, "{name}: σ({x:e}) = {s:e}");
        }
        let (mut t, mut s) = ([0.0; 17], [0.0; 17]);
        (kernels.tanh)(&[f32::NAN; 17], &mut t);
        (kernels.sigmoid)(&[f32::NAN; 17], &mut s);
        assert!(t.iter().chain(&s).all(|y| y.is_nan()), "{}", kernels.kernel.name());
    }
}
