//! Products with a sparse tile of bytes, kept by columns: the first layer of a network on images.
//!
//! A tile is up to 256 samples. For each feature it holds the samples at which the feature is not zero, each as one
//! `u16`: the byte's value above, the sample's row below. The same order serves z ← z + X·W (a row of weights stays
//! in registers while it is added to many samples) and G ← G + Xᵀ·D (a row of G stays in registers).
#![allow(unsafe_code)]

use super::LANES;
use super::vector::Vector;

/// Rows of a full tile.
pub(crate) const TILE: usize = 256;

/// A tile by columns. Made by [`Tile::new`] alone, so every entry's row is below `rows`.
#[derive(Clone, Debug)]
pub(crate) struct Tile {
    /// Samples in the tile.
    rows: usize,
    /// Entries of each feature.
    counts: Vec<u16>,
    /// value·256 + row, feature by feature, rows ascending.
    entries: Vec<u16>,
}

impl Tile {
    /// From up to 256 samples of `features` bytes each, one behind the other.
    pub(crate) fn new(bytes: &[u8], features: usize) -> Self {
        let rows = bytes.len() / features;
        assert!(rows <= TILE && rows * features == bytes.len(), "a tile is whole samples, at most 256");
        let mut counts = vec![0_u16; features];
        for sample in bytes.chunks_exact(features) {
            for (count, &byte) in counts.iter_mut().zip(sample) {
                *count += u16::from(byte != 0);
            }
        }
        let mut next = Vec::with_capacity(features);
        let mut total = 0;
        for &count in &counts {
            next.push(total);
            total += usize::from(count);
        }
        let mut entries = vec![0_u16; total];
        for (row, sample) in bytes.chunks_exact(features).enumerate() {
            for (next, &byte) in next.iter_mut().zip(sample) {
                if byte != 0 {
                    entries[*next] = u16::from(byte) << 8 | row as u16;
                    *next += 1;
                }
            }
        }
        Self { rows, counts, entries }
    }

    /// (feature, row, byte) of every entry that is not zero.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, usize, u8)> + '_ {
        let features = self.counts.iter().enumerate();
        let of_entry =
            features.flat_map(|(feature, &count)| std::iter::repeat_n(feature, usize::from(count)));
        of_entry.zip(&self.entries).map(|(feature, &e)| (feature, usize::from(e & 255), (e >> 8) as u8))
    }
}

/// z ← z + X·W: z of shape \[rows, columns\], W \[features, columns\].
pub(crate) struct SparseForward<'a, S> {
    pub(crate) tile: &'a Tile,
    /// Number that each byte stands for.
    pub(crate) values: &'a [S; 256],
    pub(crate) weights: &'a [S],
    pub(crate) columns: usize,
    pub(crate) z: &'a mut [S],
}

/// G ← G + Xᵀ·D: G of shape \[features, columns\], D \[rows, columns\].
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
    let columns = f.columns;
    assert!(columns.is_multiple_of(LANES), "sparse forward: columns are not padded");
    assert!(f.weights.len() >= f.tile.counts.len() * columns, "sparse forward: too few weights");
    assert!(f.z.len() >= f.tile.rows * columns, "sparse forward: z is too short");
    let mut column = 0;
    while column < columns {
        // SAFETY: the assertions above; rows are below the tile's by its invariant.
        unsafe {
            let (w, z) = (f.weights.as_ptr().add(column), f.z.as_mut_ptr().add(column));
            if column + COLUMNS * LANES <= columns {
                forward_strip::<V, COLUMNS>(f.tile, f.values, w, z, columns);
                column += COLUMNS * LANES;
            } else {
                forward_strip::<V, 1>(f.tile, f.values, w, z, columns);
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
    let mut entries = tile.entries.as_slice();
    for (feature, &count) in tile.counts.iter().enumerate() {
        let (these, rest) = entries.split_at(usize::from(count));
        entries = rest;
        if these.is_empty() {
            continue;
        }
        let mut w = [V::splat(V::Scalar::default()); COLUMNS];
        for (j, w) in w.iter_mut().enumerate() {
            // SAFETY: feature < number of counts, for which `forward` has checked the weights' length.
            *w = unsafe { V::load(weights.add(feature * columns + j * LANES)) };
        }
        for &entry in these {
            let value = V::splat(values[usize::from(entry >> 8)]);
            // SAFETY: the row is below the number of rows, for which `forward` has checked z's length.
            unsafe {
                let z = z.add(usize::from(entry & 255) * columns);
                for (j, w) in w.iter().enumerate() {
                    value.multiply_add(*w, V::load(z.add(j * LANES))).store(z.add(j * LANES));
                }
            }
        }
    }
}

/// # Safety
/// The instructions of `V` exist.
#[inline(always)]
pub(super) unsafe fn gradient<V: Vector, const COLUMNS: usize>(g: SparseGradient<'_, V::Scalar>) {
    let columns = g.columns;
    assert!(columns.is_multiple_of(LANES), "sparse gradient: columns are not padded");
    assert!(g.gradient.len() >= g.tile.counts.len() * columns, "sparse gradient: G is too short");
    assert!(g.d.len() >= g.tile.rows * columns, "sparse gradient: D is too short");
    let mut column = 0;
    while column < columns {
        // SAFETY: the assertions above; rows are below the tile's by its invariant.
        unsafe {
            let (d, to) = (g.d.as_ptr().add(column), g.gradient.as_mut_ptr().add(column));
            if column + COLUMNS * LANES <= columns {
                gradient_strip::<V, COLUMNS>(g.tile, g.values, d, to, columns);
                column += COLUMNS * LANES;
            } else {
                gradient_strip::<V, 1>(g.tile, g.values, d, to, columns);
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
    /// Independent sums, so that additions need not wait for each other.
    const CHAINS: usize = 4;
    let zero = V::splat(V::Scalar::default());
    let mut entries = tile.entries.as_slice();
    for (feature, &count) in tile.counts.iter().enumerate() {
        let (these, rest) = entries.split_at(usize::from(count));
        entries = rest;
        if these.is_empty() {
            continue;
        }
        let mut sums = [[zero; COLUMNS]; CHAINS];
        let (quads, single) = these.as_chunks::<CHAINS>();
        let mut add = |chain: usize, entry: u16| {
            let value = V::splat(values[usize::from(entry >> 8)]);
            for (j, sum) in sums[chain].iter_mut().enumerate() {
                // SAFETY: the row is below the number of rows, for which `gradient` has checked D's length.
                let d = unsafe { V::load(d.add(usize::from(entry & 255) * columns + j * LANES)) };
                *sum = value.multiply_add(d, *sum);
            }
        };
        for quad in quads {
            for (chain, &entry) in quad.iter().enumerate() {
                add(chain, entry);
            }
        }
        for &entry in single {
            add(0, entry);
        }
        for j in 0..COLUMNS {
            let sum = sums[0][j].add(sums[1][j]).add(sums[2][j].add(sums[3][j]));
            // SAFETY: feature < number of counts, for which `gradient` has checked G's length.
            unsafe {
                let to = to.add(feature * columns + j * LANES);
                V::load(to).add(sum).store(to);
            }
        }
    }
}
