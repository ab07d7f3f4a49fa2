//! `optkit plot`: logs of runs, drawn without a report statement.

mod logs;

use std::io::{self, Write};
use std::path::PathBuf;

use optkit_report::{Figure, Log, Provenance, Settings, charts_asked, group, html};

use crate::args::{Output, Plot};
use crate::columns::counted;
use crate::exit::Exit;
use crate::{files, stderr};

/// Draws the logs into the files that the command line names.
pub(crate) fn plot(args: &Plot) -> io::Result<Exit> {
    match draw(args) {
        Ok(written) => {
            let mut out = io::stdout().lock();
            written.iter().try_for_each(|path| writeln!(out, "wrote {}", path.display()))?;
            Ok(Exit::Success)
        }
        Err(message) => {
            stderr::error(message);
            Ok(Exit::Usage)
        }
    }
}

fn draw(args: &Plot) -> Result<Vec<PathBuf>, String> {
    let figures = group(logs::read(&args.logs)?);
    let settings = Settings {
        show: args.show.clone(),
        against: if args.against.is_empty() {
            Settings::default().against
        } else {
            args.against.iter().map(|&axis| axis.into()).collect()
        },
        band: args.band.into(),
    };
    known(&figures, &args.show)?;
    let default = [Output::Page(PathBuf::from("plot.html"))];
    let asked = if args.out.is_empty() { &default[..] } else { &args.out };
    let mut written = Vec::new();
    for out in asked {
        written.extend(one(out, &figures, &settings, args)?);
    }
    Ok(written)
}

/// Everything of one kind of file.
fn one(out: &Output, figures: &[Figure], settings: &Settings, args: &Plot) -> Result<Vec<PathBuf>, String> {
    if let Output::Page(path) = out {
        let title = args.title.clone().unwrap_or_else(|| title(figures));
        let provenance = Provenance { title, ..Provenance::default() };
        files::write(path, html(figures, settings, &provenance).as_bytes())?;
        return Ok(vec![path.clone()]);
    }
    let charts = charts_asked(figures, settings);
    if charts.is_empty() {
        return Err("there is nothing to draw: no run has made an epoch or iteration yet".to_owned());
    }
    let mut written = Vec::new();
    for chart in &charts {
        // One figure has the name that was asked for; of several, each has its own behind it.
        let path = if charts.len() == 1 {
            out.path().clone()
        } else {
            let stem = out.path().file_stem().unwrap_or_default().to_string_lossy();
            let ending = out.path().extension().unwrap_or_default().to_string_lossy();
            out.path().with_file_name(format!("{stem}_{}.{ending}", chart.name()))
        };
        files::write(&path, &out.content(chart)?)?;
        written.push(path);
    }
    Ok(written)
}

/// What the page is called: the problem, where all runs have the same.
fn title(figures: &[Figure]) -> String {
    let mut titles: Vec<&String> =
        figures.iter().flat_map(Figure::runs).filter_map(|run| run.problem.title.as_ref()).collect();
    titles.dedup();
    let runs = figures.iter().flat_map(Figure::runs).count();
    match titles.as_slice() {
        [title] => (*title).clone(),
        _ => counted(runs, "run"),
    }
}

/// Refuses quantities that no run has.
fn known(figures: &[Figure], show: &[String]) -> Result<(), String> {
    let runs: Vec<&Log> = figures.iter().flat_map(Figure::runs).collect();
    let mut there: Vec<&str> = Vec::new();
    for name in runs.iter().flat_map(|run| run.quantities()) {
        if !there.contains(&name) {
            there.push(name);
        }
    }
    match show.iter().find(|name| !there.contains(&name.as_str())) {
        Some(name) => Err(format!(
            "`--show {name}`: no run has a value of `{name}`; these can be drawn: {}",
            there.join(", ")
        )),
        None => Ok(()),
    }
}
