//! Where datasets are looked for.

use std::env;
use std::path::{Path, PathBuf};

/// The folders that may hold datasets, in the order in which they are searched.
///
/// Each is searched as `<folder>/<dataset>/<file>`, as torchvision lays it out (`<folder>/MNIST/raw/<file>`),
/// and as `<folder>/<file>` where the checksums say that these files are the dataset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Locations {
    /// `--data-dir`: named for this run. Fetched files go to `<data_dir>/<dataset>/`.
    pub data_dir: Option<PathBuf>,
    /// `$OPTKIT_DATA`.
    pub environment: Option<PathBuf>,
    /// `./data`, below the working directory.
    pub working: Option<PathBuf>,
    /// The user's cache folder for optkit: fetched files go here where no `data_dir` is given, and files that
    /// turn out to be corrupt are fetched again.
    pub cache: Option<PathBuf>,
}

impl Locations {
    /// The locations of this process, with `--data-dir` where given.
    ///
    /// The cache folder is `$XDG_CACHE_HOME/optkit` or `~/.cache/optkit`; on macOS `~/Library/Caches/optkit`,
    /// on Windows `%LOCALAPPDATA%\optkit\cache`. A variable that is empty counts as not set.
    #[must_use]
    pub fn from_environment(data_dir: Option<PathBuf>) -> Self {
        Self {
            data_dir,
            environment: variable("OPTKIT_DATA"),
            working: Some(PathBuf::from("data")),
            cache: cache_folder(variable),
        }
    }

    /// The folder to which the dataset `name` is fetched.
    pub(crate) fn destination(&self, name: &str) -> Option<PathBuf> {
        self.data_dir.as_ref().or(self.cache.as_ref()).map(|root| root.join(name))
    }

    /// The folders in order, each with whether it is the cache.
    pub(crate) fn roots(&self) -> impl Iterator<Item = (&Path, bool)> {
        let users = [&self.data_dir, &self.environment, &self.working];
        let users = users.into_iter().flatten().map(|folder| (folder.as_path(), false));
        users.chain(self.cache.iter().map(|folder| (folder.as_path(), true)))
    }
}

fn variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// The cache folder by the platform's custom, from environment variables read by `get`.
fn cache_folder(get: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    // XDG: a relative path is invalid and must be ignored.
    if let Some(xdg) = get("XDG_CACHE_HOME").filter(|path| path.is_absolute()) {
        return Some(xdg.join("optkit"));
    }
    if cfg!(windows) {
        return get("LOCALAPPDATA").map(|local| local.join("optkit").join("cache"));
    }
    let home = get("HOME")?;
    let caches = if cfg!(target_os = "macos") { home.join("Library/Caches") } else { home.join(".cache") };
    Some(caches.join("optkit"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(pairs: &[(&str, &str)]) -> Option<PathBuf> {
        cache_folder(|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, value)| PathBuf::from(value)))
    }

    #[test]
    #[cfg(all(unix, not(target_os = "macos")))]
    fn cache_follows_xdg_then_home() {
        assert_eq!(from(&[("XDG_CACHE_HOME", "/c"), ("HOME", "/h")]), Some("/c/optkit".into()));
        assert_eq!(from(&[("XDG_CACHE_HOME", "relative"), ("HOME", "/h")]), Some("/h/.cache/optkit".into()));
        assert_eq!(from(&[("HOME", "/h")]), Some("/h/.cache/optkit".into()));
        assert_eq!(from(&[]), None);
    }

    #[test]
    fn folders_are_searched_from_the_most_to_the_least_specific() {
        let all = Locations {
            data_dir: Some("a".into()),
            environment: Some("b".into()),
            working: Some("c".into()),
            cache: Some("d".into()),
        };
        let order: Vec<_> = all.roots().map(|(path, cache)| (path.to_str().unwrap(), cache)).collect();
        assert_eq!(order, [("a", false), ("b", false), ("c", false), ("d", true)]);
        assert_eq!(Locations::default().roots().count(), 0);
    }
}
