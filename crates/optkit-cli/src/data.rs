//! `optkit data`, and the progress of a fetch.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{ProgressBar, ProgressStyle};
use optkit::data::{self, Got, Locations, Progress};

use crate::exit::Exit;
use crate::{columns, interrupt, stderr};

/// Shows a fetch on stderr: a bar on a terminal, a line a file elsewhere.
pub(crate) struct Shown {
    bar: Option<ProgressBar>,
    quiet: bool,
    stop: &'static AtomicBool,
}

impl Shown {
    pub(crate) fn new(quiet: bool, stop: &'static AtomicBool) -> Self {
        Self { bar: None, quiet, stop }
    }

    fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Progress for Shown {
    fn source(&mut self, dataset: &str, source: &str) {
        if !self.quiet {
            stderr::line(format_args!("fetching {dataset} from {source}"));
        }
    }

    fn advance(&mut self, file: &str, received: u64, total: Option<u64>) {
        if self.quiet || !io::stderr().is_terminal() {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| {
            let bar = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
            let style = ProgressStyle::with_template("  {msg} {wide_bar} {bytes}/{total_bytes} {eta}");
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        bar.set_message(file.to_owned());
        bar.set_position(received);
    }

    fn stored(&mut self, file: &str, path: &Path) {
        self.clear();
        if !self.quiet {
            stderr::line(format_args!("  {file} verified, in {}", path.display()));
        }
    }

    fn failed(&mut self, source: &str, reason: &str) {
        self.clear();
        if !self.quiet {
            stderr::line(format_args!("  {source}: {reason}"));
        }
    }

    fn stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// `optkit data list`.
pub(crate) fn list(data_dir: Option<PathBuf>) -> io::Result<Exit> {
    let mut out = io::stdout().lock();
    for listing in data::list(&Locations::from_environment(data_dir)) {
        let place = match &listing.found {
            Some(folder) => folder.display().to_string(),
            None if listing.embedded => "built in".to_owned(),
            None if listing.size.is_none() => "yours".to_owned(),
            None => "not on this machine".to_owned(),
        };
        let size = listing.size.map_or_else(String::new, |bytes| format!("{:.1} MB", bytes as f64 / 1e6));
        writeln!(out, "{}", format!("{:<14} {size:>8}  {place}", listing.name).trim_end())?;
        columns::write(&mut out, 0, 25, "", listing.doc)?;
        if let Some(licence) = listing.licence {
            columns::write(&mut out, 0, 25, "", &format!("licence: {licence}"))?;
        }
    }
    Ok(Exit::Success)
}

/// `optkit data get NAME`.
pub(crate) fn get(name: &str, data_dir: Option<PathBuf>, quiet: bool) -> io::Result<Exit> {
    let mut progress = Shown::new(quiet, interrupt::listen());
    let locations = Locations::from_environment(data_dir);
    match data::get(name, &locations, &mut progress) {
        Ok(got) => {
            let place = match got {
                Got::Embedded => "built in".to_owned(),
                Got::Present(folder) => format!("verified, in {}", folder.display()),
                Got::Fetched(folder) => format!("fetched and verified, in {}", folder.display()),
            };
            if !quiet {
                writeln!(io::stdout(), "{name}: {place}")?;
            }
            Ok(Exit::Success)
        }
        Err(error) => {
            stderr::error(&error);
            Ok(Exit::of_data(&error))
        }
    }
}
