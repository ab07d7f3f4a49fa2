//! Jacobians by rows, and K = 2JᵀJ of a part, kept and factored inside the profile of its lower triangle (George & Liu
//! 1981): dense for small parts, banded for parts of neighbours.

/// J by rows.
#[derive(Debug, Default)]
pub(super) struct Jacobian {
    pub(super) starts: Vec<usize>,
    pub(super) columns: Vec<usize>,
    pub(super) values: Vec<f64>,
    pub(super) is_known: bool,
}

/// A symmetric matrix by the profile of its lower triangle: row i from column `first[i]` on.
#[derive(Debug, Default)]
pub(super) struct Profile {
    first: Vec<usize>,
    starts: Vec<usize>,
    entries: Vec<f64>,
    factor: Vec<f64>,
}

impl Profile {
    /// Take over Σ over rows of `jacobian`, 2 jᵀj at the variables of part `part`.
    pub(super) fn assemble(
        &mut self,
        jacobian: &Jacobian,
        part: usize,
        len: usize,
        owner: &[(usize, usize)],
    ) {
        self.first.clear();
        self.first.extend(0..len);
        let own = |row: usize| {
            let range = jacobian.starts[row]..jacobian.starts[row + 1];
            let entries = jacobian.columns[range.clone()].iter().zip(&jacobian.values[range]);
            entries.filter(move |(c, _)| owner[**c].0 == part).map(move |(c, v)| (owner[*c].1, *v))
        };
        let rows = jacobian.starts.len() - 1;
        for row in 0..rows {
            let Some(least) = own(row).map(|(i, _)| i).min() else { continue };
            own(row).for_each(|(i, _)| self.first[i] = self.first[i].min(least));
        }
        self.starts.clear();
        let mut total = 0;
        for (i, &first) in self.first.iter().enumerate() {
            self.starts.push(total);
            total += i + 1 - first;
        }
        self.starts.push(total);
        self.entries.clear();
        self.entries.resize(total, 0.0);
        for row in 0..rows {
            for (i, v) in own(row) {
                for (j, w) in own(row).filter(|(j, _)| *j <= i) {
                    self.entries[self.starts[i] + j - self.first[i]] += 2.0 * v * w;
                }
            }
        }
    }

    /// K + μD = LLᵀ. False where that is not positive definite in this arithmetic.
    pub(super) fn factor(&mut self, damping: f64, metric: &[f64]) -> bool {
        self.factor.clone_from(&self.entries);
        let l = &mut self.factor;
        for i in 0..self.first.len() {
            let (start, first) = (self.starts[i], self.first[i]);
            for j in first..=i {
                let (of_j, from_j) = (self.starts[j], self.first[j]);
                let from = first.max(from_j);
                let both = l[start + from - first..start + j - first].iter().zip(&l[of_j + from - from_j..]);
                let sum: f64 = both.map(|(a, b)| a * b).sum();
                let entry = l[start + j - first] - sum;
                if j < i {
                    l[start + j - first] = entry / l[of_j + j - from_j];
                    continue;
                }
                let pivot = entry + damping * metric[i];
                if pivot.is_nan() || pivot <= 0.0 {
                    return false;
                }
                l[start + i - first] = pivot.sqrt();
            }
        }
        true
    }

    /// `b` ← −(LLᵀ)⁻¹ b.
    pub(super) fn solve(&self, b: &mut [f64]) {
        let n = self.first.len();
        for i in 0..n {
            let (start, first) = (self.starts[i], self.first[i]);
            let row = &self.factor[start..start + i - first];
            let sum: f64 = row.iter().zip(&b[first..i]).map(|(l, y)| l * y).sum();
            b[i] = (b[i] - sum) / self.factor[start + i - first];
        }
        for i in (0..n).rev() {
            let (start, first) = (self.starts[i], self.first[i]);
            b[i] /= self.factor[start + i - first];
            let value = b[i];
            let row = &self.factor[start..start + i - first];
            row.iter().zip(&mut b[first..i]).for_each(|(l, y)| *y -= l * value);
        }
        b.iter_mut().for_each(|b| *b = -*b);
    }
}
