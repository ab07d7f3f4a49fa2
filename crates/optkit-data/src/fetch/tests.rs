//! What a fetch promises: verified files or none, the user's files untouched, every source's reason told.

use super::{Failure, Order, Source};
use crate::error::Error;
use crate::files::NAMES;
use crate::fixture::{
    Diary, Shelf, Temporary, cache_only, contents, data_dir_and_cache, gzip, known, names_in, put,
};
use crate::get::{Got, get_known};
use crate::load::load_known;
use crate::locations::Locations;
use crate::progress::{Fetch, Quiet};
use std::fs;

fn sorted_names() -> Vec<String> {
    let mut names = NAMES.map(str::to_owned).to_vec();
    names.sort_unstable();
    names
}

#[test]
fn what_is_missing_is_fetched_once_and_loaded() {
    let (top, known, mut diary) = (Temporary::new(), known(1), Diary::default());
    let locations = cache_only(&top);
    let source = Shelf::whole("shelf", contents(1).map(|file| gzip(&file)));
    for _ in 0..2 {
        let fetch = Fetch::IfMissing(&mut diary);
        let data = load_known(&known, &locations, fetch, &[&source]).unwrap();
        assert_eq!((data.train.samples, data.test.samples), (3, 2));
        assert_eq!(data.train.features, contents(1)[0][16..]);
        assert_eq!(data.test.labels, contents(1)[3][8..]);
    }
    assert_eq!(diary.asked, ["shelf"]);
    assert_eq!(diary.stored, NAMES);
    assert_eq!(diary.received, 10, "length of the last file, uncompressed");
    assert_eq!(names_in(&top.join("cache/tiny")), sorted_names());
}

#[test]
fn nothing_is_fetched_that_is_here_or_without_leave() {
    let (top, known, mut diary) = (Temporary::new(), known(1), Diary::default());
    let locations = data_dir_and_cache(&top);
    let error = load_known(&known, &locations, Fetch::Never, &[]).unwrap_err();
    assert!(error.is_missing() && !error.is_bad_file());
    let text = error.to_string();
    assert!(text.contains("optkit data get tiny") && text.contains("--data-dir"), "{text}");
    assert!(text.contains(&top.join("data/tiny").display().to_string()), "{text}");

    for layout in ["data/tiny", "data/TINY/raw", "data", "cache/tiny"] {
        let folder = top.join(layout);
        put(&folder, &contents(1));
        let got = get_known(&known, &locations, &[], &mut diary).unwrap();
        assert_eq!(got, Got::Present(folder.clone()));
        fs::remove_dir_all(folder).unwrap();
    }
    assert!(diary.asked.is_empty());
}

#[test]
fn partial_and_corrupt_files_in_the_cache_are_fetched_again_and_only_they() {
    let (top, known, mut diary) = (Temporary::new(), known(1), Diary::default());
    let locations = cache_only(&top);
    let folder = top.join("cache/tiny");
    put(&folder, &contents(1));
    fs::write(folder.join(NAMES[0]), &contents(1)[0][..20]).unwrap(); // partial
    fs::write(folder.join(NAMES[3]), &contents(2)[3]).unwrap(); // other contents
    let error = load_known(&known, &locations, Fetch::Never, &[]).unwrap_err();
    assert!(error.is_bad_file(), "{error}");
    assert!(error.to_string().contains("`optkit data get tiny` does"), "{error}");

    let source = Shelf::whole("shelf", contents(1));
    let got = get_known(&known, &locations, &[&source], &mut diary).unwrap();
    assert_eq!(got, Got::Fetched(folder.clone()));
    assert_eq!(diary.stored, [NAMES[0], NAMES[3]]);
    assert!(load_known(&known, &locations, Fetch::Never, &[]).is_ok());
    assert_eq!(names_in(&folder), sorted_names());
}

#[test]
fn wrong_files_of_the_user_are_refused_and_left_as_they_are() {
    let (top, known, mut diary) = (Temporary::new(), known(1), Diary::default());
    let locations = data_dir_and_cache(&top);
    let source = Shelf::whole("shelf", contents(1));
    let folder = top.join("data/tiny");
    for wrong in [contents(1)[2][..20].to_vec(), contents(2)[2].clone(), b"notes".to_vec(), Vec::new()] {
        put(&folder, &contents(1));
        fs::write(folder.join(NAMES[2]), &wrong).unwrap();
        let fetch = Fetch::IfMissing(&mut diary);
        let error = load_known(&known, &locations, fetch, &[&source]).unwrap_err();
        assert!(error.is_bad_file(), "{error}");
        assert!(error.to_string().contains(NAMES[2]), "{error}");
        // the same where the dataset is incomplete, so that a fetch begins
        fs::remove_file(folder.join(NAMES[0])).unwrap();
        let error = get_known(&known, &locations, &[&source], &mut diary).unwrap_err();
        assert!(error.is_bad_file(), "{error}");
        assert_eq!(fs::read(folder.join(NAMES[2])).unwrap(), wrong);
    }
    assert!(diary.asked.is_empty());
}

#[test]
fn a_folder_of_the_user_is_completed() {
    let (top, known, mut diary) = (Temporary::new(), known(1), Diary::default());
    let folder = top.join("data/tiny");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(format!("{}.gz", NAMES[0])), gzip(&contents(1)[0])).unwrap();
    let source = Shelf::whole("shelf", contents(1));
    let got = get_known(&known, &data_dir_and_cache(&top), &[&source], &mut diary).unwrap();
    assert_eq!(got, Got::Fetched(folder));
    assert_eq!(diary.stored, NAMES[1..]);
    assert!(!top.join("cache").exists());
}

