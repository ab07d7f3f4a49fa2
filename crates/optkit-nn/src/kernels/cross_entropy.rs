//! Cross-entropy of a block of logits with its gradient:
//!
//!     ℓ = Σ_r (log Σ_c exp y[r, c] − y[r, label r]),     ∂ℓ/∂y[r, c] = softmax(y[r])[c] − [c = label r]
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

/// Sum of the losses. Labels are below `width`.
///
/// # Safety
/// The instructions of `V` exist.
#[inline(always)]
pub(super) unsafe fn run<V: Vector>(c: CrossEntropy<'_, V::Scalar>) -> f64 {
    let rows = c.labels.len();
    let (stride, width) = (c.stride, c.width);
    let wanted = !c.gradient.is_empty();
    assert!(stride.is_multiple_of(LANES) && 0 < width && width <= stride, "cross entropy: bad width");
    assert!(c.logits.len() >= rows * stride, "cross entropy: too few logits");
    assert!(!wanted || c.gradient.len() >= rows * stride, "cross entropy: gradient too short");
    let padding = Padding::<V>::new(width);
    let vectors = width.div_ceil(LANES);
    let mut exponentials = c.gradient.as_mut_ptr();
    let (mut loss, mut product) = (0.0, 1.0);
    for (row, &label) in c.labels.iter().enumerate() {
        let logits = &c.logits[row * stride..(row + 1) * stride];
        // SAFETY: `vectors`·LANES ≤ stride, the length of `logits`; the gradient was checked to be as long.
        let (largest, sum) = unsafe {
            let largest = largest::<V>(logits.as_ptr(), vectors, &padding);
            let to = if wanted { exponentials } else { std::ptr::null_mut() };
            (largest, exp_sum::<V>(logits.as_ptr(), vectors, &padding, largest, to))
        };
        loss += largest.to_f64() - logits[label as usize].to_f64();
        product *= sum.to_f64();
        if product > 1e290 {
            loss += product.ln();
            product = 1.0;
        }
        if wanted {
            let factor = V::splat(c.scale / sum);
            // SAFETY: as above; label < width ≤ stride, asserted by the index into `logits`.
            unsafe {
                for j in 0..stride / LANES {
                    let to = exponentials.add(j * LANES);
                    let scaled =
                        if j < vectors { V::load(to).multiply(factor) } else { V::splat(V::Scalar::ZERO) };
                    scaled.store(to);
                }
                let at_label = exponentials.add(label as usize);
                *at_label = *at_label - c.scale;
                exponentials = exponentials.add(stride);
            }
        }
    }
    loss + product.ln()
}

/// Masks of the last vector of a row.
struct Padding<V> {
    /// −∞ where it is padding.
    minus: V,
    /// 0 where it is padding, else 1.
    times: V,
}

impl<V: Vector> Padding<V> {
    #[inline(always)]
    fn new(width: usize) -> Self {
        let used = width - (width.div_ceil(LANES) - 1) * LANES;
        let far = V::Scalar::from_f64(f64::NEG_INFINITY);
        let minus: [_; LANES] = std::array::from_fn(|i| if i < used { V::Scalar::ZERO } else { far });
        let times: [_; LANES] =
            std::array::from_fn(|i| if i < used { V::Scalar::ONE } else { V::Scalar::ZERO });
        // SAFETY: both arrays hold 16 numbers.
        unsafe { Self { minus: V::load(minus.as_ptr()), times: V::load(times.as_ptr()) } }
    }
}

/// # Safety
/// `logits` is valid for reading `vectors` vectors.
#[inline(always)]
unsafe fn largest<V: Vector>(logits: *const V::Scalar, vectors: usize, padding: &Padding<V>) -> V::Scalar {
    // SAFETY: by the caller's promise.
    unsafe {
        let last = V::load(logits.add((vectors - 1) * LANES)).add(padding.minus);
        let mut largest = last;
        for j in 0..vectors - 1 {
            largest = largest.or_greater(V::load(logits.add(j * LANES)));
        }
        largest.largest()
    }
}

/// Σ exp(y − largest); the exponentials are stored at `to` unless it is null.
///
/// # Safety
/// `logits` is valid for reading `vectors` vectors, `to` null or valid for writing as many.
#[inline(always)]
unsafe fn exp_sum<V: Vector>(
    logits: *const V::Scalar,
    vectors: usize,
    padding: &Padding<V>,
    largest: V::Scalar,
    to: *mut V::Scalar,
) -> V::Scalar {
    let largest = V::splat(largest);
    let mut sum = V::splat(V::Scalar::ZERO);
    for j in 0..vectors {
        // SAFETY: by the caller's promise.
        unsafe {
            let logits = V::load(logits.add(j * LANES));
            let e = if j + 1 == vectors {
                // Both masks: without the first, an exponential of padding might overflow; −∞·0 would be NaN.
                logits.add(padding.minus).sub(largest).exp().multiply(padding.times)
            } else {
                logits.sub(largest).exp()
            };
            if !to.is_null() {
                e.store(to.add(j * LANES));
            }
            sum = sum.add(e);
        }
    }
    sum.sum()
}
