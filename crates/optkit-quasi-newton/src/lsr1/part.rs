//! The matrix of a part: stored columns.

use optkit_core::{Archive, Column, LoadError, Restriction};

/// RΨ of the whole, then what a part's own pairs appended.
#[derive(Debug, Default)]
pub(super) struct Part {
    is_open: bool,
    dim: usize,
    count: usize,
    most: usize,
    columns: Vec<f64>,
    /// M before a column was appended.
    before: Vec<f64>,
}

impl Part {
    pub(super) fn is_open(&self) -> bool {
        self.is_open
    }

    pub(super) fn is_full(&self) -> bool {
        self.is_open && self.count == self.most
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn column(&self, j: usize) -> &[f64] {
        &self.columns[j * self.dim..(j + 1) * self.dim]
    }

    /// The most columns that it has room for.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    pub(super) fn close(&mut self) {
        self.is_open = false;
        self.count = 0;
    }

    /// RΨ, with room for `own` columns more.
    pub(super) fn open(&mut self, from: Restriction<'_>, own: usize) {
        let rank = from.whole.rank();
        self.reserve(from.part.len(), rank, own);
        for j in 0..rank {
            let column = &mut self.columns[j * self.dim..(j + 1) * self.dim];
            let mut at = 0;
            for rows in from.part.ranges() {
                let out = &mut column[at..at + rows.len()];
                match from.whole.column(j) {
                    Column::Vector(v) => out.copy_from_slice(&v[rows.clone()]),
                    Column::Pair { s, y } => {
                        let gamma = from.whole.gamma();
                        for ((out, s), y) in out.iter_mut().zip(&s[rows.clone()]).zip(&y[rows.clone()]) {
                            *out = y - gamma * s;
                        }
                    }
                }
                at += rows.len();
            }
        }
    }

    fn reserve(&mut self, dim: usize, count: usize, own: usize) {
        (self.is_open, self.dim, self.count, self.most) = (true, dim, count, count + own);
        if self.columns.len() < self.most * dim {
            self.columns = vec![0.0; self.most * dim];
        }
        self.before.clear();
        self.before.reserve(self.most * self.most);
    }

    /// Ψ ← [Ψ r], M ← [M 0; 0 1/rᵀs].
    pub(super) fn append(&mut self, r: &[f64], curvature: f64, middle: &mut Vec<f64>) {
        let k = self.count;
        self.columns[k * self.dim..(k + 1) * self.dim].copy_from_slice(r);
        self.count += 1;
        self.before.clear();
        self.before.extend_from_slice(middle);
        middle.clear();
        for j in 0..k {
            middle.extend_from_slice(&self.before[j * k..(j + 1) * k]);
            middle.push(0.0);
        }
        middle.extend(std::iter::repeat_n(0.0, k));
        middle.push(1.0 / curvature);
    }

    pub(super) fn save(&self, gamma: f64, middle: &[f64], archive: &mut Archive) {
        archive.put_integer("part_columns", if self.is_open { self.count as u64 } else { u64::MAX });
        if self.is_open {
            archive.put_integer("part_most", self.most as u64);
            archive.put("part_psi", self.columns[..self.count * self.dim].to_vec());
            archive.put("part_gamma", vec![gamma]);
            archive.put("part_middle", middle.to_vec());
        }
    }

    /// γ and M of a part, where one was saved.
    pub(super) fn load(
        &mut self,
        dim: usize,
        middle: &mut Vec<f64>,
        archive: &Archive,
    ) -> Result<Option<f64>, LoadError> {
        let count = archive.integer("part_columns")?;
        if count == u64::MAX {
            self.close();
            return Ok(None);
        }
        let gamma = archive.number("part_gamma")?;
        let (psi, saved) = (archive.array("part_psi")?, archive.array("part_middle")?);
        let (count, most) = (count as usize, archive.integer("part_most")? as usize);
        for (name, array, expected) in [
            ("part_psi", psi, count.saturating_mul(dim)),
            ("part_middle", saved, count.saturating_mul(count)),
        ] {
            if array.len() != expected {
                return Err(LoadError::Length { name: name.to_owned(), got: array.len(), expected });
            }
        }
        self.reserve(dim, count, most.saturating_sub(count).min(super::Lsr1::MOST_MEMORY));
        self.columns[..psi.len()].copy_from_slice(psi);
        middle.clear();
        middle.extend_from_slice(saved);
        Ok(Some(gamma))
    }
}
