//! `digits`: 1,797 handwritten digits of 8×8 (UCI, Alpaydin & Kaynak 1998), part of this crate.
//!
//! A line of the embedded file is 64 pixels of 0 to 16 in row order, then the label. The split is by position,
//! four fifths to one fifth.

use crate::checksum;
use crate::dataset::{Dataset, Split};
use flate2::read::GzDecoder;
use std::io::Read;

const PACKED: &[u8] = include_bytes!("../data/digits.csv.gz");
const FEATURES: usize = 64;
pub(crate) const TRAIN: usize = 1437;
pub(crate) const TEST: usize = 360;
/// Share of the training samples' bytes that are not zero.
pub(crate) const NONZERO: f64 = 0.51;
/// Bytes of the uncompressed file.
pub(crate) const BYTES: u64 = 264_712;

/// Unpacks the embedded file.
pub(crate) fn load() -> Dataset {
    let mut text = String::with_capacity(BYTES as usize);
    GzDecoder::new(PACKED).read_to_string(&mut text).expect("the embedded digits are gzip of ASCII");
    let mut features = Vec::with_capacity((TRAIN + TEST) * FEATURES);
    let mut labels = Vec::with_capacity(TRAIN + TEST);
    for line in text.lines() {
        let values = line.split(',').map(|v| v.parse::<u8>().expect("the embedded digits are whole numbers"));
        features.extend(values);
        labels.push(features.pop().expect("no line of the embedded digits is empty"));
    }
    let test = Split {
        features: features.split_off(TRAIN * FEATURES),
        labels: labels.split_off(TRAIN),
        samples: TEST,
    };
    Dataset {
        name: "digits".into(),
        shape: vec![8, 8],
        classes: 10,
        scale: 1.0 / 16.0,
        train: Split { features, labels, samples: TRAIN },
        test,
        checksum: checksum::hex(&checksum::over(&[checksum::of(text.as_bytes())])),
        origin: "embedded".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embedded_digits_have_the_documented_sizes_and_ranges() {
        let data = load();
        for (split, samples) in [(&data.train, TRAIN), (&data.test, TEST)] {
            assert_eq!(split.samples, samples);
            assert_eq!(split.labels.len(), samples);
            assert_eq!(split.features.len(), samples * FEATURES);
            assert!(split.features.iter().all(|&p| p <= 16));
            for digit in 0..10 {
                assert!(split.labels.contains(&digit), "no digit {digit}");
            }
            assert!(split.labels.iter().all(|&l| l < 10));
        }
        let nonzero = data.train.features.iter().filter(|&&p| p != 0).count() as f64;
        assert!((nonzero / data.train.features.len() as f64 - NONZERO).abs() < 0.01);
        // first image and label as in the UCI file
        assert_eq!(data.train.features[..8], [0, 0, 5, 13, 9, 1, 0, 0]);
        assert_eq!(data.train.labels[..3], [0, 1, 2]);
    }

    #[test]
    fn every_digit_is_about_a_tenth() {
        let data = load();
        for digit in 0..10 {
            let count = data.train.labels.iter().chain(&data.test.labels).filter(|&&l| l == digit).count();
            assert!((174..=183).contains(&count), "{count} images of {digit}"); // UCI's class table
        }
    }
}
