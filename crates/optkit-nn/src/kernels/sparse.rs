//! Products with a sparse tile of bytes, kept by groups of columns: the first layer of a network on images.
//!
//! Each four neighbouring features are two *pairs*. For every pair, a tile holds the samples at which it is not all
//! zero, each as one `u32`: both bytes and the sample's row. Samples at which both pairs of a group are there come
//! first, then those with the first pair alone, then the second. The same order serves z ← z + X·W (four rows of
//! weights stay in registers while they are added to many samples) and G ← G + Xᵀ·D (four rows of G stay in registers).
//!
//! Groups, because a product by single columns is bound by loading and storing a row of z for every multiplication;
//! pairs within them, because multiplying with zeros costs as much as with other numbers. Neighbouring pixels are
//! mostly zero or not zero together: of handwritten digits, a pair that is kept holds 1.71 bytes that are not zero, and
//! 58 % of the groups hold both pairs.
#![allow(unsafe_code)]
#![allow(clippy::needless_range_loop)] // small arrays are walked in step

use super::LANES;
use super::vector::Vector;
use crate::Scalar;

/// Rows of a full tile: 128 rows of 32 numbers in `f32` are half of a first cache.
pub(crate) const TILE: usize = 128;

/// Features of a group.
pub(super) const GROUP: usize = 4;

/// A tile by groups of columns. Made by [`Tile::new`] and filled by [`Filling`](super::gather::Filling) alone, so every
/// entry's row is below `rows`.
#[derive(Clone, Debug)]
pub(crate) struct Tile {
    /// Samples in the tile.
    pub(super) rows: usize,
    /// Of each group.
    pub(super) counts: Vec<Counts>,
    /// row·65536 + second byte·256 + first byte, group by group: the pairs of samples with both, two by two; then the
    /// first pairs of samples without the second; then the second pairs of samples without the first.
    pub(super) entries: Vec<u32>,
}

/// Samples of a group with both pairs, with the first alone, with the second alone.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) both: u16,
    pub(super) first: u16,
    pub(super) second: u16,
}

impl Tile {
    /// From up to [`TILE`] samples of `features` bytes each, one behind the other.
    pub(crate) fn new(bytes: &[u8], features: usize) -> Self {
        let rows = bytes.len() / features;
        assert!(rows <= TILE && rows * features == bytes.len(), "a tile is whole samples, not too many");
        let mut counts = vec![Counts::default(); features.div_ceil(GROUP)];
        for sample in bytes.chunks_exact(features) {
            for (counts, group) in counts.iter_mut().zip(sample.chunks(GROUP)) {
                match pairs(group) {
                    (0, 0) => {}
                    (_, 0) => counts.first += 1,
                    (0, _) => counts.second += 1,
                    _ => counts.both += 1,
                }
            }
        }
        // Where the next entry of each list goes.
        let mut next = Vec::with_capacity(counts.len());
        let mut total = 0;
        for c in &counts {
            let (both, first, second) = (usize::from(c.both), usize::from(c.first), usize::from(c.second));
            next.push([total, total + 2 * both, total + 2 * both + first]);
            total += 2 * both + first + second;
        }
        let mut entries = vec![0_u32; total];
        for (row, sample) in bytes.chunks_exact(features).enumerate() {
            let row = (row as u32) << 16;
            for (next, group) in next.iter_mut().zip(sample.chunks(GROUP)) {
                let (list, entry) = match pairs(group) {
                    (0, 0) => continue,
                    (first, 0) => (1, first),
                    (0, second) => (2, second),
                    (first, second) => {
                        entries[next[0] + 1] = row | second;
                        (0, first)
                    }
                };
                entries[next[list]] = row | entry;
                next[list] += if list == 0 { 2 } else { 1 };
            }
        }
        Self { rows, counts, entries }
    }

    /// (feature, row, byte) of every byte of a pair that is kept.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, usize, u8)> + '_ {
        let features = self.counts.iter().enumerate().flat_map(|(group, counts)| {
            let both = (0..2 * usize::from(counts.both)).map(|i| 2 * (i % 2));
            let first = std::iter::repeat_n(0, usize::from(counts.first));
            let second = std::iter::repeat_n(2, usize::from(counts.second));
            both.chain(first).chain(second).map(move |pair| GROUP * group + pair)
        });
        features.zip(&self.entries).flat_map(|(feature, &entry)| {
            let row = (entry >> 16) as usize;
            [(feature, row, entry as u8), (feature + 1, row, (entry >> 8) as u8)]
        })
    }

    /// Each group with its lists: both pairs, first pair alone, second pair alone.
    #[inline(always)]
    fn groups(&self) -> impl Iterator<Item = (usize, [&[u32]; 3])> {
        let mut entries = self.entries.as_slice();
        self.counts.iter().enumerate().map(move |(group, counts)| {
            let (both, rest) = entries.split_at(2 * usize::from(counts.both));
            let (first, rest) = rest.split_at(usize::from(counts.first));
            let (second, rest) = rest.split_at(usize::from(counts.second));
            entries = rest;
            (group, [both, first, second])
        })
    }
}

