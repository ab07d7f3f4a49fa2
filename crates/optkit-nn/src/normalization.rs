//! Images as bytes, and the numbers that their bytes stand for, channel by channel.

use std::ops::Deref;

use crate::{Augmentation, SamplesError, Scalar};

/// What is taken from the values of each channel, and what they are then divided by.
///
/// ```
/// use optkit_nn::Normalization;
/// // Two images of two channels, one row, two columns.
/// let bytes = [0, 4, 10, 10, 0, 4, 10, 10];
/// let normalization = Normalization::per_channel(&bytes, [2, 1, 2], 1.0)?;
/// assert_eq!((&normalization.mean[..], &normalization.deviation[..]), (&[2.0, 10.0][..], &[2.0, 1.0][..]));
/// # Ok::<(), optkit_nn::SamplesError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Normalization {
    /// One a channel.
    pub mean: Vec<f32>,
    /// One a channel, positive.
    pub deviation: Vec<f32>,
}

impl Normalization {
    /// Mean and deviation of the numbers byte·`scale` of each channel, over images of `shape` \[channels, rows, columns\];
    /// a channel of one value has the deviation 1.
    pub fn per_channel(bytes: &[u8], shape: [usize; 3], scale: f32) -> Result<Self, SamplesError> {
        let [channels, rows, columns] = shape;
        let plane = rows * columns;
        super::samples::whole(bytes.len(), channels * plane)?;
        // Whole numbers: exact, in any order. 2⁶⁴ holds 2⁴⁸ squares of bytes.
        let mut sums = vec![(0_u64, 0_u64); channels];
        for image in bytes.chunks_exact(channels * plane) {
            for ((sum, squares), values) in sums.iter_mut().zip(image.chunks_exact(plane)) {
                for &byte in values {
                    *sum += u64::from(byte);
                    *squares += u64::from(byte) * u64::from(byte);
                }
            }
        }
        let count = (bytes.len() / channels) as f64;
        let scale = f64::from(scale);
        let of = |&(sum, squares): &(u64, u64)| {
            let mean = sum as f64 / count;
            let deviation = (squares as f64 / count - mean * mean).max(0.0).sqrt();
            let deviation = if deviation > 0.0 { scale * deviation } else { 1.0 };
            ((scale * mean) as f32, deviation as f32)
        };
        let (mean, deviation) = sums.iter().map(of).unzip();
        Ok(Self { mean, deviation })
    }

    /// The number that each byte stands for, by channel.
    pub(crate) fn tables(&self, scale: f32) -> Vec<[f32; 256]> {
        let table = |(&mean, &deviation): (&f32, &f32)| {
            std::array::from_fn(|byte| (byte as f32 * scale - mean) / deviation)
        };
        self.mean.iter().zip(&self.deviation).map(table).collect()
    }

    /// Refuses what does not fit images of `channels`.
    pub(crate) fn check(&self, channels: usize) -> Result<(), SamplesError> {
        let wrong = self.mean.len() != channels || self.deviation.len() != channels;
        let unfit = |v: &f32| !v.is_finite();
        if wrong || self.mean.iter().any(unfit) || self.deviation.iter().any(|d| unfit(d) || *d <= 0.0) {
            return Err(SamplesError::BadNormalization { channels });
        }
        Ok(())
    }
}

/// What samples are as images.
#[derive(Debug)]
pub(crate) struct Images {
    /// Channels, rows, columns.
    pub(crate) shape: [usize; 3],
    /// The number that each byte stands for, by channel.
    pub(crate) tables: Vec<[f32; 256]>,
    /// What becomes of them in mini-batches.
    pub(crate) augmentation: Augmentation,
}

/// The number that each byte stands for: one table for all values of a sample, or one a channel.
#[derive(Debug)]
pub(crate) struct ByteValues<S> {
    tables: Vec<[S; 256]>,
    /// Values of a sample that share a table.
    plane: usize,
}

impl<S: Scalar> ByteValues<S> {
    /// One table a `plane` of values.
    pub(crate) fn new(tables: &[[f32; 256]], plane: usize) -> Self {
        // Through f32: the same in `f32` and `f64`, so that both see one function.
        let table = |table: &[f32; 256]| table.map(|value| S::from_f64(f64::from(value)));
        Self { tables: tables.iter().map(table).collect(), plane }
    }

    /// The table of value `feature` of a sample.
    pub(crate) fn of(&self, feature: usize) -> &[S; 256] {
        &self.tables[feature / self.plane]
    }

    /// `to` ← the numbers that the bytes of a sample stand for.
    pub(crate) fn expand(&self, bytes: &[u8], to: &mut [S]) {
        let planes = to.chunks_mut(self.plane).zip(bytes.chunks(self.plane)).zip(&self.tables);
        for ((to, bytes), table) in planes {
            for (to, &byte) in to.iter_mut().zip(bytes) {
                *to = table[usize::from(byte)];
            }
        }
    }
}

/// The first table: of samples that are no images the only one.
impl<S> Deref for ByteValues<S> {
    type Target = [S; 256];
    fn deref(&self) -> &[S; 256] {
        &self.tables[0]
    }
}
