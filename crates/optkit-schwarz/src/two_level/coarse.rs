//! The coarse model: few directions, a quadratic model over their span, and the metric of the whole space.
//!
//! ```text
//! min βᵀc + ½cᵀMc   over c with ‖Σ cₐdₐ‖ ≤ Δ,      or with ½μ‖Σ cₐdₐ‖² added
//! ```
//!
//! Directions may be nearly dependent: the Gram matrix N of the metric is diagonalised first, what of it is lost in
//! rounding is dropped, and in the coordinates that remain the metric is the 2-norm. There M is diagonalised too, and
//! both problems are c(ν) = −(M + νN)⁺β with ν = μ, or with the ν at which the length is Δ (Moré & Sorensen 1983). Where
//! M is a Hessian and not positive semidefinite, the damped one takes its eigenvalues' magnitudes, which gives a descent
//! direction with any μ.

use optkit_quasi_newton::small::SymmetricEigen;

/// A quadratic model over a few directions.
#[derive(Debug, Default)]
pub(crate) struct Coarse {
    count: usize,
    /// M, β and N.
    pub(crate) matrix: Vec<f64>,
    pub(crate) slopes: Vec<f64>,
    pub(crate) gram: Vec<f64>,
    /// Columns that span what is independent, orthonormal in the metric and M-orthogonal, by rows \[direction, column\].
    basis: Vec<f64>,
    rank: usize,
    /// M and β in that basis.
    curvatures: Vec<f64>,
    components: Vec<f64>,
    work: Vec<f64>,
    eigen: SymmetricEigen,
    /// The solution.
    pub(crate) coefficients: Vec<f64>,
}

impl Coarse {
    /// Room for `count` directions.
    pub(crate) fn resize(&mut self, count: usize) {
        self.count = count;
        for (array, len) in [
            (&mut self.matrix, count * count),
            (&mut self.gram, count * count),
            (&mut self.basis, count * count),
            (&mut self.work, count * count),
            (&mut self.slopes, count),
            (&mut self.coefficients, count),
            (&mut self.curvatures, count),
            (&mut self.components, count),
        ] {
            array.clear();
            array.resize(len, 0.0);
        }
        self.eigen.reserve(count);
    }

    /// Diagonalise; directions that depend on others to within `tolerance` (relative, of squares) are dropped. False
    /// where the numbers are not finite.
    pub(crate) fn diagonalise(&mut self, tolerance: f64) -> bool {
        let k = self.count;
        let scale = |n: f64| if n > 0.0 { n.sqrt().recip() } else { 0.0 };
        for a in 0..k {
            for b in 0..k {
                let s = scale(self.gram[a * k + a]) * scale(self.gram[b * k + b]);
                self.work[a * k + b] = self.gram[a * k + b] * s;
            }
        }
        if !self.eigen.decompose(k, &self.work) {
            return false;
        }
        let largest = self.eigen.values().last().copied().unwrap_or(0.0);
        self.rank = 0;
        for j in 0..k {
            let value = self.eigen.values()[j];
            if value <= tolerance * largest {
                continue;
            }
            for a in 0..k {
                let entry = self.eigen.vector(j)[a] * scale(self.gram[a * k + a]) / value.sqrt();
                self.basis[a * k + self.rank] = entry;
            }
            self.rank += 1;
        }
        self.rotate()
    }

    /// Turn the basis so that M is diagonal.
    fn rotate(&mut self) -> bool {
        let (k, r) = (self.count, self.rank);
        let Self { basis, matrix, work, .. } = self;
        for i in 0..r {
            for j in 0..=i {
                let mut sum = 0.0;
                for a in 0..k {
                    let row: f64 = (0..k).map(|b| matrix[a * k + b] * basis[b * k + j]).sum();
                    sum += basis[a * k + i] * row;
                }
                work[i * r + j] = sum;
                work[j * r + i] = sum;
            }
        }
        if !self.eigen.decompose(r, &self.work[..r * r]) {
            return false;
        }
        for a in 0..k {
            for j in 0..r {
                let vector = self.eigen.vector(j);
                self.work[j] = (0..r).map(|i| self.basis[a * k + i] * vector[i]).sum();
            }
            let (row, turned) = (&mut self.basis[a * k..a * k + r], &self.work[..r]);
            row.copy_from_slice(turned);
        }
        self.curvatures[..r].copy_from_slice(self.eigen.values());
        for j in 0..r {
            self.components[j] = (0..k).map(|a| self.basis[a * k + j] * self.slopes[a]).sum();
        }
        true
    }

    /// c(μ), and its length.
    pub(crate) fn damped(&mut self, damping: f64) -> f64 {
        let r = self.rank;
        let (c, m) = (&self.components[..r], &self.curvatures[..r]);
        for (weight, (b, m)) in self.work[..r].iter_mut().zip(c.iter().zip(m)) {
            *weight = b / (m.abs() + damping);
        }
        let length = self.work[..r].iter().map(|w| w * w).sum::<f64>().sqrt();
        self.combine(1.0);
        length
    }

