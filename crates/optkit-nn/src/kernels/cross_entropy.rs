//! Cross-entropy of a block of logits with its gradient:
//!
//! ```text
//! ℓ = Σ_r (log Σ_c exp y[r, c] − y[r, label r]),     ∂ℓ/∂y[r, c] = softmax(y[r])[c] − [c = label r]
//! ```
//!
//! The logarithms are taken of products: Σ log sᵣ = log Π sᵣ, with 1 ≤ sᵣ ≤ width, costs one logarithm for hundreds
//! of samples, in `f64` where no accuracy is lost.
#![allow(unsafe_code)]

use super::LANES;
use super::vector::Vector;
use crate::Scalar;

/// One block of logits.
pub(crate) struct CrossEntropy<'a, S> {
    /// \[rows, stride\], padding of any finite value.
    pub(crate) logits: &'a [S],
    pub(crate) labels: &'a [u32],
    pub(crate) width: usize,
    /// `width`, padded to a multiple of [`LANES`].
    pub(crate) stride: usize,
    /// Gradient times `scale`, written here; padding becomes zero. Empty: not wanted.
    pub(crate) gradient: &'a mut [S],
    pub(crate) scale: S,
}

/// Rows worked on together: their maxima and sums are reduced across lanes in one go.
const GROUP: usize = 16;

/// Sum of the losses. Labels are below `width`.
///
/// # Safety
/// The instructions of `V` exist.
#[inline(always)]
pub(super) unsafe fn run<V: Vector>(c: CrossEntropy<'_, V::Scalar>) -> f64 {
    let CrossEntropy { logits, labels, width, stride, gradient, scale } = c;
    assert!(stride.is_multiple_of(LANES) && 0 < width && width <= stride, "cross entropy: bad width");
    let padding = Padding::<V>::new(width);
    let mut sums = Sums::new(width);
    let wanted = !gradient.is_empty();
    let mut gradients = gradient.chunks_mut(GROUP * stride);
    for (logits, labels) in logits.chunks(GROUP * stride).zip(labels.chunks(GROUP)) {
        let gradient = if wanted { gradients.next().unwrap_or_default() } else { &mut [] };
        let largest = largest::<V>(logits, stride, &padding);
        let totals = exponentials::<V>(logits, stride, &padding, &largest, gradient);
        let mut at_label = largest;
        for ((at_label, row), &label) in at_label.iter_mut().zip(logits.chunks_exact(stride)).zip(labels) {
            *at_label = row[label as usize];
        }
        sums.add(labels.len(), &largest, &at_label, &totals);
        if wanted {
            normalise::<V>(gradient, stride, scale, &totals, labels);
        }
    }
    sums.total()
}

/// Masks of the last vector of a row.
struct Padding<V> {
    /// Vectors of a row that are not padding alone.
    vectors: usize,
    /// −∞ where it is padding.
    minus: V,
    /// 0 where it is padding, else 1.
    times: V,
}

impl<V: Vector> Padding<V> {
    #[inline(always)]
    fn new(width: usize) -> Self {
        let vectors = width.div_ceil(LANES);
        let used = width - (vectors - 1) * LANES;
        let far = V::Scalar::from_f64(f64::NEG_INFINITY);
        let minus: [_; LANES] = std::array::from_fn(|i| if i < used { V::Scalar::ZERO } else { far });
        let times: [_; LANES] =
            std::array::from_fn(|i| if i < used { V::Scalar::ONE } else { V::Scalar::ZERO });
        Self { vectors, minus: load(&minus), times: load(&times) }
    }
}

/// The largest logit of each row; 0 behind the last.
#[inline(always)]
fn largest<V: Vector>(logits: &[V::Scalar], stride: usize, padding: &Padding<V>) -> [V::Scalar; GROUP] {
    let mut rows = [V::splat(V::Scalar::ZERO); GROUP];
    for (largest, logits) in rows.iter_mut().zip(logits.chunks_exact(stride)) {
        let vectors = &logits.as_chunks::<LANES>().0[..padding.vectors];
        let [others @ .., last] = vectors else { continue };
        *largest = load::<V>(last).add(padding.minus);
        for other in others {
            *largest = largest.or_greater(load(other));
        }
    }
    V::largest_of_each(rows)
}

