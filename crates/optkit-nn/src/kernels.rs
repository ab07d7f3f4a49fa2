//! The few loops in which a network spends its time, compiled for several instruction sets and chosen at run time.
//!
//! Each loop is written once, over a [`Vector`](vector::Vector) of 16 lanes, and instantiated for AVX-512, for AVX2
//! with FMA and portably. Sums run in the same order everywhere, but FMA rounds once where plain code rounds twice:
//! results are equal bit for bit on machines with the same kernel, which is why its name belongs to a run's record.

mod cross_entropy;
mod elementwise;
mod gather;
mod interleave;
mod normalise;
mod pairs;
mod pieces;
mod portable;
mod prefetch;
mod product;
mod softmax_tangent;
mod sparse;
mod stream;
#[cfg(test)]
mod tests;
mod transpose;
mod vector;
mod windows;
#[cfg(target_arch = "x86_64")]
mod x86;

pub(crate) use cross_entropy::CrossEntropy;
pub(crate) use elementwise::{sigmoid_single, tanh_single};
pub(crate) use gather::{Filling, SparseRows};
pub(crate) use interleave::{Interleave, NOWHERE, RUN, Spread};
pub(crate) use normalise::{BackLines, Lines};
pub(crate) use pairs::{Pair, PairProduct};
pub(crate) use pieces::{Grid, for_each_part};
pub(crate) use prefetch::prefetch;
pub(crate) use product::{Product, Start};
pub(crate) use softmax_tangent::SoftmaxTangent;
pub(crate) use sparse::{SparseForward, SparseGradient, TILE, Tile, grouped};
pub(crate) use transpose::Transpose;

/// Lanes of a vector: rows of activations are padded to a multiple of it.
pub(crate) const LANES: usize = 16;

/// A width with its padding.
pub(crate) const fn padded(width: usize) -> usize {
    width.next_multiple_of(LANES)
}

/// An instruction set that kernels exist for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kernel {
    /// AVX-512 F on x86-64.
    Avx512,
    /// AVX2 and FMA on x86-64.
    Avx2,
    /// What every machine has.
    Portable,
}

impl Kernel {
    /// Short name, for a run's record.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Avx512 => "avx512",
            Self::Avx2 => "avx2+fma",
            Self::Portable => "portable",
        }
    }
}

/// The kernel that `f32` networks run on here.
///
/// ```
/// assert!(["avx512", "avx2+fma", "portable"].contains(&optkit_nn::kernel().name()));
/// ```
#[must_use]
pub fn kernel() -> Kernel {
    fastest().kernel
}

/// The loops, for one scalar and instruction set.
#[allow(clippy::type_complexity)] // signatures, each used once
pub struct Kernels<S: 'static> {
    pub(crate) kernel: Kernel,
    pub(crate) product: fn(Product<'_, S>),
    pub(crate) sparse_forward: fn(SparseForward<'_, S>),
    pub(crate) sparse_gradient: fn(SparseGradient<'_, S>),
    pub(crate) cross_entropy: fn(CrossEntropy<'_, S>) -> f64,
    pub(crate) softmax_tangent: fn(SoftmaxTangent<'_, S>),
    /// Σ aᵢbᵢ over whole vectors, lane by lane.
    pub(crate) dot: fn(&[S], &[S]) -> f64,
    /// y = max(x, 0).
    pub(crate) relu: fn(&[S], &mut [S]),
    /// g ← g where y > 0, else 0.
    pub(crate) relu_gradient: fn(&[S], &mut [S]),
    /// y = 1/(1 + e⁻ˣ).
    pub(crate) sigmoid: fn(&[S], &mut [S]),
    /// y = tanh x.
    pub(crate) tanh: fn(&[S], &mut [S]),
    /// sums ← sums + Σ rows.
    pub(crate) sum_rows: fn(&[S], &mut [S]),
    /// y = z + shift, row by row.
    pub(crate) shift: fn(&[S], &[S], &mut [S]),
    /// Of (z, step, shift): y = z + (step + shift), row by row.
    pub(crate) shift_by: fn(&[S], &[S], &[S], &mut [S]),
    /// z ← base + ratio·(z − base).
    pub(crate) along_line: fn(&mut [S], &[S], S),
    pub(crate) pairs: fn(PairProduct<'_, S>),
    /// sums += Σ (x − shift) and Σ (x − shift)², by channel.
    pub(crate) moments: fn(&[S], &[S], &mut [f64]),
    /// Of (x, shift, d): sums += Σ d and Σ d·(x − shift), by channel.
    pub(crate) gradient_moments: fn(&[S], &[S], &[S], &mut [f64]),
    /// Of (x, lines, residual, relu): y = x·scale + shift + residual.
    pub(crate) affine: fn(&[S], Lines<'_, S>, &[S], bool, &mut [S]),
    /// d ← by_d·d + by_x·(x − center) + constant.
    pub(crate) affine_gradient: fn(&[S], BackLines<'_, S>, &mut [S]),
    /// The same of (x, lines, d) to another place.
    pub(crate) affine_gradient_to: fn(&[S], BackLines<'_, S>, &[S], &mut [S]),
    /// Of (x, tap): y ← max(y, x), and where it was.
    pub(crate) largest: fn(&[S], u16, &mut [S], &mut [u16]),
    /// Of (d, at, tap): to ← to + d where it was.
    pub(crate) from_largest: fn(&[S], &[u16], u16, &mut [S]),
    /// to ← to + factor·x.
    pub(crate) add_scaled: fn(&[S], S, &mut [S]),
    /// to ← from, rounded.
    pub(crate) round: fn(&[f64], &mut [S]),
    pub(crate) interleave: fn(Interleave<'_, S>),
    pub(crate) spread: fn(Spread<'_, S>),
    pub(crate) transpose: fn(Transpose<'_, S>),
}

impl<S> std::fmt::Debug for Kernels<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Kernels").field(&self.kernel).finish()
    }
}

/// `f64` has portable loops only: it is for checking.
pub(crate) static DOUBLE: Kernels<f64> = portable::DOUBLE;

/// All kernels that run on this machine, fastest first.
pub(crate) fn usable() -> impl Iterator<Item = &'static Kernels<f32>> {
    #[cfg(target_arch = "x86_64")]
    let vectorised = x86::usable();
    #[cfg(not(target_arch = "x86_64"))]
    let vectorised = std::iter::empty();
    vectorised.chain(std::iter::once(&portable::SINGLE))
}

pub(crate) fn fastest() -> &'static Kernels<f32> {
    usable().next().unwrap_or(&portable::SINGLE)
}
