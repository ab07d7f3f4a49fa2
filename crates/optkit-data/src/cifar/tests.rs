//! A dataset of the same form with two images a file.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use flate2::{Compression, write::GzEncoder};

use super::*;
use crate::checksum::of;

const FILES: &[&str] = &["data_batch_1.bin", "data_batch_2.bin", "test_batch.bin"];

fn contents() -> Vec<Vec<u8>> {
    (0..3_u8)
        .map(|k| {
            (0..2_u8)
                .flat_map(|r| {
                    let pixels = (0..PIXELS).map(move |p| (p as u8).wrapping_mul(7).wrapping_add(10 * k + r));
                    std::iter::once((3 * k + r) % 10).chain(pixels)
                })
                .collect()
        })
        .collect()
}

fn packed() -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in FILES.iter().zip(contents()) {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        builder.append_data(&mut header, format!("cifar-10-batches-bin/{name}"), bytes.as_slice()).unwrap();
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&builder.into_inner().unwrap()).unwrap();
    encoder.finish().unwrap()
}

fn form() -> Form {
    let packed = packed();
    Form {
        archive_bytes: packed.len() as u64,
        archive_sum: &*hex(&of(&packed)).leak(),
        files: FILES,
        records: 2,
        ..PUBLISHED
    }
}

/// A folder that vanishes, and locations with a data folder in it.
struct Place(std::path::PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("optkit-cifar-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn locations(&self) -> Locations {
        Locations { data_dir: Some(self.0.join("data")), ..Locations::default() }
    }

    fn folder(&self, below: &str) -> std::path::PathBuf {
        let folder = self.0.join("data").join(below);
        fs::create_dir_all(&folder).unwrap();
        folder
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn put(folder: &Path) {
    for (name, bytes) in FILES.iter().zip(contents()) {
        fs::write(folder.join(name), bytes).unwrap();
    }
}

#[test]
fn packed_and_unpacked_are_one_dataset_wherever_they_lie() {
    let mut seen = Vec::new();
    for layout in ["cifar10", "cifar-10-batches-bin", ""] {
        let (packed_at, unpacked_at) = (Place::new(&format!("p{layout}")), Place::new(&format!("u{layout}")));
        fs::write(packed_at.folder(layout).join(PUBLISHED.archive), packed()).unwrap();
        put(&unpacked_at.folder(layout));
        for place in [packed_at, unpacked_at] {
            seen.push(load(&form(), &place.locations(), Fetch::Never).unwrap());
        }
    }
    let first = &seen[0];
    assert_eq!((&first.shape[..], first.classes), (SHAPE, CLASSES));
    assert_eq!((first.train.samples, first.test.samples), (4, 2));
    assert_eq!(first.train.labels, [0, 1, 3, 4]);
    assert_eq!(first.train.features[PIXELS..PIXELS + 3], [1, 8, 15]);
    assert_eq!(first.test.features[..3], [20, 27, 34]);
    for other in &seen {
        assert_eq!(
            (&other.train, &other.test, &other.checksum),
            (&first.train, &first.test, &first.checksum)
        );
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let place = Place::new("wrong");
    let error = load(&form(), &place.locations(), Fetch::Never).unwrap_err();
    let text = error.to_string();
    assert!(error.is_missing() && text.contains("cifar-10-binary.tar.gz"), "{text}");

    let folder = place.folder("cifar10");
    put(&folder);
    fs::remove_file(folder.join("test_batch.bin")).unwrap();
    let text = load(&form(), &place.locations(), Fetch::Never).unwrap_err().to_string();
    assert!(text.contains("lacks test_batch.bin"), "{text}");

    fs::write(folder.join("test_batch.bin"), [0; 100]).unwrap();
    let error = load(&form(), &place.locations(), Fetch::Never).unwrap_err();
    assert!(error.is_bad_file() && error.to_string().contains("has 100 bytes"), "{error}");

    let mut bytes = contents()[2].clone();
    bytes[RECORD] = 77;
    fs::write(folder.join("test_batch.bin"), bytes).unwrap();
    let text = load(&form(), &place.locations(), Fetch::Never).unwrap_err().to_string();
    assert!(text.contains("record 1 has the label 77"), "{text}");

    fs::write(folder.join(PUBLISHED.archive), &packed()[1..]).unwrap();
    let error = load(&form(), &place.locations(), Fetch::Never).unwrap_err();
    assert!(matches!(error, Error::Checksum { .. }), "{error}");
}

#[cfg(feature = "fetch")]
#[test]
fn the_first_mirror_that_has_the_archive_delivers_it() {
    use std::io::{BufRead, BufReader};
    use std::net::TcpListener;

    use crate::progress::Quiet;

    let serve = |body: Vec<u8>| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                let mut lines = BufReader::new(connection.try_clone().unwrap()).lines();
                while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
                let head =
                    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
                // the client hangs up early where it has seen enough
                let _ = connection.write_all(&[head.as_bytes(), &body].concat());
            }
        });
        address
    };
    let (place, form) = (Place::new("mirrors"), form());
    let mut other = packed();
    other[100] ^= 1;
    let mirrors = [serve(other), serve(packed()[..50].to_vec()), serve(packed())];
    let mirrors: Vec<&str> = mirrors.iter().map(String::as_str).collect();
    let folder = place.folder("cifar10");
    let attempts = fetch::fetch(&form, &folder, &mirrors[..2], &mut Quiet).unwrap().unwrap_err();
    assert!(attempts[0].reason.contains("SHA-256"), "{}", attempts[0].reason);
    assert!(attempts[1].reason.contains("50 bytes, expected"), "{}", attempts[1].reason);
    assert!(fs::read_dir(&folder).unwrap().next().is_none(), "nothing is left behind");
    fetch::fetch(&form, &folder, &mirrors, &mut Quiet).unwrap().unwrap();
    assert_eq!(load(&form, &place.locations(), Fetch::Never).unwrap().train.samples, 4);
}
