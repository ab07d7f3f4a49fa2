//! The samples of a dataset as a network takes them: pixels as numbers, dealt to mini-batches.

use std::sync::Arc;

use optkit_data::{Dataset, Fetch, Locations};
use optkit_lang::{Diagnostic, Settings, Split};
use optkit_nn::{Augmentation, Dealing, Normalization, Samples, SamplesError, Targets};

use super::bind::refused;
use super::{Known, LoadPlanError, NetworkSubject};

/// What becomes of the bytes of images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pixels {
    /// True where bytes are scaled to [0, 1], false where they are taken as they are.
    pub unit: bool,
    /// True where the mean of each channel is taken off and its deviation divided by.
    pub per_channel: bool,
    /// What becomes of them in mini-batches.
    pub augmentation: Augmentation,
}

impl Pixels {
    /// As the settings of a dataset say.
    pub(super) fn of(settings: &Settings) -> Self {
        let crop = settings.integer("crop").and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
        let flip = settings.switch("flip") == Some(true);
        Self {
            unit: settings.word("images") != Some("raw"),
            per_channel: settings.word("normalize") == Some("per_channel"),
            augmentation: Augmentation { crop, flip },
        }
    }

    /// Images from bytes. `train`: the bytes that channels are normalised by.
    /// Whether a byte that is zero stays zero, so that it need not be kept.
    pub(super) fn keeps_zeros(self) -> bool {
        !self.per_channel && self.augmentation == Augmentation::default()
    }

    fn samples(
        self,
        bytes: &[u8],
        train: Option<&Normalization>,
        dataset: &Outline,
    ) -> Result<Samples, SamplesError> {
        let scale = dataset.scale(self.unit);
        match dataset.image {
            Some(shape) => Samples::from_images(bytes, shape, scale, train, self.augmentation),
            None => Samples::from_bytes(bytes, dataset.features, scale),
        }
    }
}

/// How samples are dealt to mini-batches; none: they are not.
pub(super) fn dealing(settings: &Settings) -> Option<Dealing> {
    if let Some(size) = settings.integer("batch") {
        return Some(Dealing::Of(usize::try_from(size).unwrap_or(usize::MAX)));
    }
    let overlapping = &settings.method("batch")?.settings;
    let parts = overlapping.integer("parts").and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX);
    Some(Dealing::Overlapping { parts, overlap: overlapping.real("overlap").unwrap_or(0.0) })
}

/// `crop` and `flip` where no mini-batch would ever show them.
pub(super) fn idle_augmentation(settings: &Settings, dealing: Option<Dealing>) -> Option<Diagnostic> {
    if dealing.is_some() || Pixels::of(settings).augmentation == Augmentation::default() {
        return None;
    }
    let key = if settings.given("crop") { "crop" } else { "flip" };
    let span = settings.key_span(key).or_else(|| settings.span(key))?;
    Some(
        Diagnostic::error("E0823", format!("`{key}` changes images in mini-batches, and there are none"))
            .label(span, "this setting")
            .help("add `batch = 128`, say, or remove it"),
    )
}

/// What is known of a dataset besides its samples.
struct Outline {
    /// Channels, rows, columns, where samples are images.
    image: Option<[usize; 3]>,
    features: usize,
    /// Maps a byte to [0, 1].
    unit: f32,
}

impl Outline {
    fn of(dataset: &Dataset) -> Self {
        let image = match dataset.shape[..] {
            [rows, columns] => Some([1, rows, columns]),
            [channels, rows, columns] => Some([channels, rows, columns]),
            _ => None,
        };
        Self { image, features: dataset.features(), unit: dataset.scale }
    }

    fn scale(&self, unit: bool) -> f32 {
        if unit { self.unit } else { 1.0 }
    }
}

/// Samples with what they are compared with, shared by the loss and the measures.
#[derive(Clone)]
pub(super) struct Loaded {
    pub(super) samples: Arc<Samples>,
    pub(super) targets: Arc<Targets>,
}

