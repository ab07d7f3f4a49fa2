//! `optkit runs clean`: says what it would delete before it deletes anything.

use std::io::{self, Write};

use optkit::run_folder::{Found, RunError, RunFolder, Standing};

use super::show::size;
use crate::columns::counted;
use crate::exit::Exit;
use crate::stderr;

/// Which runs go; where none does, checkpoints of those that have ended.
#[derive(Clone, Copy)]
pub(super) struct What {
    pub(super) finished: bool,
    pub(super) unfinished: bool,
}

/// What goes of a run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Goes {
    Checkpoints,
    All,
}

impl What {
    fn goes(self, run: &Found) -> Option<Goes> {
        let chosen = match run.standing() {
            Standing::Running => return None,
            Standing::Finished => self.finished,
            // One that cannot be read may be a newer version's.
            Standing::Unreadable => return None,
            Standing::Unfinished | Standing::Failed => self.unfinished,
        };
        let only_checkpoints = !self.finished && !self.unfinished && run.standing() == Standing::Finished;
        if chosen {
            Some(Goes::All)
        } else {
            (only_checkpoints && run.checkpoint_bytes() > 0).then_some(Goes::Checkpoints)
        }
    }
}

pub(super) fn clean(found: &[Found], what: What, yes: bool) -> io::Result<Exit> {
    let mut out = io::stdout().lock();
    let chosen: Vec<(Goes, &Found)> = found.iter().filter_map(|run| Some((what.goes(run)?, run))).collect();
    let mut total = 0;
    for (goes, run) in &chosen {
        let (part, bytes) = match goes {
            Goes::Checkpoints => ("checkpoints of ", run.checkpoint_bytes()),
            Goes::All => ("", run.bytes()),
        };
        total += bytes;
        writeln!(out, "{:>9}  {part}{}", size(bytes), run.folder.display())?;
    }
    let (runs, size) = (counted(chosen.len(), "run"), size(total));
    if chosen.is_empty() {
        writeln!(out, "nothing to delete")?;
    } else if !yes {
        writeln!(out, "\nthis would free {size} of {runs}; nothing is deleted without --yes")?;
    } else {
        for (goes, run) in &chosen {
            if let Err(error) = delete(*goes, run) {
                stderr::error(error);
                return Ok(Exit::Usage);
            }
        }
        writeln!(out, "\nfreed {size} of {runs}")?;
    }
    Ok(Exit::Success)
}

fn delete(goes: Goes, run: &Found) -> Result<(), RunError> {
    let folder = RunFolder::claim(&run.folder)?;
    match goes {
        Goes::Checkpoints => folder.remove_checkpoints(),
        Goes::All => folder.remove(),
    }
}