/// The pairs of a group of up to four bytes, second byte·256 + first byte.
#[inline(always)]
fn pairs(group: &[u8]) -> (u32, u32) {
    let byte = |i: usize| group.get(i).map_or(0, |&byte| u32::from(byte));
    (byte(1) << 8 | byte(0), byte(3) << 8 | byte(2))
}

/// Rows of weights, and of their gradient, that a sparse product with `features` features works on.
pub(crate) const fn grouped(features: usize) -> usize {
    features.next_multiple_of(GROUP)
}

/// The two bytes of an entry as numbers, and its row.
#[inline(always)]
fn unpack<V: Vector>(entry: u32, values: &[V::Scalar; 256]) -> ([V; 2], usize) {
    let first = V::splat(values[(entry & 255) as usize]);
    let second = V::splat(values[(entry >> 8 & 255) as usize]);
    ([first, second], (entry >> 16) as usize)
}

/// z ← z + X·W: z of shape \[rows, columns\], W \[grouped features, columns\].
pub(crate) struct SparseForward<'a, S> {
    pub(crate) tile: &'a Tile,
    /// Number that each byte stands for.
    pub(crate) values: &'a [S; 256],
    pub(crate) weights: &'a [S],
    pub(crate) columns: usize,
    pub(crate) z: &'a mut [S],
}

/// G ← G + Xᵀ·D: G of shape \[grouped features, columns\], D \[rows, columns\].
pub(crate) struct SparseGradient<'a, S> {
    pub(crate) tile: &'a Tile,
    pub(crate) values: &'a [S; 256],
    pub(crate) d: &'a [S],
    pub(crate) columns: usize,
    pub(crate) gradient: &'a mut [S],
}

/// # Safety
/// The instructions of `V` exist.
#[inline(always)]
pub(super) unsafe fn forward<V: Vector, const COLUMNS: usize>(f: SparseForward<'_, V::Scalar>) {
    let SparseForward { tile, values, weights, columns, z } = f;
    assert!(columns.is_multiple_of(LANES), "sparse forward: columns are not padded");
    assert!(weights.len() >= GROUP * tile.counts.len() * columns, "sparse forward: too few weights");
    assert!(z.len() >= tile.rows * columns, "sparse forward: z is too short");
    let mut column = 0;
    while column < columns {
        // SAFETY: the assertions above; rows are below the tile's by its invariant.
        unsafe {
            let (w, z) = (weights.as_ptr().add(column), z.as_mut_ptr().add(column));
            if column + COLUMNS * LANES <= columns {
                forward_strip::<V, COLUMNS>(tile, values, w, z, columns);
                column += COLUMNS * LANES;
            } else {
                forward_strip::<V, 1>(tile, values, w, z, columns);
                column += LANES;
            }
        }
    }
}

/// # Safety
/// As [`forward`], for the strip of columns at which `weights` and `z` point.
#[inline(always)]
unsafe fn forward_strip<V: Vector, const COLUMNS: usize>(
    tile: &Tile,
    values: &[V::Scalar; 256],
    weights: *const V::Scalar,
    z: *mut V::Scalar,
    columns: usize,
) {
    for (group, [both, first, second]) in tile.groups() {
        if both.is_empty() && first.is_empty() && second.is_empty() {
            continue;
        }
        let mut w = [[V::splat(V::Scalar::ZERO); COLUMNS]; GROUP];
        for feature in 0..GROUP {
            for j in 0..COLUMNS {
                // SAFETY: group < number of counts, for which `forward` has checked the weights' length.
                w[feature][j] =
                    unsafe { V::load(weights.add((GROUP * group + feature) * columns + j * LANES)) };
            }
        }
        for &[one, other] in both.as_chunks::<2>().0 {
            let ([a, b], row) = unpack::<V>(one, values);
            let ([c, d], _) = unpack::<V>(other, values);
            for j in 0..COLUMNS {
                // SAFETY: the row is below the number of rows, for which `forward` has checked z's length.
                unsafe {
                    let z = z.add(row * columns + j * LANES);
                    let sum = b.multiply_add(w[1][j], a.multiply_add(w[0][j], V::load(z)));
                    d.multiply_add(w[3][j], c.multiply_add(w[2][j], sum)).store(z);
                }
            }
        }
        // SAFETY: as the caller promises.
        unsafe {
            forward_pair(first, values, [w[0], w[1]], z, columns);
            forward_pair(second, values, [w[2], w[3]], z, columns);
        }
    }
}

