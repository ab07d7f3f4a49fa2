//! Figures in pixels, for where SVG cannot go.
//!
//! The SVG of a figure is rendered as it is, with fonts that travel with this crate: a bare machine has none. They hold
//! the letters of European languages, Greek, Cyrillic and the signs of formulas; any other letter is drawn as a box.

use crate::ReportError;
use resvg::{tiny_skia, usvg};
use std::sync::{Arc, LazyLock};

/// Subsets of DejaVu Sans, made by `fonts/subset.sh`.
const FONTS: [&[u8]; 2] =
    [include_bytes!("../fonts/DejaVuSans.ttf"), include_bytes!("../fonts/DejaVuSans-Bold.ttf")];

const FAMILY: &str = "DejaVu Sans";

/// More pixels than this in one direction are a mistake.
const MOST: f32 = 20_000.0;

static DATABASE: LazyLock<Arc<usvg::fontdb::Database>> = LazyLock::new(|| {
    let mut database = usvg::fontdb::Database::new();
    for font in FONTS {
        database.load_font_data(font.to_vec());
    }
    database.set_sans_serif_family(FAMILY);
    Arc::new(database)
});

/// A figure's SVG ([`Chart::svg`](crate::Chart::svg)) as a PNG image of `scale` times its size: 2 for screens and
/// slides, 4 for print.
///
/// # Errors
///
/// Where `svg` is no SVG, or where the image would have no pixel or more than 20,000 in a direction.
///
/// ```
/// # use optkit_report::{Log, Settings, charts, group, png};
/// let log = Log::read("run.jsonl", &b"{\"problem\": {}}\n{\"epoch\": 1, \"loss\": 0.5}"[..])?;
/// let image = png(&charts(&group(vec![log]), &Settings::default())[0].svg(), 2.0)?;
/// assert!(image.starts_with(b"\x89PNG"));
/// # Ok::<(), optkit_report::ReportError>(())
/// ```
pub fn png(svg: &str, scale: f32) -> Result<Vec<u8>, ReportError> {
    let options = usvg::Options {
        fontdb: Arc::clone(&DATABASE),
        font_family: FAMILY.to_owned(),
        ..usvg::Options::default()
    };
    let tree = usvg::Tree::from_str(svg, &options)
        .map_err(|error| ReportError::Svg { reason: error.to_string() })?;
    let (width, height) = ((tree.size().width() * scale).ceil(), (tree.size().height() * scale).ceil());
    let image = if (1.0..=MOST).contains(&width) && (1.0..=MOST).contains(&height) {
        tiny_skia::Pixmap::new(width as u32, height as u32)
    } else {
        None
    };
    let Some(mut image) = image else { return Err(ReportError::Size { scale, width, height }) };
    resvg::render(&tree, tiny_skia::Transform::from_scale(scale, scale), &mut image.as_mut());
    image.encode_png().map_err(|error| ReportError::Svg { reason: error.to_string() })
}
