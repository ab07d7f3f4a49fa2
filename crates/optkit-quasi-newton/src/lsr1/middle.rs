//! M from the Gram matrices, and the filter of the pairs that it may be made of.

use crate::Pairs;
use crate::small::SymmetricEigen;

/// Space for m×m work.
#[derive(Debug)]
pub(super) struct Workspace {
    pub(super) eigen: SymmetricEigen,
    pub(super) a: Vec<f64>,
    pub(super) w: Vec<f64>,
    scale: Vec<f64>,
}

impl Workspace {
    pub(super) fn new(memory: usize) -> Self {
        let mut eigen = SymmetricEigen::default();
        eigen.reserve(memory);
        let square = || Vec::with_capacity(memory * memory);
        Self { eigen, a: square(), w: square(), scale: Vec::with_capacity(memory) }
    }

    /// `a` ← the symmetric k×k matrix of these entries.
    pub(super) fn fill(&mut self, k: usize, entry: impl Fn(usize, usize) -> f64) {
        self.a.clear();
        self.a.resize(k * k, 0.0);
        for j in 0..k {
            for i in 0..=j {
                let value = entry(i, j);
                (self.a[j * k + i], self.a[i * k + j]) = (value, value);
            }
        }
    }

    /// M = D VΛ⁻¹Vᵀ D of what [`filter`] left.
    pub(super) fn inverse(&self, middle: &mut Vec<f64>) {
        let k = self.scale.len();
        middle.clear();
        middle.resize(k * k, 0.0);
        for (e, &value) in self.eigen.values().iter().enumerate() {
            let v = self.eigen.vector(e);
            for j in 0..k {
                let right = v[j] * self.scale[j] / value;
                for i in 0..k {
                    middle[j * k + i] += self.scale[i] * v[i] * right;
                }
            }
        }
        // Rounding must not make it unsymmetric: B would be.
        for j in 0..k {
            for i in 0..j {
                middle[i * k + j] = middle[j * k + i];
            }
        }
    }
}

/// ‖yᵢ − γsᵢ‖² where it is more than rounding of its terms.
fn psi_squared(pairs: &Pairs, gamma: f64, i: usize) -> Option<f64> {
    let (ss, sy, yy) = (pairs.ss(i, i), pairs.sy(i, i), pairs.yy(i, i));
    let squared = yy - 2.0 * gamma * sy + gamma * gamma * ss;
    let terms = yy + gamma * gamma * ss;
    (squared > 32.0 * f64::EPSILON * terms).then_some(squared)
}

/// Takes pairs out of `active` until M⁻¹, scaled by `work.scale`, has no eigenvalue below `tolerance`; leaves its
/// decomposition in `work`.
pub(super) fn filter(
    pairs: &Pairs,
    gamma: f64,
    tolerance: f64,
    active: &mut Vec<usize>,
    work: &mut Workspace,
) {
    // A pair that γI has already adds nothing.
    active.retain(|&i| psi_squared(pairs, gamma, i).is_some());
    loop {
        work.scale.clear();
        for &i in &*active {
            let squared = psi_squared(pairs, gamma, i).expect("those without were taken out");
            // Roots one by one: the product of squares overflows where steps are 10⁷⁷ long.
            work.scale.push(1.0 / (squared.sqrt() * pairs.ss(i, i).sqrt()).sqrt());
        }
        let scale = std::mem::take(&mut work.scale);
        work.fill(active.len(), |a, b| {
            let (old, new) = (active[a].min(active[b]), active[a].max(active[b]));
            scale[a] * scale[b] * (pairs.sy(new, old) - gamma * pairs.ss(new, old))
        });
        work.scale = scale;
        let decomposed = work.eigen.decompose(active.len(), &work.a);
        match spoiler(decomposed, tolerance, work) {
            Some(at) => active.remove(at),
            None => return,
        };
    }
}

/// The pair that makes M⁻¹ nearly singular, if one does: the oldest of those that make up most of the eigenvector.
fn spoiler(decomposed: bool, tolerance: f64, work: &Workspace) -> Option<usize> {
    if !decomposed {
        return Some(0); // not finite: the oldest goes, until what is left can be decomposed
    }
    let values = work.eigen.values();
    let least = (0..values.len()).min_by(|&a, &b| values[a].abs().total_cmp(&values[b].abs()))?;
    if values[least].abs() >= tolerance {
        return None;
    }
    let vector = work.eigen.vector(least);
    let largest = optkit_core::vector::norm_inf(vector);
    vector.iter().position(|v| v.abs() >= 0.5 * largest)
}

/// `gram` ← ΨᵀΨ of the active pairs. True where y and γs cancel so little that it is accurate.
pub(super) fn gram(pairs: &Pairs, gamma: f64, active: &[usize], gram: &mut Vec<f64>) -> bool {
    const CANCELLATION: f64 = 16.0; // in squares: an error of 16ε where the columns' own sums have ε
    gram.clear();
    for &j in active {
        for &i in active {
            let (i, j) = (i.min(j), i.max(j)); // equal bits on both sides of the diagonal
            let cross = pairs.sy(i, j) + pairs.sy(j, i);
            gram.push(pairs.yy(i, j) - gamma * cross + gamma * gamma * pairs.ss(i, j));
        }
    }
    active.iter().all(|&i| {
        let longest = pairs.yy(i, i).sqrt() + gamma.abs() * pairs.ss(i, i).sqrt();
        psi_squared(pairs, gamma, i).is_some_and(|squared| longest * longest <= CANCELLATION * squared)
    })
}
