//! The words for datasets, and what can be said of them without reading a file.

use crate::locations::Locations;
use crate::search::search;
use crate::{cifar, digits, known};
use optkit_core::vocabulary::{Entry, Kind, Operand, Setting, Slot, Support};
use std::path::PathBuf;

const IMAGES: Setting = Setting {
    name: "images",
    kind: Kind::Word(&["unit", "raw"]),
    default: Some("unit"),
    doc: "pixels scaled to [0, 1] (unit), or the bytes as they are (raw)",
    support: Support::Available,
};

const BATCH: Setting = Setting {
    name: "batch",
    kind: Kind::CountOrMethod(1, u32::MAX as u64, Slot::Batches),
    default: Some(""),
    doc: "samples of a mini-batch, or how they are dealt; without it every iteration sees all samples",
    support: Support::Available,
};

const NORMALIZE: Setting = Setting {
    name: "normalize",
    kind: Kind::Word(&["none", "per_channel"]),
    default: Some("none"),
    doc: "pixels less the mean of their channel over the training images, divided by its deviation (per_channel)",
    support: Support::Available,
};

const CROP: Setting = Setting {
    name: "crop",
    kind: Kind::Integer(0, 1024),
    default: Some("0"),
    doc: "in mini-batches, images padded by so many zeros are cut to their size at random, anew in every epoch",
    support: Support::Available,
};

const FLIP: Setting = Setting {
    name: "flip",
    kind: Kind::Switch,
    default: Some("off"),
    doc: "in mini-batches, images are mirrored left to right at random, anew in every epoch",
    support: Support::Available,
};

const TRAIN_SAMPLES: Setting =
    first("train_samples", "the first so many samples to train on; all unless given");
const TEST_SAMPLES: Setting = first("test_samples", "the first so many samples to test on; all unless given");

const fn first(name: &'static str, doc: &'static str) -> Setting {
    let kind = Kind::Integer(1, u32::MAX as u64);
    Setting { name, kind, default: Some(""), doc, support: Support::Available }
}

const fn dataset(name: &'static str, doc: &'static str, operands: &'static [Operand]) -> Entry {
    Entry {
        name,
        doc,
        operands,
        settings: &[IMAGES, NORMALIZE, TRAIN_SAMPLES, TEST_SAMPLES, BATCH, CROP, FLIP],
        slots: &[],
        support: Support::Available,
    }
}

const fn planned(name: &'static str, doc: &'static str, operands: &'static [Operand]) -> Entry {
    Entry { name, doc, operands, settings: &[], slots: &[], support: Support::Planned }
}

const fn path(name: &'static str, doc: &'static str) -> Operand {
    Operand { name, kind: Kind::Text, default: None, doc }
}

/// The datasets of the language.
pub static DATASETS: &[Entry] = &[
    dataset("mnist", "handwritten digits, 28x28: 60,000 to train on, 10,000 to test", &[]),
    dataset("fashion_mnist", "pieces of clothing, 28x28: 60,000 to train on, 10,000 to test", &[]),
    dataset("cifar10", "colour photographs, 3x32x32: 50,000 to train on, 10,000 to test", &[]),
    dataset("digits", "handwritten digits, 8x8, embedded: 1,437 to train on, 360 to test", &[]),
    dataset(
        "idx",
        "a folder of train-* and t10k-* files in MNIST's format",
        &[path("folder", "the folder, as such or below a data folder")],
    ),
    planned("csv", "columns of a file of comma-separated values", &[path("file", "the file")]),
    planned("table", "numbers written in the problem file", &[]),
];

/// What is known of a dataset before it is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outline {
    /// Shape of one sample.
    pub shape: &'static [usize],
    /// Number of classes.
    pub classes: usize,
    /// Number of samples to train on.
    pub train_samples: usize,
    /// Number of samples to test on.
    pub test_samples: usize,
    /// Share of the training samples' bytes that are not zero.
    pub nonzero: f64,
}