/// # Safety
/// As [`forward_strip`].
#[inline(always)]
unsafe fn forward_pair<V: Vector, const COLUMNS: usize>(
    entries: &[u32],
    values: &[V::Scalar; 256],
    w: [[V; COLUMNS]; 2],
    z: *mut V::Scalar,
    columns: usize,
) {
    for &entry in entries {
        let ([a, b], row) = unpack::<V>(entry, values);
        for j in 0..COLUMNS {
            // SAFETY: the row is below the number of rows, for which `forward` has checked z's length.
            unsafe {
                let z = z.add(row * columns + j * LANES);
                b.multiply_add(w[1][j], a.multiply_add(w[0][j], V::load(z))).store(z);
            }
        }
    }
}

/// # Safety
/// The instructions of `V` exist.
#[inline(always)]
pub(super) unsafe fn gradient<V: Vector, const COLUMNS: usize>(g: SparseGradient<'_, V::Scalar>) {
    let SparseGradient { tile, values, d, columns, gradient } = g;
    assert!(columns.is_multiple_of(LANES), "sparse gradient: columns are not padded");
    assert!(gradient.len() >= GROUP * tile.counts.len() * columns, "sparse gradient: G is too short");
    assert!(d.len() >= tile.rows * columns, "sparse gradient: D is too short");
    let mut column = 0;
    while column < columns {
        // SAFETY: the assertions above; rows are below the tile's by its invariant.
        unsafe {
            let (d, to) = (d.as_ptr().add(column), gradient.as_mut_ptr().add(column));
            if column + COLUMNS * LANES <= columns {
                gradient_strip::<V, COLUMNS>(tile, values, d, to, columns);
                column += COLUMNS * LANES;
            } else {
                gradient_strip::<V, 1>(tile, values, d, to, columns);
                column += LANES;
            }
        }
    }
}

/// # Safety
/// As [`gradient`], for the strip of columns at which `d` and `to` point.
#[inline(always)]
unsafe fn gradient_strip<V: Vector, const COLUMNS: usize>(
    tile: &Tile,
    values: &[V::Scalar; 256],
    d: *const V::Scalar,
    to: *mut V::Scalar,
    columns: usize,
) {
    for (group, [both, first, second]) in tile.groups() {
        if both.is_empty() && first.is_empty() && second.is_empty() {
            continue;
        }
        let zero = V::splat(V::Scalar::ZERO);
        let (mut low, mut high) = ([[zero; COLUMNS]; 2], [[zero; COLUMNS]; 2]);
        for &[one, other] in both.as_chunks::<2>().0 {
            let (ab, row) = unpack::<V>(one, values);
            let (cd, _) = unpack::<V>(other, values);
            for j in 0..COLUMNS {
                // SAFETY: the row is below the number of rows, for which `gradient` has checked D's length.
                let d = unsafe { V::load(d.add(row * columns + j * LANES)) };
                for i in 0..2 {
                    low[i][j] = ab[i].multiply_add(d, low[i][j]);
                    high[i][j] = cd[i].multiply_add(d, high[i][j]);
                }
            }
        }
        // SAFETY: as the caller promises; group < number of counts, for which `gradient` has checked G's length.
        unsafe {
            gradient_pair(first, values, &mut low, d, columns);
            gradient_pair(second, values, &mut high, d, columns);
            let to = to.add(GROUP * group * columns);
            for (feature, sums) in [low[0], low[1], high[0], high[1]].into_iter().enumerate() {
                for j in 0..COLUMNS {
                    let to = to.add(feature * columns + j * LANES);
                    V::load(to).add(sums[j]).store(to);
                }
            }
        }
    }
}

/// # Safety
/// As [`gradient_strip`].
#[inline(always)]
unsafe fn gradient_pair<V: Vector, const COLUMNS: usize>(
    entries: &[u32],
    values: &[V::Scalar; 256],
    sums: &mut [[V; COLUMNS]; 2],
    d: *const V::Scalar,
    columns: usize,
) {
    for &entry in entries {
        let (ab, row) = unpack::<V>(entry, values);
        for j in 0..COLUMNS {
            // SAFETY: the row is below the number of rows, for which `gradient` has checked D's length.
            let d = unsafe { V::load(d.add(row * columns + j * LANES)) };
            for i in 0..2 {
                sums[i][j] = ab[i].multiply_add(d, sums[i][j]);
            }
        }
    }
}
