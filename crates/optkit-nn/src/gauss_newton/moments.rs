//! Second moments of rows, M = Σ x xᵀ, summed by blocks: whole for narrow rows, by a sketch for wide ones.
//!
//! A sketch is Y = MΩ with a fixed matrix Ω of random signs and [`RANK`] columns; M's Nyström approximation follows from
//! Y and Ω alone (Tropp, Yurtsever, Udell & Cevher 2017), so that no row is seen twice and width² is never stored.

use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rayon::prelude::*;

use crate::Scalar;
use crate::buffer::Buffer;
use crate::kernels::{Kernels, Product, Start, padded};
use crate::plan::{Dense, Plan};

/// Widest rows whose moment is kept whole: beyond, its eigenvectors (9 width³ operations) would cost more than they
/// bring, and 32 chunks of it more memory than the activations.
pub(crate) const WIDE: usize = 512;

/// Rows of a sum over chunks that a thread takes at least.
const TOGETHER: usize = 64;

/// Columns of a sketch.
pub(crate) const RANK: usize = 128;

/// Σ x̃ x̃ᵀ over rows, x̃ = x or (x, 1).
#[derive(Debug)]
pub(crate) struct Moment<S> {
    width: usize,
    ones: bool,
    /// Whole: \[width, padded width\]; a sketch: \[width, RANK\].
    products: Buffer<S>,
    /// Whole: Σ x, \[padded width\]; a sketch: the row of the ones, \[RANK\].
    sums: Buffer<S>,
    sketch: Option<Sketch<S>>,
}

/// Ω and room for XΩ.
#[derive(Debug)]
struct Sketch<S> {
    test: Arc<Buffer<S>>,
    seen: Buffer<S>,
}

/// Ω for rows of `width`: \[width, RANK\] signs from a fixed stream.
pub(crate) fn test_matrix<S: Scalar>(width: usize) -> Buffer<S> {
    let mut stream = ChaCha8Rng::seed_from_u64(width as u64);
    let mut test = Buffer::new(width * RANK);
    for signs in test.chunks_mut(32) {
        let bits = stream.next_u32();
        for (i, sign) in signs.iter_mut().enumerate() {
            *sign = if bits >> i & 1 == 0 { S::ONE } else { -S::ONE };
        }
    }
    test
}

impl<S: Scalar> Moment<S> {
    /// Of rows of `width` numbers, `ones` beside them or not; `test` where they are wide.
    pub(crate) fn new(width: usize, ones: bool, test: Option<Arc<Buffer<S>>>, rows: usize) -> Self {
        let (products, sums) = match test {
            Some(_) => (width * RANK, RANK),
            None => (width * padded(width), padded(width)),
        };
        Self {
            width,
            ones,
            products: Buffer::new(products),
            sums: Buffer::new(if ones { sums } else { 0 }),
            sketch: test.map(|test| Sketch { test, seen: Buffer::new(rows * RANK) }),
        }
    }

    /// Of nothing.
    pub(crate) fn none() -> Self {
        Self { width: 0, ones: false, products: Buffer::new(0), sums: Buffer::new(0), sketch: None }
    }

