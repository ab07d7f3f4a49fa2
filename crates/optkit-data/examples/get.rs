//! Puts a dataset on this machine, tells how it goes, and loads it:
//! `cargo run --release -p optkit-data --example get -- digits [DATA_DIR]`.

use optkit_data::{Fetch, Locations, Progress, load};
use std::path::Path;
use std::time::Instant;

struct Told;

impl Progress for Told {
    fn source(&mut self, dataset: &str, source: &str) {
        println!("{dataset} from {source}");
    }
    fn stored(&mut self, file: &str, path: &Path) {
        println!("  {file} is {}", path.display());
    }
    fn failed(&mut self, _source: &str, reason: &str) {
        println!("  {reason}");
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_else(|| "digits".to_owned());
    let locations = Locations::from_environment(arguments.next().map(Into::into));
    let begun = Instant::now();
    match load(&name, None, &locations, Fetch::IfMissing(&mut Told)) {
        Ok(data) => println!(
            "{}: {} + {} samples of {:?}, {} classes, from {}, in {:.0} ms, sha256 {}",
            data.name,
            data.train.samples,
            data.test.samples,
            data.shape,
            data.classes,
            data.origin,
            1e3 * begun.elapsed().as_secs_f64(),
            data.checksum
        ),
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(if error.is_missing() { 4 } else { 2 });
        }
    }
}