/// The samples of a dataset as networks with one input shape take them.
#[derive(Clone)]
pub(in crate::assemble) struct Prepared {
    pub(super) train: Option<Loaded>,
    pub(super) test: Option<Loaded>,
    /// Of training and of test samples.
    counts: [usize; 2],
    pub(super) checksum: String,
    /// Of the networks that they are compared with.
    outputs: usize,
}

impl Prepared {
    /// How many there are to train and to test on.
    pub(in crate::assemble) fn known(&self) -> Known {
        let nonzero = self.train.as_ref().or(self.test.as_ref()).map_or(1.0, |data| data.samples.nonzero());
        Known { counts: self.counts, nonzero }
    }
}

impl NetworkSubject {
    /// The samples that are trained on and measured on. `fits`: whether a number of samples to train on is not too
    /// many for the machine; `known`: what was prepared before of the same data for the same inputs.
    pub(in crate::assemble) fn prepare(
        &self,
        known: Option<Prepared>,
        locations: &Locations,
        fetch: Fetch<'_>,
        fits: &dyn Fn(usize) -> Result<(), LoadPlanError>,
    ) -> Result<Prepared, LoadPlanError> {
        let needed = |split: Split| self.split == split || self.measures.iter().any(|(_, s)| *s == split);
        let (mut train, mut test) = (needed(Split::Train), needed(Split::Test));
        if let Some(known) = known {
            let has = [known.train.is_some(), known.test.is_some()];
            if (has[0] || !train) && (has[1] || !test) && known.outputs == self.network.outputs() {
                fits(known.counts[usize::from(self.split == Split::Test)])?;
                return Ok(known);
            }
            (train, test) = (train || has[0], test || has[1]);
        }
        let dataset = self.dataset(locations, fetch)?;
        let counts = [dataset.train.samples, dataset.test.samples];
        fits(counts[usize::from(self.split == Split::Test)])?;
        let normalization = self.normalization(&dataset)?;
        let outline = Outline::of(&dataset);
        let (outputs, checksum) = (self.network.outputs(), dataset.checksum);
        let load = |split| self.load(split, &outline, normalization.as_ref());
        // One split after the other: its bytes go before the next one's samples come.
        let train = train.then(|| load(dataset.train)).transpose()?;
        let test = test.then(|| load(dataset.test)).transpose()?;
        Ok(Prepared { train, test, counts, checksum, outputs })
    }

    /// The samples that are trained on, alone.
    pub(super) fn prepare_split(
        &self,
        locations: &Locations,
        fetch: Fetch<'_>,
    ) -> Result<Loaded, LoadPlanError> {
        let dataset = self.dataset(locations, fetch)?;
        let normalization = self.normalization(&dataset)?;
        let outline = Outline::of(&dataset);
        let split = match self.split {
            Split::Train => dataset.train,
            Split::Test => dataset.test,
        };
        self.load(split, &outline, normalization.as_ref())
    }

    /// Whether samples prepared for `other` serve this one, as far as that is known before they are read.
    pub(in crate::assemble) fn shares_samples(&self, other: &Self) -> bool {
        self.dataset == other.dataset
            && self.folder == other.folder
            && self.pixels == other.pixels
            && self.first == other.first
            && self.network.input() == other.network.input()
            && self.network.outputs() == other.network.outputs()
    }

    /// Of the images for training, whichever are looked at.
    fn normalization(&self, dataset: &Dataset) -> Result<Option<Normalization>, LoadPlanError> {
        let outline = Outline::of(dataset);
        let (true, Some(shape)) = (self.pixels.per_channel, outline.image) else { return Ok(None) };
        let bytes = &dataset.train.features;
        Normalization::per_channel(bytes, shape, outline.scale(self.pixels.unit)).map(Some).map_err(refused)
    }

    fn load(
        &self,
        split: optkit_data::Split,
        outline: &Outline,
        normalization: Option<&Normalization>,
    ) -> Result<Loaded, LoadPlanError> {
        let optkit_data::Split { features: bytes, labels, .. } = split; // both end here
        let outputs = self.network.outputs();
        let samples = self.pixels.samples(&bytes, normalization, outline).map_err(refused)?;
        let targets = Targets::labels(&labels, outputs).map_err(refused)?;
        Ok(Loaded { samples: Arc::new(samples), targets: Arc::new(targets) })
    }
}
