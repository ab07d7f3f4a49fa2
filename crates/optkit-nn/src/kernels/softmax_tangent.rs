//! The tangent of softmax, from the gradient that [`cross_entropy`](super::cross_entropy) leaves behind:
//!
//! ```text
//! R{softmax} = p∘(R{y} − pᵀR{y}),     p/count = ∂ℓ/∂y + t/count
//! ```
//!
//! with t the targets' probabilities: one number at the label, another elsewhere.
#![allow(unsafe_code)]

use super::LANES;
use super::vector::Vector;
use crate::Scalar;

/// One block of logits.
pub(crate) struct SoftmaxTangent<'a, S> {
    /// ∂ℓ/∂y of the mean over `count` samples, \[rows, stride\]; padding is zero.
    pub(crate) gradient: &'a [S],
    /// R{y}, likewise; padding of any finite value.
    pub(crate) outputs: &'a [S],
    pub(crate) labels: &'a [u32],
    pub(crate) width: usize,
    /// `width`, padded to a multiple of [`LANES`].
    pub(crate) stride: usize,
    /// t/count at the label, and elsewhere.
    pub(crate) at_label: S,
    pub(crate) other: S,
    pub(crate) count: S,
    /// R{∂ℓ/∂y}, written here.
    pub(crate) to: &'a mut [S],
}

/// Rows worked on together: their sums are reduced across lanes in one go.
const GROUP: usize = 16;

/// # Safety
/// The instructions of `V` exist.
#[inline(always)]
pub(super) unsafe fn run<V: Vector>(t: SoftmaxTangent<'_, V::Scalar>) {
    let SoftmaxTangent { gradient, outputs, labels, width, stride, at_label, other, count, to } = t;
    assert!(stride.is_multiple_of(LANES) && 0 < width && width <= stride, "softmax: bad width");
    let smoothed = other != V::Scalar::ZERO;
    let groups = gradient.chunks(GROUP * stride).zip(outputs.chunks(GROUP * stride));
    let labels = labels.chunks(GROUP);
    for ((to, (gradient, outputs)), labels) in to.chunks_mut(GROUP * stride).zip(groups).zip(labels) {
        // p/count, all rows before any of it is read again: a vector read behind a single number waits for it.
        to.copy_from_slice(gradient);
        for (to, &label) in to.chunks_exact_mut(stride).zip(labels) {
            if smoothed {
                to[..width].iter_mut().for_each(|p| *p += other);
            }
            to[label as usize] += at_label - other;
        }
        let mut sums = [V::splat(V::Scalar::ZERO); GROUP];
        let rows = to.chunks_exact(stride).zip(outputs.chunks_exact(stride));
        for (sum, (p, ry)) in sums.iter_mut().zip(rows) {
            for (p, ry) in p.as_chunks::<LANES>().0.iter().zip(ry.as_chunks::<LANES>().0) {
                *sum = load::<V>(p).multiply_add(load(ry), *sum);
            }
        }
        let means = V::sum_of_each(sums);
        let rows = to.chunks_exact_mut(stride).zip(outputs.chunks_exact(stride));
        for (mean, (to, ry)) in means.into_iter().zip(rows) {
            let mean = V::splat(mean * count);
            for (to, ry) in to.as_chunks_mut::<LANES>().0.iter_mut().zip(ry.as_chunks::<LANES>().0) {
                let product = load::<V>(to).multiply(load::<V>(ry).sub(mean));
                // SAFETY: `to` is 16 numbers long.
                unsafe { product.store(to.as_mut_ptr()) };
            }
        }
    }
}

#[inline(always)]
fn load<V: Vector>(from: &[V::Scalar; LANES]) -> V {
    // SAFETY: 16 numbers can be read.
    unsafe { V::load(from.as_ptr()) }
}
