//! Fetching the archive of CIFAR-10 from one mirror after another.

use std::fs;
use std::io::{BufReader, Read};
use std::path::Path;

use super::{Form, NAME};
use crate::checksum::{Running, hex};
use crate::error::{Attempt, Error};
use crate::fetch::{Failure, Part, agent};
use crate::progress::Progress;

/// Addresses of the archive. What they deliver is verified.
pub(super) const MIRRORS: &[&str] = &[
    "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    // The copy that Swift for TensorFlow fetched.
    "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/cifar-10-binary.tar.gz",
    // The copy that the tutorials of MindSpore fetch.
    "https://mindspore-website.obs.cn-north-4.myhuaweicloud.com/notebook/datasets/cifar-10-binary.tar.gz",
];

/// Fetches the archive into `folder`. `Ok(Err(…))`: no mirror delivered, and why.
pub(super) fn fetch(
    form: &Form,
    folder: &Path,
    mirrors: &[&str],
    progress: &mut dyn Progress,
) -> Result<Result<(), Vec<Attempt>>, Error> {
    fs::create_dir_all(folder).map_err(|source| Error::Write { path: folder.to_owned(), source })?;
    let mut attempts = Vec::new();
    for &mirror in mirrors {
        progress.source(NAME, mirror);
        let refused = match deliver(form, folder, mirror, progress) {
            Ok(()) => return Ok(Ok(())),
            Err(Failure::Fatal(error)) => return Err(*error),
            Err(Failure::Refused(reason)) => reason,
        };
        progress.failed(mirror, &refused);
        attempts.push(Attempt { source: mirror.to_owned(), reason: refused });
    }
    Ok(Err(attempts))
}

fn deliver(form: &Form, folder: &Path, mirror: &str, progress: &mut dyn Progress) -> Result<(), Failure> {
    let mut response =
        agent().get(mirror).call().map_err(|error| Failure::Refused(format!("{}: {error}", form.archive)))?;
    let mut stream =
        BufReader::with_capacity(1 << 16, response.body_mut().with_config().limit(u64::MAX).reader());
    let mut part = Part::create(folder)?;
    let (mut sum, mut received, mut buffer) = (Running::default(), 0, vec![0; 1 << 16]);
    while received <= form.archive_bytes {
        if progress.stop() {
            return Err(Error::Interrupted { name: NAME.to_owned() }.into());
        }
        let refused = |error| Failure::Refused(format!("{}: {error} after {received} bytes", form.archive));
        let count = stream.read(&mut buffer).map_err(refused)?;
        if count == 0 {
            break;
        }
        sum.update(&buffer[..count]);
        part.write(&buffer[..count])?;
        received += count as u64;
        progress.advance(form.archive, received, Some(form.archive_bytes));
    }
    if received != form.archive_bytes {
        let more = if received > form.archive_bytes { " or more" } else { "" };
        let (name, expected) = (form.archive, form.archive_bytes);
        return Err(Failure::Refused(format!("{name}: {received}{more} bytes, expected {expected}")));
    }
    let found = hex(&sum.finish());
    if found != form.archive_sum {
        let reason = format!("{}: its SHA-256 is {found}, expected {}", form.archive, form.archive_sum);
        return Err(Failure::Refused(reason));
    }
    let path = folder.join(form.archive);
    part.commit(&path, true)?;
    progress.stored(form.archive, &path);
    Ok(())
}