#[test]
fn a_file_that_appears_meanwhile_in_a_users_folder_is_not_overwritten() {
    struct Slow(std::path::PathBuf);
    impl Source for Slow {
        fn name(&self) -> String {
            "slow".to_owned()
        }
        fn deliver(&self, order: &mut Order<'_>) -> Result<(), Failure> {
            fs::write(self.0.join(NAMES[0]), "the user's").unwrap();
            order.accept(0, contents(1)[0].as_slice())
        }
    }
    let (top, known) = (Temporary::new(), known(1));
    let folder = top.join("data/tiny");
    let source = Slow(folder.clone());
    let error = get_known(&known, &data_dir_and_cache(&top), &[&source], &mut Quiet).unwrap_err();
    assert!(matches!(&error, Error::Write { path, .. } if path.ends_with(NAMES[0])), "{error}");
    assert_eq!(names_in(&folder), [NAMES[0]]);
    assert_eq!(fs::read(folder.join(NAMES[0])).unwrap(), b"the user's");
}

#[test]
fn files_in_a_root_itself_count_only_if_the_labels_are_the_datasets() {
    let (top, known) = (Temporary::new(), known(1));
    let locations = data_dir_and_cache(&top);
    put(&top.join("data"), &contents(2));
    let error = load_known(&known, &locations, Fetch::Never, &[]).unwrap_err();
    assert!(error.is_missing());
    assert!(error.to_string().contains("holds files of another dataset"), "{error}");
    // the labels match, an image file does not: the dataset, but broken
    put(&top.join("data"), &contents(1));
    fs::write(top.join("data").join(NAMES[2]), &contents(2)[2]).unwrap();
    let error = load_known(&known, &locations, Fetch::Never, &[]).unwrap_err();
    assert!(matches!(error, Error::Checksum { .. }), "{error}");
}

#[test]
fn sources_that_fail_leave_nothing_and_are_all_named() {
    let (top, known, mut diary) = (Temporary::new(), known(1), Diary::default());
    let right = contents(1);
    let longer = [&right[0][..], &[0; 9]].concat();
    let mut broken_gzip = gzip(&right[0]);
    broken_gzip.truncate(20);
    let sources = [
        Shelf { name: "other", files: vec![(0, contents(2)[0].clone())] },
        Shelf { name: "short", files: vec![(0, right[0][..20].to_vec())] },
        Shelf { name: "long", files: vec![(0, longer)] },
        Shelf { name: "broken", files: vec![(0, broken_gzip)] },
        Shelf { name: "nothing", files: vec![(0, Vec::new())] },
        Shelf { name: "half", files: vec![(1, right[1].clone())] },
    ];
    let sources: Vec<&dyn Source> = sources.iter().map(|s| s as &dyn Source).collect();
    let error = get_known(&known, &cache_only(&top), &sources, &mut diary).unwrap_err();
    let text = error.to_string();
    assert!(error.is_missing());
    for telling in [
        "other: train-images-idx3-ubyte: its SHA-256 is",
        "short: train-images-idx3-ubyte: 20 bytes, expected 28",
        "long: train-images-idx3-ubyte: 37 or more bytes, expected 28",
        "broken: train-images-idx3-ubyte: ",
        "nothing: train-images-idx3-ubyte: 0 bytes, expected 28",
        "half: has no train-images-idx3-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte",
        "remedy: put train-images-idx3-ubyte",
    ] {
        assert!(text.contains(telling), "no `{telling}` in\n{text}");
    }
    assert_eq!(diary.failed.len(), sources.len());
    assert_eq!(names_in(&top.join("cache/tiny")), [NAMES[1]], "the verified half stays");
    // another half completes it, and is asked for the rest alone
    let rest =
        Shelf { name: "rest", files: vec![0, 2, 3].into_iter().map(|k| (k, right[k].clone())).collect() };
    assert!(get_known(&known, &cache_only(&top), &[&rest], &mut diary).is_ok());
}

#[test]
fn a_file_has_no_name_before_it_is_complete() {
    let (top, known) = (Temporary::new(), known(1));
    let folder = top.join("cache/tiny");
    let mut diary = Diary { watched: NAMES.map(|name| folder.join(name)).to_vec(), ..Diary::default() };
    let source = Shelf::whole("shelf", contents(1));
    get_known(&known, &cache_only(&top), &[&source], &mut diary).unwrap();
    assert_eq!(diary.stored.len(), 4);
    let too_early = diary.too_early.into_inner();
    assert!(too_early.is_empty(), "{too_early:?}");
}

#[test]
fn a_stopped_fetch_ends_as_interrupted_and_leaves_nothing_half_done() {
    let (top, known) = (Temporary::new(), known(1));
    let mut diary = Diary { stop: true, ..Diary::default() };
    let source = Shelf::whole("shelf", contents(1));
    let error = get_known(&known, &cache_only(&top), &[&source], &mut diary).unwrap_err();
    assert!(error.is_interrupted());
    assert!(names_in(&top.join("cache/tiny")).is_empty());
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let (top, known) = (Temporary::new(), known(1));
    fs::write(top.join("cache"), "a file where the folder should be").unwrap();
    let source = Shelf::whole("shelf", contents(1));
    let error = get_known(&known, &cache_only(&top), &[&source], &mut Quiet).unwrap_err();
    assert!(matches!(&error, Error::Write { path, .. } if path.starts_with(top.path())), "{error}");
    let error = get_known(&known, &Locations::default(), &[&source], &mut Quiet).unwrap_err();
    assert!(matches!(error, Error::NoDestination { .. }));
}