    /// Numbers of a row.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    pub(crate) fn clear(&mut self) {
        self.products.fill(S::ZERO);
        self.sums.fill(S::ZERO);
    }

    /// Add `rows` rows, each padded.
    pub(crate) fn add(&mut self, kernels: &Kernels<S>, x: &[S], rows: usize) {
        let Self { width, ones, products, sums, sketch } = self;
        let stride = padded(*width);
        if *width == 0 {
            return;
        }
        let Some(Sketch { test, seen }) = sketch else {
            (kernels.product)(Product {
                a: x,
                a_row: 1,
                a_inner: stride,
                b: x,
                c: products,
                rows: *width,
                inner: rows,
                columns: stride,
                start: Start::Accumulate,
            });
            if *ones {
                (kernels.sum_rows)(&x[..rows * stride], sums);
            }
            return;
        };
        let seen = &mut seen[..rows * RANK];
        let start = if *ones { Start::Row(&test[*width * RANK..]) } else { Start::Zero };
        (kernels.product)(Product {
            a: x,
            a_row: stride,
            a_inner: 1,
            b: test,
            c: seen,
            rows,
            inner: *width,
            columns: RANK,
            start,
        });
        (kernels.product)(Product {
            a: x,
            a_row: 1,
            a_inner: stride,
            b: seen,
            c: products,
            rows: *width,
            inner: rows,
            columns: RANK,
            start: Start::Accumulate,
        });
        if *ones {
            (kernels.sum_rows)(seen, sums);
        }
    }

    /// What the chunks have summed, in their order, times `scale`.
    pub(crate) fn total<'a>(
        chunks: &(impl Iterator<Item = &'a Self> + Clone + Send + Sync),
        scale: f64,
        to: &mut Total,
    ) {
        let Some(first) = chunks.clone().next() else { return };
        let width = first.width + usize::from(first.ones);
        let (stride, columns, taken) = match first.sketch {
            Some(_) => (RANK, RANK, RANK),
            None => (padded(first.width), width, first.width),
        };
        to.width = width;
        to.columns = columns;
        to.entries.resize(width * columns, 0.0);
        let all = to.entries.par_chunks_exact_mut(columns).enumerate().with_min_len(TOGETHER);
        all.for_each(|(row, to)| {
            to.fill(0.0);
            for moment in chunks.clone() {
                let from = if row < moment.width {
                    &moment.products[row * stride..row * stride + taken]
                } else {
                    &moment.sums[..taken]
                };
                to.iter_mut().zip(from).for_each(|(to, from)| *to += from.to_f64());
            }
            to.iter_mut().for_each(|entry| *entry *= scale);
        });
        if first.sketch.is_none() && first.ones {
            to.close();
        }
    }
}

/// A moment over all chunks: whole, \[width, width\], or its product with Ω, \[width, RANK\].
#[derive(Debug, Default)]
pub(crate) struct Total {
    pub(crate) width: usize,
    pub(crate) columns: usize,
    pub(crate) entries: Vec<f64>,
}

impl Total {
    /// Mean of the diagonal entries of the first `width` rows; `test` is the Ω of a sketch, by whose signs the trace is
    /// estimated (Hutchinson 1990).
    pub(crate) fn mean_square<S: Scalar>(&self, width: usize, test: Option<&Buffer<S>>) -> f64 {
        let c = self.columns;
        let sum: f64 = match test {
            None => (0..width).map(|i| self.entries[i * c + i]).sum(),
            Some(test) => {
                let both = self.entries[..width * c].iter().zip(&test[..width * c]);
                both.map(|(y, sign)| y * sign.to_f64()).sum::<f64>() / c as f64
            }
        };
        (sum / width as f64).max(0.0)
    }

    /// The last column is the last row; the ones' own moment is 1.
    fn close(&mut self) {
        let w = self.width;
        for i in 0..w - 1 {
            self.entries[i * w + w - 1] = self.entries[(w - 1) * w + i];
        }
        self.entries[w * w - 1] = 1.0;
    }
}

/// Ω, where a factor is wide.
type Test<S> = Option<Arc<Buffer<S>>>;

/// Ω of every layer's inputs, with ones, and outputs, where they are wide.
#[derive(Debug)]
pub(crate) struct Tests<S> {
    pub(crate) inputs: Vec<Test<S>>,
    pub(crate) outputs: Vec<Test<S>>,
}

impl<S: Scalar> Tests<S> {
    pub(crate) fn new(plan: &Plan) -> Self {
        let test = |width: usize, ones: bool| {
            (width > WIDE).then(|| Arc::new(test_matrix(width + usize::from(ones))))
        };
        let inputs = |(k, d): (usize, &Dense)| if k == 0 { None } else { test(d.inputs, true) };
        Self {
            inputs: plan.dense.iter().enumerate().map(inputs).collect(),
            outputs: plan.dense.iter().map(|d| test(d.outputs, false)).collect(),
        }
    }

    /// Room for the moments of all layers' inputs but the lowest, `rows` rows at once.
    pub(crate) fn inputs_moments(&self, plan: &Plan, rows: usize) -> Vec<Moment<S>> {
        let moment = |(k, (d, test)): (usize, (&Dense, &Test<S>))| {
            if k == 0 { Moment::none() } else { Moment::new(d.inputs, true, test.clone(), rows) }
        };
        plan.dense.iter().zip(&self.inputs).enumerate().map(moment).collect()
    }

    /// Room for the moments of all layers' factor rows, `rows` rows at once.
    pub(crate) fn outputs_moments(&self, plan: &Plan, rows: usize) -> Vec<Moment<S>> {
        let both = plan.dense.iter().zip(&self.outputs);
        both.map(|(d, test)| Moment::new(d.outputs, false, test.clone(), rows)).collect()
    }
}
