//! What a loaded dataset is.

/// Labelled samples of one shape, split into a training and a test set.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// The word of the language: `mnist`, `idx`, …
    pub name: String,
    /// Shape of one sample: `[28, 28]` (rows, columns).
    pub shape: Vec<usize>,
    /// Number of classes: labels are less than this.
    pub classes: usize,
    /// Factor that maps a byte to the unit interval: 1/255, or 1/16 for `digits`.
    pub scale: f32,
    /// The samples to train on.
    pub train: Split,
    /// The samples to test on.
    pub test: Split,
    /// Says which data this is: the SHA-256, in hexadecimal, over the SHA-256 digests (32 bytes each) of the
    /// uncompressed files in the order train images, train labels, test images, test labels.
    pub checksum: String,
    /// Where it was read from: a folder, or "embedded".
    pub origin: String,
}

impl Dataset {
    /// Values of one sample: the product of its shape.
    #[must_use]
    pub fn features(&self) -> usize {
        self.shape.iter().product()
    }
}

/// Samples with their labels. The vectors may be taken out or dropped one by one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Split {
    /// samples × features, row-major: sample `i` is `features[i * f..(i + 1) * f]`.
    pub features: Vec<u8>,
    /// One label a sample, each less than [`Dataset::classes`].
    pub labels: Vec<u8>,
    /// Number of samples.
    pub samples: usize,
}

impl Split {
    /// Keeps the first `samples` samples, or all where there are no more.
    ///
    /// ```
    /// let mut split = optkit_data::Split { features: vec![1, 2, 3, 4, 5, 6], labels: vec![0, 1, 0], samples: 3 };
    /// split.keep_first(2);
    /// assert_eq!((split.features, split.labels, split.samples), (vec![1, 2, 3, 4], vec![0, 1], 2));
    /// ```
    pub fn keep_first(&mut self, samples: usize) {
        if samples < self.samples {
            let features = self.features.len() / self.samples;
            self.features.truncate(samples * features);
            self.features.shrink_to_fit();
            self.labels.truncate(samples);
            self.samples = samples;
        }
    }
}
