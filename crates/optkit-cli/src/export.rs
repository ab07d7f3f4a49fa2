//! `optkit export`: weights out of a checkpoint.

use std::io::{self, Write};

use optkit::Checkpoint;
use optkit::run_folder::{Newest, RunFolder};
use optkit::weights::{self, Precision};

use crate::args::{self, Export};
use crate::columns::grouped;
use crate::exit::Exit;
use crate::stderr;

/// Writes the weights.
pub(crate) fn export(args: &Export) -> io::Result<Exit> {
    match written(args) {
        Ok(said) => writeln!(io::stdout(), "{said}").map(|()| Exit::Success),
        Err(reason) => {
            stderr::error(reason);
            Ok(Exit::Usage)
        }
    }
}

/// What was written, or why nothing was.
fn written(args: &Export) -> Result<String, String> {
    let checkpoint = checkpoint(args)?;
    let place = args.from.display();
    let (network, weights) =
        weights::of_checkpoint(&checkpoint).map_err(|error| format!("`{place}`: {error}"))?;
    let precision = match args.precision {
        args::Precision::F32 => Precision::F32,
        args::Precision::F64 => Precision::F64,
    };
    weights.write(&args.out, &network, precision).map_err(|error| error.to_string())?;
    let averages = match weights.averages.len() {
        0 => String::new(),
        count => format!(" and {} running averages", grouped(count)),
    };
    Ok(format!(
        "{}: {} parameters in {} tensors{averages}, after iteration {} of `{place}`",
        args.out.display(),
        grouped(network.dim()),
        network.tensors().len(),
        grouped(checkpoint.iterations()),
    ))
}

/// The checkpoint that is named, or the newest of the run that is.
fn checkpoint(args: &Export) -> Result<Checkpoint, String> {
    let from = &args.from;
    if !from.is_dir() {
        return Checkpoint::read(from).map_err(|error| error.to_string());
    }
    let place = from.display();
    if !RunFolder::has_begun(from) {
        return Err(format!(
            "`{place}` is no run; name the folder of one, which `optkit runs list {place}` shows, or a checkpoint"
        ));
    }
    let newest = RunFolder::newest_checkpoint(from).map_err(|error| error.to_string())?;
    let Some(Newest { checkpoint, damaged }) = newest else {
        return Err(format!(
            "`{place}` has no checkpoint: it was killed before the first, or they were cleaned away; run it again"
        ));
    };
    for error in damaged {
        stderr::line(format_args!("warning: {error}; exporting the one before"));
    }
    Ok(checkpoint)
}
