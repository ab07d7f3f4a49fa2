//! The `optkit` command.
#![forbid(unsafe_code)]

mod args;
mod check;
mod columns;
mod compare;
mod data;
mod exit;
mod export;
mod facts;
mod figures;
mod files;
mod interrupt;
mod list;
mod man;
mod pace;
mod plot;
mod read;
mod report;
mod runs;
mod show;
mod solve;
mod stderr;
mod study;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::args::{Cli, Command, DataAction};
use crate::exit::Exit;

fn main() -> ExitCode {
    let command = Cli::parse().command;
    let done = match command {
        Command::Solve(args) => solve::solve(&args),
        Command::Check(args) => check::check(&args),
        Command::List { what } => list::list(what),
        Command::Runs { action } => runs::runs(&action),
        Command::Data { action: DataAction::List { data_dir } } => data::list(data_dir),
        Command::Data { action: DataAction::Get { name, data_dir, quiet } } => {
            data::get(&name, data_dir, quiet)
        }
        Command::Export(args) => export::export(&args),
        Command::Plot(args) => plot::plot(&args),
        Command::Explain { code } => explain(&code),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "optkit", &mut script);
            io::stdout().write_all(&script).map(|()| Exit::Success)
        }
        Command::Man => man::man(),
    };
    match done {
        Ok(exit) => exit.into(),
        // Whoever reads our output has read enough: `optkit list methods | head -1`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Success.into(),
        Err(error) => {
            stderr::error(format_args!("cannot write the output: {error}"));
            Exit::Usage.into()
        }
    }
}

fn explain(code: &str) -> io::Result<Exit> {
    match optkit::problem::explain(&code.to_uppercase()) {
        Some(text) => columns::paragraphs(&mut io::stdout().lock(), text).map(|()| Exit::Success),
        None => {
            stderr::error(format_args!("there is no diagnostic `{code}`; codes look like E0201"));
            Ok(Exit::Usage)
        }
    }
}
