//! The choice of γ.

use super::middle::Workspace;
use crate::Pairs;

/// How γ, the curvature of B outside the pairs, is chosen when a pair comes in.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum GammaRule {
    /// 0.9 of the smallest eigenvalue of (L + D + Lᵀ)u = λSᵀSu where that is positive (Erway & Marcia 2015, *On
    /// efficiently computing the eigenvalues of limited-memory quasi-Newton matrices*; Rafati, Marcia et al. 2018):
    /// below it, M is positive definite, so that B models no negative curvature that no pair has shown. Otherwise as
    /// [`Newest`](Self::Newest).
    BelowEigenvalue,
    /// yᵀy/sᵀy of the newest pair of positive curvature; 1 where there is none. With 5 pairs it solved all of the 50
    /// classic functions at their default sizes; the other two left two unsolved within 2,000 iterations, and took 1.3
    /// and 1.15 times as many in the geometric mean.
    #[default]
    Newest,
    /// Always this.
    Fixed(f64),
}

/// How far below the smallest eigenvalue.
const BELOW: f64 = 0.9;
/// Directions of S that are shorter than this, relative to the longest of unit columns, are noise.
const RANK: f64 = 1e-8;

impl GammaRule {
    pub(super) fn choose(self, pairs: &Pairs, work: &mut Workspace) -> f64 {
        match self {
            Self::Fixed(gamma) => gamma,
            Self::Newest => newest(pairs),
            Self::BelowEigenvalue => below_eigenvalue(pairs, work).unwrap_or_else(|| newest(pairs)),
        }
    }
}

fn newest(pairs: &Pairs) -> f64 {
    let quotient = |i| pairs.yy(i, i) / pairs.sy(i, i);
    (0..pairs.len()).rev().map(quotient).find(|q| q.is_finite() && *q > 0.0).unwrap_or(1.0)
}

/// A generalised symmetric eigenproblem, by whitening with the eigenvectors of SᵀS.
fn below_eigenvalue(pairs: &Pairs, work: &mut Workspace) -> Option<f64> {
    let m = pairs.len();
    let scale = |i: usize| 1.0 / pairs.ss(i, i).sqrt();
    work.fill(m, |i, j| scale(i) * scale(j) * pairs.ss(i, j));
    if m == 0 || !work.eigen.decompose(m, &work.a) {
        return None;
    }
    let largest = work.eigen.values()[m - 1];
    work.w.clear();
    for i in (0..m).filter(|&i| work.eigen.values()[i] > RANK * largest) {
        let shrink = 1.0 / work.eigen.values()[i].sqrt();
        work.w.extend(work.eigen.vector(i).iter().enumerate().map(|(r, v)| v * shrink * scale(r)));
    }
    let k = work.w.len() / m;
    // The newer pair's s with the older one's y: the lower triangle of SᵀY, mirrored.
    let product = |i: usize, j: usize| pairs.sy(i.max(j), i.min(j));
    let w = std::mem::take(&mut work.w);
    work.fill(k, |a, b| {
        let (a, b) = (&w[a * m..(a + 1) * m], &w[b * m..(b + 1) * m]);
        (0..m).map(|i| a[i] * (0..m).map(|j| product(i, j) * b[j]).sum::<f64>()).sum()
    });
    work.w = w;
    let decomposed = work.eigen.decompose(k, &work.a);
    let smallest = decomposed.then(|| work.eigen.values()[0])?;
    (smallest > 0.0).then_some(BELOW * smallest)
}
