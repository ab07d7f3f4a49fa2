//! What a network is evaluated on: samples in the smallest storage that is fast.
//!
//! Evaluations walk over *tiles* of 128 samples. Bytes of which few are not zero (handwritten digits: 19 %) are kept
//! as sparse pairs of columns, 4 bytes a pair that is not all zero, and multiplied as such; denser bytes and floats are converted
//! block by block while they are in cache. Layers do not know which.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use crate::kernels::{TILE, Tile};
use crate::normalization::{ByteValues, Images};
use crate::{Augmentation, Normalization, Scalar};

/// Share of bytes that are not zero above which sparse columns are slower than dense bytes (measured on a 784×32
/// product, where a sparse entry costs about as much as two dense ones).
const SPARSE_BELOW: f64 = 0.4;

/// Whether samples of which this share of the bytes is not zero are kept without their zeros.
pub(crate) fn is_sparse(nonzero: f64) -> bool {
    nonzero < SPARSE_BELOW
}

/// Samples of equal length, immutable and shared by everything that is evaluated on them.
///
/// ```
/// use optkit_nn::Samples;
/// let samples = Samples::from_bytes(&[0, 0, 255, 0, 51, 0], 3, 1.0 / 255.0)?;
/// assert_eq!((samples.count(), samples.features()), (2, 3));
/// # Ok::<(), optkit_nn::SamplesError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Samples {
    count: usize,
    features: usize,
    scale: f32,
    store: Store,
    /// Where they are images: how their bytes are read, and how they change from epoch to epoch.
    images: Option<Arc<Images>>,
}

#[derive(Clone, Debug)]
pub(crate) enum Store {
    Sparse(Vec<Tile>),
    Bytes(Vec<u8>),
    Floats(Vec<f32>),
}

/// Why samples or targets cannot be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SamplesError {
    /// No sample, or samples without values.
    #[error("{what}: at least one sample with at least one value is needed")]
    Empty {
        /// What is empty.
        what: &'static str,
    },
    /// The values are not a whole number of samples.
    #[error("{len} values are no whole number of samples of {features} values")]
    Ragged {
        /// Values given.
        len: usize,
        /// Values a sample.
        features: usize,
    },
    /// A value or scale is not finite.
    #[error("value {index} of the samples is {value}; every value must be finite")]
    NotFinite {
        /// Index of the value.
        index: usize,
        /// The value.
        value: f32,
    },
    /// The scale of bytes is not a positive number.
    #[error("the scale of the bytes is {scale}; it must be positive and finite")]
    BadScale {
        /// The scale.
        scale: f32,
    },
    /// Numbers that channels cannot be normalised by.
    #[error(
        "a normalization of {channels} channels takes {channels} finite means and {channels} positive deviations"
    )]
    BadNormalization {
        /// Channels of the images.
        channels: usize,
    },
    /// A label beyond the last class.
    #[error("label {label} of sample {sample} is out of range: there are {classes} classes, counted from 0")]
    LabelOutOfRange {
        /// Index of the sample.
        sample: usize,
        /// Its label.
        label: u32,
        /// Number of classes.
        classes: usize,
    },
    /// Samples and targets differ in number.
    #[error("there are {samples} samples, but targets for {targets}")]
    CountsDiffer {
        /// Number of samples.
        samples: usize,
        /// Number of targets.
        targets: usize,
    },
    /// The network takes other samples.
    #[error("the network takes {expected} values a sample, but the samples have {got}")]
    WrongInput {
        /// What the network takes.
        expected: usize,
        /// What the samples have.
        got: usize,
    },
    /// The network gives other outputs.
    #[error("the network gives {got} outputs, but the targets need {expected}; end it in `dense {expected}`")]
    WrongOutput {
        /// What the targets need.
        expected: usize,
        /// What the network gives.
        got: usize,
    },
    /// A loss on labels with targets that are numbers.
    #[error("`{loss}` compares with labels, but the targets are numbers; use `mean_squared`")]
    NeedsLabels {
        /// The loss or measure.
        loss: &'static str,
    },
    /// Labels smoothed by what is no share of them.
    #[error("labels cannot be smoothed by {smoothing}; it must be at least 0 and less than 1")]
    BadSmoothing {
        /// ε.
        smoothing: f64,
    },
    /// A probability outside [0, 1].
    #[error("target {index} is {value}; `binary_cross_entropy` compares with numbers from 0 to 1")]
    NoProbability {
        /// Index of the target among all.
        index: usize,
        /// The target.
        value: f32,
    },
    /// A layer that a backend does not have.
    #[error("the dfdx backend has no `{layer}`: it computes chains of dense layers; use the native backend")]
    NotComputed {
        /// The layer's keyword.
        layer: &'static str,
    },
    /// Micro-batches of a network that normalises over the mini-batch.
    #[error(
        "`batch_norm` sees the whole mini-batch, which micro-batches would cut; write `batch_norm ghost=32`, say"
    )]
    NormalisedTogether,
    /// Micro-batches smaller than a group.
    #[error(
        "batch normalisations see {group} samples together, and a micro-batch has {most}; allow at least {group}"
    )]
    MicroBatch {
        /// Samples that are normalised together.
        group: usize,
        /// Samples of a micro-batch.
        most: usize,
    },
    /// Nothing to optimise.
    #[error("the network has no parameters; it needs a `dense` layer")]
    NoParameters,
}

