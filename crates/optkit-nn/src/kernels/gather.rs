//! Sparse tiles of samples chosen one by one: mini-batches under a first layer on images.
//!
//! A tile keeps its samples by columns, so that the bytes of one sample lie all over it. Where samples are taken in any
//! order they are kept a second time, by rows: each as its groups of four bytes that are not all zero, 8 bytes a group
//! (of handwritten digits 27 MB, where the bytes themselves are 47). A tile is sorted from them in two passes without
//! branches that depend on the data, which costs less than its product with 32 columns.

use rayon::prelude::*;

use super::sparse::{Counts, GROUP, TILE, Tile, grouped};

/// Samples by rows.
#[derive(Debug)]
pub(crate) struct SparseRows {
    /// Where each sample's groups begin, and the end of the last.
    starts: Vec<usize>,
    groups: Vec<Group>,
    /// Most pairs that a sample has.
    most: usize,
    features: usize,
}

/// Four neighbouring features that are not all zero.
#[derive(Clone, Copy, Debug)]
struct Group {
    index: u32,
    /// The first feature in the lowest byte.
    bytes: u32,
}

impl Group {
    /// The pairs, and the list that they belong to: both, the first alone, the second alone.
    #[inline(always)]
    fn pairs(self) -> (u32, u32, usize) {
        let (first, second) = (self.bytes & 0xffff, self.bytes >> 16);
        let list = if second == 0 { 1 } else { 2 * usize::from(first == 0) };
        (first, second, list)
    }
}

impl SparseRows {
    /// The samples of `tiles`, of `features` bytes each.
    pub(crate) fn new(tiles: &[Tile], features: usize) -> Self {
        let of_tiles: Vec<_> = tiles.par_iter().map(|tile| rows_of(tile, features)).collect();
        let mut starts = vec![0];
        let mut groups = Vec::with_capacity(of_tiles.iter().map(|(_, groups)| groups.len()).sum());
        for (ends, of_tile) in of_tiles {
            starts.extend(ends.iter().map(|end| groups.len() + end));
            groups.extend(of_tile);
        }
        let pairs = |row: &[usize]| {
            let lists = groups[row[0]..row[1]].iter().map(|group: &Group| group.pairs().2);
            lists.map(|list| 1 + usize::from(list == 0)).sum()
        };
        let most = starts.par_windows(2).map(pairs).max().unwrap_or(0);
        Self { starts, groups, most, features }
    }

    fn of(&self, sample: u32) -> &[Group] {
        let sample = sample as usize;
        &self.groups[self.starts[sample]..self.starts[sample + 1]]
    }
}

/// Where the groups of each sample of a tile end, and the groups.
fn rows_of(tile: &Tile, features: usize) -> (Vec<usize>, Vec<Group>) {
    let width = grouped(features);
    let mut bytes = vec![0_u8; tile.rows * width];
    for (feature, row, byte) in tile.iter() {
        bytes[row * width + feature] = byte;
    }
    let (mut ends, mut groups) = (Vec::with_capacity(tile.rows), Vec::new());
    for row in bytes.chunks_exact(width) {
        for (index, group) in row.as_chunks::<GROUP>().0.iter().enumerate() {
            let bytes = u32::from_le_bytes(*group);
            if bytes != 0 {
                groups.push(Group { index: index as u32, bytes });
            }
        }
        ends.push(groups.len());
    }
    (ends, groups)
}

/// A tile that is filled again and again, without an allocation.
#[derive(Debug)]
pub(crate) struct Filling {
    /// By group: how many belong to each list, then where the next one of each goes.
    next: Vec<[u32; 3]>,
}

impl Filling {
    /// With the tile, which holds no sample yet.
    pub(crate) fn new(rows: &SparseRows) -> (Self, Tile) {
        let groups = rows.features.div_ceil(GROUP);
        let entries = Vec::with_capacity(TILE * rows.most);
        let tile = Tile { rows: 0, counts: vec![Counts::default(); groups], entries };
        (Self { next: vec![[0; 3]; groups] }, tile)
    }

    /// `tile` ← the samples `chosen`, in their order.
    pub(crate) fn fill(&mut self, tile: &mut Tile, rows: &SparseRows, chosen: &[u32]) {
        assert!(chosen.len() <= TILE, "a tile has its size");
        self.next.fill([0; 3]);
        for &sample in chosen {
            for group in rows.of(sample) {
                self.next[group.index as usize][group.pairs().2] += 1;
            }
        }
        let mut total = 0;
        for (next, counts) in self.next.iter_mut().zip(&mut tile.counts) {
            let [both, first, second] = *next;
            // At most a tile's samples.
            *counts = Counts { both: both as u16, first: first as u16, second: second as u16 };
            *next = [total, total + 2 * both, total + 2 * both + first];
            total += 2 * both + first + second;
        }
        tile.rows = chosen.len();
        tile.entries.resize(total as usize, 0);
        for (row, &sample) in chosen.iter().enumerate() {
            let row = (row as u32) << 16;
            for group in rows.of(sample) {
                let (first, second, list) = group.pairs();
                let both = list == 0;
                let single = first | second; // the other is zero
                let next = &mut self.next[group.index as usize][list];
                let at = *next as usize;
                tile.entries[at + usize::from(both)] = row | if both { second } else { single };
                tile.entries[at] = row | if both { first } else { single };
                *next += 1 + u32::from(both);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filled_tile_is_the_one_made_of_its_samples() {
        for features in [1, 4, 7, 30] {
            let count = 2 * TILE + 17;
            let byte = |i: usize| {
                let hash = (i as u32).wrapping_mul(2_654_435_761) >> 13;
                if hash.is_multiple_of(3) { (hash >> 4) as u8 } else { 0 }
            };
            let bytes: Vec<u8> = (0..count * features).map(byte).collect();
            let tiles: Vec<_> = bytes.chunks(TILE * features).map(|b| Tile::new(b, features)).collect();
            let rows = SparseRows::new(&tiles, features);
            let (mut filling, mut tile) = Filling::new(&rows);
            for chosen in [(0..TILE).collect(), vec![count - 1, 3, 3, TILE + 1], vec![], vec![5]] {
                let gathered: Vec<u8> = chosen
                    .iter()
                    .flat_map(|&s: &usize| &bytes[s * features..(s + 1) * features])
                    .copied()
                    .collect();
                let chosen: Vec<u32> = chosen.iter().map(|&s| s as u32).collect();
                let capacity = tile.entries.capacity();
                filling.fill(&mut tile, &rows, &chosen);
                let expected = Tile::new(&gathered, features);
                assert_eq!(tile.rows, expected.rows);
                assert_eq!(tile.entries, expected.entries);
                assert!(tile.iter().eq(expected.iter()), "the counts say where the entries belong");
                assert_eq!(tile.entries.capacity(), capacity);
            }
        }
    }
}