/// Shape and size of a known dataset, so that a problem can be checked without its files; `None` for `idx` and
/// for names that are no dataset.
///
/// ```
/// let outline = optkit_data::shape_hint("mnist").unwrap();
/// assert_eq!((outline.shape, outline.classes), (&[28, 28][..], 10));
/// assert!(optkit_data::shape_hint("idx").is_none());
/// ```
#[must_use]
pub fn shape_hint(name: &str) -> Option<Outline> {
    if name == "digits" {
        let (train_samples, test_samples) = (digits::TRAIN, digits::TEST);
        let (shape, classes, nonzero) = (&[8, 8], 10, digits::NONZERO);
        return Some(Outline { shape, classes, train_samples, test_samples, nonzero });
    }
    if name == cifar::NAME {
        let [train_samples, test_samples] = cifar::PUBLISHED.samples();
        let (shape, classes) = (cifar::SHAPE, cifar::CLASSES);
        return Some(Outline { shape, classes, train_samples, test_samples, nonzero: cifar::NONZERO });
    }
    known::find(name).map(|known| Outline {
        shape: known.shape,
        classes: known.classes,
        train_samples: known.samples[0],
        test_samples: known.samples[1],
        nonzero: known.nonzero,
    })
}

/// A row of `optkit data list`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The word of the language.
    pub name: &'static str,
    /// One line that says what it is.
    pub doc: &'static str,
    /// Bytes of its files, uncompressed but for archives that are kept as they are; `None` for `idx`.
    pub size: Option<u64>,
    /// The folder in which it was found (its files are there; they are verified when they are loaded).
    pub found: Option<PathBuf>,
    /// True where it is part of this crate and needs no folder.
    pub embedded: bool,
    /// Licence of the data; `None` for `idx`.
    pub licence: Option<&'static str>,
}

/// The available datasets, with where they lie.
#[must_use]
pub fn list(locations: &Locations) -> Vec<Listing> {
    let available = DATASETS.iter().filter(|entry| entry.support == Support::Available);
    available
        .map(|&Entry { name, doc, .. }| {
            let known = known::find(name);
            let embedded = name == "digits";
            if name == cifar::NAME {
                let (found, size) = (cifar::found(locations), Some(cifar::PUBLISHED.archive_bytes));
                return Listing { name, doc, size, found, embedded: false, licence: Some(cifar::LICENCE) };
            }
            let found = known.and_then(|known| search(known, locations).found).map(|f| f.folder.path);
            let size = known.map(known::Known::bytes).or(embedded.then_some(digits::BYTES));
            let licence =
                known.map(|k| k.licence).or(embedded.then_some("CC BY 4.0 (E. Alpaydin, C. Kaynak)"));
            Listing { name, doc, size, found, embedded, licence }
        })
        .collect()
}

/// The names of available datasets, for messages.
pub(crate) fn names() -> String {
    let available = DATASETS.iter().filter(|entry| entry.support == Support::Available);
    available.map(|entry| entry.name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_dataset_is_a_word_with_an_outline() {
        for known in &known::KNOWN {
            let entry = DATASETS.iter().find(|entry| entry.name == known.name).unwrap();
            assert_eq!(entry.support, Support::Available);
            assert_eq!(entry.setting("images").unwrap().default, Some("unit"));
            let outline = shape_hint(known.name).unwrap();
            assert_eq!(outline.shape, known.shape);
            assert_eq!([outline.train_samples, outline.test_samples], known.samples);
        }
    }

    #[test]
    fn outline_of_digits_is_what_loads() {
        let (outline, data) = (shape_hint("digits").unwrap(), digits::load());
        assert_eq!(data.shape, outline.shape);
        assert_eq!(data.train.samples, outline.train_samples);
        assert_eq!(data.test.samples, outline.test_samples);
    }

    #[test]
    fn list_names_what_is_available_and_nothing_else() {
        let rows = list(&Locations::default());
        let names: Vec<_> = rows.iter().map(|row| row.name).collect();
        assert_eq!(names, ["mnist", "fashion_mnist", "cifar10", "digits", "idx"]);
        assert!(rows.iter().all(|row| row.found.is_none()));
        assert_eq!(rows[0].size, Some(54_950_048));
        assert_eq!((rows[2].size, rows[3].size), (Some(170_052_171), Some(264_712)));
    }
}