impl Samples {
    /// From bytes, sample by sample, each standing for the number byte·`scale` (1/255 maps images to \[0, 1\]).
    ///
    /// The bytes are copied into the storage chosen; the caller may drop them.
    pub fn from_bytes(bytes: &[u8], features: usize, scale: f32) -> Result<Self, SamplesError> {
        let count = whole(bytes.len(), features)?;
        if !(scale.is_finite() && scale > 0.0) {
            return Err(SamplesError::BadScale { scale });
        }
        let some: usize = bytes.par_chunks(1 << 16).map(|c| c.iter().filter(|&&b| b != 0).count()).sum();
        let store = if is_sparse(some as f64 / bytes.len() as f64) {
            Store::Sparse(bytes.par_chunks(TILE * features).map(|tile| Tile::new(tile, features)).collect())
        } else {
            Store::Bytes(bytes.to_vec())
        };
        Ok(Self { count, features, scale, store, images: None })
    }

    /// Images of `shape` \[channels, rows, columns\] from bytes, each standing for (byte·`scale` − mean)/deviation of its
    /// channel, or for byte·`scale` without a normalization. In [mini-batches](crate::NetworkObjective::dealt) they are
    /// shifted and mirrored as `augmentation` says; padding is the byte 0.
    ///
    /// ```
    /// use optkit_nn::{Augmentation, Normalization, Samples};
    /// let bytes = [0, 128, 255, 255, 0, 128]; // two images of one channel, one row, three columns
    /// let normalization = Normalization { mean: vec![0.5], deviation: vec![0.25] };
    /// let flip = Augmentation { flip: true, ..Augmentation::default() };
    /// let samples = Samples::from_images(&bytes, [1, 1, 3], 1.0 / 255.0, Some(&normalization), flip)?;
    /// assert_eq!((samples.count(), samples.features()), (2, 3));
    /// # Ok::<(), optkit_nn::SamplesError>(())
    /// ```
    pub fn from_images(
        bytes: &[u8],
        shape: [usize; 3],
        scale: f32,
        normalization: Option<&Normalization>,
        augmentation: Augmentation,
    ) -> Result<Self, SamplesError> {
        let features = shape.iter().product();
        if normalization.is_none() && augmentation.is_none() {
            return Self::from_bytes(bytes, features, scale);
        }
        let count = whole(bytes.len(), features)?;
        if !(scale.is_finite() && scale > 0.0) {
            return Err(SamplesError::BadScale { scale });
        }
        let tables = match normalization {
            Some(normalization) => {
                normalization.check(shape[0])?;
                normalization.tables(scale)
            }
            None => vec![std::array::from_fn(|byte| byte as f32 * scale); shape[0]],
        };
        let images = Some(Arc::new(Images { shape, tables, augmentation }));
        // Zero bytes are no zeros any more, and shifted images are copied as a whole: no sparse columns.
        Ok(Self { count, features, scale, store: Store::Bytes(bytes.to_vec()), images })
    }

    /// From floats, sample by sample.
    pub fn from_floats(values: Vec<f32>, features: usize) -> Result<Self, SamplesError> {
        let count = whole(values.len(), features)?;
        if let Some(index) = values.iter().position(|v| !v.is_finite()) {
            return Err(SamplesError::NotFinite { index, value: values[index] });
        }
        Ok(Self { count, features, scale: 1.0, store: Store::Floats(values), images: None })
    }

