//! Samples that grow: the first of a shuffle that a seed fixes, more of them as the run goes on.
//!
//! The samples are copied once, in the shuffle's order. What is seen grows tile by tile (128 samples), and every chunk by
//! its share, so that images of samples seen before stay where they are: growing from m to m' samples costs images of the
//! m' − m alone, and the layers above on all of them.

use std::sync::Arc;

use optkit_core::{Sampled, Seen};

use super::NetworkGaussNewton;
use super::passes::Of;
use crate::Scalar;
use crate::deal::shuffle;
use crate::gather::Gather;
use crate::kernels::TILE;
use crate::model::Model;

/// What is drawn from the stream of an epoch that no run reaches.
const NO_EPOCH: u64 = u64::MAX - 2;

impl<S: Scalar> Sampled for NetworkGaussNewton<S> {
    /// The samples are copied, in the order of the shuffle.
    fn grow_from(&mut self, seed: u64, first: usize) {
        let (samples, targets) = (self.model.samples.clone(), self.model.targets.clone());
        let mut order = vec![0; samples.count()];
        shuffle(&mut order, seed, NO_EPOCH);
        let mut gather = Gather::new(samples, targets, order.len());
        let (room, targets) = gather.room(order.len());
        let mut model = Model::changing(&self.model, room, targets, order.len());
        gather.fill(&mut model, &order, None);
        self.known = vec![0; model.chunks.len()];
        self.model = Arc::new(model);
        self.see_tiles(first.div_ceil(TILE));
    }

    fn see(&mut self, count: usize, previous: &[f64]) -> f64 {
        let tiles = count.div_ceil(TILE);
        if self.is_growing() && tiles > self.tiles() {
            self.known.iter_mut().zip(&self.model.chunks).for_each(|(known, tiles)| *known = tiles.len());
            self.see_tiles(tiles);
            if self.previous.is_kept {
                self.image(previous, Of::Previous, true);
            }
            self.evaluate(true);
        }
        self.value
    }

    fn seen(&self) -> Seen {
        Seen { seen: self.model.count(), all: self.model.samples.count() }
    }
}

impl<S: Scalar> NetworkGaussNewton<S> {
    pub(super) fn is_growing(&self) -> bool {
        !self.known.is_empty()
    }

    /// Number of tiles that are seen.
    pub(super) fn tiles(&self) -> usize {
        self.model.chunks.iter().map(ExactSizeIterator::len).sum()
    }

    /// At least one, at most all.
    pub(super) fn see_tiles(&mut self, tiles: usize) {
        let model = Arc::get_mut(&mut self.model).expect("shuffled samples have one owner");
        model.see(tiles.clamp(1, model.samples.tiles()));
        self.costs.see(model.count());
    }
}

#[cfg(test)]
mod tests {
    use optkit_core::{GaussNewton, Objective, Subset};

    use super::*;
    use crate::chain::Chain;
    use crate::{Layer, Loss, Network, Samples, Targets};

    const FEATURES: usize = 20;

    fn bytes(count: usize) -> Vec<u8> {
        (0..count * FEATURES).map(|i| if i % 3 == 0 { (i * 7919 % 251) as u8 } else { 0 }).collect()
    }

    fn objective(network: &Network, rows: &[u32], bytes: &[u8], labels: &[u8]) -> Chain<f32> {
        let row = |&r: &u32| bytes[r as usize * FEATURES..(r as usize + 1) * FEATURES].to_vec();
        let chosen: Vec<u8> = rows.iter().flat_map(row).collect();
        let of_rows: Vec<u8> = rows.iter().map(|&r| labels[r as usize]).collect();
        let samples = Arc::new(Samples::from_bytes(&chosen, FEATURES, 1.0 / 255.0).unwrap());
        let targets = Arc::new(Targets::labels(&of_rows, 4).unwrap());
        Chain::new(network, Loss::CrossEntropy, samples, targets)
    }

    /// What is seen are samples of the shuffle, each once, with those before among them; value and gradient are their
    /// mean, as an objective over them and no others gives it.
    #[test]
    fn the_loss_is_the_mean_over_the_samples_seen() {
        let count = 40 * TILE + 17;
        let layers = vec![Layer::Dense { outputs: 6 }, Layer::Tanh, Layer::Dense { outputs: 4 }];
        let network = Network::new(vec![FEATURES], layers).unwrap();
        let (bytes, labels) = (bytes(count), (0..count).map(|i| (i * i % 4) as u8).collect::<Vec<_>>());
        let all: Vec<u32> = (0..count as u32).collect();
        let whole = objective(&network, &all, &bytes, &labels);
        let x = network.initial(1);
        let parts = [Subset::from_ranges(network.dim(), std::iter::once(0..network.dim())).unwrap()];
        let mut levels = NetworkGaussNewton::new(whole.model(), &parts).unwrap();
        levels.grow_from(5, 200);
        let mut order = vec![0; count];
        shuffle(&mut order, 5, NO_EPOCH);
        let mut value = levels.go_to(&x);
        let mut before: Vec<u32> = Vec::new();
        for asked in [200, 300, 4_000, 4_700, 5_000, count] {
            if asked > 200 {
                value = levels.see(asked, &x);
            }
            let tiles = levels.model.chunks.iter().cloned().flatten();
            let rows = tiles.flat_map(|tile| levels.model.samples.tile_rows(tile));
            let seen: Vec<u32> = rows.map(|row| order[row]).collect();
            assert!((asked..asked + TILE).contains(&seen.len()) || seen.len() == count, "{}", seen.len());
            assert_eq!(levels.seen(), Seen { seen: seen.len(), all: count });
            assert!(before.iter().all(|row| seen.contains(row)));
            let mut alone = objective(&network, &seen, &bytes, &labels);
            let [mut expected, mut got] = [vec![0.0; x.len()], vec![0.0; x.len()]];
            let mean = alone.value_gradient(&x, &mut expected);
            levels.gradient(&mut got);
            assert!((mean - value).abs() < 1e-6, "{asked}: {mean} and {value}");
            for (a, b) in expected.iter().zip(&got) {
                assert!((a - b).abs() < 1e-6, "{asked}: {a} and {b}");
            }
            before = seen;
        }
    }
}
