//! Some of the samples, copied into room that is used again and again.

use std::sync::Arc;

use rayon::prelude::*;

use crate::Samples;
use crate::kernels::{Filling, SparseRows, TILE};
use crate::model::Model;
use crate::samples::{Store, Targets};
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
    /// From samples and targets, with room for `most` of each.
    pub(crate) fn new(samples: Arc<Samples>, targets: Arc<Targets>, most: usize) -> (Self, Samples, Targets) {
        let features = samples.features();
        let (store, sparse) = match samples.store() {
            Store::Sparse(tiles) => {
                let rows = SparseRows::new(tiles, features);
                let (fillings, tiles) = (0..most.div_ceil(TILE)).map(|_| Filling::new(&rows)).unzip();
                (Store::Sparse(tiles), Some((rows, fillings)))
            }
            Store::Bytes(_) => (Store::Bytes(Vec::with_capacity(most * features)), None),
            Store::Floats(_) => (Store::Floats(Vec::with_capacity(most * features)), None),
        };
        let room = (samples.room(store), targets.room(most));
        (Self { samples, targets, sparse }, room.0, room.1)
    }

    /// The room of `model` ← the samples `chosen`, in their order.
    pub(crate) fn fill<S: Scalar>(&mut self, model: &mut Model<S>, chosen: &[u32]) {
        const OWN: &str = "the room for batches has one owner";
        let to = Arc::get_mut(&mut model.samples).expect(OWN);
        self.targets.copy_to(chosen, Arc::get_mut(&mut model.targets).expect(OWN));
        let store = to.refill(chosen.len());
        let n = self.samples.features();
        match (self.samples.store(), store) {
            (Store::Bytes(from), Store::Bytes(to)) => copy_rows(from, n, chosen, to),
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

/// `to` ← the rows `chosen` of `from`, `width` numbers a row.
pub(crate) fn copy_rows<T: Copy>(from: &[T], width: usize, chosen: &[u32], to: &mut Vec<T>) {
    to.clear();
    for &row in chosen {
        to.extend_from_slice(&from[row as usize * width..][..width]);
    }
}
