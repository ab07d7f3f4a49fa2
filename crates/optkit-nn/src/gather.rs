//! Some of the samples, copied into room that is used again and again.

use std::sync::Arc;

use rayon::prelude::*;

use crate::Samples;
use crate::Targets;
use crate::kernels::{Filling, SparseRows, TILE};
use crate::model::Model;
use crate::normalization::Images;
use crate::samples::Store;
use crate::scalar::Scalar;

/// Where samples are taken from.
#[derive(Debug)]
pub(crate) struct Gather {
    samples: Arc<Samples>,
    targets: Arc<Targets>,
    /// Where the samples are sparse: the same by rows, and what fills each tile of the room.
    sparse: Option<(SparseRows, Vec<Filling>)>,
}

impl Gather {
    /// From samples and targets, `most` of each at a time.
    pub(crate) fn new(samples: Arc<Samples>, targets: Arc<Targets>, most: usize) -> Self {
        let sparse = match samples.store() {
            Store::Sparse(tiles) => {
                let rows = SparseRows::new(tiles, samples.features());
                let fillings = (0..most.div_ceil(TILE)).map(|_| Filling::new(&rows).0).collect();
                Some((rows, fillings))
            }
            Store::Bytes(_) | Store::Floats(_) => None,
        };
        Self { samples, targets, sparse }
    }

    /// Room for `most` samples and targets, empty.
    pub(crate) fn room(&self, most: usize) -> (Samples, Targets) {
        let features = self.samples.features();
        let store = match (self.samples.store(), &self.sparse) {
            (Store::Floats(_), _) => Store::Floats(Vec::with_capacity(most * features)),
            (_, Some((rows, _))) => {
                Store::Sparse((0..most.div_ceil(TILE)).map(|_| Filling::new(rows).1).collect())
            }
            (_, None) => Store::Bytes(Vec::with_capacity(most * features)),
        };
        (self.samples.room(store), self.targets.room(most))
    }

    /// The room of `model` ← the samples `chosen`, in their order; images as the shift `of` (seed, epoch) and their number
    /// makes them, or as they are.
    pub(crate) fn fill<S: Scalar>(&mut self, model: &mut Model<S>, chosen: &[u32], of: Option<(u64, u64)>) {
        const OWN: &str = "the room for batches has one owner";
        let to = Arc::get_mut(&mut model.samples).expect(OWN);
        self.targets.copy_to(chosen, Arc::get_mut(&mut model.targets).expect(OWN));
        let store = to.refill(chosen.len());
        let n = self.samples.features();
        let images = self.samples.images().filter(|images| !images.augmentation.is_none());
        let shifted = images.zip(of);
        match (self.samples.store(), store) {
            (Store::Bytes(from), Store::Bytes(to)) => match shifted {
                Some((images, of)) => shift_rows(images, (from, chosen), of, to),
                None => copy_rows(from, n, chosen, to),
            },
            (Store::Floats(from), Store::Floats(to)) => copy_rows(from, n, chosen, to),
            (Store::Sparse(_), Store::Sparse(tiles)) => {
                if let Some((rows, fillings)) = &mut self.sparse {
                    let tiles = fillings.par_iter_mut().zip(tiles).zip(chosen.par_chunks(TILE));
                    tiles.with_max_len(1).for_each(|((filling, tile), chosen)| {
                        filling.fill(tile, rows, chosen);
                    });
                }
            }
            _ => unreachable!("the room was made for this storage"),
        }
        model.cut();
    }
}

/// `to` ← the images `chosen` of `from`, shifted.
fn shift_rows(images: &Images, (from, chosen): (&[u8], &[u32]), (seed, epoch): (u64, u64), to: &mut Vec<u8>) {
    let width = images.shape.iter().product();
    to.resize(chosen.len() * width, 0);
    to.par_chunks_exact_mut(width).zip(chosen).with_min_len(16).for_each(|(to, &sample)| {
        let shift = images.augmentation.shift(seed, epoch, sample);
        shift.apply(&from[sample as usize * width..][..width], images.shape, 0, to);
    });
}

/// `to` ← the rows `chosen` of `from`, `width` numbers a row.
pub(crate) fn copy_rows<T: Copy>(from: &[T], width: usize, chosen: &[u32], to: &mut Vec<T>) {
    to.clear();
    for &row in chosen {
        to.extend_from_slice(&from[row as usize * width..][..width]);
    }
}
