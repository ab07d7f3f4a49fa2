//! `idx("folder")`: what a right folder gives, and what is said of a wrong one.

use flate2::{Compression, write::GzEncoder};
use optkit_data::{Dataset, Error, Fetch, IdxProblem, Locations, load};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

const NAMES: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

struct Temporary(PathBuf);

impl Temporary {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("optkit-idx-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn file(sizes: &[u32], bytes: impl IntoIterator<Item = u8>) -> Vec<u8> {
    let mut file = vec![0, 0, 8, sizes.len() as u8];
    file.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
    file.extend(bytes);
    file
}

/// 5 + 3 images of 4×3.
fn right() -> [Vec<u8>; 4] {
    [file(&[5, 4, 3], 0..60), file(&[5], [3, 1, 4, 1, 5]), file(&[3, 4, 3], 100..136), file(&[3], [2, 7, 1])]
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn put(folder: &Path, files: &[Vec<u8>; 4]) {
    for (name, file) in NAMES.iter().zip(files) {
        fs::write(folder.join(name), file).unwrap();
    }
}

fn load_idx(folder: &Path) -> Result<Dataset, Error> {
    load("idx", folder.to_str(), &Locations::default(), Fetch::Never)
}

#[test]
fn any_shape_is_read_and_classes_are_counted() {
    let top = Temporary::new();
    put(&top.0, &right());
    let data = load_idx(&top.0).unwrap();
    assert_eq!((data.shape.as_slice(), data.classes, data.features()), (&[4, 3][..], 8, 12));
    assert_eq!((data.train.samples, data.test.samples), (5, 3));
    assert!(data.train.features.iter().copied().eq(0..60));
    assert_eq!(data.train.labels, [3, 1, 4, 1, 5]);
    assert!(data.test.features.iter().copied().eq(100..136));
    assert_eq!(data.test.labels, [2, 7, 1]);
    assert_eq!(data.origin, top.0.display().to_string());
}

#[test]
fn gzipped_and_dotted_names_give_the_same_dataset() {
    let (plain, other) = (Temporary::new(), Temporary::new());
    put(&plain.0, &right());
    for (k, file) in right().iter().enumerate() {
        let name = if k % 2 == 0 { NAMES[k].to_owned() } else { NAMES[k].replace("-idx", ".idx") };
        // the contents tell what is gzipped, not the name
        let name = if k == 0 { name } else { format!("{name}.gz") };
        fs::write(other.0.join(name), gzip(file)).unwrap();
    }
    let (a, mut b) = (load_idx(&plain.0).unwrap(), load_idx(&other.0).unwrap());
    b.origin.clone_from(&a.origin);
    assert_eq!(a, b);
}

#[test]
fn rows_and_channels_are_images_too() {
    for sizes in [&[5, 12][..], &[5, 3, 2, 2]] {
        let top = Temporary::new();
        let rank = sizes.len();
        let files = right();
        for (name, samples) in [("train", 5), ("t10k", 3)] {
            let mut sizes = sizes.to_vec();
            sizes[0] = samples;
            let images = file(&sizes, (0..samples as u8 * 12).rev());
            fs::write(top.0.join(format!("{name}-images-idx{rank}-ubyte")), images).unwrap();
        }
        fs::write(top.0.join(NAMES[1]), &files[1]).unwrap();
        fs::write(top.0.join(NAMES[3]), &files[3]).unwrap();
        let shape: Vec<usize> = sizes[1..].iter().map(|&s| s as usize).collect();
        assert_eq!(load_idx(&top.0).unwrap().shape, shape);
    }
}

#[test]
fn a_relative_folder_is_found_below_a_data_folder() {
    let top = Temporary::new();
    let folder = top.0.join("mine");
    fs::create_dir(&folder).unwrap();
    put(&folder, &right());
    let locations = Locations { data_dir: Some(top.0.clone()), ..Locations::default() };
    assert_eq!(load("idx", Some("mine"), &locations, Fetch::Never).unwrap().train.samples, 5);
}

/// Loads a folder whose file `k` is `bytes`; its problem.
fn problem(k: usize, bytes: &[u8]) -> IdxProblem {
    let top = Temporary::new();
    let mut files = right();
    files[k] = bytes.to_vec();
    put(&top.0, &files);
    let error = load_idx(&top.0).unwrap_err();
    let text = error.to_string();
    assert!(error.is_bad_file() && !error.is_missing());
    assert!(text.contains(NAMES[k]) && text.contains("replace the file"), "{text}");
    match error {
        Error::Format { problem, .. } => problem,
        other => panic!("{other}"),
    }
}

#[test]
fn every_kind_of_broken_file_is_told_apart() {
    let images = &right()[0];
    assert_eq!(problem(0, &[]), IdxProblem::ShortHeader { length: 0, header: 4 });
    assert_eq!(problem(0, &images[..3]), IdxProblem::ShortHeader { length: 3, header: 4 });
    assert_eq!(problem(0, &images[..15]), IdxProblem::ShortHeader { length: 15, header: 16 });
    let shape = || "5x4x3".to_owned();
    assert_eq!(problem(0, &images[..16]), IdxProblem::Truncated { shape: shape(), promised: 60, held: 0 });
    assert_eq!(problem(0, &images[..75]), IdxProblem::Truncated { shape: shape(), promised: 60, held: 59 });
    assert_eq!(problem(0, &[&images[..], &[1]].concat()), IdxProblem::Trailing { end: 76 });
    assert_eq!(problem(2, b"\x89PNG\r\n"), IdxProblem::Magic { found: 0x8950 });
    assert_eq!(problem(1, &[0, 0, 0x0d, 1, 0, 0, 0, 5]), IdxProblem::ElementType { found: 0x0d });
    assert_eq!(problem(0, &file(&[0, 4, 3], [])), IdxProblem::Empty { place: 4, dimension: 0 });
    assert_eq!(problem(2, &file(&[3, 0, 3], [])), IdxProblem::Empty { place: 8, dimension: 1 });
    assert_eq!(problem(3, &file(&[0], [])), IdxProblem::Empty { place: 4, dimension: 0 });
    assert!(matches!(problem(1, images), IdxProblem::Dimensions { found: 3, what: "labels", .. }));
    assert!(matches!(problem(0, &right()[1]), IdxProblem::Dimensions { found: 1, what: "images", .. }));
    assert!(matches!(problem(0, &[0, 0, 8, 255]), IdxProblem::Dimensions { found: 255, .. }));
}

#[test]
fn absurd_dimensions_allocate_nothing_and_are_refused() {
    let most = u32::MAX;
    let truncated = problem(0, &file(&[most, 28, 28], 0..100));
    assert!(matches!(truncated, IdxProblem::Truncated { held: 100, .. }), "{truncated}");
    let overflow = problem(0, &file(&[most, most, most], 0..100));
    assert!(matches!(overflow, IdxProblem::Absurd { length: 116, .. }), "{overflow}");
    let packed = problem(0, &gzip(&file(&[most, 28, 28], 0..100)));
    assert!(matches!(packed, IdxProblem::Truncated { held: 100, .. }), "{packed}");
}

#[test]
fn broken_gzip_is_called_that() {
    let packed = gzip(&right()[0]);
    let mut flipped = packed.clone();
    let checksum = flipped.len() - 8;
    flipped[checksum] ^= 1;
    for broken in [&packed[..packed.len() / 2], &packed[..11], &flipped, &[&packed[..], b"more"].concat()] {
        assert!(matches!(problem(0, broken), IdxProblem::Gzip { .. }));
    }
}

#[test]
fn files_that_do_not_belong_together_are_refused() {
    let top = Temporary::new();
    let mut files = right();
    files[1] = file(&[4], 0..4);
    put(&top.0, &files);
    let text = load_idx(&top.0).unwrap_err().to_string();
    assert!(text.contains("holds 4 labels") && text.contains("holds 5 images"), "{text}");
    let mut files = right();
    files[2] = file(&[3, 3, 4], 0..36);
    put(&top.0, &files);
    let error = load_idx(&top.0).unwrap_err();
    assert!(error.is_bad_file());
    assert!(error.to_string().contains("shape 3x4, those for training 4x3"), "{error}");
}

#[test]
fn what_is_not_there_is_missing() {
    let top = Temporary::new();
    let error = load_idx(&top.0.join("nowhere")).unwrap_err();
    assert!(error.is_missing() && error.to_string().contains("nowhere"), "{error}");
    put(&top.0, &right());
    fs::remove_file(top.0.join(NAMES[2])).unwrap();
    let error = load_idx(&top.0).unwrap_err();
    assert!(error.is_missing());
    assert!(error.to_string().contains("no t10k-images-idx3-ubyte (plain or .gz)"), "{error}");
    fs::create_dir(top.0.join(NAMES[2])).unwrap();
    assert!(load_idx(&top.0).unwrap_err().is_missing(), "a folder is no file");
}

#[test]
fn names_and_operands_are_checked() {
    let text =
        |name, argument| load(name, argument, &Locations::default(), Fetch::Never).unwrap_err().to_string();
    assert!(text("minst", None).contains("known are mnist, fashion_mnist, cifar10, digits, idx"));
    assert!(text("csv", None).contains("not supported yet"));
    assert!(text("idx", None).contains("idx(\"folder\")"));
    assert!(text("mnist", Some("here")).contains("takes no operand, got \"here\""));
    assert!(text("digits", Some("")).contains("takes no operand"));
}

fn fixed(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(7),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(fixed(64))]

    #[test]
    fn what_is_written_is_read(
        rows in 1_u32..6, columns in 1_u32..6, samples in 1_u32..9, seed: u8, packed: bool
    ) {
        let top = Temporary::new();
        let images = |seed: u8| -> Vec<u8> {
            (0..samples * rows * columns).map(|k| (k as u8).wrapping_mul(37) ^ seed).collect()
        };
        let labels: Vec<u8> = (0..samples).map(|k| (k as u8).wrapping_mul(seed)).collect();
        let files = [
            file(&[samples, rows, columns], images(seed)), file(&[samples], labels.clone()),
            file(&[samples, rows, columns], images(!seed)), file(&[samples], labels.clone()),
        ];
        put(&top.0, &if packed { files.map(|f| gzip(&f)) } else { files });
        let data = load_idx(&top.0).unwrap();
        prop_assert_eq!(data.shape, [rows as usize, columns as usize]);
        prop_assert_eq!(data.train.features, images(seed));
        prop_assert_eq!(data.test.features, images(!seed));
        prop_assert_eq!(data.classes, usize::from(*labels.iter().max().unwrap()) + 1);
        prop_assert_eq!(data.train.labels, labels);
    }

    #[test]
    fn every_beginning_of_a_file_is_refused(k in 0_usize..4, share in 0.0..1.0, packed: bool) {
        let whole = if packed { gzip(&right()[k]) } else { right()[k].clone() };
        let cut = &whole[..(whole.len() as f64 * share) as usize];
        problem(k, cut); // asserts that there is one
    }

    #[test]
    fn garbage_is_refused_without_a_panic(k in 0_usize..4, mut bytes: Vec<u8>, kind in 0_usize..3) {
        let start: &[u8] = [&[][..], &[0, 0, 8], &[0x1f, 0x8b, 8]][kind];
        bytes.splice(..start.len().min(bytes.len()), start.iter().copied());
        let top = Temporary::new();
        let mut files = right();
        files[k] = bytes;
        put(&top.0, &files);
        prop_assert!(load_idx(&top.0).is_err());
    }
}
