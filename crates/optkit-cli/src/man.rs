//! `optkit man`: one page for the command and all of its subcommands, from the definition in [`args`](crate::args).

use std::io::{self, Write};

use clap::CommandFactory;
use clap_mangen::Man;

use crate::args::Cli;
use crate::exit::Exit;

/// Prints the page.
pub(crate) fn man() -> io::Result<Exit> {
    // What a build or a machine is, is no matter of the page.
    let mut command = Cli::command().long_version(env!("CARGO_PKG_VERSION")).disable_help_subcommand(true);
    command.build();
    let page = Man::new(command.clone());
    let mut text = Vec::new();
    page.render_title(&mut text)?;
    page.render_name_section(&mut text)?;
    page.render_synopsis_section(&mut text)?;
    page.render_description_section(&mut text)?;
    page.render_options_section(&mut text)?;
    for subcommand in command.get_subcommands() {
        section(&mut text, subcommand)?;
    }
    page.render_extra_section(&mut text)?;
    let text = String::from_utf8(text).map_err(io::Error::other)?;
    let mut out = io::stdout().lock();
    for (i, line) in text.lines().enumerate() {
        match line {
            ".SH EXTRA" => writeln!(out, ".SH EXAMPLES")?,
            // Every section defines what an apostrophe is; once will do.
            repeated if i > 1 && (repeated.starts_with(".ie ") || repeated.starts_with(".el ")) => {}
            line => writeln!(out, "{line}")?,
        }
    }
    Ok(Exit::Success)
}

/// A subcommand as a section, or each of its own subcommands.
fn section(text: &mut Vec<u8>, command: &clap::Command) -> io::Result<()> {
    if command.has_subcommands() {
        return command.get_subcommands().try_for_each(|subcommand| section(text, subcommand));
    }
    let name = command.get_bin_name().unwrap_or(command.get_name()).to_owned();
    writeln!(text, ".SH {}", name.to_uppercase())?;
    let page = Man::new(command.clone());
    let mut body = Vec::new();
    page.render_synopsis_section(&mut body)?;
    page.render_description_section(&mut body)?;
    page.render_options_section(&mut body)?;
    // Sections of a page of its own are subsections of this one.
    let body = String::from_utf8(body).map_err(io::Error::other)?.replace("\n.SH ", "\n.SS ");
    text.write_all(body.as_bytes())
}
