//! A folder for a source's own files, beside the place where the dataset goes.

use super::order::unique;
use super::{Failure, Order};
use crate::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

/// A folder that is removed with everything in it.
pub(super) struct Scratch {
    path: PathBuf,
}

impl Scratch {
    pub(super) fn create(order: &Order<'_>) -> Result<Self, Failure> {
        let path = order.folder().join(unique("fetch"));
        match fs::create_dir(&path) {
            // absolute, because commands run inside it are given paths below it
            Ok(()) => Ok(Self { path: std::path::absolute(&path).unwrap_or(path) }),
            Err(source) => Err(Error::Write { path, source }.into()),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}
