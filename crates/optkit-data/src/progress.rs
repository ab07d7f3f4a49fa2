//! What happens while a dataset is fetched, told to the caller.

/// Whether a dataset that is not on the machine may be fetched.
pub enum Fetch<'a> {
    /// Look on this machine only.
    Never,
    /// Fetch what is missing, and in the cache folder what is corrupt, and tell how it goes.
    IfMissing(&'a mut dyn Progress),
}

/// Told how a fetch goes; every method may be left out.
pub trait Progress {
    /// `source` (a mirror's address, a package) is asked for `dataset`.
    fn source(&mut self, _dataset: &str, _source: &str) {}
    /// `received` bytes of `file` are here, of `total` where the size is known. At most once in 64 KiB.
    fn advance(&mut self, _file: &str, _received: u64, _total: Option<u64>) {}
    /// `file` is verified and in its place.
    fn stored(&mut self, _file: &str, _path: &std::path::Path) {}
    /// `source` did not deliver; the next one is asked, if there is one.
    fn failed(&mut self, _source: &str, _reason: &str) {}
    /// True where the user wants to stop: the fetch ends soon with [`Error::Interrupted`](crate::Error).
    fn stop(&self) -> bool {
        false
    }
}

/// Tells nobody.
pub struct Quiet;

impl Progress for Quiet {}
