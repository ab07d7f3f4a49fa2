//! The last m secant pairs (s, y) and their Gram matrices SᵀS, SᵀY, YᵀY.

use optkit_core::{Archive, LoadError};

use crate::kernels::{dot, pair_products};
use crate::passes::{Passes, blocks, copy};

/// A ring of pairs, counted by age: 0 is the oldest. The Gram matrices follow every change.
///
/// ```
/// use optkit_quasi_newton::Pairs;
/// let mut pairs = Pairs::new(2);
/// pairs.clear(2);
/// for (s, y) in [([1.0, 0.0], [3.0, 0.0]), ([0.0, 1.0], [1.0, 2.0]), ([1.0, 1.0], [4.0, 2.0])] {
///     pairs.measure(&s, &y, 0.0);
///     pairs.push(&s, &y);
/// }
/// assert_eq!((pairs.len(), pairs.s(0), pairs.y(1)), (2, &[0.0, 1.0][..], &[4.0, 2.0][..]));
/// assert_eq!((pairs.ss(0, 1), pairs.sy(1, 0), pairs.yy(1, 1)), (1.0, 3.0, 20.0));
/// ```
#[derive(Clone, Debug)]
pub struct Pairs {
    memory: usize,
    dim: usize,
    /// Slots from the oldest pair to the newest.
    order: Vec<usize>,
    s: Vec<f64>,
    y: Vec<f64>,
    ss: Vec<f64>,
    sy: Vec<f64>,
    yy: Vec<f64>,
    /// By age: what [`cross`](Self::cross) gives of the pair last measured; then its own sᵀs, sᵀy, yᵀy.
    measured: Vec<f64>,
    passes: Passes,
}

/// Sums an old pair has with a new one.
const CROSS: usize = 5;
/// Rows of a block of which four vectors stay in the first-level cache while all sums are taken of them.
const FOUR_IN_CACHE: usize = 768;

impl Pairs {
    /// Room for `memory` pairs; [`clear`](Self::clear) sets their length.
    #[must_use]
    pub fn new(memory: usize) -> Self {
        Self {
            memory,
            dim: 0,
            order: Vec::with_capacity(memory),
            s: Vec::new(),
            y: Vec::new(),
            ss: vec![0.0; memory * memory],
            sy: vec![0.0; memory * memory],
            yy: vec![0.0; memory * memory],
            measured: Vec::with_capacity(CROSS * memory + 3),
            passes: Passes::default(),
        }
    }

    /// Forget all pairs; those to come have n entries.
    pub fn clear(&mut self, n: usize) {
        self.order.clear();
        self.measured.clear();
        self.dim = n;
        for columns in [&mut self.s, &mut self.y] {
            if columns.len() < self.memory * n {
                *columns = vec![0.0; self.memory * n]; // fresh: what no pair has written yet takes no memory
            }
        }
    }