/// Σ exp(y − largest) of each row, 0 behind the last; the exponentials go to `to` unless it is empty.
#[inline(always)]
fn exponentials<V: Vector>(
    logits: &[V::Scalar],
    stride: usize,
    padding: &Padding<V>,
    largest: &[V::Scalar; GROUP],
    to: &mut [V::Scalar],
) -> [V::Scalar; GROUP] {
    let mut sums = [V::splat(V::Scalar::ZERO); GROUP];
    let mut to = to.chunks_exact_mut(stride);
    for ((sum, logits), &largest) in sums.iter_mut().zip(logits.chunks_exact(stride)).zip(largest) {
        let largest = V::splat(largest);
        let mut to = to.next().unwrap_or_default().as_chunks_mut::<LANES>().0.iter_mut();
        let vectors = &logits.as_chunks::<LANES>().0[..padding.vectors];
        for (j, logits) in vectors.iter().enumerate() {
            let logits = load::<V>(logits);
            let e = if j + 1 == vectors.len() {
                // Both masks: without the first, an exponential of padding might overflow; ∞·0 would be NaN.
                logits.add(padding.minus).sub(largest).exp().multiply(padding.times)
            } else {
                logits.sub(largest).exp()
            };
            if let Some(to) = to.next() {
                // SAFETY: `to` is 16 numbers long.
                unsafe { e.store(to.as_mut_ptr()) };
            }
            *sum = sum.add(e);
        }
    }
    V::sum_of_each(sums)
}

/// Exponentials to scale·(softmax − one-hot).
#[inline(always)]
fn normalise<V: Vector>(
    gradient: &mut [V::Scalar],
    stride: usize,
    scale: V::Scalar,
    totals: &[V::Scalar; GROUP],
    labels: &[u32],
) {
    let mut factors = *totals;
    for factor in &mut factors {
        *factor = scale / *factor;
    }
    for ((row, factor), &label) in gradient.chunks_exact_mut(stride).zip(factors).zip(labels) {
        for vector in row.as_chunks_mut::<LANES>().0 {
            let scaled = load::<V>(vector).multiply(V::splat(factor));
            // SAFETY: `vector` is 16 numbers long.
            unsafe { scaled.store(vector.as_mut_ptr()) };
        }
        row[label as usize] = row[label as usize] - scale;
    }
}

#[inline(always)]
fn load<V: Vector>(from: &[V::Scalar; LANES]) -> V {
    // SAFETY: 16 numbers can be read.
    unsafe { V::load(from.as_ptr()) }
}

/// Σ (log totalᵣ + largestᵣ − y[r, label r]), lane by lane.
struct Sums {
    differences: [f64; GROUP],
    products: [f64; GROUP],
    /// Rows in the products, and how many of them cannot overflow.
    rows: usize,
    most: usize,
    logarithms: f64,
}

impl Sums {
    #[inline(always)]
    fn new(width: usize) -> Self {
        // Every total is at most `width` (a little more for rounding): Π of n totals stays below 10³⁰⁰.
        let most = (300.0 / (width as f64 * 1.001).log10().max(0.1)) as usize;
        Self { differences: [0.0; GROUP], products: [1.0; GROUP], rows: 0, most, logarithms: 0.0 }
    }

    #[inline(always)]
    fn add<S: Scalar>(
        &mut self,
        rows: usize,
        largest: &[S; GROUP],
        at_label: &[S; GROUP],
        totals: &[S; GROUP],
    ) {
        if self.rows + rows > self.most {
            self.take_logarithm();
        }
        self.rows += rows;
        for i in 0..GROUP {
            self.differences[i] += largest[i].to_f64() - at_label[i].to_f64();
        }
        // Totals behind the last row are 0 and left out.
        for (product, total) in self.products[..rows].iter_mut().zip(totals) {
            *product *= total.to_f64();
        }
    }

    fn take_logarithm(&mut self) {
        self.logarithms += self.products.iter().product::<f64>().ln();
        self.products = [1.0; GROUP];
        self.rows = 0;
    }

    #[inline(always)]
    fn total(mut self) -> f64 {
        self.take_logarithm();
        self.logarithms + self.differences.iter().sum::<f64>()
    }
}
