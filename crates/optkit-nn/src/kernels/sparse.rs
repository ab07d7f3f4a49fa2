//! Products with a sparse tile of bytes, kept by pairs of columns: the first layer of a network on images.
//!
//! For every pair of neighbouring features, a tile holds the samples at which either is not zero, each as one `u32`:
//! both bytes and the sample's row. The same order serves z ← z + X·W (two rows of weights stay in registers while
//! they are added to many samples) and G ← G + Xᵀ·D (two rows of G stay in registers). Pairs, because single columns
//! would be bound by loading and storing a row of z for every multiplication; neighbouring pixels are mostly zero or
//! not zero together (handwritten digits: 1.71 bytes in a pair that is kept).
#![allow(unsafe_code)]
#![allow(clippy::needless_range_loop)] // small arrays are walked in step

use super::LANES;
use super::vector::Vector;
use crate::Scalar;

/// Rows of a full tile: 128 rows of 32 numbers in `f32` are half of a first cache.
pub(crate) const TILE: usize = 128;

/// A tile by pairs of columns. Made by [`Tile::new`] alone, so every entry's row is below `rows`.
#[derive(Clone, Debug)]
pub(crate) struct Tile {
    /// Samples in the tile.
    rows: usize,
    /// Entries of each pair of features.
    counts: Vec<u16>,
    /// row·65536 + second byte·256 + first byte, pair by pair, rows ascending.
    entries: Vec<u32>,
}

impl Tile {
    /// From up to [`TILE`] samples of `features` bytes each, one behind the other.
    pub(crate) fn new(bytes: &[u8], features: usize) -> Self {
        let rows = bytes.len() / features;
        assert!(rows <= TILE && rows * features == bytes.len(), "a tile is whole samples, not too many");
        let mut counts = vec![0_u16; features.div_ceil(2)];
        for sample in bytes.chunks_exact(features) {
            for (count, pair) in counts.iter_mut().zip(sample.chunks(2)) {
                *count += u16::from(pair.iter().any(|&byte| byte != 0));
            }
        }
        let mut next = Vec::with_capacity(counts.len());
        let mut total = 0;
        for &count in &counts {
            next.push(total);
            total += usize::from(count);
        }
        let mut entries = vec![0_u32; total];
        for (row, sample) in bytes.chunks_exact(features).enumerate() {
            for (next, pair) in next.iter_mut().zip(sample.chunks(2)) {
                if pair.iter().any(|&byte| byte != 0) {
                    let second = pair.get(1).copied().unwrap_or(0);
                    entries[*next] = (row as u32) << 16 | u32::from(second) << 8 | u32::from(pair[0]);
                    *next += 1;
                }
            }
        }
        Self { rows, counts, entries }
    }

    /// (feature, row, byte) of every byte of a pair that is kept.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, usize, u8)> + '_ {
        let pairs = self.counts.iter().enumerate();
        let of_entry = pairs.flat_map(|(pair, &count)| std::iter::repeat_n(2 * pair, usize::from(count)));
        of_entry.zip(&self.entries).flat_map(|(feature, &entry)| {
            let row = (entry >> 16) as usize;
            [(feature, row, entry as u8), (feature + 1, row, (entry >> 8) as u8)]
        })
    }
}

/// Rows of weights, and of their gradient, that a sparse product with `features` features works on.
pub(crate) const fn paired(features: usize) -> usize {
    features.next_multiple_of(2)
}

/// The two bytes of an entry as numbers, and its row.
#[inline(always)]
fn unpack<V: Vector>(entry: u32, values: &[V::Scalar; 256]) -> (V, V, usize) {
    let first = V::splat(values[(entry & 255) as usize]);
    let second = V::splat(values[(entry >> 8 & 255) as usize]);
    (first, second, (entry >> 16) as usize)
}

/// z ← z + X·W: z of shape \[rows, columns\], W
/// \[paired features, columns\].
pub(crate) struct SparseForward<'a, S> {
    pub(crate) tile: &'a Tile,
    /// Number that each byte stands for.
    pub(crate) values: &'a [S; 256],
    pub(crate) weights: &'a [S],
    pub(crate) columns: usize,
    pub(crate) z: &'a mut [S],
}

/// G ← G + Xᵀ·D: G of shape \[paired features, columns\], D \[rows, columns\].
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
    assert!(weights.len() >= 2 * tile.counts.len() * columns, "sparse forward: too few weights");
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
    let zero = V::splat(V::Scalar::ZERO);
    let mut entries = tile.entries.as_slice();
    for (pair, &count) in tile.counts.iter().enumerate() {
        let (these, rest) = entries.split_at(usize::from(count));
        entries = rest;
        if these.is_empty() {
            continue;
        }
        let (mut w, mut v) = ([zero; COLUMNS], [zero; COLUMNS]);
        for j in 0..COLUMNS {
            // SAFETY: pair < number of counts, for which `forward` has checked the weights' length.
            unsafe {
                w[j] = V::load(weights.add(2 * pair * columns + j * LANES));
                v[j] = V::load(weights.add((2 * pair + 1) * columns + j * LANES));
            }
        }
        for &entry in these {
            let (first, second, row) = unpack::<V>(entry, values);
            // SAFETY: the row is below the number of rows, for which `forward` has checked z's length.
            unsafe {
                let z = z.add(row * columns);
                for j in 0..COLUMNS {
                    let z = z.add(j * LANES);
                    second.multiply_add(v[j], first.multiply_add(w[j], V::load(z))).store(z);
                }
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
    assert!(gradient.len() >= 2 * tile.counts.len() * columns, "sparse gradient: G is too short");
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
    let zero = V::splat(V::Scalar::ZERO);
    let mut entries = tile.entries.as_slice();
    for (pair, &count) in tile.counts.iter().enumerate() {
        let (these, rest) = entries.split_at(usize::from(count));
        entries = rest;
        if these.is_empty() {
            continue;
        }
        // Two sums each, so that additions need not wait for each other.
        let mut sums = [[[zero; COLUMNS]; 2]; 2];
        let mut add = |chain: usize, entry: u32| {
            let (first, second, row) = unpack::<V>(entry, values);
            for j in 0..COLUMNS {
                // SAFETY: the row is below the number of rows, for which `gradient` has checked D's length.
                let d = unsafe { V::load(d.add(row * columns + j * LANES)) };
                sums[chain][0][j] = first.multiply_add(d, sums[chain][0][j]);
                sums[chain][1][j] = second.multiply_add(d, sums[chain][1][j]);
            }
        };
        let (twos, single) = these.as_chunks::<2>();
        for &[one, other] in twos {
            add(0, one);
            add(1, other);
        }
        for &entry in single {
            add(0, entry);
        }
        for feature in 0..2 {
            for j in 0..COLUMNS {
                let sum = sums[0][feature][j].add(sums[1][feature][j]);
                // SAFETY: pair < number of counts, for which `gradient` has checked G's length.
                unsafe {
                    let to = to.add((2 * pair + feature) * columns + j * LANES);
                    V::load(to).add(sum).store(to);
                }
            }
        }
    }
}