    /// The minimiser inside ‖·‖ ≤ `radius`, and its length.
    pub(crate) fn in_ball(&mut self, radius: f64) -> f64 {
        let least = self.curvatures[..self.rank].iter().fold(f64::INFINITY, |a, &b| a.min(b));
        let scale = self.curvatures[..self.rank].iter().fold(0.0_f64, |a, &b| a.max(b.abs()));
        // A curvature lost in the rounding of M counts as none.
        let floor = (1e-12 * scale).max(f64::MIN_POSITIVE);
        let mut low = (floor - least).max(0.0);
        if self.length(low) <= radius {
            return self.at(low, 1.0);
        }
        let norm = self.components[..self.rank].iter().map(|b| b * b).sum::<f64>().sqrt();
        let mut high = low + norm / radius;
        for _ in 0..200 {
            let middle = 0.5 * (low + high);
            if middle <= low || middle >= high {
                break;
            }
            if self.length(middle) > radius { low = middle } else { high = middle }
        }
        let length = self.length(high);
        self.at(high, (radius / length).min(1.0))
    }

    fn length(&self, shift: f64) -> f64 {
        let both = self.components[..self.rank].iter().zip(&self.curvatures);
        both.map(|(b, m)| (b / (m + shift)).powi(2)).sum::<f64>().sqrt()
    }

    fn at(&mut self, shift: f64, times: f64) -> f64 {
        for j in 0..self.rank {
            self.work[j] = self.components[j] / (self.curvatures[j] + shift);
        }
        self.combine(times);
        times * self.length(shift)
    }

    /// c ← −`times` · basis · what is in `work`.
    fn combine(&mut self, times: f64) {
        let (k, r) = (self.count, self.rank);
        for (c, basis) in self.coefficients.iter_mut().zip(self.basis.chunks_exact(k)) {
            let sum: f64 = basis[..r].iter().zip(&self.work).map(|(basis, weight)| basis * weight).sum();
            *c = -times * sum;
        }
    }

    /// c ← c/2, and its length.
    pub(crate) fn halve(&mut self) -> f64 {
        self.coefficients.iter_mut().for_each(|c| *c *= 0.5);
        self.length_of()
    }

    /// ‖Σ cₐdₐ‖.
    pub(crate) fn length_of(&self) -> f64 {
        let (k, c) = (self.count, &self.coefficients);
        let row = |a: usize| (0..k).map(|b| self.gram[a * k + b] * c[b]).sum::<f64>();
        (0..k).map(|a| c[a] * row(a)).sum::<f64>().max(0.0).sqrt()
    }

    /// −(βᵀc + ½cᵀMc), and βᵀc.
    pub(crate) fn reduction(&self) -> [f64; 2] {
        let (k, c) = (self.count, &self.coefficients);
        let slope: f64 = self.slopes.iter().zip(c).map(|(b, c)| b * c).sum();
        let row = |a: usize| (0..k).map(|b| self.matrix[a * k + b] * c[b]).sum::<f64>();
        let curved: f64 = (0..k).map(|a| c[a] * row(a)).sum();
        [-(slope + 0.5 * curved), slope]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(count: usize, matrix: &[f64], slopes: &[f64], gram: &[f64]) -> Coarse {
        let mut coarse = Coarse::default();
        coarse.resize(count);
        coarse.matrix.copy_from_slice(matrix);
        coarse.slopes.copy_from_slice(slopes);
        coarse.gram.copy_from_slice(gram);
        assert!(coarse.diagonalise(1e-10));
        coarse
    }

    /// (M + μN)c = −β, by hand: [[3, 1], [1, 4]] c = (−1, −2).
    #[test]
    fn a_damped_solution_solves_its_equations() {
        let mut coarse = model(2, &[2.0, 0.0, 0.0, 1.0], &[1.0, 2.0], &[1.0, 1.0, 1.0, 3.0]);
        let length = coarse.damped(1.0);
        let [c0, c1] = [coarse.coefficients[0], coarse.coefficients[1]];
        assert!((3.0 * c0 + c1 + 1.0).abs() < 1e-12 && (c0 + 4.0 * c1 + 2.0).abs() < 1e-12);
        let squared = c0 * c0 + 2.0 * c0 * c1 + 3.0 * c1 * c1;
        assert!((length * length - squared).abs() < 1e-12);
    }

    /// The model falls by no less anywhere else in the ball, looked at on a grid of the circle and inside it.
    #[test]
    fn nothing_in_the_ball_is_below_the_minimiser() {
        for (matrix, radius) in
            [([2.0, 0.5, 0.5, 1.0], 0.3), ([2.0, 0.5, 0.5, 1.0], 9.0), ([-1.0, 0.5, 0.5, 1.0], 2.0)]
        {
            let mut coarse = model(2, &matrix, &[1.0, -0.3], &[1.0, 0.0, 0.0, 1.0]);
            let length = coarse.in_ball(radius);
            assert!(length <= radius * (1.0 + 1e-12));
            let [found, _] = coarse.reduction();
            for i in 0..360 {
                for share in [0.1, 0.3, 0.5, 0.7, 0.9, 1.0] {
                    let angle = f64::from(i).to_radians();
                    coarse.coefficients = vec![share * radius * angle.cos(), share * radius * angle.sin()];
                    assert!(coarse.reduction()[0] <= found + 1e-9, "{matrix:?} {radius} {i}");
                }
            }
        }
    }

    #[test]
    fn a_direction_twice_is_a_direction_once() {
        let mut twice = model(2, &[2.0, 2.0, 2.0, 2.0], &[1.0, 1.0], &[4.0, 4.0, 4.0, 4.0]);
        let mut once = model(1, &[2.0], &[1.0], &[4.0]);
        assert!((twice.damped(0.5) - once.damped(0.5)).abs() < 1e-14);
        assert!((twice.coefficients.iter().sum::<f64>() - once.coefficients[0]).abs() < 1e-14);
    }
}
