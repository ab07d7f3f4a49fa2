//! Draws logs: `cargo run -p optkit-report --example report -- FOLDER run.jsonl…` writes a page and its figures.

use optkit_report::{Log, Provenance, Settings, charts, group, html};
use std::error::Error;
use std::fs;
use std::io::BufReader;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("name a folder, then the logs to draw")?;
    let mut logs = Vec::new();
    for name in arguments {
        logs.push(Log::read(&name, BufReader::new(fs::File::open(&name)?))?);
    }
    let figures = group(logs);
    let settings = Settings::default();
    let provenance = Provenance { title: "Runs".to_owned(), ..Provenance::default() };
    fs::create_dir_all(&folder)?;
    let folder = Path::new(&folder);
    for chart in charts(&figures, &settings) {
        fs::write(folder.join(format!("{}.svg", chart.name())), chart.svg())?;
        #[cfg(feature = "png")]
        fs::write(folder.join(format!("{}.png", chart.name())), optkit_report::png(&chart.svg(), 2.0)?)?;
        fs::write(folder.join(format!("{}.csv", chart.name())), chart.csv())?;
    }
    fs::write(folder.join("report.html"), html(&figures, &settings, &provenance))?;
    Ok(())
}
