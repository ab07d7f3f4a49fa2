//! A Debian package that holds the files gzipped: on closed networks a mirror of Debian is often there.
//!
//! `apt-get download` fetches it and `dpkg-deb` unpacks it, both as the user and into a scratch folder: nothing
//! is installed. Where the machine's package lists are missing or old, private ones are fetched first.

use super::scratch::Scratch;
use super::{Failure, Order, Source, command};
use crate::files::{NAMES, locate};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The name of the package.
pub(crate) struct Debian(pub(crate) &'static str);

impl Source for Debian {
    fn name(&self) -> String {
        format!("Debian package {}", self.0)
    }

    fn deliver(&self, order: &mut Order<'_>) -> Result<(), Failure> {
        let scratch = Scratch::create(order)?;
        let folder = scratch.path();
        match command::run(self.download(folder), folder, order) {
            Err(Failure::Refused(_)) if command::exists("apt-get") => self.download_afresh(folder, order)?,
            other => other?,
        }
        let package = command::file_ending(folder, ".deb")?;
        let contents = folder.join("contents");
        let mut unpack = Command::new("dpkg-deb");
        unpack.arg("--extract").arg(package).arg(&contents);
        command::run(unpack, folder, order)?;
        self.take(&contents, order)
    }
}

impl Debian {
    fn download(&self, folder: &Path) -> Command {
        let mut apt = Command::new("apt-get");
        apt.args(["-qq", "-o", "Acquire::Retries=1", "download", self.0]).current_dir(folder);
        apt
    }

    /// Downloads with package lists of its own, which needs no rights.
    fn download_afresh(&self, folder: &Path, order: &Order<'_>) -> Result<(), Failure> {
        let (lists, cache) = (folder.join("lists"), folder.join("cache"));
        for path in [lists.join("partial"), cache.join("archives/partial")] {
            fs::create_dir_all(path).map_err(|e| Failure::Refused(format!("no room for lists: {e}")))?;
        }
        let private = |apt: &mut Command| {
            apt.arg("-o").arg(format!("Dir::State::Lists={}", lists.display()));
            apt.arg("-o").arg(format!("Dir::Cache={}", cache.display()));
        };
        let mut update = Command::new("apt-get");
        update.args(["-qq", "-o", "Acquire::Languages=none", "-o", "Acquire::Retries=1", "update"]);
        private(&mut update);
        command::run(update, folder, order)?;
        let mut download = self.download(folder);
        private(&mut download);
        command::run(download, folder, order)
    }

    /// Takes the files from wherever they lie in the package.
    fn take(&self, contents: &Path, order: &mut Order<'_>) -> Result<(), Failure> {
        let broken = |error: io::Error| Failure::Refused(format!("the package cannot be read: {error}"));
        for folder in folders(contents).map_err(broken)? {
            for k in order.pending().to_vec() {
                if let Some(path) = locate(&folder, NAMES[k]) {
                    order.accept(k, File::open(path).map_err(broken)?)?;
                }
            }
        }
        Ok(())
    }
}

/// `top` and all folders below it.
fn folders(top: &Path) -> io::Result<Vec<PathBuf>> {
    let mut all = vec![top.to_owned()];
    let mut next = 0;
    while next < all.len() {
        for entry in fs::read_dir(&all[next])? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                all.push(entry.path());
            }
        }
        next += 1;
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Diary, Temporary, cache_only, contents, gzip, known};
    use crate::get::get_known;

    /// The Debian source behind its commands: takes from a package that is unpacked already.
    struct Unpacked(PathBuf);

    impl Source for Unpacked {
        fn name(&self) -> String {
            "unpacked".to_owned()
        }
        fn deliver(&self, order: &mut Order<'_>) -> Result<(), Failure> {
            Debian("tiny").take(&self.0, order)
        }
    }

    #[test]
    fn files_are_found_wherever_they_lie_in_the_package() {
        let (top, mut diary) = (Temporary::new(), Diary::default());
        let folder = top.join("contents/usr/share/tiny");
        fs::create_dir_all(&folder).unwrap();
        for (name, bytes) in NAMES.iter().zip(contents(1)) {
            fs::write(folder.join(format!("{name}.gz")), gzip(&bytes)).unwrap();
        }
        let source = Unpacked(top.join("contents"));
        get_known(&known(1), &cache_only(&top), &[&source], &mut diary).unwrap();
        assert_eq!(diary.stored, NAMES);
    }
}
