//! The datasets whose files are known by their checksums: one row each.

/// A dataset of four idx files.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) name: &'static str,
    pub(crate) shape: &'static [usize],
    pub(crate) classes: usize,
    /// Samples of the training and the test set.
    pub(crate) samples: [usize; 2],
    /// Share of the training samples' bytes that are not zero.
    pub(crate) nonzero: f64,
    /// Folders below a root that may hold it: ours, then torchvision's.
    pub(crate) layouts: &'static [&'static str],
    /// SHA-256 of the uncompressed files, in the order of [`crate::files::NAMES`].
    pub(crate) sums: [&'static str; 4],
    pub(crate) licence: &'static str,
}

impl Known {
    /// Lengths of the uncompressed files: the header, then a byte an element.
    pub(crate) fn lengths(&self) -> [u64; 4] {
        let features: usize = self.shape.iter().product();
        let images = |samples: usize| (4 + 4 * (1 + self.shape.len()) + samples * features) as u64;
        let labels = |samples: usize| (4 + 4 + samples) as u64;
        let [train, test] = self.samples;
        [images(train), labels(train), images(test), labels(test)]
    }

    /// Length of all of them.
    pub(crate) fn bytes(&self) -> u64 {
        self.lengths().iter().sum()
    }
}

pub(crate) static KNOWN: [Known; 2] = [
    Known {
        name: "mnist",
        shape: &[28, 28],
        classes: 10,
        samples: [60_000, 10_000],
        nonzero: 0.19,
        layouts: &["mnist", "MNIST/raw"],
        sums: [
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ],
        licence: "CC BY-SA 3.0 (Y. LeCun, C. Cortes)",
    },
    Known {
        name: "fashion_mnist",
        shape: &[28, 28],
        classes: 10,
        samples: [60_000, 10_000],
        nonzero: 0.50,
        layouts: &["fashion_mnist", "FashionMNIST/raw"],
        sums: [
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ],
        licence: "MIT (Zalando SE)",
    },
];

/// The row of `name`.
pub(crate) fn find(name: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::NAMES;

    #[test]
    fn checksums_are_64_hexadecimal_digits_and_all_different() {
        let mut all: Vec<_> = KNOWN.iter().flat_map(|known| known.sums).collect();
        for sum in &all {
            assert_eq!(sum.len(), 64);
            assert!(sum.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c)), "{sum}");
        }
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), NAMES.len() * KNOWN.len());
    }

    #[test]
    fn lengths_are_those_of_the_published_files() {
        assert_eq!(find("mnist").unwrap().lengths(), [47_040_016, 60_008, 7_840_016, 10_008]);
    }
}