    /// Number of samples.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Number of values in a sample.
    #[must_use]
    pub fn features(&self) -> usize {
        self.features
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// Room for samples like these, empty; `store` is of the same kind.
    pub(crate) fn room(&self, store: Store) -> Self {
        Self { count: 0, features: self.features, scale: self.scale, store, images: self.images.clone() }
    }

    /// For `count` other samples, which the caller writes into the storage.
    pub(crate) fn refill(&mut self, count: usize) -> &mut Store {
        self.count = count;
        &mut self.store
    }

    /// Number of tiles.
    pub(crate) fn tiles(&self) -> usize {
        self.count.div_ceil(TILE)
    }

    /// The samples of a tile.
    pub(crate) fn tile_rows(&self, tile: usize) -> Range<usize> {
        tile * TILE..((tile + 1) * TILE).min(self.count)
    }

    /// What they are as images, where they are normalised or shifted.
    pub(crate) fn images(&self) -> Option<&Images> {
        self.images.as_deref()
    }

    /// The number that each byte stands for. The same in `f32` and `f64`, so that both see one function.
    pub(crate) fn byte_values<S: Scalar>(&self) -> ByteValues<S> {
        match &self.images {
            Some(images) => ByteValues::new(&images.tables, images.shape[1] * images.shape[2]),
            None => ByteValues::new(&[std::array::from_fn(|byte| byte as f32 * self.scale)], self.features),
        }
    }

    /// The same, one sample behind the other, where any may be looked at.
    pub(crate) fn by_rows(samples: &Arc<Self>) -> Arc<Self> {
        let Store::Sparse(tiles) = &samples.store else { return samples.clone() };
        let n = samples.features;
        let mut bytes = vec![0; samples.count * n];
        for (tile, bytes) in tiles.iter().zip(bytes.chunks_mut(TILE * n)) {
            for (feature, row, byte) in tile.iter().filter(|&(feature, ..)| feature < n) {
                bytes[row * n + feature] = byte;
            }
        }
        let store = Store::Bytes(bytes);
        Arc::new(Self { store, ..Self::clone(samples) })
    }

    /// Writes samples `rows` into `to`, `stride` numbers a sample; the padding is left as it is.
    pub(crate) fn expand<S: Scalar>(
        &self,
        rows: Range<usize>,
        values: &ByteValues<S>,
        to: &mut [S],
        stride: usize,
    ) {
        let n = self.features;
        let samples = to.chunks_exact_mut(stride).zip(rows.clone());
        match &self.store {
            Store::Bytes(bytes) => samples.for_each(|(to, i)| {
                values.expand(&bytes[i * n..(i + 1) * n], &mut to[..n]);
            }),
            Store::Floats(floats) => samples.for_each(|(to, i)| {
                for (to, &float) in to.iter_mut().zip(&floats[i * n..(i + 1) * n]) {
                    *to = S::from_f64(f64::from(float));
                }
            }),
            Store::Sparse(tiles) => {
                samples.for_each(|(to, _)| to[..n].fill(S::ZERO));
                // Only networks that do not begin with a dense layer come here: rows lie within one tile.
                let (tile, first) = (rows.start / TILE, rows.start % TILE);
                // The last group of columns may reach beyond the last feature: zeros, and not ours to write.
                let inside = tiles[tile]
                    .iter()
                    .filter(|&(feature, row, _)| feature < n && (first..first + rows.len()).contains(&row));
                for (feature, row, byte) in inside {
                    to[(row - first) * stride + feature] = values[usize::from(byte)];
                }
            }
        }
    }
}

/// Number of samples of `features` values in `len` values.
pub(crate) fn whole(len: usize, features: usize) -> Result<usize, SamplesError> {
    if len == 0 || features == 0 {
        return Err(SamplesError::Empty { what: "samples" });
    }
    if !len.is_multiple_of(features) {
        return Err(SamplesError::Ragged { len, features });
    }
    Ok(len / features)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Targets;

    #[test]
    fn what_is_wrong_is_named() {
        let empty = SamplesError::Empty { what: "samples" };
        assert_eq!(Samples::from_bytes(&[], 3, 1.0).unwrap_err(), empty);
        assert_eq!(Samples::from_bytes(&[1], 0, 1.0).unwrap_err(), empty);
        let ragged = SamplesError::Ragged { len: 4, features: 3 };
        assert_eq!(Samples::from_bytes(&[1; 4], 3, 1.0).unwrap_err(), ragged);
        for scale in [0.0, -1.0, f32::INFINITY, f32::NAN] {
            let error = Samples::from_bytes(&[1; 3], 3, scale).unwrap_err();
            assert!(matches!(error, SamplesError::BadScale { .. }));
        }
        let error = Samples::from_floats(vec![0.0, f32::NAN], 1).unwrap_err();
        assert!(matches!(error, SamplesError::NotFinite { index: 1, .. }));
        let error = Targets::labels(&[0, 1, 3], 3).unwrap_err();
        assert_eq!(error, SamplesError::LabelOutOfRange { sample: 2, label: 3, classes: 3 });
    }

    #[test]
    fn every_storage_gives_the_same_numbers() {
        let features = 5;
        let sparse: Vec<u8> =
            (0..700 * features).map(|i| if i % 7 == 0 { (i % 251) as u8 } else { 0 }).collect();
        let samples = Samples::from_bytes(&sparse, features, 0.5).unwrap();
        assert!(matches!(samples.store(), Store::Sparse(_)));
        let values = samples.byte_values::<f32>();
        for rows in [0..64, 192..256, 640..700] {
            let mut block = vec![-1.0; 64 * 16];
            samples.expand(rows.clone(), &values, &mut block, 16);
            for (r, i) in rows.enumerate() {
                for f in 0..features {
                    assert_eq!(block[r * 16 + f], f32::from(sparse[i * features + f]) * 0.5);
                }
            }
        }
        let dense: Vec<u8> = (0..70_u8).collect();
        assert!(matches!(Samples::from_bytes(&dense, 7, 1.0).unwrap().store(), Store::Bytes(_)));
    }
}
