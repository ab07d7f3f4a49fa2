//! The inverse Hessian of limited-memory BFGS applied by the two-loop recursion (Nocedal 1980; Nocedal & Wright 2006,
//! Alg. 7.4).

use optkit_core::vector::{axpy, dot};
use optkit_core::{Archive, LoadError, Shape, Storage};

/// The last pairs s, y with 1/sᵀy, and the scale H₀ = γI.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pairs {
    memory: usize,
    n: usize,
    /// Slots of n entries each; the oldest pair is in slot `oldest`.
    s: Vec<f64>,
    y: Vec<f64>,
    rho: Vec<f64>,
    alpha: Vec<f64>,
    oldest: usize,
    len: usize,
    scale: f64,
}

impl Pairs {
    pub(crate) fn new(memory: usize) -> Self {
        Self { memory, scale: 1.0, ..Self::default() }
    }

    /// Forgets everything; vectors have n entries from now on.
    pub(crate) fn clear(&mut self, n: usize) {
        self.n = n;
        for vectors in [&mut self.s, &mut self.y] {
            vectors.resize(self.memory * n, 0.0);
        }
        for numbers in [&mut self.rho, &mut self.alpha] {
            numbers.resize(self.memory, 0.0);
        }
        (self.oldest, self.len, self.scale) = (0, 0, 1.0);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The slot of pair i, counted from the oldest.
    fn slot(&self, i: usize) -> usize {
        (self.oldest + i) % self.memory
    }

    /// Takes in a pair with sᵀy > 0; γ = sᵀy/yᵀy from now on.
    pub(crate) fn push(&mut self, s: &[f64], y: &[f64], sy: f64) {
        if self.len == self.memory {
            self.oldest = self.slot(1);
        } else {
            self.len += 1;
        }
        let slot = self.slot(self.len - 1);
        let at = slot * self.n..(slot + 1) * self.n;
        self.s[at.clone()].copy_from_slice(s);
        self.y[at].copy_from_slice(y);
        self.rho[slot] = 1.0 / sy;
        self.scale = sy / dot(y, y);
    }

    /// `d` ← −Hg.
    pub(crate) fn direction(&mut self, g: &[f64], d: &mut [f64]) {
        let n = self.n;
        for (d, g) in d.iter_mut().zip(g) {
            *d = -g;
        }
        for slot in (0..self.len).rev().map(|i| (self.oldest + i) % self.memory) {
            let (s, y) = (&self.s[slot * n..][..n], &self.y[slot * n..][..n]);
            let alpha = self.rho[slot] * dot(s, d);
            self.alpha[slot] = alpha;
            axpy(-alpha, y, d);
        }
        d.iter_mut().for_each(|d| *d *= self.scale);
        for slot in (0..self.len).map(|i| (self.oldest + i) % self.memory) {
            let (s, y) = (&self.s[slot * n..][..n], &self.y[slot * n..][..n]);
            let beta = self.rho[slot] * dot(y, d);
            axpy(self.alpha[slot] - beta, s, d);
        }
    }

    /// The pairs from the oldest to the newest, wherever they lie.
    pub(crate) fn storage(&self, of: Shape) -> Storage {
        let all = 2 * self.memory * of.dim;
        Storage { held: all, saved: all }
    }

    pub(crate) fn save(&self, archive: &mut Archive) {
        let slots = || (0..self.len).map(|i| self.slot(i));
        let all = |vectors: &[f64]| {
            let each = slots().map(|k| &vectors[k * self.n..][..self.n]);
            each.collect::<Vec<_>>().concat() // as long as it has to be
        };
        archive.put("s", all(&self.s));
        archive.put("y", all(&self.y));
        archive.put("rho", slots().map(|k| self.rho[k]).collect());
        archive.put("scale", vec![self.scale]);
    }

    /// The inverse of [`save`](Self::save), after [`clear`](Self::clear) to the same n.
    pub(crate) fn load(&mut self, archive: &Archive) -> Result<(), LoadError> {
        let rho = archive.array("rho")?;
        if rho.len() > self.memory {
            return Err(LoadError::Length { name: "rho".to_owned(), got: rho.len(), expected: self.memory });
        }
        (self.oldest, self.len) = (0, rho.len());
        archive.array_into("s", &mut self.s[..self.len * self.n])?;
        archive.array_into("y", &mut self.y[..self.len * self.n])?;
        archive.array_into("rho", &mut self.rho[..self.len])?;
        self.scale = archive.number("scale")?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// BFGS updates of the dense inverse (Nocedal & Wright 2006, eq. 6.17), from γI.
    fn dense(n: usize, scale: f64, pairs: &[(Vec<f64>, Vec<f64>)]) -> Vec<f64> {
        let mut h: Vec<f64> = (0..n * n).map(|k| if k % (n + 1) == 0 { scale } else { 0.0 }).collect();
        for (s, y) in pairs {
            let rho = 1.0 / dot(s, y);
            let hy: Vec<f64> = (0..n).map(|i| dot(&h[i * n..][..n], y)).collect();
            let yhy = dot(y, &hy);
            for i in 0..n {
                for j in 0..n {
                    h[i * n + j] +=
                        -rho * (s[i] * hy[j] + hy[i] * s[j]) + (rho * rho * yhy + rho) * s[i] * s[j];
                }
            }
        }
        h
    }

    #[test]
    fn the_recursion_is_the_product_with_the_dense_inverse() {
        const N: usize = 5;
        let mut state = 7_u64;
        let mut draw = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as f64 / 2_f64.powi(31) - 0.5
        };
        let mut pairs = Pairs::new(3);
        pairs.clear(N);
        let mut kept: Vec<(Vec<f64>, Vec<f64>)> = Vec::new();
        for _ in 0..7 {
            let s: Vec<f64> = (0..N).map(|_| draw()).collect();
            let y: Vec<f64> =
                s.iter().enumerate().map(|(i, s)| (1.0 + i as f64) * s + 0.05 * draw()).collect();
            let sy = dot(&s, &y);
            if sy <= 0.0 {
                continue;
            }
            pairs.push(&s, &y, sy);
            kept.push((s, y));
            kept.drain(..kept.len().saturating_sub(3));
            let (newest_s, newest_y) = kept.last().expect("pushed a moment ago");
            let h = dense(N, dot(newest_s, newest_y) / dot(newest_y, newest_y), &kept);
            let g: Vec<f64> = (0..N).map(|_| draw()).collect();
            let mut d = vec![0.0; N];
            pairs.direction(&g, &mut d);
            for i in 0..N {
                assert!((d[i] + dot(&h[i * N..][..N], &g)).abs() < 1e-12);
            }
        }
        assert_eq!(kept.len(), 3, "the memory was used up");
    }
}
