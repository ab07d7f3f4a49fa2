//! What a checkpoint holds of the two-level evaluator.
//!
//! Lowest outputs and images are sums of many products: computed anew they differ in the last bits, so they are saved as
//! they are. The layers above follow from them, and the factors are formed anew in every iteration but for the metric
//! and the lowest layer's, which follow from the start. Where samples grow, their order follows from the seed.

use optkit_core::{Archive, LoadError};

use super::{Image, NetworkGaussNewton};
use crate::Scalar;
use crate::buffer::Buffer;

impl<S: Scalar> NetworkGaussNewton<S> {
    pub(super) fn write(&self, archive: &mut Archive) {
        archive.put_work("work", self.work);
        archive.put_integer("iterations", self.iterations);
        archive.put_integer("tiles", self.tiles() as u64);
        let lowest = self.current.iter().flat_map(|kept| kept[0].iter());
        archive.put("outputs", lowest.map(|z| z.to_f64()).collect());
        let previous = self.previous.is_kept.then(|| self.previous.chunks.iter().flat_map(|c| c.iter()));
        archive.put("previous", previous.into_iter().flatten().map(|z| z.to_f64()).collect());
        archive.put("metric", self.local.metric().to_vec());
        archive.put_integer("factored", u64::from(self.local.knows_input()));
    }

    pub(super) fn read(&mut self, archive: &Archive, x: &[f64]) -> Result<(), LoadError> {
        self.x.copy_from_slice(x);
        self.packed_at.clear();
        let tiles = archive.integer("tiles")? as usize;
        if self.is_growing() {
            self.see_tiles(tiles);
        } else if tiles != self.tiles() {
            return Err(LoadError::Length { name: "tiles".to_owned(), got: tiles, expected: self.tiles() });
        }
        let outputs = archive.array("outputs")?;
        fill(self.current.iter_mut().map(|kept| &mut kept[0]), "outputs", outputs)?;
        self.above();
        let previous = archive.array("previous")?;
        self.previous.is_kept = !previous.is_empty();
        if self.previous.is_kept {
            fill(self.previous.chunks.iter_mut(), "previous", previous)?;
        }
        let forget = |image: &mut Image<S>| image.is_kept = false;
        [&mut self.new, &mut self.total].into_iter().for_each(forget);
        if archive.integer("factored")? != 0 {
            let mut metric = vec![0.0; x.len()];
            archive.array_into("metric", &mut metric)?;
            self.learn_input();
            self.local.restore(&self.model.plan, &metric);
        }
        self.iterations = archive.integer("iterations")?;
        self.work = archive.work("work")?;
        Ok(())
    }
}

fn fill<'a, S: Scalar>(
    chunks: impl Iterator<Item = &'a mut Buffer<S>>,
    name: &str,
    saved: &[f64],
) -> Result<(), LoadError> {
    let chunks: Vec<_> = chunks.collect();
    let expected = chunks.iter().map(|chunk| chunk.len()).sum();
    if saved.len() != expected {
        return Err(LoadError::Length { name: name.to_owned(), got: saved.len(), expected });
    }
    let mut saved = saved.iter();
    for chunk in chunks {
        chunk.iter_mut().zip(&mut saved).for_each(|(to, &v)| *to = S::from_f64(v));
    }
    Ok(())
}