    /// n.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The most pairs.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.memory
    }

    /// The number of pairs.
    #[must_use]
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// True where there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// sᵢ.
    #[must_use]
    pub fn s(&self, i: usize) -> &[f64] {
        &self.s[self.order[i] * self.dim..][..self.dim]
    }

    /// yᵢ.
    #[must_use]
    pub fn y(&self, i: usize) -> &[f64] {
        &self.y[self.order[i] * self.dim..][..self.dim]
    }

    /// sᵢᵀsⱼ.
    #[must_use]
    pub fn ss(&self, i: usize, j: usize) -> f64 {
        self.ss[self.at(i, j)]
    }

    /// sᵢᵀyⱼ.
    #[must_use]
    pub fn sy(&self, i: usize, j: usize) -> f64 {
        self.sy[self.at(i, j)]
    }

    /// yᵢᵀyⱼ.
    #[must_use]
    pub fn yy(&self, i: usize, j: usize) -> f64 {
        self.yy[self.at(i, j)]
    }

    fn at(&self, i: usize, j: usize) -> usize {
        self.order[j] * self.memory + self.order[i]
    }

    /// The sums of a new pair with itself and with every pair of the ring, in one pass: returns sᵀs, sᵀy, yᵀy, and
    /// keeps what [`cross`](Self::cross) gives. All three are finite only where every entry is.
    ///
    /// Panics where the lengths are not n.
    pub fn measure(&mut self, s: &[f64], y: &[f64], gamma: f64) -> [f64; 3] {
        assert!(s.len() == self.dim && y.len() == self.dim, "measure: a pair of another length");
        let mut sums = std::mem::take(&mut self.measured);
        let mut passes = std::mem::take(&mut self.passes);
        let own = CROSS * self.len();
        sums.resize(own + 3, 0.0);
        passes.sum(self.dim, &mut sums, |rows, sums| {
            for rows in blocks(rows, FOUR_IN_CACHE) {
                let (s, y) = (&s[rows.clone()], &y[rows.clone()]);
                for (i, sums) in sums[..own].chunks_exact_mut(CROSS).enumerate() {
                    let (si, yi) = (&self.s(i)[rows.clone()], &self.y(i)[rows.clone()]);
                    let products = pair_products((si, yi), (s, y), gamma);
                    sums.iter_mut().zip(products).for_each(|(sum, product)| *sum += product);
                }
                sums[own] += dot(s, s);
                sums[own + 1] += dot(s, y);
                sums[own + 2] += dot(y, y);
            }
        });
        let result = [sums[own], sums[own + 1], sums[own + 2]];
        (self.measured, self.passes) = (sums, passes);
        result
    }

    /// sᵢᵀs, sᵢᵀy, yᵢᵀs, yᵢᵀy and (yᵢ − γsᵢ)ᵀs of pair i with the pair last measured.
    #[must_use]
    pub fn cross(&self, i: usize) -> [f64; CROSS] {
        let sums = &self.measured[i * CROSS..];
        [sums[0], sums[1], sums[2], sums[3], sums[4]]
    }

    /// Keep the pair last [`measure`](Self::measure)d, in place of the oldest where the ring is full.
    pub fn push(&mut self, s: &[f64], y: &[f64]) {
        let old = self.len();
        assert_eq!(self.measured.len(), CROSS * old + 3, "push: the pair was not measured");
        if self.memory == 0 {
            return;
        }
        let dropped = usize::from(old == self.memory);
        let slot = if dropped == 1 { self.order.remove(0) } else { old };
        self.order.push(slot);
        copy(s, &mut self.s[slot * self.dim..][..self.dim]);
        copy(y, &mut self.y[slot * self.dim..][..self.dim]);
        let new = self.len() - 1;
        for i in 0..new {
            let [ss, sy, ys, yy, _] = self.cross(i + dropped);
            let (there, back) = (self.at(i, new), self.at(new, i));
            (self.ss[there], self.ss[back]) = (ss, ss);
            (self.yy[there], self.yy[back]) = (yy, yy);
            (self.sy[there], self.sy[back]) = (sy, ys);
        }
        let (own, at) = (CROSS * old, self.at(new, new));
        (self.ss[at], self.sy[at], self.yy[at]) =
            (self.measured[own], self.measured[own + 1], self.measured[own + 2]);
        self.measured.clear();
    }

    /// Everything, to the bit.
    pub fn save(&self, archive: &mut Archive) {
        let m = self.memory;
        archive.put("order", self.order.iter().map(|&slot| slot as f64).collect());
        // As long as they have to be: these are most of what a checkpoint holds.
        archive.put("s", (0..self.len()).map(|i| self.s(i)).collect::<Vec<_>>().concat());
        archive.put("y", (0..self.len()).map(|i| self.y(i)).collect::<Vec<_>>().concat());
        for (name, gram) in [("ss", &self.ss), ("sy", &self.sy), ("yy", &self.yy)] {
            archive.put(name, gram[..m * m].to_vec());
        }
    }

    /// The inverse of [`save`](Self::save), into a ring of the same memory that was cleared to the same n.
    ///
    /// # Errors
    ///
    /// Where an entry is missing or has another length.
    pub fn load(&mut self, archive: &Archive) -> Result<(), LoadError> {
        let order = archive.array("order")?;
        // Slots are taken in turn: k pairs lie in the first k.
        let fits = order.len() <= self.memory && (0..order.len()).all(|slot| order.contains(&(slot as f64)));
        if !fits {
            let name = "order".to_owned();
            return Err(LoadError::Length { name, got: order.len(), expected: self.memory });
        }
        let length = order.len() * self.dim;
        let (s, y) = (archive.array("s")?, archive.array("y")?);
        for (name, array) in [("s", s), ("y", y)] {
            if array.len() != length {
                let name = name.to_owned();
                return Err(LoadError::Length { name, got: array.len(), expected: length });
            }
        }
        archive.array_into("ss", &mut self.ss)?;
        archive.array_into("sy", &mut self.sy)?;
        archive.array_into("yy", &mut self.yy)?;
        self.order.clear();
        self.order.extend(order.iter().map(|&slot| slot as usize));
        for (i, &slot) in self.order.iter().enumerate() {
            self.s[slot * self.dim..][..self.dim].copy_from_slice(&s[i * self.dim..][..self.dim]);
            self.y[slot * self.dim..][..self.dim].copy_from_slice(&y[i * self.dim..][..self.dim]);
        }
        self.measured.clear();
        Ok(())
    }
}
